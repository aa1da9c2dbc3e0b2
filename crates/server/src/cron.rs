//! Work that comes with time: expiry, save points, idle clients, statistics.

use lastsave_commands::ExpireCycleKind;

use crate::client::{Client, Closing};
use crate::net::token::ClientKey;
use crate::persistence::ShutdownOptions;
use crate::server::Server;

/// Between two samples of the rates.
const SAMPLE_INTERVAL_MS: u64 = 100;
/// While writers wait for a snapshot to need less memory.
const BUDGET_LOOK_US: u64 = 5_000;
/// Clients looked at per tick at least.
const CLIENTS_PER_TICK_MIN: usize = 5;

/// What periodic work remembers between ticks.
#[derive(Debug, Default)]
pub(crate) struct CronState {
    next_tick_us: u64,
    last_sample_ms: u64,
    /// Id of the last client that was looked at.
    last_client_id: u64,
    /// The last active expire cycle ran out of time: short ones follow between the ticks.
    expiry_lags: bool,
    /// A signal has asked for a shutdown while DEBUG PAUSE-CRON held everything up.
    pub(crate) pending_shutdown: Option<ShutdownOptions>,
    /// DEBUG PAUSE-CRON.
    pub(crate) is_paused: bool,
    /// DEBUG SET-ACTIVE-EXPIRE 0.
    pub(crate) is_expiry_off: bool,
}

impl Server {
    /// When the loop has to turn even without an event, in microseconds of the monotonic clock.
    pub(crate) fn next_deadline_us(&self) -> u64 {
        let mut deadline_us = self.cron.next_tick_us;
        if self.persistence.is_over_budget() && !self.queues.parked.is_empty() {
            deadline_us = deadline_us.min(self.clock.monotonic_us() + BUDGET_LOOK_US);
        }
        for key in &self.queues.blocked {
            let blocked = self.clients.get(*key).and_then(|client| client.blocked.as_ref());
            if let Some(deadline_ms) = blocked.and_then(crate::client::Blocked::deadline_ms) {
                deadline_us = deadline_us.min(deadline_ms.saturating_mul(1000));
            }
        }
        if let Some(end_ms) = self.pause.end_ms() {
            deadline_us = deadline_us.min(end_ms.saturating_mul(1000));
        }
        deadline_us.min(self.key_wait_deadlines.next_us().unwrap_or(u64::MAX))
    }

    /// Runs the periodic work if it is due.
    pub(crate) fn run_cron(&mut self) {
        let now_us = self.clock.monotonic_us();
        if now_us < self.cron.next_tick_us {
            if self.cron.expiry_lags {
                self.expire_keys(ExpireCycleKind::Fast);
            }
            return;
        }
        self.tick(now_us);
        self.statistics.loop_cron_us += self.clock.read_monotonic_us().saturating_sub(now_us);
    }

    fn tick(&mut self, now_us: u64) {
        let interval_us = 1_000_000 / self.settings.cron_hz.max(1);
        self.cron.next_tick_us = now_us + interval_us;
        let now_ms = self.clock.monotonic_ms();
        if now_ms.saturating_sub(self.cron.last_sample_ms) >= SAMPLE_INTERVAL_MS {
            self.cron.last_sample_ms = now_ms;
            self.statistics.sample_rates(now_ms);
            self.note_memory_peak();
        }
        if self.cron.is_paused {
            return;
        }
        if let Some(options) = self.cron.pending_shutdown.take() {
            self.begin_shutdown(options);
        }
        self.queues.accept.append(&mut self.retry_accept);
        self.look_at_clients();
        self.migrate_connections.close_idle(now_ms);
        self.limit_tracking(None);
        self.deliver(None);
        self.give_up_held_replies();
        self.expire_keys(ExpireCycleKind::Slow { hz: self.settings.cron_hz });
        let notices = self.persistence.cron(&mut self.dataset, self.clock.now_ms());
        self.act_upon(notices);
    }

    /// Removes keys that have expired.
    fn expire_keys(&mut self, kind: ExpireCycleKind) {
        if self.pause.is_on()
            || self.cron.is_expiry_off
            || self.persistence.is_loading()
            || self.persistence.is_saturated()
        {
            return;
        }
        let started_us = self.clock.read_monotonic_us();
        let mark = self.persistence.appended() + 1;
        self.dataset.keyspace.set_write_mark(mark);
        let clock = &self.clock;
        let mut clock_us = || clock.read_monotonic_us();
        let timed_out = self.dataset.expire(kind, clock.now_ms(), &mut clock_us, &mut self.effects);
        if kind != ExpireCycleKind::Fast {
            self.cron.expiry_lags = timed_out;
        }
        if !self.effects.is_empty() {
            self.persistence.append_separately(&self.effects);
            self.effects.clear();
        }
        self.follow_signals(None);
        self.deliver(None);
        let elapsed_us = self.clock.read_monotonic_us().saturating_sub(started_us);
        self.statistics.expire_cycle_us += elapsed_us;
        self.note_latency("expire-cycle", elapsed_us / 1000);
    }

    /// Looks at some of the clients, so that each is looked at about once a second.
    fn look_at_clients(&mut self) {
        let share = self.clients.len() / self.settings.cron_hz.max(1) as usize;
        let count = share.max(CLIENTS_PER_TICK_MIN).min(self.clients.len());
        for _ in 0..count {
            let Some((id, key)) = self.clients.next_after(self.cron.last_client_id) else { return };
            self.cron.last_client_id = id;
            self.look_at_client(key);
        }
    }

    fn look_at_client(&mut self, key: ClientKey) {
        let now_ms = self.clock.monotonic_ms();
        let timeout_ms = self.settings.idle_timeout_ms;
        let Some(client) = self.clients.get_mut(key) else { return };
        if timeout_ms > 0 && is_idle(client, timeout_ms, now_ms) {
            tracing::debug!("Closing idle client");
            client.closing = Closing::Now;
            self.queues.queue_flush(client);
            return;
        }
        if client.reply.pending() == 0 {
            client.reply.release_memory();
            client.account_memory(&mut self.eviction.clients);
        } else {
            self.check_output_limit(key);
        }
    }
}

fn is_idle(client: &Client, timeout_ms: u64, now_ms: u64) -> bool {
    let idle_ms = now_ms.saturating_sub(client.activity.last_interaction_ms);
    client.blocked.is_none() && !client.is_subscriber() && idle_ms > timeout_ms
}
