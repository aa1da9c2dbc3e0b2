//! Snapshots beside an open loop of writes at half of what the slowest server can do: what clients notice.
//!
//! The writers' latency is that of a busy client. A single probing client beside them, on a thread of its own, is what
//! somebody notices who asks for little.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Context;
use super::data::Data;
use super::job::Job;
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::info::Info;
use crate::bench::load::{Content, Latency, Measured, Pace, Running, Workload};
use crate::bench::page::{Band, Chart, Weight};
use crate::bench::results::Better::{Lower, Neither};
use crate::bench::results::{Measurements, Metric};
use crate::bench::scenarios::latency_chart;
use crate::bench::server::Server;

pub(super) const METRICS: &[Metric] = &[
    Metric::new("quiet_p99_ms", "quiet p99 ms", Lower, 2),
    Metric::new("quiet_p999_ms", "p99.9", Lower, 2),
    Metric::new("p99_ms", "meanwhile p99 ms", Lower, 2),
    Metric::new("p999_ms", "p99.9", Lower, 2),
    Metric::new("max_ms", "max", Lower, 1),
    Metric::new("factor", "p99.9, times quiet", Lower, 1),
    Metric::new("turn_during_us", "longest turn, CPU us", Lower, 0),
    Metric::new("copied_percent", "copied %", Lower, 1),
    Metric::new("seconds", "seconds", Lower, 1),
    Metric::new("generator_percent", "generator CPU %", Neither, 0),
];

pub(super) const PROBE_METRICS: &[Metric] = &[
    Metric::new("quiet_p50_ms", "quiet p50 ms", Lower, 2),
    Metric::new("quiet_p99_ms", "p99", Lower, 2),
    Metric::new("quiet_p999_ms", "p99.9", Lower, 2),
    Metric::new("p50_ms", "meanwhile p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99", Lower, 2),
    Metric::new("p999_ms", "p99.9", Lower, 2),
    Metric::new("max_ms", "max", Lower, 1),
    Metric::new("factor", "p99.9, times quiet", Lower, 1),
    Metric::new("commands", "commands meanwhile", Neither, 0),
    Metric::new("send_delay_p999_ms", "sent late p99.9 ms", Neither, 2),
];

/// Commands a second of the probing client: enough for a tail within seconds, few beside the writers.
const PROBE_RATE: f64 = 1000.0;
/// Short snapshots are taken again, at most so many, until they took as long together as the quiet time.
const SNAPSHOTS_MAX: usize = 5;
/// From one to the next.
const PAUSE: Duration = Duration::from_millis(500);
/// The first moments of a load are about connections and caches.
const WARM_UP_SECONDS: f64 = 0.2;
/// A slot of the latencies may begin before the snapshot does.
const EDGE_SECONDS: f64 = 0.05;

/// Open loops with snapshots in them.
pub(super) struct Timeline {
    pub(super) server: String,
    pub(super) content: Content,
    colour: usize,
    writers: Measured,
    probe: Measured,
    /// The longest turn with a snapshot; Redis does not tell.
    turn_us: Option<f64>,
    /// The most that a snapshot kept alive, in percent of the data.
    copied_percent: f64,
    /// Seconds since the start of the writers.
    snapshots: Vec<(f64, f64)>,
}

/// Writers at `rate` on a server that is full, and its snapshots.
pub(super) fn measure(
    context: &Context<'_>,
    contestant: &Contestant,
    server: &Server,
    data: Data,
    load: &Workload,
    job: &Job,
) -> Result<Timeline> {
    let probe = data.load(Workload {
        pace: Pace::Open { per_second: PROBE_RATE },
        clients: 1,
        threads: 1,
        read_share: 0.5,
        ..load.clone()
    });
    let mut client = Client::connect(server.address())?;
    let writers = Running::start(server.address(), load)?;
    let probe = Running::start(server.address(), &probe)?;
    let quiet = context.arguments.load_time(1.5, 5.0);
    std::thread::sleep(quiet);
    let mut snapshots: Vec<(Instant, Instant)> = Vec::new();
    let mut sum = Duration::ZERO;
    let (mut turn_us, mut copied_percent) = (None, 0.0_f64);
    client.command(&["CONFIG", "RESETSTAT"])?;
    let dataset_bytes = Info::of(&mut client)?.number("used_memory_dataset")?;
    while snapshots.len() < SNAPSHOTS_MAX && sum < quiet {
        if !snapshots.is_empty() {
            std::thread::sleep(PAUSE);
        }
        let started = Instant::now();
        job.begin(&mut client)?;
        let after = job.wait_for_end(&mut client, || Ok(()))?;
        turn_us = after.number("snapshot_longest_turn_cpu_us").ok();
        copied_percent = copied_percent.max(100.0 * after.number(job.copied_bytes)? / dataset_bytes);
        snapshots.push((started, Instant::now()));
        sum += started.elapsed();
    }
    // What was due near the end is answered, and how the server recovers is seen.
    std::thread::sleep(quiet / 3);
    let (probe, writers) = (probe.stop()?, writers.stop()?);
    let seconds = |at: Instant| (at - writers.started).as_secs_f64();
    let colour = context.contestants.iter().position(|known| known.name == contestant.name).unwrap_or(0);
    Ok(Timeline {
        server: contestant.name.clone(),
        content: load.content,
        colour,
        turn_us,
        copied_percent,
        snapshots: snapshots.iter().map(|(start, end)| (seconds(*start), seconds(*end))).collect(),
        writers,
        probe,
    })
}

