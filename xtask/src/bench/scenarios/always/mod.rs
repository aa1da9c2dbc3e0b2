//! What it costs to wait for the disk: `always` with few and many clients beside each server's own everysec, GETs beside
//! SETs that wait, and what frames add to the log.

mod frames;
mod matrix;
mod reads;

use anyhow::{Context as _, Result};

use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::info::Info;
use crate::bench::load::Commands;
use crate::bench::page::{BarChart, Chart};
use crate::bench::progress::Progress;
use crate::bench::results::{Measurements, Outcome};
use crate::bench::server::Server;

/// Both servers of a contestant. Only one of them all is busy at a time.
struct Pair<'a> {
    contestant: &'a Contestant,
    always: Server,
    everysec: Server,
}

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let rounds = context.arguments.rounds();
    let count = context.contestants.len();
    let cells = matrix::cells(context.arguments.quick);
    let mut throughput = Measurements::new("always: as fast as it goes", matrix::METRICS);
    let mut latency = Measurements::new("always: GETs beside SETs", reads::METRICS);
    let mut size = Measurements::new("always: what frames add", frames::METRICS);
    let mut latencies = Vec::new();
    let progress = Progress::new(rounds * (1 + count * (1 + cells.len() + reads::WRITERS.len())));
    for round in 0..rounds {
        let mut pairs = Vec::new();
        for contestant in context.in_turn(round) {
            progress.step(&format!("round {}: filling {}", round + 1, contestant.name));
            pairs.push(Pair {
                contestant,
                always: start(context, contestant, Policy::Always)?,
                everysec: start(context, contestant, Policy::Everysec)?,
            });
        }
        for cell in &cells {
            for pair in &pairs {
                progress.step(&format!("round {}: {}, {}", round + 1, cell.name(), pair.contestant.name));
                matrix::measure(context, pair, cell, &mut throughput)?;
            }
        }
        for writers in reads::WRITERS {
            for pair in &pairs {
                let name = &pair.contestant.name;
                progress.step(&format!("round {}: GETs beside {}, {name}", round + 1, writers.name));
                let measured = reads::measure(context, pair, writers, &mut latency)?;
                // The last round of each is drawn.
                latencies.retain(|old: &reads::Measured| old.title() != measured.title());
                latencies.push(measured);
            }
        }
        drop(pairs);
        progress.step(&format!("round {}: frames", round + 1));
        frames::measure(context, &mut size)?;
    }
    drop(progress);
    let servers = context.names();
    let bars = |title: &str, note: &str, key: &str| {
        Chart::Bars(BarChart::of_medians(title, note, &servers, &throughput.medians(key)))
    };
    Ok(Outcome {
        title: "Waiting for the disk".to_owned(),
        notes: notes(context),
        charts: vec![
            bars(
                "Throughput of always",
                "commands, clients and pipeline: commands a second, more is better",
                "per_second",
            ),
            bars(
                "Always beside everysec",
                "commands, clients and pipeline: percent of its own everysec",
                "of_everysec_percent",
            ),
            reads::chart(&latencies),
        ],
        tables: vec![throughput, latency, size],
    })
}

fn notes(context: &Context<'_>) -> Vec<String> {
    let arguments = context.arguments;
    let delay = arguments.sync_delay();
    let disk = if delay.is_zero() {
        String::new()
    } else {
        format!(" Every sync takes {} ms longer than this disk needs.", delay.as_secs_f64() * 1000.0)
    };
    vec![
        format!(
            "Closed loops over {} keys, values of {} B, each on a server with always and on one with everysec, one after the \
             other.{disk}",
            keys(context),
            arguments.value_bytes
        ),
        "GETs beside SETs: one group of clients sets half of the keys in a closed loop, ten other clients get the other \
         half, which is durable, in an open loop. The latency is that of the GETs alone."
            .to_owned(),
        "What frames add: the growth of the log by the same SETs in pipelines of so many, each a batch with one sync."
            .to_owned(),
    ]
}

fn keys(context: &Context<'_>) -> u64 {
    context.arguments.keys(50_000, 500_000).max(2)
}

/// A server with all keys in it, and a disk as slow as asked for.
fn start(context: &Context<'_>, contestant: &Contestant, policy: Policy) -> Result<Server> {
    let arguments = context.arguments;
    let delay = arguments.sync_delay();
    let watcher = match &context.watcher {
        _ if delay.is_zero() => None,
        watcher => Some(watcher.as_ref().context("a slow disk needs a C compiler")?),
    };
    let server = Server::start_watched(contestant, policy.options(), &context.directory, watcher)?;
    let mut commands = Commands::new(1, arguments.content(), arguments.value_bytes);
    Client::connect(server.address())?.fill(keys(context), &mut commands)?;
    server.sync_log()?;
    if let Some(watch) = server.watch() {
        watch.set_delay(delay)?;
    }
    Ok(server)
}

/// Syncs of the log so far: seen from outside where they are watched, else as the server tells, if it does.
fn syncs(server: &Server) -> Result<Option<f64>> {
    if let Some(watch) = server.watch() {
        return Ok(Some(watch.syncs()?.iter().filter(|sync| sync.is_log).count() as f64));
    }
    let mut client = Client::connect(server.address())?;
    Ok(Info::section(&mut client, "persistence")?.number("aof_fsyncs").ok())
}
