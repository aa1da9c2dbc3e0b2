//! What a snapshot costs a server that is written to: stall, memory, time, and the latency of its clients.
//!
//! First at full speed: the server is filled and writers overwrite its keys without a pause. The server's own counters tell
//! about the cut, the turns and what was copied; the kernel tells about resident memory. Redis has a child process instead:
//! its fork is the cut, and its private pages are what was copied. Then in an open loop at half of what the slowest server
//! can do, which tells what clients notice.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::latency_chart;
use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::info::Info;
use crate::bench::load::{Commands, Content, Measured, Pace, Running, Workload};
use crate::bench::page::{Band, Chart, Weight};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::{Higher, Lower, Neither};
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;

const FULL_SPEED: &[Metric] = &[
    Metric::new("cut_us", "cut us", Lower, 0),
    Metric::new("turn_before_us", "longest turn without, CPU us", Lower, 0),
    Metric::new("turn_during_us", "with", Lower, 0),
    Metric::new("copied_percent", "copied %", Lower, 1),
    Metric::new("resident_growth_percent", "RSS growth %", Lower, 1),
    Metric::new("seconds", "seconds", Lower, 1),
    Metric::new("writes_before", "writes/s without", Higher, 0),
    Metric::new("writes_during", "with", Higher, 0),
];

const LATENCY: &[Metric] = &[
    Metric::new("quiet_p99_ms", "quiet p99 ms", Lower, 2),
    Metric::new("quiet_p999_ms", "p99.9", Lower, 2),
    Metric::new("p99_ms", "meanwhile p99 ms", Lower, 2),
    Metric::new("p999_ms", "p99.9", Lower, 2),
    Metric::new("max_ms", "max", Lower, 1),
    Metric::new("factor", "p99.9, times quiet", Lower, 1),
    Metric::new("seconds", "seconds", Lower, 1),
    Metric::new("generator_percent", "generator CPU %", Neither, 0),
];

/// Writers run alone for so long before each snapshot.
const QUIET_TIME: Duration = Duration::from_secs(1);
/// The kernel is asked for memory this often while a snapshot runs.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);
const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(600);

/// Which command takes the snapshot, and where INFO tells about it.
pub(super) struct Job {
    command: &'static str,
    full_speed: &'static str,
    latency: &'static str,
    in_progress: &'static str,
    status: &'static str,
    copied_bytes: &'static str,
}

pub(super) const BGSAVE: Job = Job {
    command: "BGSAVE",
    full_speed: "bgsave: at full speed",
    latency: "bgsave: at half speed",
    in_progress: "rdb_bgsave_in_progress",
    status: "rdb_last_bgsave_status",
    copied_bytes: "rdb_last_cow_size",
};

pub(super) const REWRITE: Job = Job {
    command: "BGREWRITEAOF",
    full_speed: "rewrite: at full speed",
    latency: "rewrite: at half speed",
    in_progress: "aof_rewrite_in_progress",
    status: "aof_last_bgrewrite_status",
    copied_bytes: "aof_last_cow_size",
};

/// An open loop with one snapshot in it.
struct Timeline {
    server: String,
    content: Content,
    colour: usize,
    measured: Measured,
    /// Seconds since the start of the load.
    snapshot: (f64, f64),
}

