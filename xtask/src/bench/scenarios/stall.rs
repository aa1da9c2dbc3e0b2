//! What clients notice when the disk becomes slow: every sync of the log takes half a second longer for a while, or somebody
//! else keeps the disk busy.
//!
//! The syncs are made slow inside the server (`sync_watch`), the same for every server, so that the answer does not depend
//! on what this machine's disk would do. Beside somebody who writes and syncs a big file (`busy_disk`) it does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::exposure::Exposure;
use super::latency_chart;
use super::{Context, Policy};
use crate::bench::busy_disk::BusyDisk;
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
    Metric::new("sync_max_ms", "longest sync, ms", Neither, 0),
    Metric::new("busy_mb_per_second", "others wrote, MB/s", Neither, 0),
];

/// What makes the disk slow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Every sync takes so much longer.
    Syncs(Duration),
    /// Somebody else writes and syncs a big file.
    Neighbour,
}

const TROUBLES: [Trouble; 3] = [
    Trouble::Syncs(Duration::from_millis(500)),
    Trouble::Syncs(Duration::from_millis(3000)),
    Trouble::Neighbour,
];
const TROUBLES_QUICK: [Trouble; 2] = [Trouble::Syncs(Duration::from_millis(500)), Trouble::Neighbour];

/// Beside a neighbour a sync that takes so long is a slow one.
const SLOW_SYNC_TIME: Duration = Duration::from_millis(100);

impl Trouble {
    fn name(self) -> String {
        match self {
            Self::Syncs(delay) => format!("+{} ms", delay.as_millis()),
            Self::Neighbour => "busy disk".to_owned(),
        }
    }

    /// How long a slow sync takes at least.
    fn sync_time(self) -> Duration {
        match self {
            Self::Syncs(delay) => delay,
            Self::Neighbour => SLOW_SYNC_TIME,
        }
    }
}

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
    let troubles = if arguments.quick { &TROUBLES_QUICK[..] } else { &TROUBLES[..] };
    let steps = arguments.rounds() * policies.len() * troubles.len() * context.contestants.len();
    let progress = Progress::new(steps);
    for round in 0..arguments.rounds() {
        for policy in &policies {
            for trouble in troubles {
                for contestant in context.in_turn(round) {
                    let what = format!("{}, {}", policy.name(), trouble.name());
                    progress.step(&format!("round {}: {what}, {}", round + 1, contestant.name));
                    let timeline = measure(context, contestant, *policy, *trouble, &mut table)?;
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
            "{}. A third of the time as usual, a third with every sync so much slower or with somebody else who writes and \
             syncs a big file on the same disk, a third as usual.",
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
    trouble: Trouble,
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
    let written = match trouble {
        Trouble::Syncs(delay) => {
            watch.set_delay(delay)?;
            std::thread::sleep(third);
            watch.set_delay(Duration::ZERO)?;
            None
        }
        Trouble::Neighbour => {
            let busy = BusyDisk::start(&context.directory)?;
            std::thread::sleep(third);
            Some(busy.stop()? as f64)
        }
    };
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
    let during = measured
        .slots
        .between(slow_from - measured.started, slow_until - measured.started + trouble.sync_time());
    let took = |(start, end): &(f64, f64)| end - start;
    let what = format!("{}, {}", policy.name(), trouble.name());
    table.record(
        &[("policy", policy.name()), ("each sync", &trouble.name())],
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
            Some(syncs.iter().filter(|sync| took(sync) >= trouble.sync_time().as_secs_f64()).count() as f64),
            syncs.iter().map(took).max_by(f64::total_cmp).map(|seconds| seconds * 1000.0),
            written.map(|bytes| bytes / 1e6 / (slow.1 - slow.0)),
        ],
    );
    let colour = context.contestants.iter().position(|known| known.name == contestant.name).unwrap_or(0);
    Ok(Timeline { title: format!("Slow disk: {what}, {}", contestant.name), colour, measured, slow, syncs })
}
