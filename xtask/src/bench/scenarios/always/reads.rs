//! How long GETs take while other clients' SETs wait for the disk. Nothing that is read is written, so that no GET has to
//! wait for a sync.

use std::time::Duration;

use anyhow::Result;

use super::{Context, Pair, keys};
use crate::bench::load::{Latency, Running, Workload};
use crate::bench::page::{Chart, Weight};
use crate::bench::results::Better::{Lower, Neither};
use crate::bench::results::{Measurements, Metric};
use crate::bench::scenarios::latency_chart;

pub(super) const METRICS: &[Metric] = &[
    Metric::new("p50_ms", "GETs: p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99 ms", Lower, 2),
    Metric::new("p999_ms", "p99.9 ms", Lower, 2),
    Metric::new("max_ms", "max ms", Lower, 1),
    Metric::new("per_second", "GETs/s", Neither, 0),
    Metric::new("sets_per_second", "SETs/s beside them", Neither, 0),
    Metric::new("set_p99_ms", "their p99 ms", Neither, 2),
    Metric::new("send_delay_p99_ms", "GETs sent late p99 ms", Neither, 2),
];

/// Who writes meanwhile.
pub(super) struct Writers {
    pub(super) name: &'static str,
    clients: usize,
    pipeline: usize,
}

pub(super) const WRITERS: &[Writers] = &[
    Writers { name: "nobody", clients: 0, pipeline: 0 },
    Writers { name: "50 clients, pipeline 1", clients: 50, pipeline: 1 },
    Writers { name: "50 clients, pipeline 16", clients: 50, pipeline: 16 },
];

const READERS: usize = 10;
/// The tail needs more commands than throughput does.
const TIME_FACTOR: u32 = 3;
/// Until the load is what it will be, which is when the GETs begin, and until they count.
const WARM_UP_TIME: Duration = Duration::from_millis(200);

/// The GETs' latency on one server.
pub(super) struct Measured {
    writers: &'static str,
    server: String,
    colour: usize,
    latency: Latency,
}

impl Measured {
    pub(super) fn title(&self) -> String {
        format!("{}, beside {}", self.server, self.writers)
    }
}

pub(super) fn measure(
    context: &Context<'_>,
    pair: &Pair<'_>,
    writers: &'static Writers,
    table: &mut Measurements,
) -> Result<Measured> {
    let arguments = context.arguments;
    let half = keys(context) / 2;
    let time = WARM_UP_TIME + arguments.load_time(0.3, 2.0) * TIME_FACTOR;
    let sets = Workload {
        clients: writers.clients,
        pipeline: writers.pipeline,
        read_share: 0.0,
        // They are stopped.
        ..arguments.closed_loop(time * 10, half)
    };
    let gets = Workload {
        clients: READERS,
        threads: 1,
        pipeline: 1,
        read_share: 1.0,
        first_key: half,
        ..arguments.open_loop(time, half)
    };
    let address = pair.always.address();
    let running = (writers.clients > 0).then(|| Running::start(address, &sets)).transpose()?;
    std::thread::sleep(WARM_UP_TIME);
    let measured = Running::run(address, &gets)?;
    let sets = running.map(Running::stop).transpose()?;
    let latency = measured.slots.between(WARM_UP_TIME, time);
    table.record(
        &[("beside", writers.name)],
        &pair.contestant.name,
        [
            Some(latency.quantile_ms(0.5)),
            Some(latency.quantile_ms(0.99)),
            Some(latency.quantile_ms(0.999)),
            Some(latency.max_ms()),
            Some(measured.per_second()),
            sets.as_ref().map(|sets| sets.per_second()),
            sets.as_ref().map(|sets| sets.latency.quantile_ms(0.99)),
            Some(measured.send_delay.quantile_ms(0.99)),
        ],
    );
    let name = &pair.contestant.name;
    let colour = context.contestants.iter().position(|known| known.name == *name).unwrap_or(0);
    Ok(Measured { writers: writers.name, server: name.clone(), colour, latency })
}

/// How many GETs took how long, beside SETs and alone.
pub(super) fn chart(all: &[Measured]) -> Chart {
    let loads = all.iter().map(|measured| {
        let weight = match WRITERS.iter().position(|writers| writers.name == measured.writers) {
            Some(0) => Weight::Dotted,
            Some(1) => Weight::Strong,
            _ => Weight::Thin,
        };
        (measured.title(), measured.colour, weight, &measured.latency)
    });
    latency_chart::distribution("Distribution of latency: GETs beside SETs of always".to_owned(), loads)
}
