//! Resident bytes per element, type by type: many small collections, and one big one.

use std::time::Duration;

use anyhow::{Result, bail};

use super::Context;
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::Lower;
use crate::bench::results::{Measurements, Metric};
use crate::bench::server::Server;

const METRICS: &[Metric] = &[Metric::new("bytes_per_element", "bytes per element", Lower, 1)];

/// Elements of a small collection: within every limit of the packed encodings.
pub(super) const SMALL_LEN: u64 = 20;
/// Lets a server's timers give back query buffers and the like before memory is read.
const SETTLE_TIME: Duration = Duration::from_secs(1);

/// How an element of a type is added: the command, and what follows the key, with `N` for the element's number.
pub(super) struct Kind {
    name: &'static str,
    command: &'static str,
    element: &'static [&'static str],
}

pub(super) const KINDS: &[Kind] = &[
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

/// Elements of the big collection, and of all small ones together.
pub(super) fn elements(context: &Context<'_>) -> u64 {
    if context.arguments.quick { 50_000 } else { 1_000_000 }
}

pub(super) fn run(context: &Context<'_>, progress: &Progress) -> Result<Measurements> {
    let mut table = Measurements::new("memory: elements", METRICS);
    for kind in KINDS {
        for small in [true, false] {
            let collections = if small { format!("of {SMALL_LEN}") } else { "one".to_owned() };
            for contestant in context.contestants {
                progress.step(&format!("{}, {collections}: {}", kind.name, contestant.name));
                let bytes = bytes_per_element(context, contestant, kind, small)?;
                table.record(
                    &[("type", kind.name), ("collections", &collections)],
                    &contestant.name,
                    [Some(bytes)],
                );
            }
        }
    }
    Ok(table)
}

fn bytes_per_element(
    context: &Context<'_>,
    contestant: &Contestant,
    kind: &Kind,
    small: bool,
) -> Result<f64> {
    let elements = elements(context);
    let server = Server::start(contestant, &["--appendonly", "no"], &context.directory)?;
    let empty = process::resident_bytes(server.process_id())?;
    let mut client = Client::connect(server.address())?;
    // Neighbours in the big collection are not neighbours in time, as in real life; an odd stride visits every number.
    // A stream takes its ids only in order.
    const STRIDE: u64 = 479_001_599;
    let in_order = kind.command == "XADD" || small;
    client.run_many((0..elements).map(|turn| {
        let number = if in_order { turn } else { turn * STRIDE % elements };
        let key = if small { format!("key:{:06}", turn / SMALL_LEN) } else { "key".to_owned() };
        let digits = format!("{number:08}");
        let element = kind.element.iter().map(|word| word.replace('N', &digits));
        [kind.command.to_owned(), key].into_iter().chain(element).collect()
    }))?;
    std::thread::sleep(SETTLE_TIME);
    let full = process::resident_bytes(server.process_id())?;
    let keys = if small { elements / SMALL_LEN } else { 1 };
    let size = client.command(&["DBSIZE"])?;
    if size != format!(":{keys}") {
        bail!("{} has not {keys} keys: DBSIZE answered {size}", contestant.name);
    }
    Ok(full.saturating_sub(empty) as f64 / elements as f64)
}
