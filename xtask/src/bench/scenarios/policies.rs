//! What each way of keeping writes costs, and what it loses: throughput, latency, processor time, syncs, bytes, data at
//! risk, and what is gone after a kill -9.
//!
//! For each policy and server: a closed loop as fast as it goes, an open loop at a rate that is the same for all, and a
//! kill. The first runs on an unwatched server; the others on one whose syncs are watched, which costs it a little.

use std::time::Duration;

use anyhow::Result;

use super::advice;
use super::exposure::Exposure;
use super::latency_chart;
use super::loss;
use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::info::Info;
use crate::bench::load::{Commands, Latency, Measured, Random, Running};
use crate::bench::page::{Axis, Band, BarChart, Chart, LineChart, Scale, Series, Weight};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::{Higher, Lower, Neither};
use crate::bench::results::{Measurements, Metric, Outcome, median};
use crate::bench::sampler::{Sample, Sampler, snapshots};
use crate::bench::server::Server;
use crate::bench::sync_watch::monotonic_ns;

const CAPACITY: &[Metric] = &[
    Metric::new("per_second", "commands/s", Higher, 0),
    Metric::new("cpu_us", "CPU us per command", Lower, 2),
    Metric::new("p50_ms", "p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99 ms", Lower, 2),
    Metric::new("commands_per_sync", "commands per sync", Neither, 0),
    Metric::new("dirtied_bytes", "dirtied bytes per command", Neither, 0),
    Metric::new("device_bytes", "device bytes per command", Lower, 0),
    Metric::new("generator_percent", "generator CPU %", Neither, 0),
];

const LATENCY: &[Metric] = &[
    Metric::new("p50_ms", "p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99 ms", Lower, 2),
    Metric::new("p999_ms", "p99.9 ms", Lower, 2),
    Metric::new("max_ms", "max ms", Lower, 1),
    Metric::new("cpu_us", "CPU us per command", Lower, 1),
    Metric::new("syncs_per_second", "syncs/s", Neither, 1),
    Metric::new("sync_p50_ms", "sync p50 ms", Neither, 2),
    Metric::new("sync_p99_ms", "p99", Neither, 2),
    Metric::new("sync_max_ms", "max", Neither, 1),
    Metric::new("send_delay_p99_ms", "sent late p99 ms", Neither, 2),
];

const RISK: &[Metric] = &[
    Metric::new("at_risk_ms", "power loss: at risk, median ms", Lower, 0),
    Metric::new("at_risk_ms_max", "max ms", Lower, 0),
    Metric::new("at_risk_kib_max", "max KiB (INFO)", Lower, 0),
    Metric::new("acknowledged", "kill -9: acknowledged", Neither, 0),
    Metric::new("lost", "lost", Lower, 0),
    Metric::new("lost_ms", "oldest lost, ms", Lower, 0),
    Metric::new("restart_ms", "restart ms", Lower, 0),
];

/// The tables as they grow.
struct Tables {
    capacity: Measurements,
    latency: Measurements,
    risk: Measurements,
}

