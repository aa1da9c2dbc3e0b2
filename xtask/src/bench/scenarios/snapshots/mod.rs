//! What a snapshot costs a server that is written to: stall, memory, time, and the latency of its clients.
//!
//! First at full speed: the server is filled and writers overwrite its keys without a pause. The server's own counters tell
//! about the cut, the turns and what was copied; the kernel tells about resident memory. Redis has a child process instead:
//! its fork is the cut, and its private pages are what was copied. Then in an open loop at half of what the slowest server
//! can do, which tells what clients notice.

mod data;
mod full_speed;
mod half_speed;
mod job;

use anyhow::Result;

pub(super) use self::job::{BGSAVE, BGSAVE_HASHES, REWRITE};

use self::data::Data;
use self::half_speed::Timeline;
use self::job::{Job, SNAPSHOT_TIME_MAX};
use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::load::{Content, Pace, Running, Workload};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::{Measurements, Outcome};
use crate::bench::server::Server;

/// With many strings.
pub(super) fn run(context: &Context<'_>, job: &Job) -> Result<Outcome> {
    let data = Data::Strings { keys: context.arguments.keys(50_000, 3_000_000) };
    run_with(context, job, data, &context.arguments.contents())
}

/// With few big hashes.
pub(super) fn run_hashes(context: &Context<'_>) -> Result<Outcome> {
    let (hashes, fields) = context.arguments.hashes();
    run_with(context, &BGSAVE_HASHES, Data::Hashes { hashes, fields }, &[Content::Noise])
}

fn run_with(context: &Context<'_>, job: &Job, data: Data, contents: &[Content]) -> Result<Outcome> {
    let arguments = context.arguments;
    let mut full_speed = Measurements::new(job.full_speed, full_speed::METRICS);
    let mut latency = Measurements::new(job.latency, half_speed::METRICS);
    let mut probe = Measurements::new(job.probe, half_speed::PROBE_METRICS);
    let mut timelines: Vec<Timeline> = Vec::new();
    let rounds = arguments.rounds();
    let progress = Progress::new(1 + rounds * contents.len() * context.contestants.len() * 3);
    progress.step("what the servers can do");
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => half_of_capacity(context, data)?,
    };
    for round in 0..rounds {
        for content in contents {
            for contestant in context.in_turn(round) {
                let what = format!("round {}: {} {}", round + 1, contestant.name, content.name());
                progress.step(&format!("{what}: filling"));
                let server = Server::start(contestant, Policy::Everysec.options(), &context.directory)?;
                data.fill(server.address(), *content, arguments.value_bytes)?;
                warn_about_memory(&server)?;
                progress.step(&format!("{what}: at full speed"));
                let mut client = Client::connect(server.address())?;
                let writers = Running::start(server.address(), &at_full_speed(context, data, *content))?;
                let values = full_speed::measure(&server, &mut client, &writers, job)?;
                writers.stop()?;
                // What they left to be synced would make the quiet time below a busy one.
                server.sync_log()?;
                full_speed.record(&[("values", content.name())], &contestant.name, values);
                progress.step(&format!("{what}: at half speed"));
                let load = at_rate(context, data, *content, rate);
                let timeline = half_speed::measure(context, contestant, &server, data, &load, job)?;
                timeline.record(&mut latency, &mut probe);
                timelines.retain(|old| old.server != contestant.name || old.content != *content);
                timelines.push(timeline);
            }
        }
    }
    drop(progress);
    let notes = vec![format!(
        "{}, appendonly yes, everysec. At full speed: {}. At half speed: {}, and a probing client. Cut: \
         snapshot_last_cut_us, for Redis the fork. Copied: the most that only the snapshot kept alive, for Redis the private \
         pages of its child, in percent of used_memory_dataset. At half speed short snapshots are taken several times, and \
         the latencies during all of them count.",
        data.describe(arguments.value_bytes),
        at_full_speed(context, data, contents[0]).describe(),
        at_rate(context, data, contents[0], rate).describe(),
    )];
    Ok(Outcome {
        title: format!("{} under load", job.name),
        notes,
        charts: half_speed::charts(job, contents, &timelines),
        tables: vec![full_speed, latency, probe],
    })
}

/// A child of Redis may copy everything while it saves, and when that does not fit the kernel ends it.
fn warn_about_memory(server: &Server) -> Result<()> {
    let resident = process::resident_bytes(server.process_id())?;
    if let Some(available) = process::available_bytes().filter(|available| *available < resident) {
        println!(
            "warning: {} MB are resident and {} MB available; a snapshot that copies everything does not fit",
            resident >> 20,
            available >> 20
        );
    }
    Ok(())
}

/// As many writes as the server takes: there is always something in flight on every connection.
fn at_full_speed(context: &Context<'_>, data: Data, content: Content) -> Workload {
    data.load(Workload {
        clients: 16,
        threads: 2,
        pipeline: 32,
        content,
        ..context.arguments.closed_loop(SNAPSHOT_TIME_MAX, data.elements())
    })
}

fn at_rate(context: &Context<'_>, data: Data, content: Content, per_second: f64) -> Workload {
    data.load(Workload {
        pace: Pace::Open { per_second },
        content,
        ..context.arguments.closed_loop(SNAPSHOT_TIME_MAX, data.elements())
    })
}

fn half_of_capacity(context: &Context<'_>, data: Data) -> Result<f64> {
    let mut slowest = f64::MAX;
    for contestant in context.contestants {
        let server = Server::start(contestant, Policy::Everysec.options(), &context.directory)?;
        let time = context.arguments.load_time(0.5, 2.0);
        let load = data.load(context.arguments.closed_loop(time, data.elements()));
        slowest = slowest.min(Running::run(server.address(), &load)?.per_second());
    }
    Ok((slowest / 2.0).floor().max(1.0))
}