impl Timeline {
    pub(super) fn record(&self, writers: &mut Measurements, probe: &mut Measurements) {
        let labels = [("values", self.content.name())];
        let (quiet, meanwhile) = self.split(&self.writers);
        let seconds: f64 = self.snapshots.iter().map(|(start, end)| end - start).sum();
        writers.record(
            &labels,
            &self.server,
            [
                Some(quiet.quantile_ms(0.99)),
                Some(quiet.quantile_ms(0.999)),
                Some(meanwhile.quantile_ms(0.99)),
                Some(meanwhile.quantile_ms(0.999)),
                Some(meanwhile.max_ms()),
                Some(meanwhile.quantile_ms(0.999) / quiet.quantile_ms(0.999)),
                self.turn_us,
                Some(self.copied_percent),
                Some(seconds / self.snapshots.len() as f64),
                Some(100.0 * self.writers.generator_share),
            ],
        );
        let (quiet, meanwhile) = self.split(&self.probe);
        probe.record(
            &labels,
            &self.server,
            [
                Some(quiet.quantile_ms(0.5)),
                Some(quiet.quantile_ms(0.99)),
                Some(quiet.quantile_ms(0.999)),
                Some(meanwhile.quantile_ms(0.5)),
                Some(meanwhile.quantile_ms(0.99)),
                Some(meanwhile.quantile_ms(0.999)),
                Some(meanwhile.max_ms()),
                Some(meanwhile.quantile_ms(0.999) / quiet.quantile_ms(0.999)),
                Some(meanwhile.count() as f64),
                Some(self.probe.send_delay.quantile_ms(0.999)),
            ],
        );
    }

    /// Latencies before the first snapshot, and during all of them.
    fn split(&self, measured: &Measured) -> (Latency, Latency) {
        // The probing client began a little later than the writers.
        let offset = (measured.started - self.writers.started).as_secs_f64();
        let span = |from: f64, to: f64| {
            let at = |seconds: f64| Duration::try_from_secs_f64(seconds - offset).unwrap_or(Duration::ZERO);
            measured.slots.between(at(from), at(to))
        };
        let first = self.snapshots.first().map_or(f64::MAX, |(start, _)| *start);
        let quiet = span(offset + WARM_UP_SECONDS, first - EDGE_SECONDS);
        let mut meanwhile = span(0.0, 0.0);
        for (start, end) in &self.snapshots {
            meanwhile.add(&span(start - EDGE_SECONDS, end + EDGE_SECONDS));
        }
        (quiet, meanwhile)
    }
}

pub(super) fn charts(job: &Job, contents: &[Content], timelines: &[Timeline]) -> Vec<Chart> {
    let range_ms = latency_chart::common_range_ms(timelines.iter().map(|timeline| &timeline.writers));
    let mut charts = Vec::new();
    for content in contents {
        let mut of_content: Vec<&Timeline> =
            timelines.iter().filter(|timeline| timeline.content == *content).collect();
        of_content.sort_by_key(|timeline| timeline.colour);
        for timeline in of_content {
            let band = |(start, end): &(f64, f64)| Band { name: "snapshot", start: *start, end: *end };
            charts.push(latency_chart::over_time(
                format!("{}: latency over time, {}, {}", job.name, content.name(), timeline.server),
                &timeline.writers,
                timeline.colour,
                timeline.snapshots.iter().map(band).collect(),
                Vec::new(),
                range_ms,
            ));
        }
    }
    for content in contents {
        let of_content = || timelines.iter().filter(|timeline| timeline.content == *content);
        let (name, content) = (job.name, content.name());
        charts.push(distribution(
            format!("{name}: distribution of latency, {content}"),
            of_content().map(|timeline| (timeline, &timeline.writers)),
        ));
        charts.push(distribution(
            format!("{name}: distribution of a probing client's latency, {content}"),
            of_content().map(|timeline| (timeline, &timeline.probe)),
        ));
    }
    charts
}

/// Before and during the snapshots, for each server.
fn distribution<'a>(title: String, loads: impl Iterator<Item = (&'a Timeline, &'a Measured)>) -> Chart {
    let latencies: Vec<(String, usize, Weight, Latency)> = loads
        .flat_map(|(timeline, measured)| {
            let (quiet, meanwhile) = timeline.split(measured);
            [
                (format!("{}, quiet", timeline.server), timeline.colour, Weight::Dotted, quiet),
                (format!("{}, meanwhile", timeline.server), timeline.colour, Weight::Strong, meanwhile),
            ]
        })
        .collect();
    latency_chart::distribution(
        title,
        latencies.iter().map(|(name, colour, weight, latency)| (name.clone(), *colour, *weight, latency)),
    )
}
