//! What a server tells about itself while it is under load, again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::client::Client;
use super::info::Info;

/// Often enough to see a sync's second, seldom enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(50);

/// What INFO said at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// `aof_at_risk_bytes` and `aof_at_risk_ms`, where the server has them.
    pub(super) at_risk_bytes: Option<f64>,
    pub(super) at_risk_ms: Option<f64>,
    /// A BGSAVE or a rewrite of the log was under way.
    pub(super) has_snapshot: bool,
}

/// Asks until it is stopped or dropped.
pub(super) struct Sampler {
    must_stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Vec<Sample>>>>,
}

impl Sampler {
    pub(super) fn start(address: SocketAddr) -> Result<Self> {
        let mut client = Client::connect(address)?;
        let must_stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&must_stop);
        let thread = std::thread::spawn(move || {
            let mut samples = Vec::new();
            while !flag.load(Ordering::Relaxed) {
                samples.push(sample(&mut client)?);
                std::thread::sleep(INTERVAL);
            }
            Ok(samples)
        });
        Ok(Self { must_stop, thread: Some(thread) })
    }

    pub(super) fn stop(mut self) -> Result<Vec<Sample>> {
        self.must_stop.store(true, Ordering::Relaxed);
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| anyhow!("the sampling thread panicked"))?,
            None => Ok(Vec::new()),
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.must_stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn sample(client: &mut Client) -> Result<Sample> {
    let at = Instant::now();
    let info = Info::section(client, "persistence")?;
    let is_on = |name: &str| info.number(name).is_ok_and(|value| value > 0.0);
    Ok(Sample {
        at,
        at_risk_bytes: info.number("aof_at_risk_bytes").ok(),
        at_risk_ms: info.number("aof_at_risk_ms").ok(),
        has_snapshot: is_on("rdb_bgsave_in_progress") || is_on("aof_rewrite_in_progress"),
    })
}

/// Spans of time with a snapshot, in seconds since `start`. One that has not ended ends with the last sample.
pub(super) fn snapshots(samples: &[Sample], start: Instant) -> Vec<(f64, f64)> {
    let seconds = |at: Instant| at.saturating_duration_since(start).as_secs_f64();
    let mut spans: Vec<(f64, f64)> = Vec::new();
    let mut was_on = false;
    for sample in samples {
        let at = seconds(sample.at);
        match spans.last_mut() {
            Some(last) if was_on => last.1 = at,
            _ if sample.has_snapshot => spans.push((at, at)),
            _ => {}
        }
        was_on = sample.has_snapshot;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_snapshots_are_found() {
        let start = Instant::now();
        let samples: Vec<Sample> = [false, true, true, false, false, true]
            .into_iter()
            .enumerate()
            .map(|(index, has_snapshot)| Sample {
                at: start + Duration::from_secs(index as u64),
                at_risk_bytes: None,
                at_risk_ms: None,
                has_snapshot,
            })
            .collect();
        assert_eq!(snapshots(&samples, start), [(1.0, 3.0), (5.0, 5.0)]);
    }
}
