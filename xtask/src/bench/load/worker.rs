//! One thread of the generator: its connections, and the loop that serves them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::commands::Commands;
use super::connection::{Connection, Outcome};
use super::keys::Keys;
use super::latency::{Latency, Slots};
use super::random::Random;
use super::workload::{Pace, Target, Workload};

/// Received at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// The loop looks at the clock and at who wants it to stop at least this often.
const WAIT_TIME_MAX: Duration = Duration::from_millis(20);
/// What was due before the end is waited for this long, so that the slowest commands are not the ones left out.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(60);
/// Resolution of latency over time.
pub(super) const SLOT_TIME: Duration = Duration::from_millis(100);
/// Clients' own keys are so far apart.
pub(super) const OWN_KEYS_DISTANCE: u64 = 1_000_000_000;

/// What the threads and their starter share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) must_stop: AtomicBool,
    pub(super) acknowledged: AtomicU64,
}

/// What a thread measured.
pub(super) struct Report {
    pub(super) latency: Latency,
    pub(super) slots: Slots,
    pub(super) send_delay: Latency,
    pub(super) elapsed: Duration,
    pub(super) cpu_time: Duration,
    /// Per client, when each of its replies came, in nanoseconds since the start. Only for loads of own keys.
    pub(super) replied_ns: Vec<Vec<u64>>,
}

pub(super) struct Worker {
    workload: Workload,
    shared: Arc<Shared>,
    started: Instant,
    /// The number of the first connection among those of all threads.
    first: u64,
    connections: Vec<Connection>,
    epoll: OwnedFd,
    commands: Commands,
    keys: Keys,
    random: Random,
    buffer: Vec<u8>,
    report: Report,
    is_server_gone: bool,
}

