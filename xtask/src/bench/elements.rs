//! Resident bytes per element of both servers, type by type: many small collections, and one big one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::client::Client;
use super::report::Table;
use super::server::Server;
use super::{Contestant, Contestants, usage};
use crate::shell::heading;

/// Elements of the big collection, and of all small ones together.
const ELEMENTS: u64 = 1_000_000;
/// Elements of a small collection: within every limit of the packed encodings.
const SMALL_LEN: u64 = 20;
/// Lets a server's timers give back query buffers and the like before memory is read.
const SETTLE_TIME: Duration = Duration::from_secs(1);

/// How an element of a type is added: the command, and what follows the key, with `N` for the element's number.
struct Kind {
    name: &'static str,
    command: &'static str,
    element: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind { name: "list, 16 B", command: "RPUSH", element: &["element:N"] },
    Kind { name: "hash, 16 B and 16 B", command: "HSET", element: &["field:N", "value:N"] },
    Kind { name: "set, 16 B", command: "SADD", element: &["member:N"] },
    Kind { name: "set of integers", command: "SADD", element: &["1N"] },
    Kind { name: "sorted set, 16 B", command: "ZADD", element: &["1N", "member:N"] },
    Kind { name: "sorted set, 64 B", command: "ZADD", element: &["1N", LONG_MEMBER] },
    Kind { name: "stream, one field", command: "XADD", element: &["1N-1", "field", "value:N"] },
];

/// 64 bytes with the number in it.
const LONG_MEMBER: &str = "a-member-that-is-so-long-that-it-takes-sixty-four-bytes-N";

pub(super) fn run(contestants: &Contestants, directory: &Path) -> Result<Value> {
    heading(&format!("resident bytes per element, {ELEMENTS} elements"));
    let mut table = Table::new(&["type", "collections", "ours", "redis", "ratio"]);
    let mut results = Vec::new();
    for kind in KINDS {
        for small in [true, false] {
            let ours = bytes_per_element(&contestants.ours, directory, kind, small)?;
            let reference = bytes_per_element(&contestants.reference, directory, kind, small)?;
            let collections = if small { format!("of {SMALL_LEN}") } else { "one".to_owned() };
            table.row(vec![
                kind.name.to_owned(),
                collections.clone(),
                format!("{ours:.1}"),
                format!("{reference:.1}"),
                format!("{:.2}", ours / reference),
            ]);
            results.push(json!({
                "type": kind.name,
                "collections": collections,
                contestants.ours.name: ours,
                contestants.reference.name: reference,
                "ratio": ours / reference,
            }));
        }
    }
    println!("{table}");
    Ok(json!(results))
}

fn bytes_per_element(contestant: &Contestant, directory: &Path, kind: &Kind, small: bool) -> Result<f64> {
    let server = Server::start(contestant, &["--appendonly", "no"], directory)?;
    let empty = usage::resident_bytes(server.process_id())?;
    let mut client = Client::connect(server.address())?;
    // Neighbours in the big collection are not neighbours in time, as in real life; an odd stride visits every number.
    // A stream takes its ids only in order.
    const STRIDE: u64 = 479_001_599;
    let in_order = kind.command == "XADD" || small;
    client.run_many((0..ELEMENTS).map(|turn| {
        let number = if in_order { turn } else { turn * STRIDE % ELEMENTS };
        let key = if small { format!("key:{:06}", turn / SMALL_LEN) } else { "key".to_owned() };
        let digits = format!("{number:08}");
        let element = kind.element.iter().map(|word| word.replace('N', &digits));
        [kind.command.to_owned(), key].into_iter().chain(element).collect()
    }))?;
    std::thread::sleep(SETTLE_TIME);
    let full = usage::resident_bytes(server.process_id())?;
    let keys = if small { ELEMENTS / SMALL_LEN } else { 1 };
    let size = client.command(&["DBSIZE"])?;
    if size != format!(":{keys}") {
        bail!("{} has not {keys} keys: DBSIZE answered {size}", contestant.name);
    }
    Ok(full.saturating_sub(empty) as f64 / ELEMENTS as f64)
}
