//! MEMORY STATS, DOCTOR, PURGE and MALLOC-STATS.

use std::fmt::Write as _;

use lastsave_commands::ServerCommand;

use crate::client::Client;
use crate::server::Server;
use crate::system_files;

/// A key's share of the table around its entry.
const TABLE_BYTES_PER_KEY: u64 = 14;
/// Below this nothing about the memory is worth a remark.
const REMARKABLE_BYTES: u64 = 5 << 20;

/// Where the memory is.
#[derive(Debug, Clone, Copy)]
struct MemoryFigures {
    peak: u64,
    used: u64,
    at_start: u64,
    clients: u64,
    log: u64,
    tables: u64,
    dataset: u64,
    keys: u64,
    resident: u64,
}

impl MemoryFigures {
    /// What is not data.
    fn overhead(&self) -> u64 {
        self.at_start + self.clients + self.log + self.tables
    }

    /// What was allocated since the start.
    fn net(&self) -> u64 {
        self.used.saturating_sub(self.at_start)
    }

    fn fragmentation(&self) -> f64 {
        ratio(self.resident, self.used)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Server {
    /// Executes a subcommand of MEMORY about the server.
    pub(super) fn memory(&self, client: &mut Client, command: ServerCommand) {
        match command {
            ServerCommand::MemoryDoctor => {
                let report =
                    report(&self.memory_figures(client), self.dataset.keyspace.memory().live_snapshots);
                client.reply.verbatim("txt", report.as_bytes());
            }
            ServerCommand::MemoryMallocStats => {
                client.reply.bulk(b"Stats not supported for the current allocator");
            }
            // The allocator returns pages by itself; there is nothing to hurry up.
            ServerCommand::MemoryPurge => client.reply.ok(),
            _ => self.memory_stats(client),
        }
    }

    fn memory_figures(&self, caller: &Client) -> MemoryFigures {
        let keys = self.dataset.keyspace.len_total();
        let used = self.used_memory_bytes(Some(caller));
        let tables = keys * TABLE_BYTES_PER_KEY;
        MemoryFigures {
            peak: self.statistics.peak_memory_bytes.max(used),
            used,
            at_start: self.memory_at_start_bytes,
            clients: self.client_bytes(Some(caller)),
            log: self.persistence.buffered_bytes(),
            tables,
            dataset: self.dataset_bytes().saturating_sub(tables),
            keys,
            resident: system_files::resident_bytes(),
        }
    }

    fn memory_stats(&self, client: &mut Client) {
        /// Fields besides those of the databases.
        const FIELDS: usize = 27;
        let figures = self.memory_figures(client);
        let databases: Vec<(usize, u64)> = (0..self.dataset.keyspace.databases())
            .map(|db| (db, self.dataset.keyspace.db(db).len()))
            .filter(|(_, keys)| *keys > 0)
            .collect();
        client.reply.map(FIELDS + databases.len());
        let number = |client: &mut Client, name: &str, value: u64| {
            client.reply.bulk(name.as_bytes());
            client.reply.integer(value as i64);
        };
        let fraction = |client: &mut Client, name: &str, value: f64| {
            client.reply.bulk(name.as_bytes());
            client.reply.double(value);
        };
        number(client, "peak.allocated", figures.peak);
        number(client, "total.allocated", figures.used);
        number(client, "startup.allocated", figures.at_start);
        number(client, "replication.backlog", 0);
        number(client, "clients.slaves", 0);
        number(client, "clients.normal", figures.clients);
        number(client, "cluster.links", 0);
        number(client, "aof.buffer", figures.log);
        number(client, "lua.caches", 0);
        number(client, "functions.caches", self.dataset.functions.held_bytes() as u64);
        for (db, keys) in databases {
            client.reply.bulk(format!("db.{db}").as_bytes());
            client.reply.map(3);
            number(client, "overhead.hashtable.main", keys * TABLE_BYTES_PER_KEY);
            number(client, "overhead.hashtable.expires", 0);
            number(client, "overhead.hashtable.slot-to-keys", 0);
        }
        number(client, "overhead.total", figures.overhead());
        number(client, "keys.count", figures.keys);
        number(client, "keys.bytes-per-key", figures.net().checked_div(figures.keys).unwrap_or(0));
        number(client, "dataset.bytes", figures.dataset);
        fraction(client, "dataset.percentage", ratio(figures.dataset, figures.net()) * 100.0);
        fraction(client, "peak.percentage", ratio(figures.used, figures.peak) * 100.0);
        number(client, "allocator.allocated", figures.used);
        number(client, "allocator.active", figures.resident);
        number(client, "allocator.resident", figures.resident);
        let waste = figures.resident as i64 - figures.used as i64;
        fraction(client, "allocator-fragmentation.ratio", figures.fragmentation());
        client.reply.bulk(b"allocator-fragmentation.bytes");
        client.reply.integer(waste);
        fraction(client, "allocator-rss.ratio", 1.0);
        number(client, "allocator-rss.bytes", 0);
        fraction(client, "rss-overhead.ratio", 1.0);
        number(client, "rss-overhead.bytes", 0);
        fraction(client, "fragmentation", figures.fragmentation());
        client.reply.bulk(b"fragmentation.bytes");
        client.reply.integer(waste);
    }
}

/// What MEMORY DOCTOR tells.
fn report(figures: &MemoryFigures, live_snapshots: usize) -> String {
    if figures.used < REMARKABLE_BYTES + figures.at_start {
        return "This server holds too little data to say anything about its memory.\n".to_owned();
    }
    let mut remarks = String::new();
    if ratio(figures.peak, figures.used) > 1.5 {
        remarks.push_str(
            " * The peak was more than half as much again as what is in use now; the allocator may still hold pages \
             from then, and will use them first.\n",
        );
    }
    if figures.fragmentation() > 1.4 {
        let _infallible = writeln!(
            remarks,
            " * The process holds {:.2} times what the data needs. After a peak this is harmless; otherwise many keys of \
             changing sizes may have left holes.",
            figures.fragmentation()
        );
    }
    if live_snapshots > 0 {
        remarks.push_str(
            " * A snapshot is being written: what it still needs of the old data is held besides the new \
             (mem_snapshot_copies in INFO memory).\n",
        );
    }
    if figures.clients > figures.used / 4 {
        remarks.push_str(
            " * Clients hold more than a quarter of the memory: CLIENT LIST shows which (tot-mem), maxmemory-clients \
             bounds it.\n",
        );
    }
    if remarks.is_empty() {
        return "There is nothing remarkable about this server's memory.\n".to_owned();
    }
    format!("Worth knowing about this server's memory:\n\n{remarks}")
}

#[cfg(test)]
mod tests {
    use super::{MemoryFigures, report};

    const CALM: MemoryFigures = MemoryFigures {
        peak: 110 << 20,
        used: 100 << 20,
        at_start: 10 << 20,
        clients: 1 << 20,
        log: 0,
        tables: 1 << 20,
        dataset: 88 << 20,
        keys: 1000,
        resident: 110 << 20,
    };

    #[test]
    fn only_what_is_remarkable_is_remarked() {
        assert!(report(&CALM, 0).starts_with("There is nothing remarkable"));
        assert!(report(&CALM, 1).contains("snapshot"));
        assert!(report(&MemoryFigures { peak: 200 << 20, ..CALM }, 0).contains("peak"));
        assert!(report(&MemoryFigures { resident: 200 << 20, ..CALM }, 0).contains("2.00 times"));
        assert!(report(&MemoryFigures { clients: 50 << 20, ..CALM }, 0).contains("quarter"));
        assert!(report(&MemoryFigures { used: 11 << 20, ..CALM }, 1).contains("too little"));
    }
}
