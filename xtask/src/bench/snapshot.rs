//! What a snapshot costs a server that is written to at full speed: stall, memory, time.
//!
//! The server is filled, writers overwrite its keys without a pause, and saves and rewrites of the log follow each other.
//! The server's own counters tell about the cut, the turns and what was copied; the kernel tells about resident memory.
//! Redis has a child process instead: its fork is the cut, and its private pages are what was copied.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::client::Client;
use super::report::{Table, median};
use super::server::Server;
use super::sets::{Content, Sets};
use super::usage;
use super::writers::{Load, Writers};
use super::{Contestant, info::Info};
use crate::shell::heading;

const VALUE_BYTES: usize = 100;
/// Writers run alone for so long before each snapshot.
const QUIET_TIME: Duration = Duration::from_secs(1);
/// The kernel is asked for memory this often while a snapshot runs.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);
const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(600);

pub(super) struct Plan {
    pub(super) keys: u64,
    /// Saves, and as many rewrites, per content.
    pub(super) rounds: usize,
}

/// Which command takes the snapshot, and where INFO tells about it.
#[derive(Clone, Copy)]
struct Job {
    command: &'static str,
    in_progress: &'static str,
    status: &'static str,
    copied_bytes: &'static str,
}

const JOBS: [Job; 2] = [
    Job {
        command: "BGSAVE",
        in_progress: "rdb_bgsave_in_progress",
        status: "rdb_last_bgsave_status",
        copied_bytes: "rdb_last_cow_size",
    },
    Job {
        command: "BGREWRITEAOF",
        in_progress: "aof_rewrite_in_progress",
        status: "aof_last_bgrewrite_status",
        copied_bytes: "aof_last_cow_size",
    },
];

/// One snapshot, measured.
struct Measured {
    cut_us: f64,
    /// Processor time of the executor's longest turn before and during it. Redis does not tell.
    turn_before_us: Option<f64>,
    turn_during_us: Option<f64>,
    copied_percent: f64,
    resident_growth_percent: f64,
    seconds: f64,
    writes_per_second_before: f64,
    writes_per_second_during: f64,
}

pub(super) fn run(contestants: &[&Contestant], directory: &Path, plan: &Plan) -> Result<()> {
    heading(&format!(
        "snapshots of {} keys, {VALUE_BYTES} B values, under full write load ({})",
        plan.keys,
        Load::describe()
    ));
    let mut table = Table::new(&[
        "server",
        "values",
        "command",
        "n",
        "cut us",
        "max",
        "turn CPU us without",
        "max",
        "with",
        "max",
        "copied %",
        "max",
        "RSS growth %",
        "max",
        "seconds",
        "writes/s without",
        "with",
    ]);
    for contestant in contestants {
        for content in [Content::Noise, Content::Document] {
            measure_content(contestant, content, directory, plan, &mut table)?;
        }
    }
    heading("medians, and the highest value of each");
    println!("{table}");
    Ok(())
}

fn measure_content(
    contestant: &Contestant,
    content: Content,
    directory: &Path,
    plan: &Plan,
    table: &mut Table,
) -> Result<()> {
    let server = Server::start(contestant, &["--appendonly", "yes"], directory)?;
    let mut client = Client::connect(server.address())?;
    client.fill(plan.keys, &mut Sets::new(1, content, VALUE_BYTES))?;
    let load = Load { keys: plan.keys, value_bytes: VALUE_BYTES, content };
    let writers = Writers::start(server.address(), load);
    for job in JOBS {
        let mut all = Vec::new();
        for round in 0..plan.rounds {
            let measured = measure(&server, &mut client, &writers, job)?;
            println!(
                "{} {} {} {}: cut {:.0} us, turn {} us (before {}), copied {:.1} %, RSS +{:.1} %, {:.1} s",
                contestant.name,
                content.name(),
                job.command,
                round + 1,
                measured.cut_us,
                or_dash(measured.turn_during_us),
                or_dash(measured.turn_before_us),
                measured.copied_percent,
                measured.resident_growth_percent,
                measured.seconds,
            );
            all.push(measured);
        }
        table.row(row(contestant, content, job, &all));
    }
    writers.stop()
}

