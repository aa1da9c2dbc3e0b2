//! What a command costs as the number of keys grows: processor time, latency and memory from 100 thousand keys on.

use std::time::Duration;

use anyhow::Result;

use super::Context;
use crate::bench::client::Client;
use crate::bench::load::{Commands, Running, Workload};
use crate::bench::page::{Axis, Chart, LineChart, Scale, Series, Weight};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::Lower;
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;

const METRICS: &[Metric] = &[
    Metric::new("get_cpu_us", "GET, CPU us", Lower, 3),
    Metric::new("set_cpu_us", "SET, CPU us", Lower, 3),
    Metric::new("set_max_ms", "SET max ms", Lower, 1),
    Metric::new("bytes_per_key", "bytes per key", Lower, 1),
    Metric::new("fill_max_ms", "longest wait for 500 inserts, ms", Lower, 1),
];

const FIRST: u64 = 100_000;
/// So many commands in flight that the server's work, not the way there, is what takes time.
const PIPELINE: usize = 32;

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let arguments = context.arguments;
    let most = arguments.keys(300_000, 10_000_000).max(FIRST);
    let sizes = sizes(most);
    let mut table = Measurements::new("growth", METRICS);
    let progress = Progress::new(arguments.rounds() * sizes.len() * context.contestants.len());
    for round in 0..arguments.rounds() {
        for contestant in context.in_turn(round) {
            let server = Server::start(contestant, &["--appendonly", "no"], &context.directory)?;
            let empty = process::resident_bytes(server.process_id())?;
            let mut client = Client::connect(server.address())?;
            let mut commands = Commands::new(1, arguments.content(), arguments.value_bytes);
            let mut have = 0;
            for keys in &sizes {
                progress.step(&format!("round {}: {}, {keys} keys", round + 1, contestant.name));
                let slowest = client.fill_range(have..*keys, &mut commands)?;
                have = *keys;
                let full = process::resident_bytes(server.process_id())?;
                let duration = arguments.load_time(0.5, 3.0);
                let load = |read_share| Workload {
                    pipeline: PIPELINE,
                    read_share,
                    ..arguments.closed_loop(duration, *keys)
                };
                let (get_cpu_us, _) = cost(&server, &load(1.0))?;
                let (set_cpu_us, set_max_ms) = cost(&server, &load(0.0))?;
                table.record(
                    &[("keys", &keys.to_string())],
                    &contestant.name,
                    [
                        Some(get_cpu_us),
                        Some(set_cpu_us),
                        Some(set_max_ms),
                        Some(full.saturating_sub(empty) as f64 / *keys as f64),
                        Some(slowest.as_secs_f64() * 1000.0),
                    ],
                );
            }
        }
    }
    drop(progress);
    let chart = |title: &str, key: &str, axis: &'static str| {
        let medians = table.medians(key);
        let series = context.names().into_iter().enumerate().map(|(colour, name)| Series {
            name: name.to_owned(),
            colour,
            weight: Weight::Strong,
            points: medians
                .iter()
                .filter(|(_, server, _)| *server == name)
                .filter_map(|(keys, _, value)| Some((keys.parse().ok()?, *value)))
                .collect(),
        });
        Chart::Lines(LineChart {
            title: title.to_owned(),
            note: String::new(),
            x: Axis { title: "keys", scale: Scale::Log, range: None },
            y: Axis { title: axis, scale: Scale::Linear, range: None },
            series: series.collect(),
            bands: Vec::new(),
            strip: Vec::new(),
        })
    };
    let charts = vec![
        chart("GET as keys grow", "get_cpu_us", "CPU us per command"),
        chart("SET as keys grow", "set_cpu_us", "CPU us per command"),
        chart("Memory as keys grow", "bytes_per_key", "bytes per key"),
    ];
    let notes = vec![format!(
        "GET and SET in a closed loop, {} clients, pipeline {PIPELINE}, values of {} B, no log.",
        arguments.closed_loop(Duration::ZERO, most).clients,
        arguments.value_bytes
    )];
    Ok(Outcome { title: "Growth".to_owned(), notes, tables: vec![table], charts })
}

/// Processor time per command in microseconds, and the slowest command in milliseconds.
fn cost(server: &Server, load: &Workload) -> Result<(f64, f64)> {
    let before = process::cpu_time(server.process_id())?;
    let measured = Running::run(server.address(), load)?;
    let cpu = process::cpu_time(server.process_id())? - before;
    Ok((cpu.as_secs_f64() * 1e6 / measured.latency.count() as f64, measured.latency.max_ms()))
}

/// From [`FIRST`] to `most`: 1, 3, 10, 30 ... times, and `most` itself.
fn sizes(most: u64) -> Vec<u64> {
    let mut sizes = Vec::new();
    let mut power = FIRST;
    while power < most {
        sizes.push(power);
        if power * 3 < most {
            sizes.push(power * 3);
        }
        power *= 10;
    }
    sizes.push(most);
    sizes
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn sizes_grow_to_the_most() {
        assert_eq!(sizes(100_000), [100_000]);
        assert_eq!(sizes(250_000), [100_000, 250_000]);
        assert_eq!(sizes(3_000_000), [100_000, 300_000, 1_000_000, 3_000_000]);
    }
}
