//! Resident bytes per key of both servers, with keys and values that are really sent.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::client::Client;
use super::load;
use super::report::Table;
use super::server::Server;
use super::sets::{Content, Sets};
use super::{Contestant, Contestants, usage};
use crate::shell::heading;

const KEYS: [u64; 2] = [1_000_000, 3_000_000];
/// Lets a server's timers give back query buffers and the like before memory is read.
const SETTLE_TIME: Duration = Duration::from_secs(2);

pub(super) fn run(contestants: &Contestants, directory: &Path) -> Result<Value> {
    heading(&format!("resident bytes per key, 16 B keys, {} B values", load::VALUE_BYTES));
    let mut table = Table::new(&["keys", "ours", "redis", "ratio"]);
    let mut results = Vec::new();
    for keys in KEYS {
        let ours = bytes_per_key(&contestants.ours, directory, keys)?;
        let reference = bytes_per_key(&contestants.reference, directory, keys)?;
        table.row(vec![
            keys.to_string(),
            format!("{ours:.1}"),
            format!("{reference:.1}"),
            format!("{:.2}", ours / reference),
        ]);
        results.push(json!({
            "keys": keys,
            contestants.ours.name: ours,
            contestants.reference.name: reference,
            "ratio": ours / reference,
        }));
    }
    println!("{table}");
    Ok(json!(results))
}

/// The growth of resident memory from the empty server, divided by the number of keys.
fn bytes_per_key(contestant: &Contestant, directory: &Path, keys: u64) -> Result<f64> {
    let server = Server::start(contestant, &["--appendonly", "no"], directory)?;
    let empty = usage::resident_bytes(server.process_id())?;
    let mut client = Client::connect(server.address())?;
    client.fill(keys, &mut Sets::new(1, Content::Noise, load::VALUE_BYTES as usize))?;
    std::thread::sleep(SETTLE_TIME);
    let full = usage::resident_bytes(server.process_id())?;
    let size = client.command(&["DBSIZE"])?;
    if size != format!(":{keys}") {
        bail!("{} has not {keys} keys: DBSIZE answered {size}", contestant.name);
    }
    println!("{}: {keys} keys, {full} bytes resident, {empty} when empty", contestant.name);
    Ok(full.saturating_sub(empty) as f64 / keys as f64)
}