pub(super) fn run(context: &Context<'_>, job: &Job) -> Result<Outcome> {
    let arguments = context.arguments;
    let keys = arguments.keys(50_000, 3_000_000);
    let contents = arguments.contents();
    let mut full_speed = Measurements::new(job.full_speed, FULL_SPEED);
    let mut latency = Measurements::new(job.latency, LATENCY);
    let mut timelines: Vec<Timeline> = Vec::new();
    let rounds = arguments.rounds();
    let progress = Progress::new(1 + rounds * contents.len() * context.contestants.len() * 3);
    progress.step("what the servers can do");
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => half_of_capacity(context, keys)?,
    };
    for round in 0..rounds {
        for content in &contents {
            for contestant in context.in_turn(round) {
                let what = format!("round {}: {} {}", round + 1, contestant.name, content.name());
                progress.step(&format!("{what}: filling"));
                let server = Server::start(contestant, Policy::Everysec.options(), &context.directory)?;
                let mut client = Client::connect(server.address())?;
                client.fill(keys, &mut Commands::new(1, *content, arguments.value_bytes))?;
                progress.step(&format!("{what}: at full speed"));
                let writers = Running::start(server.address(), &at_full_speed(context, keys, *content))?;
                let values = measure(&server, &mut client, &writers, job)?;
                writers.stop()?;
                full_speed.record(&[("values", content.name())], &contestant.name, values);
                progress.step(&format!("{what}: at half speed"));
                let load = Workload {
                    pace: Pace::Open { per_second: rate },
                    content: *content,
                    ..arguments.open_loop(SNAPSHOT_TIME_MAX, keys)
                };
                let timeline = timeline(context, contestant, &server, &mut client, &load, job)?;
                record_latency(&timeline, &mut latency);
                timelines.retain(|old| old.server != contestant.name || old.content != *content);
                timelines.push(timeline);
            }
        }
    }
    drop(progress);
    let notes = vec![format!(
        "{keys} keys, values of {} B, appendonly yes, everysec. At full speed: {}. At half speed: {}. Cut: \
         snapshot_last_cut_us, for Redis the fork. Copied: the most that only the snapshot kept alive, for Redis the private \
         pages of its child, in percent of used_memory_dataset.",
        arguments.value_bytes,
        at_full_speed(context, keys, arguments.content()).describe(),
        Workload { pace: Pace::Open { per_second: rate }, ..arguments.open_loop(SNAPSHOT_TIME_MAX, keys) }
            .describe(),
    )];
    Ok(Outcome {
        title: format!("{} under load", job.command),
        notes,
        charts: charts(job, &contents, &timelines),
        tables: vec![full_speed, latency],
    })
}

/// As many writes as the server takes: there is always something in flight on every connection.
fn at_full_speed(context: &Context<'_>, keys: u64, content: Content) -> Workload {
    Workload {
        clients: 16,
        threads: 2,
        pipeline: 32,
        content,
        ..context.arguments.closed_loop(SNAPSHOT_TIME_MAX, keys)
    }
}

fn half_of_capacity(context: &Context<'_>, keys: u64) -> Result<f64> {
    let mut slowest = f64::MAX;
    for contestant in context.contestants {
        let server = Server::start(contestant, Policy::Everysec.options(), &context.directory)?;
        let load = context.arguments.closed_loop(context.arguments.load_time(0.5, 2.0), keys);
        slowest = slowest.min(Running::run(server.address(), &load)?.per_second());
    }
    Ok((slowest / 2.0).floor().max(1.0))
}

fn timeline(
    context: &Context<'_>,
    contestant: &Contestant,
    server: &Server,
    client: &mut Client,
    load: &Workload,
    job: &Job,
) -> Result<Timeline> {
    let running = Running::start(server.address(), load)?;
    let quiet = context.arguments.load_time(1.5, 5.0);
    std::thread::sleep(quiet);
    let started = Instant::now();
    begin(client, job)?;
    wait_for_end(client, job, started, || Ok(()))?;
    let ended = Instant::now();
    // What was due near the end is answered, and how the server recovers is seen.
    std::thread::sleep(quiet / 3);
    let measured = running.stop()?;
    let seconds = |at: Instant| (at - measured.started).as_secs_f64();
    let colour = context.contestants.iter().position(|known| known.name == contestant.name).unwrap_or(0);
    Ok(Timeline {
        server: contestant.name.clone(),
        content: load.content,
        colour,
        snapshot: (seconds(started), seconds(ended)),
        measured,
    })
}

fn record_latency(timeline: &Timeline, table: &mut Measurements) {
    let (start, end) = timeline.snapshot;
    let measured = &timeline.measured;
    // The first moments of a load are about connections and caches. A slot may begin before the snapshot does.
    let quiet = measured.slots.between(Duration::from_millis(200), Duration::from_secs_f64(start - 0.05));
    let meanwhile =
        measured.slots.between(Duration::from_secs_f64(start - 0.05), Duration::from_secs_f64(end + 0.05));
    table.record(
        &[("values", timeline.content.name())],
        &timeline.server,
        [
            Some(quiet.quantile_ms(0.99)),
            Some(quiet.quantile_ms(0.999)),
            Some(meanwhile.quantile_ms(0.99)),
            Some(meanwhile.quantile_ms(0.999)),
            Some(meanwhile.max_ms()),
            Some(meanwhile.quantile_ms(0.999) / quiet.quantile_ms(0.999)),
            Some(end - start),
            Some(100.0 * measured.generator_share),
        ],
    );
}