/// An open loop, and what happened meanwhile.
struct Timeline {
    policy: Policy,
    server: String,
    colour: usize,
    measured: Measured,
    syncs: Vec<(f64, f64)>,
    sync_latency: Latency,
    snapshots: Vec<(f64, f64)>,
    exposure: Exposure,
    /// What the server itself says about it: seconds since the start of the load, and milliseconds.
    told_risk: Vec<(f64, f64)>,
}

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let arguments = context.arguments;
    let policies = arguments.policies();
    let mut tables = Tables {
        capacity: Measurements::new("policies: as fast as it goes", CAPACITY),
        latency: Measurements::new("policies: at a steady rate", LATENCY),
        risk: Measurements::new("policies: what is lost", RISK),
    };
    let mut timelines: Vec<Timeline> = Vec::new();
    let progress = Progress::new(arguments.rounds() * policies.len() * context.contestants.len() * 3);
    let mut random = Random::new(1);
    for round in 0..arguments.rounds() {
        for policy in &policies {
            for contestant in context.in_turn(round) {
                let what = format!("round {}: {} {}", round + 1, policy.name(), contestant.name);
                progress.step(&format!("{what}: as fast as it goes"));
                capacity(context, *policy, contestant, &mut tables.capacity)?;
                progress.step(&format!("{what}: at a steady rate"));
                let mut server = start(context, *policy, contestant, true)?;
                let timeline = timeline(context, *policy, contestant, &server, &mut tables)?;
                progress.step(&format!("{what}: kill -9"));
                lose(context, *policy, contestant, &mut server, &mut random, &mut tables.risk)?;
                // The last round of each is drawn.
                timelines.retain(|old| old.policy != *policy || old.server != contestant.name);
                timelines.push(timeline);
            }
        }
    }
    drop(progress);
    timelines.sort_by_key(|timeline| (timeline.policy as usize, timeline.colour));
    let closed = arguments.closed_loop(Duration::ZERO, keys(context));
    let open = arguments.open_loop(Duration::ZERO, keys(context));
    let mut notes = vec![
        format!("Throughput: {}. Latency: {}.", closed.describe(), open.describe()),
        "Off keeps nothing; rdb takes a snapshot two seconds after a write, again and again; no, everysec and always are \
         appendfsync. Latency counts from the moment when a command was due, so that those count that could not be sent \
         because the server stalled."
            .to_owned(),
        "At risk is the age of the oldest acknowledged write that a power loss would take; it is computed from when syncs \
         and snapshots began and ended, in the same way for every server. Lost is what was acknowledged and is not there \
         after kill -9 and a restart, which the kernel's page cache survives."
            .to_owned(),
    ];
    let charts = charts(context, &tables, &timelines);
    let advice =
        advice::advice(context.names()[0], &policies, &tables.capacity, &tables.latency, &tables.risk);
    notes.extend(advice);
    Ok(Outcome {
        title: "Which policy, and what it costs".to_owned(),
        notes,
        tables: vec![tables.capacity, tables.latency, tables.risk],
        charts,
    })
}

fn keys(context: &Context<'_>) -> u64 {
    context.arguments.keys(50_000, 500_000)
}

/// A server with all keys in it.
fn start(context: &Context<'_>, policy: Policy, contestant: &Contestant, watched: bool) -> Result<Server> {
    let watcher = if watched { context.watcher.as_ref() } else { None };
    let server = Server::start_watched(contestant, policy.options(), &context.directory, watcher)?;
    let mut commands = Commands::new(1, context.arguments.content(), context.arguments.value_bytes);
    Client::connect(server.address())?.fill(keys(context), &mut commands)?;
    Ok(server)
}

fn capacity(
    context: &Context<'_>,
    policy: Policy,
    contestant: &Contestant,
    table: &mut Measurements,
) -> Result<()> {
    let server = start(context, policy, contestant, false)?;
    let mut client = Client::connect(server.address())?;
    let workload = context.arguments.closed_loop(context.arguments.load_time(1.5, 5.0), keys(context));
    let syncs_before = Info::section(&mut client, "persistence")?.number("aof_fsyncs").ok();
    let cpu_before = process::cpu_time(server.process_id())?;
    let dirtied_before = process::dirtied_bytes(server.process_id())?;
    let device_before = process::device_bytes(&context.directory);
    let measured = Running::run(server.address(), &workload)?;
    let cpu = process::cpu_time(server.process_id())? - cpu_before;
    let dirtied = process::dirtied_bytes(server.process_id())? - dirtied_before;
    let device = process::device_bytes(&context.directory).zip(device_before);
    let syncs = Info::section(&mut client, "persistence")?.number("aof_fsyncs").ok();
    let commands = measured.latency.count() as f64;
    let syncs = syncs.zip(syncs_before).map(|(after, before)| after - before);
    table.record(
        &[("policy", policy.name())],
        &contestant.name,
        [
            Some(measured.per_second()),
            Some(cpu.as_secs_f64() * 1e6 / commands),
            Some(measured.latency.quantile_ms(0.5)),
            Some(measured.latency.quantile_ms(0.99)),
            syncs.filter(|syncs| *syncs > 0.0).map(|syncs| commands / syncs),
            Some(dirtied as f64 / commands),
            device.map(|(after, before)| (after - before) as f64 / commands),
            Some(100.0 * measured.generator_share),
        ],
    );
    Ok(())
}

