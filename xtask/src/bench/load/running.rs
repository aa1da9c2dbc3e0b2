//! A load under way, and what it measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::connection::Connection;
use super::latency::{Latency, Slots};
use super::worker::{OWN_KEYS_DISTANCE, Report, Shared, Worker};
use super::workload::{Pace, Workload};

/// A load under way. It stops when this is dropped.
pub(in crate::bench) struct Running {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Report>>>,
    started: Instant,
}

/// What a load measured.
pub(in crate::bench) struct Measured {
    /// When the first command was due.
    pub(in crate::bench) started: Instant,
    pub(in crate::bench) elapsed: Duration,
    pub(in crate::bench) latency: Latency,
    pub(in crate::bench) slots: Slots,
    /// How much later than due commands were sent: the generator's own share of the latency in an open loop.
    pub(in crate::bench) send_delay: Latency,
    /// Processor time of the busiest thread of the generator, as a share of the time. Near 1 it has measured itself.
    pub(in crate::bench) generator_share: f64,
    /// Per client, when each of its replies came, in nanoseconds since the start. Only for loads of own keys.
    pub(in crate::bench) replied_ns: Vec<Vec<u64>>,
}

impl Measured {
    pub(in crate::bench) fn per_second(&self) -> f64 {
        self.latency.count() as f64 / self.elapsed.as_secs_f64()
    }

    /// The key that a client in a load of own keys wrote as its `number`th, counted from 0.
    pub(in crate::bench) fn own_key(client: usize, number: usize) -> String {
        format!("key:{:012}", client as u64 * OWN_KEYS_DISTANCE + number as u64)
    }
}

impl Running {
    /// Connects the clients and starts.
    pub(in crate::bench) fn start(address: SocketAddr, workload: &Workload) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let threads = workload.threads.clamp(1, workload.clients.max(1));
        let mut workers = Vec::new();
        for thread in 0..threads {
            let numbers = workload.clients * thread / threads..workload.clients * (thread + 1) / threads;
            let mut part = workload.clone();
            part.clients = numbers.len();
            if let Pace::Open { per_second } = &mut part.pace {
                *per_second *= numbers.len() as f64 / workload.clients as f64;
            }
            let first = numbers.start as u64;
            let connections = numbers.map(|_| Connection::open(address)).collect::<Result<Vec<_>>>()?;
            workers.push(Worker::new(part, connections, first, Arc::clone(&shared))?);
        }
        let started = Instant::now();
        let threads =
            workers.into_iter().map(|worker| std::thread::spawn(move || worker.run(started))).collect();
        Ok(Self { shared, threads, started })
    }

    /// Runs the whole load.
    pub(in crate::bench) fn run(address: SocketAddr, workload: &Workload) -> Result<Measured> {
        Self::start(address, workload)?.finish()
    }

    /// Commands that were answered so far.
    pub(in crate::bench) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends it before its time.
    ///
    /// # Errors
    /// When a client met a refusal or lost its connection.
    pub(in crate::bench) fn stop(self) -> Result<Measured> {
        self.shared.must_stop.store(true, Ordering::Relaxed);
        self.finish()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub(in crate::bench) fn finish(mut self) -> Result<Measured> {
        let mut measured = Measured {
            started: self.started,
            elapsed: Duration::ZERO,
            latency: Latency::new(3),
            slots: Slots::new(super::worker::SLOT_TIME),
            send_delay: Latency::new(3),
            generator_share: 0.0,
            replied_ns: Vec::new(),
        };
        for thread in self.threads.drain(..) {
            let report = thread.join().map_err(|_| anyhow!("a thread of the load generator panicked"))??;
            measured.latency.add(&report.latency);
            measured.slots.add(&report.slots);
            measured.send_delay.add(&report.send_delay);
            measured.elapsed = measured.elapsed.max(report.elapsed);
            let share = report.cpu_time.as_secs_f64() / report.elapsed.as_secs_f64().max(1e-9);
            measured.generator_share = measured.generator_share.max(share);
            measured.replied_ns.extend(report.replied_ns);
        }
        Ok(measured)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.must_stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener};

    use super::super::{Content, Distribution, Target};
    use super::*;

    /// A server that answers every SET of 64 bytes in all, and does nothing for a while after the first 500 ms.
    fn stalling_server(stall: Duration) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let started = Instant::now();
            let (mut has_stalled, mut have, mut buffer) = (false, 0, [0; 4096]);
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if !has_stalled && started.elapsed() > Duration::from_millis(500) {
                    std::thread::sleep(stall);
                    has_stalled = true;
                }
                have += count;
                let commands = have / 64;
                have %= 64;
                stream.write_all(&b"+OK\r\n".repeat(commands)).unwrap();
            }
        });
        address
    }

    /// A server that has no keys, answers GETs of 36 bytes and tells what it was sent by one client.
    fn empty_server() -> (SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut all, mut answered, mut buffer) = (Vec::new(), 0, [0; 4096]);
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                all.extend_from_slice(&buffer[..count]);
                let whole = all.len() / 36;
                stream.write_all(&b"$-1\r\n".repeat(whole - answered)).unwrap();
                answered = whole;
            }
            all
        });
        (address, thread)
    }

    /// One client that writes ten keys in an open loop.
    fn lone_client(per_second: f64, duration: Duration) -> Workload {
        Workload {
            pace: Pace::Open { per_second },
            duration,
            clients: 1,
            threads: 1,
            pipeline: 1,
            read_share: 0.0,
            target: Target::Any(Distribution::Uniform),
            keys: 10,
            first_key: 0,
            value_bytes: 1,
            content: Content::Noise,
        }
    }

    #[test]
    fn a_load_keeps_to_its_own_keys() {
        let workload =
            Workload { read_share: 1.0, first_key: 500, ..lone_client(2000.0, Duration::from_millis(100)) };
        let (address, server) = empty_server();
        let measured = Running::run(address, &workload).unwrap();
        assert_eq!(measured.latency.count(), 200);
        let text = String::from_utf8(server.join().unwrap()).unwrap();
        let keys: Vec<u64> = text.split("key:").skip(1).map(|rest| rest[..12].parse().unwrap()).collect();
        assert_eq!(keys.len(), 200);
        assert!(keys.iter().all(|key| (500..510).contains(key)), "{keys:?}");
    }

    #[test]
    fn an_open_loop_counts_those_who_could_not_even_ask() {
        // The rest of the frame takes 43 bytes.
        let workload = Workload { value_bytes: 21, ..lone_client(1000.0, Duration::from_secs(1)) };
        let address = stalling_server(Duration::from_millis(200));
        let measured = Running::run(address, &workload).unwrap();
        assert_eq!(measured.latency.count(), 1000);
        // A fifth of the second was a stall: a tenth of all commands waited 100 ms or more.
        let p90 = measured.latency.quantile_ms(0.9);
        assert!(p90 >= 80.0, "{p90}");
        assert!(measured.latency.max_ms() >= 190.0);
    }
}
