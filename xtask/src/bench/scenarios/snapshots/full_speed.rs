//! One snapshot while writers overwrite what is there without a pause: cut, turns, memory.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::job::Job;
use crate::bench::client::Client;
use crate::bench::info::Info;
use crate::bench::load::Running;
use crate::bench::process;
use crate::bench::results::Better::{Higher, Lower};
use crate::bench::results::Metric;
use crate::bench::server::Server;

pub(super) const METRICS: &[Metric] = &[
    Metric::new("cut_us", "cut us", Lower, 0),
    Metric::new("turn_before_us", "longest turn without, CPU us", Lower, 0),
    Metric::new("turn_during_us", "with", Lower, 0),
    Metric::new("copied_percent", "copied %", Lower, 1),
    Metric::new("resident_growth_percent", "RSS growth %", Lower, 1),
    Metric::new("seconds", "seconds", Lower, 1),
    Metric::new("writes_before", "writes/s without", Higher, 0),
    Metric::new("writes_during", "with", Higher, 0),
];

/// Writers run alone for so long before each snapshot.
const QUIET_TIME: Duration = Duration::from_secs(1);
/// The kernel walks through all pages of a child to tell about them; it may spend a twentieth of the time on that.
const LOOK_PAUSES: u32 = 20;

/// One snapshot: the values of [`METRICS`]. Redis does not tell about its turns.
pub(super) fn measure(
    server: &Server,
    client: &mut Client,
    writers: &Running,
    job: &Job,
) -> Result<[Option<f64>; 8]> {
    client.command(&["CONFIG", "RESETSTAT"])?;
    let (started, written) = (Instant::now(), writers.acknowledged());
    std::thread::sleep(QUIET_TIME);
    let before = Info::of(client)?;
    let rate_before = (writers.acknowledged() - written) as f64 / started.elapsed().as_secs_f64();
    let resident_before = process::resident_bytes(server.process_id())?;

    let (started, written) = (Instant::now(), writers.acknowledged());
    job.begin(client)?;
    let mut resident_peak = resident_before;
    let mut next_look = Instant::now();
    let after = job.wait_for_end(client, || {
        let look = Instant::now();
        if look >= next_look {
            let children = process::children_private_bytes(server.process_id());
            resident_peak = resident_peak.max(process::resident_bytes(server.process_id())? + children);
            next_look = Instant::now() + look.elapsed() * LOOK_PAUSES;
        }
        Ok(())
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let dataset_bytes = before.number("used_memory_dataset")?;
    let cut_us = after.number("snapshot_last_cut_us").or_else(|_| after.number("latest_fork_usec"))?;
    Ok([
        Some(cut_us),
        before.number("no_snapshot_longest_turn_cpu_us").ok(),
        after.number("snapshot_longest_turn_cpu_us").ok(),
        Some(100.0 * after.number(job.copied_bytes)? / dataset_bytes),
        Some(100.0 * (resident_peak - resident_before) as f64 / dataset_bytes),
        Some(seconds),
        Some(rate_before),
        Some((writers.acknowledged() - written) as f64 / seconds),
    ])
}