fn timeline(
    context: &Context<'_>,
    policy: Policy,
    contestant: &Contestant,
    server: &Server,
    tables: &mut Tables,
) -> Result<Timeline> {
    let workload = context.arguments.open_loop(context.arguments.load_time(3.0, 10.0), keys(context));
    let cpu_before = process::cpu_time(server.process_id())?;
    let sampler = Sampler::start(server.address())?;
    let measured = Running::run(server.address(), &workload)?;
    let samples = sampler.stop()?;
    let cpu = process::cpu_time(server.process_id())? - cpu_before;
    let syncs = syncs_during(server, &measured)?;
    let snapshots = snapshots(&samples, measured.started);
    let exposure = exposure(policy, &measured, &syncs, &snapshots, server.watch().is_some());
    let quantile = |quantile| Some(measured.latency.quantile_ms(quantile));
    let mut sync_latency = Latency::new(3);
    for (start, end) in &syncs {
        sync_latency.record_ns(((end - start) * 1e9) as u64);
    }
    let sync_quantile =
        |quantile: f64| (sync_latency.count() > 0).then(|| sync_latency.quantile_ms(quantile));
    let is_watched = server.watch().is_some();
    tables.latency.record(
        &[("policy", policy.name())],
        &contestant.name,
        [
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            Some(measured.latency.max_ms()),
            Some(cpu.as_secs_f64() * 1e6 / measured.latency.count() as f64),
            is_watched.then_some(syncs.len() as f64 / measured.elapsed.as_secs_f64()),
            sync_quantile(0.5),
            sync_quantile(0.99),
            sync_quantile(1.0),
            Some(measured.send_delay.quantile_ms(0.99)),
        ],
    );
    let risk = exposure.as_ref();
    let at_risk_kib = |sample: &Sample| sample.at_risk_bytes.map(|bytes| bytes / 1024.0);
    tables.risk.record(
        &[("policy", policy.name())],
        &contestant.name,
        [
            risk.map(|risk| median(risk.points.iter().map(|(_, ms)| *ms).collect())),
            risk.map(Exposure::max_ms),
            samples.iter().filter_map(at_risk_kib).max_by(f64::total_cmp),
            None,
            None,
            None,
            None,
        ],
    );
    let colour = context.contestants.iter().position(|known| known.name == contestant.name).unwrap_or(0);
    Ok(Timeline {
        policy,
        server: contestant.name.clone(),
        colour,
        syncs,
        sync_latency,
        snapshots,
        exposure: exposure.unwrap_or_else(|| Exposure { points: Vec::new() }),
        told_risk: samples
            .iter()
            .filter_map(|sample| Some(((sample.at - measured.started).as_secs_f64(), sample.at_risk_ms?)))
            .filter(|(at, _)| *at <= measured.elapsed.as_secs_f64())
            .collect(),
        measured,
    })
}

/// Syncs of the log that ended while the load ran, in seconds since its start.
fn syncs_during(server: &Server, measured: &Measured) -> Result<Vec<(f64, f64)>> {
    let Some(watch) = server.watch() else { return Ok(Vec::new()) };
    let start_ns = monotonic_ns(measured.started);
    let seconds = |ns: u64| (ns as f64 - start_ns as f64) / 1e9;
    let syncs = watch.syncs()?.into_iter().filter(|sync| sync.is_log);
    let spans = syncs.map(|sync| (seconds(sync.started_ns), seconds(sync.end_ns())));
    Ok(spans.filter(|(_, end)| (0.0..=measured.elapsed.as_secs_f64()).contains(end)).collect())
}

/// `None` where nobody saw the syncs.
fn exposure(
    policy: Policy,
    measured: &Measured,
    syncs: &[(f64, f64)],
    snapshots: &[(f64, f64)],
    is_watched: bool,
) -> Option<Exposure> {
    match policy {
        Policy::Off => Some(Exposure::of(&[], measured.elapsed)),
        Policy::Rdb => {
            // The last one may not have ended.
            let ended = snapshots.iter().filter(|(_, end)| *end < measured.elapsed.as_secs_f64());
            Some(Exposure::of(&ended.copied().collect::<Vec<_>>(), measured.elapsed))
        }
        // Replies wait for the sync.
        Policy::Always => Some(Exposure { points: vec![(0.0, 0.0), (measured.elapsed.as_secs_f64(), 0.0)] }),
        Policy::No | Policy::Everysec => is_watched.then(|| Exposure::of(syncs, measured.elapsed)),
    }
}

