//! The event loop: one thread that reads, executes and answers, and never waits for a lock or the disk.

use std::io;
use std::time::Duration;

use mio::{Events, Poll};

use crate::client::Blocked;
use crate::durability::{Awaited, Durability};
use crate::net::token::Source;
use crate::persistence::LoadProgress;
use crate::server::Server;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;
/// After a turn that took this long the next one's processor time is measured; for short ones that costs too much.
const LONG_TURN_US: u64 = 100;

impl Server {
    /// Runs until the server is told to end; gives the exit code.
    ///
    /// # Errors
    /// When the poll itself fails, which leaves nothing to serve.
    pub(crate) fn run(mut self, mut poll: Poll) -> io::Result<i32> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut last_was_long = false;
        while self.exit_code.is_none() {
            let timeout = self.prepare_sleep();
            let polled = poll.poll(&mut events, Some(timeout));
            self.persistence.cancel_wake();
            match polled {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            let turn_started_us = self.clock.read_monotonic_us();
            self.clock.refresh();
            for event in &events {
                self.note_event(event);
            }
            let has_snapshot = self.persistence.is_snapshot_under_way();
            let cpu_before_us = (has_snapshot || last_was_long).then(crate::clock::thread_cpu_us);
            self.turn();
            if let Some(before_us) = cpu_before_us {
                self.persistence.note_turn(crate::clock::thread_cpu_us() - before_us, has_snapshot);
            }
            self.tell_of_snapshot();
            let busy_us = self.clock.read_monotonic_us() - turn_started_us;
            last_was_long = busy_us >= LONG_TURN_US;
            self.statistics.note_turn(busy_us);
        }
        Ok(self.leave())
    }

    fn tell_of_snapshot(&mut self) {
        let under_way = self.persistence.is_snapshot_under_way();
        if under_way != self.snapshot_told {
            self.snapshot_told = under_way;
            (self.hooks.snapshot_under_way)(under_way);
        }
    }

    /// How long the poll may sleep, after telling the log what to wake the loop for.
    fn prepare_sleep(&self) -> Duration {
        if self.queues.has_work() || self.has_keys_to_evict() || self.persistence.is_loading() {
            return Duration::ZERO;
        }
        if !self.persistence.want_wake(&self.awaited()) {
            return Duration::ZERO;
        }
        let now_us = self.clock.read_monotonic_us();
        Duration::from_micros(self.next_deadline_us().saturating_sub(now_us))
    }

    /// The lowest log positions that held replies and clients in WAITAOF wait for.
    fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for client in self.queues.gated.iter().filter_map(|key| self.clients.get(*key)) {
            if let Some((durability, position)) = client.gate.waits_for() {
                awaited.add(durability, position);
            }
        }
        for client in self.queues.blocked.iter().filter_map(|key| self.clients.get(*key)) {
            if let Some(position) = client.blocked.as_ref().and_then(Blocked::awaited_position) {
                awaited.add(Durability::Always, position);
            }
        }
        awaited
    }

    fn note_event(&mut self, event: &mio::event::Event) {
        match Source::of(event.token()) {
            Source::Waker => {}
            Source::Listener(index) => {
                if !self.queues.accept.contains(&index) {
                    self.queues.accept.push(index);
                }
            }
            Source::Client(key) => {
                let Some(client) = self.clients.get_mut(key) else { return };
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    client.work.readable = true;
                }
                if event.is_read_closed() || event.is_error() {
                    client.work.hung_up = true;
                    // What it waits for can no longer be told to it.
                    if client.blocked.is_some() {
                        client.closing = crate::client::Closing::Now;
                        self.queues.queue_flush(client);
                    }
                }
                self.queues.queue_ready(client);
                if event.is_writable() && client.reply.pending() > 0 {
                    self.queues.queue_flush(client);
                }
            }
        }
    }

    /// Everything one turn does between two polls.
    fn turn(&mut self) {
        self.receive_control();
        self.poll_persistence();
        if self.persistence.is_loading() {
            self.load();
        }
        self.accept_connections();
        self.unpark_clients();
        if self.pause.end_if_due(self.clock.monotonic_ms()) {
            self.end_pause();
        }
        self.serve_ready();
        self.wake_blocked();
        self.evict_clients(None);
        self.go_on_evicting();
        self.end_overdue_key_waits();
        self.run_cron();
        // Keys that expired, and those that had to wait for the log.
        self.serve_ready_keys();
        self.deliver(None);
        self.broadcast_changes();
        self.persistence.hand_over();
        self.flush_outputs();
        self.sync_for_clients();
    }

    /// Loads a slice of the dataset.
    fn load(&mut self) {
        match self.persistence.load_step(&mut self.dataset) {
            LoadProgress::InProgress => {}
            LoadProgress::Done => self.announce_ready(),
            LoadProgress::Failed { exit_code } => self.exit_code = Some(exit_code),
        }
    }

    /// Tells the log that clients are served.
    pub(crate) fn announce_ready(&self) {
        if self.listeners.has_tcp() {
            tracing::info!("Ready to accept connections tcp");
        }
        if !self.listeners.unix_path().is_empty() {
            tracing::info!("Ready to accept connections unix");
        }
    }

    /// Clients that waited for the log to catch up go on.
    fn unpark_clients(&mut self) {
        if self.queues.parked.is_empty() || self.persistence.is_saturated() {
            return;
        }
        for key in std::mem::take(&mut self.queues.parked) {
            if let Some(client) = self.clients.get_mut(key) {
                client.work.parked = false;
                self.queues.queue_ready(client);
            }
        }
    }

    /// Last steps before the process ends.
    fn leave(mut self) -> i32 {
        let registry = &self.registry;
        self.listeners.deregister(registry);
        self.listeners.remove_unix_file();
        self.exit_code.unwrap_or(0)
    }
}
