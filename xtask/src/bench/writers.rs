//! Writers at full speed: threads that overwrite keys until they are told to stop.
//!
//! Each thread has several connections. It sends a pipeline of commands on every one of them before it reads the
//! replies, so the server always has something to do, and never more than it was asked for (a closed loop).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Result, anyhow};

use super::client::Client;
use super::sets::{Content, Sets};

const THREADS: u64 = 2;
const CONNECTIONS_PER_THREAD: usize = 8;
const PIPELINE: u64 = 32;

/// What writers write.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Keys are chosen among so many, evenly.
    pub(super) keys: u64,
    pub(super) value_bytes: usize,
    pub(super) content: Content,
}

impl Load {
    pub(super) fn describe() -> String {
        format!(
            "{} connections, {PIPELINE} commands in flight on each",
            THREADS as usize * CONNECTIONS_PER_THREAD
        )
    }
}

/// Running writers. They stop when this is dropped.
pub(super) struct Writers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct Shared {
    must_stop: AtomicBool,
    acknowledged: AtomicU64,
}

impl Writers {
    pub(super) fn start(address: SocketAddr, load: Load) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..THREADS)
            .map(|number| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || write(address, load, number, &shared))
            })
            .collect();
        Self { shared, threads }
    }

    /// Writes that were acknowledged so far.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends them.
    ///
    /// # Errors
    /// When one of them met a refusal or lost its connection.
    pub(super) fn stop(mut self) -> Result<()> {
        self.shared.must_stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        Ok(())
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.shared.must_stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

fn write(address: SocketAddr, load: Load, seed: u64, shared: &Shared) -> Result<()> {
    let mut sets = Sets::new(100 + seed, load.content, load.value_bytes);
    let mut clients =
        (0..CONNECTIONS_PER_THREAD).map(|_| Client::connect(address)).collect::<Result<Vec<_>>>()?;
    let mut frames = Vec::new();
    while !shared.must_stop.load(Ordering::Relaxed) {
        for client in &mut clients {
            frames.clear();
            for _ in 0..PIPELINE {
                sets.push_any(load.keys, &mut frames);
            }
            client.send(&frames)?;
        }
        for client in &mut clients {
            client.expect_ok(PIPELINE as usize)?;
        }
        shared.acknowledged.fetch_add(PIPELINE * CONNECTIONS_PER_THREAD as u64, Ordering::Relaxed);
    }
    Ok(())
}
