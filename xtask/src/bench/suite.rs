//! Every test of redis-benchmark on both servers in turn: CPU per command and throughput.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Contestants;
use super::load::{self, Measured, Workload};
use super::report::{Table, median};
use super::server::Server;
use crate::shell::heading;

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

pub(super) struct Plan {
    pub(super) rounds: usize,
    /// Commands per pipelined run.
    pub(super) requests: u64,
    /// Commands per run without a pipeline.
    pub(super) requests_unpipelined: u64,
}

pub(super) fn run(contestants: &Contestants, directory: &Path, plan: &Plan) -> Result<Value> {
    heading(&format!("redis-benchmark's tests, {} rounds", plan.rounds));
    let mut all: Vec<(Workload, [Vec<Measured>; 2])> = Vec::new();
    for (pipeline, requests) in [(1, plan.requests_unpipelined), (32, plan.requests)] {
        for (name, arguments) in TESTS {
            let is_slow = SLOW_TESTS.iter().any(|slow| name.starts_with(slow));
            let requests = if is_slow { requests / SLOW_DIVISOR } else { requests };
            all.push((Workload { name, arguments, pipeline, requests }, [Vec::new(), Vec::new()]));
        }
    }
    for round in 0..plan.rounds {
        let servers = [
            Server::start(&contestants.ours, &["--appendonly", "no"], directory)?,
            Server::start(&contestants.reference, &["--appendonly", "no"], directory)?,
        ];
        for (workload, measured) in &mut all {
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                measured[side].push(load::run(&servers[side], *workload)?);
            }
        }
        println!("round {} of {} done", round + 1, plan.rounds);
    }
    Ok(report(contestants, &all))
}

fn report(contestants: &Contestants, all: &[(Workload, [Vec<Measured>; 2])]) -> Value {
    let mut table =
        Table::new(&["test", "CPU us/cmd ours", "redis", "ratio", "commands/s ours", "redis", "ratio"]);
    let mut results = Vec::new();
    for (workload, measured) in all {
        let of = |value: fn(&Measured) -> f64| {
            [0, 1].map(|side| median(measured[side].iter().map(value).collect()))
        };
        let cpu = of(|measured| measured.cpu_us_per_command);
        let rate = of(|measured| measured.commands_per_second);
        table.row(vec![
            workload.title(),
            format!("{:.3}", cpu[0]),
            format!("{:.3}", cpu[1]),
            format!("{:.2}", cpu[0] / cpu[1]),
            format!("{:.0}", rate[0]),
            format!("{:.0}", rate[1]),
            format!("{:.2}", rate[0] / rate[1]),
        ]);
        results.push(json!({
            "test": workload.name,
            "pipeline": workload.pipeline,
            "cpu_us_per_command": { contestants.ours.name: cpu[0], contestants.reference.name: cpu[1] },
            "commands_per_second": { contestants.ours.name: rate[0], contestants.reference.name: rate[1] },
        }));
    }
    println!("{table}");
    json!(results)
}
