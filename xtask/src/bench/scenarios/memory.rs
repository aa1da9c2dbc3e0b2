//! Resident bytes per key, with keys and values that are really sent; and per element of collections.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Context, elements};
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::load::Commands;
use crate::bench::page::{BarChart, Chart};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::Lower;
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;

const PER_KEY: &[Metric] = &[Metric::new("bytes_per_key", "bytes per key", Lower, 1)];

/// Lets a server's timers give back query buffers and the like before memory is read.
const SETTLE_TIME: Duration = Duration::from_secs(2);

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let sizes: &[u64] = if context.arguments.quick { &[100_000] } else { &[1_000_000, 3_000_000] };
    let mut keys_table = Measurements::new("memory: keys", PER_KEY);
    let kinds = elements::KINDS.len() * 2;
    let progress = Progress::new((sizes.len() + kinds) * context.contestants.len());
    for keys in sizes {
        for contestant in context.contestants {
            progress.step(&format!("{keys} keys: {}", contestant.name));
            let bytes = bytes_per_key(context, contestant, *keys)?;
            keys_table.record(&[("keys", &keys.to_string())], &contestant.name, [Some(bytes)]);
        }
    }
    let elements_table = elements::run(context, &progress)?;
    drop(progress);
    let chart = BarChart::of_medians(
        "Bytes per element",
        "less is better",
        &context.names(),
        &elements_table.medians("bytes_per_element"),
    );
    Ok(Outcome {
        title: "Memory".to_owned(),
        notes: vec![format!(
            "Growth of the resident memory from the empty server. Keys of 16 B with values of {} B; {} elements, all in \
             one collection or in collections of {}.",
            context.arguments.value_bytes,
            elements::elements(context),
            elements::SMALL_LEN
        )],
        tables: vec![keys_table, elements_table],
        charts: vec![Chart::Bars(chart)],
    })
}

/// The growth of resident memory from the empty server, divided by the number of keys.
fn bytes_per_key(context: &Context<'_>, contestant: &Contestant, keys: u64) -> Result<f64> {
    let server = Server::start(contestant, &["--appendonly", "no"], &context.directory)?;
    let empty = process::resident_bytes(server.process_id())?;
    let mut client = Client::connect(server.address())?;
    let mut commands = Commands::new(1, context.arguments.content(), context.arguments.value_bytes);
    client.fill(keys, &mut commands)?;
    std::thread::sleep(SETTLE_TIME);
    let full = process::resident_bytes(server.process_id())?;
    let size = client.command(&["DBSIZE"])?;
    if size != format!(":{keys}") {
        bail!("{} has not {keys} keys: DBSIZE answered {size}", contestant.name);
    }
    Ok(full.saturating_sub(empty) as f64 / keys as f64)
}