fn charts(job: &Job, contents: &[Content], timelines: &[Timeline]) -> Vec<Chart> {
    let range_ms = latency_chart::common_range_ms(timelines.iter().map(|timeline| &timeline.measured));
    let mut charts = Vec::new();
    for content in contents {
        let mut of_content: Vec<&Timeline> =
            timelines.iter().filter(|timeline| timeline.content == *content).collect();
        of_content.sort_by_key(|timeline| timeline.colour);
        for timeline in of_content {
            let (start, end) = timeline.snapshot;
            charts.push(latency_chart::over_time(
                format!("{}: latency over time, {}, {}", job.command, content.name(), timeline.server),
                &timeline.measured,
                timeline.colour,
                vec![Band { name: "snapshot", start, end }],
                Vec::new(),
                range_ms,
            ));
        }
    }
    for content in contents {
        let of_content = timelines.iter().filter(|timeline| timeline.content == *content);
        let latencies: Vec<_> = of_content
            .flat_map(|timeline| {
                let (start, end) = timeline.snapshot;
                let span = |from: f64, to: f64| {
                    let (from, to) = (Duration::from_secs_f64(from), Duration::from_secs_f64(to));
                    timeline.measured.slots.between(from, to)
                };
                [
                    (
                        format!("{}, quiet", timeline.server),
                        timeline.colour,
                        Weight::Dotted,
                        span(0.2, start - 0.05),
                    ),
                    (
                        format!("{}, meanwhile", timeline.server),
                        timeline.colour,
                        Weight::Strong,
                        span(start - 0.05, end + 0.05),
                    ),
                ]
            })
            .collect();
        charts.push(latency_chart::distribution(
            format!("{}: distribution of latency, {}", job.command, content.name()),
            latencies.iter().map(|(name, colour, weight, latency)| (name.clone(), *colour, *weight, latency)),
        ));
    }
    charts
}

/// One snapshot at full speed: the values of [`FULL_SPEED`]. Redis does not tell about its turns.
fn measure(server: &Server, client: &mut Client, writers: &Running, job: &Job) -> Result<[Option<f64>; 8]> {
    client.command(&["CONFIG", "RESETSTAT"])?;
    let (started, written) = (Instant::now(), writers.acknowledged());
    std::thread::sleep(QUIET_TIME);
    let before = Info::of(client)?;
    let rate_before = (writers.acknowledged() - written) as f64 / started.elapsed().as_secs_f64();
    let resident_before = process::resident_bytes(server.process_id())?;

    let (started, written) = (Instant::now(), writers.acknowledged());
    begin(client, job)?;
    let mut resident_peak = resident_before;
    let after = wait_for_end(client, job, started, || {
        let children = process::children_private_bytes(server.process_id());
        resident_peak = resident_peak.max(process::resident_bytes(server.process_id())? + children);
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

fn begin(client: &mut Client, job: &Job) -> Result<()> {
    let answer = client.command(&[job.command])?;
    if !answer.starts_with("+Background") {
        bail!("{} was answered {answer}", job.command);
    }
    Ok(())
}

/// Waits until the snapshot is there, calling `watch` from time to time; returns what INFO says then.
fn wait_for_end(
    client: &mut Client,
    job: &Job,
    started: Instant,
    mut watch: impl FnMut() -> Result<()>,
) -> Result<Info> {
    loop {
        std::thread::sleep(SAMPLE_INTERVAL);
        watch()?;
        if Info::section(client, "persistence")?.number(job.in_progress)? == 0.0 {
            break;
        }
        if started.elapsed() > SNAPSHOT_TIME_MAX {
            bail!("{} does not end", job.command);
        }
    }
    let info = Info::of(client)?;
    if info.text(job.status)? != "ok" {
        bail!("{} has failed", job.command);
    }
    Ok(info)
}
