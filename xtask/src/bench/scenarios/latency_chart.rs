//! Latency over time and its distribution, drawn.

use crate::bench::load::{Latency, Measured};
use crate::bench::page::{Axis, Band, Chart, LineChart, Scale, Series, Weight};

/// One server's latency over the time of a load. Charts of one page share `range_ms`.
pub(super) fn over_time(
    title: String,
    measured: &Measured,
    colour: usize,
    bands: Vec<Band>,
    syncs: Vec<(f64, f64)>,
    range_ms: (f64, f64),
) -> Chart {
    let line = |name: &str, weight: Weight, value: &dyn Fn(&Latency) -> f64| Series {
        name: name.to_owned(),
        colour,
        weight,
        points: measured.slots.iter().map(|(at, slot)| (at, value(slot))).collect(),
    };
    Chart::Lines(LineChart {
        title,
        note: String::new(),
        x: Axis {
            title: "seconds",
            scale: Scale::Linear,
            range: Some((0.0, measured.elapsed.as_secs_f64())),
        },
        y: Axis { title: "latency, ms", scale: Scale::Log, range: Some(range_ms) },
        series: vec![
            line("max", Weight::Dotted, &Latency::max_ms),
            line("p99", Weight::Thin, &|slot| slot.quantile_ms(0.99)),
            line("p50", Weight::Strong, &|slot| slot.quantile_ms(0.5)),
        ],
        bands,
        strip: syncs,
    })
}

/// From a power of ten to a power of ten, so that all loads fit.
pub(super) fn common_range_ms<'a>(all: impl IntoIterator<Item = &'a Measured>) -> (f64, f64) {
    let (mut low_ms, mut high_ms) = (0.1_f64, 1.0_f64);
    for measured in all {
        high_ms = high_ms.max(measured.latency.max_ms());
        for (_, slot) in measured.slots.iter() {
            low_ms = low_ms.min(slot.quantile_ms(0.5).max(0.001));
        }
    }
    (10_f64.powf(low_ms.log10().floor()), 10_f64.powf(high_ms.log10().ceil()))
}

/// How many commands took how long: a line per load.
pub(super) fn distribution<'a>(
    title: String,
    loads: impl IntoIterator<Item = (String, usize, Weight, &'a Latency)>,
) -> Chart {
    /// Steps per nine.
    const STEPS: i32 = 12;
    let quantiles: Vec<f64> =
        (0..=4 * STEPS).map(|step| 1.0 - 10_f64.powf(-f64::from(step) / f64::from(STEPS))).collect();
    let series = loads.into_iter().map(|(name, colour, weight, latency)| Series {
        name,
        colour,
        weight,
        points: quantiles
            .iter()
            .map(|quantile| (*quantile, latency.quantile_ms(*quantile).max(0.001)))
            .collect(),
    });
    Chart::Lines(LineChart {
        title,
        note: String::new(),
        x: Axis { title: "share of commands", scale: Scale::Quantile, range: Some((0.0, 0.9999)) },
        y: Axis { title: "at most, ms", scale: Scale::Log, range: None },
        series: series.collect(),
        bands: Vec::new(),
        strip: Vec::new(),
    })
}
