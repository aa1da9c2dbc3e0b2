//! How many bytes frames add to the log. Only ours has them.

use anyhow::{Context as _, Result};

use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::info::Info;
use crate::bench::load::Commands;
use crate::bench::results::Better::{Lower, Neither};
use crate::bench::results::{Measurements, Metric};
use crate::bench::server::Server;

pub(super) const METRICS: &[Metric] = &[
    Metric::new("bytes_without", "bytes per write without frames", Neither, 1),
    Metric::new("bytes_with", "with frames", Lower, 1),
    Metric::new("added_percent", "frames add %", Lower, 2),
];

/// Writes of one turn of the server.
const BATCHES: [usize; 3] = [1, 10, 50];

pub(super) fn measure(context: &Context<'_>, table: &mut Measurements) -> Result<()> {
    let ours = context.contestants.first().context("invariant: ours is always measured")?;
    for batch in BATCHES {
        let without = bytes_per_write(context, batch, "no")?;
        let with = bytes_per_write(context, batch, "yes")?;
        table.record(
            &[("batches of", &batch.to_string())],
            &ours.name,
            [Some(without), Some(with), Some(100.0 * (with / without - 1.0))],
        );
    }
    Ok(())
}

/// What the log grows by, without the space that is prepared behind its end.
fn bytes_per_write(context: &Context<'_>, batch: usize, frames: &str) -> Result<f64> {
    let writes = if context.arguments.quick { 1000 } else { 5000 };
    let mut options = Policy::Always.options().to_vec();
    options.extend(["--aof-frames", frames]);
    let server = Server::start(&context.contestants[0], &options, &context.directory)?;
    let mut client = Client::connect(server.address())?;
    let before = log_bytes(&mut client)?;
    let mut commands = Commands::new(1, context.arguments.content(), context.arguments.value_bytes);
    let mut pipeline = Vec::new();
    for first in (0..writes).step_by(batch) {
        pipeline.clear();
        for number in first..first + batch as u64 {
            commands.push_set(number, &mut pipeline);
        }
        client.send(&pipeline)?;
        client.expect_ok(batch)?;
    }
    Ok((log_bytes(&mut client)? - before) / writes as f64)
}

fn log_bytes(client: &mut Client) -> Result<f64> {
    Info::section(client, "persistence")?.number("aof_current_size")
}
