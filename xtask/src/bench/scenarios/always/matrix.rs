//! `always` with few and many clients, with and without a pipeline, beside the same server's everysec.

use anyhow::Result;

use super::{Context, Pair, keys, syncs};
use crate::bench::load::{Running, Workload};
use crate::bench::process;
use crate::bench::results::Better::{Higher, Lower, Neither};
use crate::bench::results::{Measurements, Metric};
use crate::bench::server::Server;

pub(super) const METRICS: &[Metric] = &[
    Metric::new("per_second", "always: commands/s", Higher, 0),
    Metric::new("cpu_us", "CPU us per command", Lower, 2),
    Metric::new("p50_ms", "p50 ms", Lower, 2),
    Metric::new("p99_ms", "p99 ms", Lower, 2),
    Metric::new("commands_per_sync", "commands per sync", Neither, 0),
    Metric::new("everysec_per_second", "everysec: commands/s", Higher, 0),
    Metric::new("everysec_cpu_us", "CPU us per command", Lower, 2),
    Metric::new("everysec_p99_ms", "p99 ms", Lower, 2),
    Metric::new("of_everysec_percent", "always, % of own everysec", Higher, 0),
    Metric::new("generator_percent", "generator CPU %", Neither, 0),
];

const CLIENTS: &[usize] = &[1, 8, 50, 200];
const CLIENTS_QUICK: &[usize] = &[1, 50];
const PIPELINES: &[usize] = &[1, 16];
/// Names, and shares of GETs.
const MIXES: &[(&str, f64)] = &[("half GET", 0.5), ("SET", 0.0)];

/// What is measured at a time.
pub(super) struct Cell {
    mix: &'static str,
    read_share: f64,
    clients: usize,
    pipeline: usize,
}

/// All of them.
pub(super) fn cells(is_quick: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (mix, read_share) in MIXES {
        for pipeline in PIPELINES {
            for clients in if is_quick { CLIENTS_QUICK } else { CLIENTS } {
                cells.push(Cell { mix, read_share: *read_share, clients: *clients, pipeline: *pipeline });
            }
        }
    }
    cells
}

impl Cell {
    pub(super) fn name(&self) -> String {
        format!("{}, {} clients, pipeline {}", self.mix, self.clients, self.pipeline)
    }
}

/// A closed loop on one server.
struct Speed {
    per_second: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    commands_per_sync: Option<f64>,
    generator_percent: f64,
}

pub(super) fn measure(
    context: &Context<'_>,
    pair: &Pair<'_>,
    cell: &Cell,
    table: &mut Measurements,
) -> Result<()> {
    let load = Workload {
        clients: cell.clients,
        pipeline: cell.pipeline,
        read_share: cell.read_share,
        ..context.arguments.closed_loop(context.arguments.load_time(0.3, 2.0), keys(context))
    };
    let always = speed(&pair.always, &load)?;
    let everysec = speed(&pair.everysec, &load)?;
    // What it has not synced would keep the disk busy while the next server is measured.
    pair.everysec.sync_log()?;
    table.record(
        &[
            ("commands", cell.mix),
            ("clients", &cell.clients.to_string()),
            ("pipeline", &cell.pipeline.to_string()),
        ],
        &pair.contestant.name,
        [
            Some(always.per_second),
            Some(always.cpu_us),
            Some(always.p50_ms),
            Some(always.p99_ms),
            always.commands_per_sync,
            Some(everysec.per_second),
            Some(everysec.cpu_us),
            Some(everysec.p99_ms),
            Some(100.0 * always.per_second / everysec.per_second),
            Some(always.generator_percent),
        ],
    );
    Ok(())
}

fn speed(server: &Server, load: &Workload) -> Result<Speed> {
    let syncs_before = syncs(server)?;
    let cpu_before = process::cpu_time(server.process_id())?;
    let measured = Running::run(server.address(), load)?;
    let cpu = process::cpu_time(server.process_id())? - cpu_before;
    let commands = measured.latency.count() as f64;
    let syncs = syncs(server)?.zip(syncs_before).map(|(after, before)| after - before);
    Ok(Speed {
        per_second: measured.per_second(),
        cpu_us: cpu.as_secs_f64() * 1e6 / commands,
        p50_ms: measured.latency.quantile_ms(0.5),
        p99_ms: measured.latency.quantile_ms(0.99),
        commands_per_sync: syncs.filter(|syncs| *syncs > 0.0).map(|syncs| commands / syncs),
        generator_percent: 100.0 * measured.generator_share,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_meets_every_number_of_clients_and_both_pipelines() {
        let cells = cells(false);
        assert_eq!(cells.len(), MIXES.len() * PIPELINES.len() * CLIENTS.len());
        let names: std::collections::HashSet<String> = cells.iter().map(Cell::name).collect();
        assert_eq!(names.len(), cells.len());
        assert!(names.contains("half GET, 200 clients, pipeline 16"));
    }
}
