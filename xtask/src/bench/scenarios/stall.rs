//! What clients notice when the disk becomes slow: every sync of the log takes half a second longer for a while.
//!
//! The syncs are made slow inside the server (`sync_watch`), the same for every server, so that the answer does not depend
//! on what this machine's disk would do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::exposure::Exposure;
use super::latency_chart;
use super::{Context, Policy};
use crate::bench::contestant::Contestant;
use crate::bench::load::{Measured, Running};
use crate::bench::page::Band;
use crate::bench::progress::Progress;
use crate::bench::results::Better::{Lower, Neither};
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;
use crate::bench::sync_watch::monotonic_ns;

const METRICS: &[Metric] = &[
    Metric::new("quiet_p50_ms", "before: p50 ms", Lower, 2),
    Metric::new("quiet_p99_ms", "p99", Lower, 2),
    Metric::new("p50_ms", "slow disk: p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99", Lower, 1),
    Metric::new("max_ms", "max", Lower, 0),
    Metric::new("held_percent", "slower than 100 ms, %", Lower, 2),
    Metric::new("at_risk_ms_max", "power loss: at risk, max ms", Lower, 0),
    Metric::new("syncs", "slow syncs", Neither, 0),
];

/// What every sync takes longer.
const DELAYS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(3000)];

/// An open loop with a slow disk in the middle.
struct Timeline {
    title: String,
    colour: usize,
    measured: Measured,
    slow: (f64, f64),
    syncs: Vec<(f64, f64)>,
}

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let arguments = context.arguments;
    let policies: Vec<Policy> = arguments
        .policies()
        .into_iter()
        .filter(|policy| matches!(policy, Policy::No | Policy::Everysec | Policy::Always))
        .collect();
    let mut table = Measurements::new("slow disk", METRICS);
    let mut timelines: Vec<Timeline> = Vec::new();
    let delays = if arguments.quick { &DELAYS[..1] } else { &DELAYS[..] };
    let steps = arguments.rounds() * policies.len() * delays.len() * context.contestants.len();
    let progress = Progress::new(steps);
    for round in 0..arguments.rounds() {
        for policy in &policies {
            for delay in delays {
                for contestant in context.in_turn(round) {
                    let what = format!("{}, syncs +{} ms", policy.name(), delay.as_millis());
                    progress.step(&format!("round {}: {what}, {}", round + 1, contestant.name));
                    let timeline = measure(context, contestant, *policy, *delay, &mut table)?;
                    timelines.retain(|old| old.title != timeline.title);
                    timelines.push(timeline);
                }
            }
        }
    }
    drop(progress);
    let range_ms = latency_chart::common_range_ms(timelines.iter().map(|timeline| &timeline.measured));
    let charts = timelines.into_iter().map(|timeline| {
        let (start, end) = timeline.slow;
        latency_chart::over_time(
            timeline.title,
            &timeline.measured,
            timeline.colour,
            vec![Band { name: "slow disk", start, end }],
            timeline.syncs,
            range_ms,
        )
    });
    Ok(Outcome {
        title: "A slow disk".to_owned(),
        notes: vec![format!(
            "{}. A third of the time as usual, a third with every sync so much slower, a third as usual.",
            arguments.open_loop(Duration::ZERO, keys(context)).describe()
        )],
        charts: charts.collect(),
        tables: vec![table],
    })
}

fn keys(context: &Context<'_>) -> u64 {
    context.arguments.keys(10_000, 100_000)
}

fn measure(
    context: &Context<'_>,
    contestant: &Contestant,
    policy: Policy,
    delay: Duration,
    table: &mut Measurements,
) -> Result<Timeline> {
    let server = Server::start_watched(
        contestant,
        policy.options(),
        &context.directory,
        Some(context.watcher.as_ref().context("a slow disk needs a C compiler")?),
    )?;
    let watch = server.watch().context("invariant: the server was started with a watch")?;
    let third = context.arguments.load_time(2.0, 10.0);
    let load = Running::start(server.address(), &context.arguments.open_loop(third * 3, keys(context)))?;
    std::thread::sleep(third);
    let slow_from = Instant::now();
    watch.set_delay(delay)?;
    std::thread::sleep(third);
    watch.set_delay(Duration::ZERO)?;
    let slow_until = Instant::now();
    let measured = load.finish()?;

    let seconds = |at: Instant| (at - measured.started).as_secs_f64();
    let slow = (seconds(slow_from), seconds(slow_until));
    let start_ns = monotonic_ns(measured.started);
    let syncs: Vec<(f64, f64)> = watch
        .syncs()?
        .into_iter()
        .filter(|sync| sync.is_log && sync.started_ns >= start_ns)
        .map(|sync| ((sync.started_ns - start_ns) as f64 / 1e9, (sync.end_ns() - start_ns) as f64 / 1e9))
        .collect();
    let before = measured.slots.between(Duration::from_millis(200), slow_from - measured.started);
    // Including what was due when the last slow sync still ran.
    let during = measured.slots.between(slow_from - measured.started, slow_until - measured.started + delay);
    let what = format!("{}, syncs +{} ms", policy.name(), delay.as_millis());
    table.record(
        &[("policy", policy.name()), ("each sync", &format!("+{} ms", delay.as_millis()))],
        &contestant.name,
        [
            Some(before.quantile_ms(0.5)),
            Some(before.quantile_ms(0.99)),
            Some(during.quantile_ms(0.5)),
            Some(during.quantile_ms(0.99)),
            Some(during.max_ms()),
            Some(100.0 * during.share_above_ms(100.0)),
            Some(if policy == Policy::Always {
                0.0
            } else {
                Exposure::of(&syncs, measured.elapsed).max_ms()
            }),
            Some(syncs.iter().filter(|(start, end)| end - start >= delay.as_secs_f64()).count() as f64),
        ],
    );
    let colour = context.contestants.iter().position(|known| known.name == contestant.name).unwrap_or(0);
    Ok(Timeline { title: format!("Slow disk: {what}, {}", contestant.name), colour, measured, slow, syncs })
}
