//! Every test of redis-benchmark: processor time per command and throughput, with and without a pipeline.

use anyhow::{Result, bail};

use super::Context;
use super::redis_benchmark::{self, Workload};
use crate::bench::progress::Progress;
use crate::bench::results::Better::{Higher, Lower};
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;
use crate::workspace;

const METRICS: &[Metric] = &[
    Metric::new("cpu_us", "CPU us per command", Lower, 3),
    Metric::new("per_second", "commands/s", Higher, 0),
    Metric::new("p50_ms", "p50 ms", Lower, 3),
    Metric::new("p99_ms", "p99 ms", Lower, 3),
];

/// What is measured, in the order in which redis-benchmark does it: what fills a collection comes before what empties
/// it. The ranges are asked for by hand, because redis-benchmark would measure the filling of their list as well.
const TESTS: &[(&str, &[&str])] = &[
    ("PING_INLINE", &["-t", "ping_inline"]),
    ("PING_MBULK", &["-t", "ping_mbulk"]),
    ("SET", &["-t", "set"]),
    ("GET", &["-t", "get"]),
    ("INCR", &["-t", "incr"]),
    ("LPUSH", &["-t", "lpush"]),
    ("RPUSH", &["-t", "rpush"]),
    ("LPOP", &["-t", "lpop"]),
    ("RPOP", &["-t", "rpop"]),
    ("SADD", &["-t", "sadd"]),
    ("HSET", &["-t", "hset"]),
    ("SPOP", &["-t", "spop"]),
    ("ZADD", &["-t", "zadd"]),
    ("ZPOPMIN", &["-t", "zpopmin"]),
    ("MSET (10 keys)", &["-t", "mset"]),
    ("lpush ranged an-element-of-some-length", &["lpush", "ranged", "an-element-of-some-length"]),
    ("lrange ranged 0 99", &["lrange", "ranged", "0", "99"]),
    ("lrange ranged 0 299", &["lrange", "ranged", "0", "299"]),
    ("lrange ranged 0 499", &["lrange", "ranged", "0", "499"]),
    ("lrange ranged 0 599", &["lrange", "ranged", "0", "599"]),
];

/// Ranges and tens of keys take longer than other commands; fewer of them take as long.
const SLOW_TESTS: &[&str] = &["lrange", "MSET"];
const SLOW_DIVISOR: u64 = 10;

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    if workspace::find_program("redis-benchmark").is_none() {
        bail!("redis-benchmark is missing; it is in Debian's package redis-tools");
    }
    let quick = context.arguments.quick;
    let (unpipelined, pipelined) = if quick { (10_000, 50_000) } else { (300_000, 2_000_000) };
    let mut table = Measurements::new("commands", METRICS);
    let rounds = context.arguments.rounds();
    let progress = Progress::new(rounds * 2 * TESTS.len());
    for round in 0..rounds {
        // All run at once, one of them busy: what the machine does meanwhile hits all.
        let servers = context
            .in_turn(round)
            .map(|contestant| {
                let server = Server::start(contestant, &["--appendonly", "no"], &context.directory)?;
                Ok((contestant, server))
            })
            .collect::<Result<Vec<_>>>()?;
        for (pipeline, requests) in [(1, unpipelined), (32, pipelined)] {
            for (name, arguments) in TESTS {
                let is_slow = SLOW_TESTS.iter().any(|slow| name.starts_with(slow));
                let requests = if is_slow { requests / SLOW_DIVISOR } else { requests };
                let workload = Workload { name, arguments, pipeline, requests };
                progress.step(&format!("round {}: {name}, pipeline {pipeline}", round + 1));
                for (contestant, server) in &servers {
                    let measured = redis_benchmark::run(server, workload)?;
                    table.record(
                        &[("test", name), ("pipeline", &pipeline.to_string())],
                        &contestant.name,
                        [
                            Some(measured.cpu_us_per_command),
                            Some(measured.commands_per_second),
                            Some(measured.latency_p50_ms),
                            Some(measured.latency_p99_ms),
                        ],
                    );
                }
            }
        }
    }
    drop(progress);
    Ok(Outcome {
        title: "Every test of redis-benchmark".to_owned(),
        notes: vec![
            "redis-benchmark, 50 clients, a million different keys or elements, values of 100 B, no log. Processor time \
             is the server's, all threads."
                .to_owned(),
        ],
        tables: vec![table],
        charts: Vec::new(),
    })
}