fn lose(
    context: &Context<'_>,
    policy: Policy,
    contestant: &Contestant,
    server: &mut Server,
    random: &mut Random,
    table: &mut Measurements,
) -> Result<()> {
    let workload = context.arguments.closed_loop(Duration::ZERO, keys(context));
    let longest = context.arguments.load_time(1.0, 3.0);
    let delay = longest.mul_f64(0.3 + 0.7 * random.unit());
    let loss = loss::measure(server, &workload, delay)?;
    table.record(
        &[("policy", policy.name())],
        &contestant.name,
        [
            None,
            None,
            None,
            Some(loss.acknowledged as f64),
            Some(loss.lost as f64),
            Some(loss.oldest_ms),
            Some(loss.restart.as_secs_f64() * 1000.0),
        ],
    );
    Ok(())
}

fn charts(context: &Context<'_>, tables: &Tables, timelines: &[Timeline]) -> Vec<Chart> {
    let servers = context.names();
    let bars = |title: &str, note: &str, table: &Measurements, key: &str| {
        Chart::Bars(BarChart::of_medians(title, note, &servers, &table.medians(key)))
    };
    let mut charts = vec![
        bars("Throughput", "commands a second, more is better", &tables.capacity, "per_second"),
        bars("Processor time", "microseconds per command, less is better", &tables.capacity, "cpu_us"),
    ];
    let range_ms = latency_chart::common_range_ms(timelines.iter().map(|timeline| &timeline.measured));
    for timeline in timelines {
        let band = |(start, end): &(f64, f64)| Band { name: "snapshot", start: *start, end: *end };
        charts.push(latency_chart::over_time(
            format!("Latency over time: {}, {}", timeline.policy.name(), timeline.server),
            &timeline.measured,
            timeline.colour,
            timeline.snapshots.iter().map(band).collect(),
            timeline.syncs.clone(),
            range_ms,
        ));
    }
    for policy in context.arguments.policies() {
        let of_policy = || timelines.iter().filter(|timeline| timeline.policy == policy);
        charts.push(latency_chart::distribution(
            format!("Distribution of latency: {}", policy.name()),
            of_policy().map(|timeline| {
                (timeline.server.clone(), timeline.colour, Weight::Strong, &timeline.measured.latency)
            }),
        ));
    }
    for policy in context.arguments.policies() {
        let synced =
            timelines.iter().filter(|timeline| timeline.policy == policy && timeline.syncs.len() > 1);
        let syncs: Vec<_> = synced
            .map(|timeline| {
                (timeline.server.clone(), timeline.colour, Weight::Strong, &timeline.sync_latency)
            })
            .collect();
        if !syncs.is_empty() {
            charts.push(latency_chart::distribution(
                format!("Distribution of the time a sync takes: {}", policy.name()),
                syncs,
            ));
        }
    }
    for policy in context.arguments.policies() {
        let of_policy = timelines.iter().filter(|timeline| timeline.policy == policy);
        let series = of_policy.flat_map(|timeline| {
            let line = |name: String, weight: Weight, points: &[(f64, f64)]| Series {
                name,
                colour: timeline.colour,
                weight,
                points: points.to_vec(),
            };
            let computed = line(timeline.server.clone(), Weight::Strong, &timeline.exposure.points);
            let told = (!timeline.told_risk.is_empty())
                .then(|| line(format!("{}, by INFO", timeline.server), Weight::Dotted, &timeline.told_risk));
            std::iter::once(computed).chain(told)
        });
        charts.push(Chart::Lines(LineChart {
            title: format!("At risk from a power loss: {}", policy.name()),
            note: String::new(),
            x: Axis { title: "seconds", scale: Scale::Linear, range: None },
            y: Axis { title: "oldest write at risk, ms", scale: Scale::Linear, range: None },
            series: series.collect(),
            bands: Vec::new(),
            strip: Vec::new(),
        }));
    }
    charts
}
