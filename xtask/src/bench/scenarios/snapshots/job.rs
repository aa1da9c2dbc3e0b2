//! Which command takes the snapshot, and where INFO tells about it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::bench::client::Client;
use crate::bench::info::Info;

/// The server is asked this often whether its snapshot has ended.
const ASK_INTERVAL: Duration = Duration::from_millis(50);
pub(super) const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(600);

/// A command that takes a snapshot, and the names of what is told about it.
pub(in crate::bench::scenarios) struct Job {
    pub(super) command: &'static str,
    /// Begins the names of drawings.
    pub(super) name: &'static str,
    /// Names of tables.
    pub(super) full_speed: &'static str,
    pub(super) latency: &'static str,
    pub(super) probe: &'static str,
    in_progress: &'static str,
    status: &'static str,
    pub(super) copied_bytes: &'static str,
}

pub(in crate::bench::scenarios) const BGSAVE: Job = Job {
    command: "BGSAVE",
    name: "BGSAVE",
    full_speed: "bgsave: at full speed",
    latency: "bgsave: at half speed",
    probe: "bgsave: a probing client at half speed",
    in_progress: "rdb_bgsave_in_progress",
    status: "rdb_last_bgsave_status",
    copied_bytes: "rdb_last_cow_size",
};

pub(in crate::bench::scenarios) const BGSAVE_HASHES: Job = Job {
    name: "BGSAVE of hashes",
    full_speed: "bgsave of hashes: at full speed",
    latency: "bgsave of hashes: at half speed",
    probe: "bgsave of hashes: a probing client at half speed",
    ..BGSAVE
};

pub(in crate::bench::scenarios) const REWRITE: Job = Job {
    command: "BGREWRITEAOF",
    name: "BGREWRITEAOF",
    full_speed: "rewrite: at full speed",
    latency: "rewrite: at half speed",
    probe: "rewrite: a probing client at half speed",
    in_progress: "aof_rewrite_in_progress",
    status: "aof_last_bgrewrite_status",
    copied_bytes: "aof_last_cow_size",
};

impl Job {
    pub(super) fn begin(&self, client: &mut Client) -> Result<()> {
        let answer = client.command(&[self.command])?;
        if !answer.starts_with("+Background") {
            bail!("{} was answered {answer}", self.command);
        }
        Ok(())
    }

    /// Waits until the snapshot is there, calling `watch` from time to time; returns what INFO says then.
    pub(super) fn wait_for_end(
        &self,
        client: &mut Client,
        mut watch: impl FnMut() -> Result<()>,
    ) -> Result<Info> {
        let started = Instant::now();
        loop {
            std::thread::sleep(ASK_INTERVAL);
            watch()?;
            if Info::section(client, "persistence")?.number(self.in_progress)? == 0.0 {
                break;
            }
            if started.elapsed() > SNAPSHOT_TIME_MAX {
                bail!("{} does not end", self.command);
            }
        }
        let info = Info::of(client)?;
        if info.text(self.status)? != "ok" {
            bail!("{} has failed", self.command);
        }
        Ok(info)
    }
}