fn measure(server: &Server, client: &mut Client, writers: &Writers, job: Job) -> Result<Measured> {
    client.command(&["CONFIG", "RESETSTAT"])?;
    let (started, written) = (Instant::now(), writers.acknowledged());
    std::thread::sleep(QUIET_TIME);
    let before = Info::of(client)?;
    let rate_before = (writers.acknowledged() - written) as f64 / started.elapsed().as_secs_f64();
    let resident_before = usage::resident_bytes(server.process_id())?;

    let (started, written) = (Instant::now(), writers.acknowledged());
    let answer = client.command(&[job.command])?;
    if !answer.starts_with("+Background") {
        bail!("{} was answered {answer}", job.command);
    }
    let mut resident_peak = resident_before;
    let after = loop {
        std::thread::sleep(SAMPLE_INTERVAL);
        let children = usage::children_private_bytes(server.process_id());
        resident_peak = resident_peak.max(usage::resident_bytes(server.process_id())? + children);
        if Info::section(client, "persistence")?.number(job.in_progress)? == 0.0 {
            break Info::of(client)?;
        }
        if started.elapsed() > SNAPSHOT_TIME_MAX {
            bail!("{} does not end", job.command);
        }
    };
    let elapsed = started.elapsed();
    if after.text(job.status)? != "ok" {
        bail!("{} has failed", job.command);
    }
    let dataset_bytes = before.number("used_memory_dataset")?;
    let cut_us = after.number("snapshot_last_cut_us").or_else(|_| after.number("latest_fork_usec"))?;
    Ok(Measured {
        cut_us,
        turn_before_us: before.number("no_snapshot_longest_turn_cpu_us").ok(),
        turn_during_us: after.number("snapshot_longest_turn_cpu_us").ok(),
        copied_percent: 100.0 * after.number(job.copied_bytes)? / dataset_bytes,
        resident_growth_percent: 100.0 * (resident_peak - resident_before) as f64 / dataset_bytes,
        seconds: elapsed.as_secs_f64(),
        writes_per_second_before: rate_before,
        writes_per_second_during: (writers.acknowledged() - written) as f64 / elapsed.as_secs_f64(),
    })
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"))
}

fn row(contestant: &Contestant, content: Content, job: Job, all: &[Measured]) -> Vec<String> {
    let pair = |value: &dyn Fn(&Measured) -> Option<f64>, digits: usize| {
        let values: Vec<f64> = all.iter().filter_map(value).collect();
        if values.is_empty() {
            return ["-".to_owned(), "-".to_owned()];
        }
        let highest = values.iter().copied().fold(f64::MIN, f64::max);
        [format!("{:.digits$}", median(values)), format!("{highest:.digits$}")]
    };
    let mut cells = vec![
        contestant.name.to_owned(),
        content.name().to_owned(),
        job.command.to_owned(),
        all.len().to_string(),
    ];
    cells.extend(pair(&|measured| Some(measured.cut_us), 0));
    cells.extend(pair(&|measured| measured.turn_before_us, 0));
    cells.extend(pair(&|measured| measured.turn_during_us, 0));
    cells.extend(pair(&|measured| Some(measured.copied_percent), 1));
    cells.extend(pair(&|measured| Some(measured.resident_growth_percent), 1));
    let [seconds, _] = pair(&|measured| Some(measured.seconds), 1);
    let [before, _] = pair(&|measured| Some(measured.writes_per_second_before), 0);
    let [during, _] = pair(&|measured| Some(measured.writes_per_second_during), 0);
    cells.extend([seconds, before, during]);
    cells
}
