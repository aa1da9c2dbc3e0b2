//! One run of redis-benchmark against one server.
//!
//! It knows tests of all types that our own load generator does not.

use anyhow::{Context, Result, bail};

use crate::bench::process;
use crate::bench::server::Server;
use crate::shell::Tool;

const CLIENTS: u32 = 50;
const KEYS: u64 = 1_000_000;
const VALUE_BYTES: u32 = 100;

/// What one client sends.
#[derive(Clone, Copy)]
pub(super) struct Workload {
    /// What redis-benchmark calls it in its report.
    pub(super) name: &'static str,
    /// What tells redis-benchmark to run it: `-t` and a test, or the words of a command.
    pub(super) arguments: &'static [&'static str],
    /// Commands sent before their replies are awaited.
    pub(super) pipeline: u32,
    pub(super) requests: u64,
}

/// What one run measured.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) cpu_us_per_command: f64,
    pub(super) commands_per_second: f64,
    pub(super) latency_p50_ms: f64,
    pub(super) latency_p99_ms: f64,
}

pub(super) fn run(server: &Server, workload: Workload) -> Result<Measured> {
    let tool = Tool::new("redis-benchmark")
        .args(["-h", &server.address().ip().to_string(), "-p", &server.address().port().to_string()])
        .args(["-P", &workload.pipeline.to_string(), "-n", &workload.requests.to_string()])
        .args(["-c", &CLIENTS.to_string(), "-r", &KEYS.to_string(), "-d", &VALUE_BYTES.to_string(), "--csv"])
        .args(workload.arguments);
    let cpu_before = process::cpu_time(server.process_id())?;
    let output = tool.output()?;
    let cpu = process::cpu_time(server.process_id())? - cpu_before;
    let line = output
        .lines()
        .find(|line| line.starts_with(&format!("\"{}\"", workload.name)))
        .with_context(|| format!("redis-benchmark reported nothing:\n{output}"))?;
    let numbers = csv_numbers(line);
    // test, requests per second, average, minimum, p50, p95, p99 and maximum latency in ms
    let [rate, _, _, p50, _, p99, _] = numbers[..] else {
        bail!("redis-benchmark reported something unknown: {line}");
    };
    Ok(Measured {
        cpu_us_per_command: cpu.as_secs_f64() * 1e6 / workload.requests as f64,
        commands_per_second: rate,
        latency_p50_ms: p50,
        latency_p99_ms: p99,
    })
}

/// The numbers after the first field.
fn csv_numbers(line: &str) -> Vec<f64> {
    line.split(',').skip(1).filter_map(|field| field.trim().trim_matches('"').parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmark_lines_are_understood() {
        let line = r#""SET","399201.59","3.710","0.552","3.335","6.575","7.887","12.791""#;
        assert_eq!(csv_numbers(line), [399_201.59, 3.710, 0.552, 3.335, 6.575, 7.887, 12.791]);
    }
}
