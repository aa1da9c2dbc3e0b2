//! Shows group commit: a disk whose sync takes 5 ms, writers that never wait, and how many batches share a sync.
//!
//! `cargo run -p lastsave-fsync-scheduler --example group_commit`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use lastsave_fsync_scheduler::{
    Core, Log, LogBytes, LogError, MonotonicClock, Options, Policy, Position, RewriteBase, Scheduler, Switch,
    SyncHandle,
};

/// A disk that remembers nothing but how much it was given.
#[derive(Default)]
struct SlowDisk {
    bytes: AtomicU64,
}

impl SyncHandle for SlowDisk {
    fn sync(&self) -> Result<(), LogError> {
        thread::sleep(Duration::from_millis(5));
        Ok(())
    }
}

struct SlowLog(Arc<SlowDisk>);

const ONE_PIECE: LogError = LogError::Misuse("this log is one piece");

impl Log for SlowLog {
    fn write(&mut self, batch: &[Bytes], _: Position, _: Position, _: bool) -> Result<(), LogError> {
        let bytes: usize = batch.iter().map(Bytes::len).sum();
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync_handle(&self) -> Arc<dyn SyncHandle> {
        Arc::<SlowDisk>::clone(&self.0)
    }

    fn mark(&mut self, _: Position) -> Result<(), LogError> {
        Ok(())
    }

    fn switch(&mut self, _: Switch, _: Position, _: Position) -> Result<(), LogError> {
        Err(ONE_PIECE)
    }

    fn complete_rewrite(&mut self, _: &RewriteBase, _: Position) -> Result<(), LogError> {
        Err(ONE_PIECE)
    }

    fn abort_rewrite(&mut self) -> Result<(), LogError> {
        Err(ONE_PIECE)
    }

    fn start_new_increment(&mut self, _: Position) -> Result<(), LogError> {
        Err(ONE_PIECE)
    }

    fn adopt_new_increment(&mut self, _: Position, _: Position) -> Result<(), LogError> {
        Err(ONE_PIECE)
    }

    fn close(&mut self, _: Position, _: Position, _: bool) -> Result<(), LogError> {
        Ok(())
    }

    fn bytes(&self) -> LogBytes {
        LogBytes { current: self.0.bytes.load(Ordering::Relaxed), base: 0 }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options { policy: Policy::Always, ..Options::default() };
    let core = Core::new(SlowLog(Arc::default()), Position::ZERO, options);
    let (bell, wakes) = mpsc::channel();
    let (scheduler, log) = Scheduler::spawn(core, Arc::new(MonotonicClock::new()), move || {
        let _ = bell.send(());
    })?;

    let record = Bytes::from_static(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
    let mut end = Position::ZERO;
    for _ in 0..1000 {
        end = end.advance(record.len() as u64);
        log.append(record.clone(), end);
        thread::sleep(Duration::from_micros(50));
    }
    while log.want_wake(end) {
        wakes.recv()?;
    }

    let statistics = log.statistics();
    println!(
        "{} batches, {} writes, {} syncs",
        statistics.counters.batches, statistics.counters.writes, statistics.counters.syncs
    );
    println!("{:?}", statistics.sync_latency);
    log.close(true);
    assert!(scheduler.join());
    Ok(())
}