impl Worker {
    /// `workload` is this thread's part of the whole.
    pub(super) fn new(
        workload: Workload,
        connections: Vec<Connection>,
        first: u64,
        shared: Arc<Shared>,
    ) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        for (index, connection) in connections.iter().enumerate() {
            epoll::add(&epoll, connection, EventData::new_u64(index as u64), EventFlags::IN)?;
        }
        let distribution = match workload.target {
            Target::Any(distribution) => distribution,
            Target::Own | Target::Fields { .. } => super::Distribution::Uniform,
        };
        let owners = if workload.target == Target::Own { connections.len() } else { 0 };
        Ok(Self {
            commands: Commands::new(100 + first, workload.content, workload.value_bytes),
            keys: Keys::new(workload.keys.max(1), distribution),
            random: Random::new(200 + first),
            report: Report {
                latency: Latency::new(3),
                slots: Slots::new(SLOT_TIME),
                send_delay: Latency::new(3),
                elapsed: Duration::ZERO,
                cpu_time: Duration::ZERO,
                replied_ns: vec![Vec::new(); owners],
            },
            buffer: vec![0; BUFFER_BYTES],
            workload,
            shared,
            started: Instant::now(),
            first,
            connections,
            epoll,
            is_server_gone: false,
        })
    }

    /// Runs the load; `started` is when the first command is due, the same for all threads.
    pub(super) fn run(mut self, started: Instant) -> Result<Report> {
        // The kernel may otherwise wake a waiting thread 50 microseconds late to save energy.
        if let Some(nanosecond) = std::num::NonZero::new(1) {
            let _best_effort = rustix::thread::set_current_timer_slack(Some(nanosecond));
        }
        let cpu_before = thread_cpu_time();
        self.started = started;
        match self.workload.pace {
            Pace::Closed => self.run_closed()?,
            Pace::Open { per_second } => self.run_open(per_second)?,
        }
        self.drain()?;
        self.report.cpu_time = thread_cpu_time().saturating_sub(cpu_before);
        Ok(self.report)
    }

    fn run_closed(&mut self) -> Result<()> {
        let end_ns = self.workload.duration.as_nanos() as u64;
        for index in 0..self.connections.len() {
            self.send_pipeline(index, 0)?;
        }
        loop {
            let now_ns = self.now_ns();
            if self.is_over(now_ns, end_ns) {
                return Ok(());
            }
            let wait = Duration::from_nanos(end_ns - now_ns).min(WAIT_TIME_MAX);
            self.serve(wait, true)?;
        }
    }

    fn run_open(&mut self, per_second: f64) -> Result<()> {
        let end_ns = self.workload.duration.as_nanos() as u64;
        let interval_ns = 1e9 / per_second;
        let (mut count, mut due_ns) = (0_u64, 0_u64);
        loop {
            let now_ns = self.now_ns();
            let first = count;
            // Also what was due before the end and is late because this thread was.
            while due_ns <= now_ns && due_ns < end_ns {
                let index = (count % self.connections.len() as u64) as usize;
                self.report.send_delay.record_ns(now_ns - due_ns);
                self.begin(index, due_ns)?;
                count += 1;
                due_ns = (count as f64 * interval_ns) as u64;
            }
            for number in first..count.min(first + self.connections.len() as u64) {
                self.send((number % self.connections.len() as u64) as usize)?;
            }
            if self.is_over(now_ns, end_ns) {
                return Ok(());
            }
            let now_ns = self.now_ns();
            let wait = Duration::from_nanos(due_ns.min(end_ns).saturating_sub(now_ns)).min(WAIT_TIME_MAX);
            self.serve(wait, false)?;
        }
    }

    /// Whether no more commands are to be sent; notes how long they were.
    fn is_over(&mut self, now_ns: u64, end_ns: u64) -> bool {
        let is_over =
            now_ns >= end_ns || self.is_server_gone || self.shared.must_stop.load(Ordering::Relaxed);
        if is_over {
            self.report.elapsed = Duration::from_nanos(now_ns);
        }
        is_over
    }

    /// Waits for the replies of what was sent.
    fn drain(&mut self) -> Result<()> {
        let started = Instant::now();
        while !self.is_server_gone && self.connections.iter().any(|connection| connection.in_flight() > 0) {
            self.serve(WAIT_TIME_MAX, false)?;
            if started.elapsed() > DRAIN_TIME_MAX {
                bail!("the server does not answer for {DRAIN_TIME_MAX:?}");
            }
        }
        Ok(())
    }

    /// Waits for sockets at most so long, and serves them. In a closed loop whoever has its replies sends again.
    fn serve(&mut self, wait: Duration, send_again: bool) -> Result<()> {
        let mut events = Vec::with_capacity(64);
        let timeout = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        for event in &events {
            let (index, flags) = (event.data.u64() as usize, event.flags);
            if flags.contains(EventFlags::OUT) {
                self.send(index)?;
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                self.receive(index)?;
                if send_again && self.connections[index].in_flight() == 0 && !self.is_server_gone {
                    let now_ns = self.now_ns();
                    self.send_pipeline(index, now_ns)?;
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> Result<()> {
        let mut answered = 0;
        let (report, started) = (&mut self.report, self.started);
        // One look at the clock for all replies of one read: they came together.
        let mut now_ns = None;
        let outcome = self.connections[index].receive(&mut self.buffer, |due_ns| {
            let now_ns = *now_ns.get_or_insert_with(|| started.elapsed().as_nanos() as u64);
            let latency_ns = now_ns.saturating_sub(due_ns);
            report.latency.record_ns(latency_ns);
            report.slots.record_ns(due_ns, latency_ns);
            if let Some(replied_ns) = report.replied_ns.get_mut(index) {
                replied_ns.push(now_ns);
            }
            answered += 1;
        })?;
        self.shared.acknowledged.fetch_add(answered, Ordering::Relaxed);
        self.note(outcome)
    }

    fn send_pipeline(&mut self, index: usize, now_ns: u64) -> Result<()> {
        for _ in 0..self.workload.pipeline {
            self.begin(index, now_ns)?;
        }
        self.send(index)
    }

    fn begin(&mut self, index: usize, due_ns: u64) -> Result<()> {
        let connection = &mut self.connections[index];
        let number = match self.workload.target {
            Target::Any(_) | Target::Fields { .. } => {
                self.workload.first_key + self.keys.choose(&mut self.random)
            }
            Target::Own => (self.first + index as u64) * OWN_KEYS_DISTANCE + connection.begun,
        };
        let share = self.workload.read_share;
        let is_read = share > 0.0 && self.random.unit() < share;
        let out = connection.begin(due_ns)?;
        match self.workload.target {
            Target::Fields { hashes } => self.commands.push_hset(number, hashes, out),
            _ if is_read => Commands::push_get(number, out),
            _ => self.commands.push_set(number, out),
        }
        Ok(())
    }

    fn send(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let had_to_wait = connection.waits_for_socket;
        let outcome = connection.send()?;
        connection.waits_for_socket = connection.has_output();
        if connection.waits_for_socket != had_to_wait {
            let wanted = if had_to_wait { EventFlags::IN } else { EventFlags::IN | EventFlags::OUT };
            epoll::modify(&self.epoll, &*connection, EventData::new_u64(index as u64), wanted)?;
        }
        self.note(outcome)
    }

    fn note(&mut self, outcome: Outcome) -> Result<()> {
        if outcome == Outcome::Closed {
            if self.workload.target != Target::Own {
                bail!("the server closed a connection");
            }
            self.is_server_gone = true;
        }
        Ok(())
    }

    fn now_ns(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
