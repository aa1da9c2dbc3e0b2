//! The active expire cycle: removes keys whose time has come although nobody asks for them.
//!
//! Keys with an expiry are sampled, database by database; a database in which many of them are past their time is
//! sampled again at once, until few are left or the time is up. Keys without an expiry are never looked at.

use lastsave_keyspace::Keyspace;

use crate::context::Context;
use crate::field_sweep::FieldSweep;
use crate::options::{DataOptions, DataStats};

/// Keys per sample at the lowest effort.
const SAMPLE_KEYS: u32 = 20;
/// Longest fast cycle at the lowest effort, in microseconds.
const FAST_LIMIT_US: u64 = 1000;
/// Share of the time between two slow cycles that one may take at the lowest effort, in percent.
const SLOW_LIMIT_PERCENT: u64 = 25;
/// Share of keys past their time, in percent, that is left alone at the lowest effort.
const ACCEPTABLE_STALE_PERCENT: u64 = 10;
/// Databases visited by one cycle.
const DATABASES_PER_CYCLE: usize = 16;
/// Samples between two looks at the clock.
const SAMPLES_PER_CLOCK_LOOK: u64 = 16;
/// Weight of a new cycle in the running average of stale keys.
const STALE_WEIGHT: f64 = 0.05;

/// How a cycle was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpireCycleKind {
    /// By the timer, `hz` times a second.
    Slow {
        /// How often the timer fires per second.
        hz: u64,
    },
    /// Before the event loop sleeps: short, and only when there is reason to.
    Fast,
}

/// What a cycle did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpireOutcome {
    /// Keys with an expiry that were looked at.
    pub sampled: u64,
    /// Keys removed.
    pub expired: u64,
    /// Whether it ended because its time was up, with work left.
    pub timed_out: bool,
}

/// Where the cycles are; one per keyspace.
#[derive(Debug, Clone, Default)]
pub struct ExpireCycle {
    next_db: usize,
    cursors: Vec<u64>,
    average_ttl_ms: Vec<i64>,
    timed_out: bool,
    last_fast_us: Option<u64>,
    fields: FieldSweep,
}

fn effort(options: &DataOptions) -> u32 {
    options.active_expire_effort.clamp(1, 10) - 1
}

/// How many microseconds a cycle may take.
fn limit_us(kind: ExpireCycleKind, options: &DataOptions) -> u64 {
    let effort = u64::from(effort(options));
    match kind {
        ExpireCycleKind::Slow { hz } => {
            ((SLOW_LIMIT_PERCENT + 2 * effort) * 1_000_000 / hz.max(1) / 100).max(1)
        }
        ExpireCycleKind::Fast => FAST_LIMIT_US + FAST_LIMIT_US / 4 * effort,
    }
}

impl ExpireCycle {
    /// Cycles that start with the first database.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The mean time to live of the keys of a database that have one, in milliseconds, as INFO shows it; 0 if unknown.
    #[must_use]
    pub fn average_ttl_ms(&self, db: usize) -> i64 {
        self.average_ttl_ms.get(db).copied().unwrap_or(0)
    }

    /// Follows a SWAPDB, so that cursors and averages stay with their data.
    pub fn swap_databases(&mut self, first: usize, second: usize) {
        self.reserve(first.max(second) + 1);
        self.cursors.swap(first, second);
        self.average_ttl_ms.swap(first, second);
    }

    fn reserve(&mut self, databases: usize) {
        if self.cursors.len() < databases {
            self.cursors.resize(databases, 0);
            self.average_ttl_ms.resize(databases, 0);
        }
    }

    /// Whether a fast cycle has reason to run: the last cycle was cut short or many keys are stale, and the last fast
    /// one is long enough ago.
    fn may_run_fast(&self, options: &DataOptions, stats: &DataStats, now_us: u64) -> bool {
        let acceptable = (ACCEPTABLE_STALE_PERCENT - u64::from(effort(options))) as f64 / 100.0;
        let pause_us = 2 * limit_us(ExpireCycleKind::Fast, options);
        (self.timed_out || stats.expired_stale_ratio >= acceptable)
            && self.last_fast_us.is_none_or(|last| now_us >= last.saturating_add(pause_us))
    }

    /// Runs one cycle. `clock_us` is a monotonic clock in microseconds, looked at a few times.
    ///
    /// Each key removed is one record among the context's effects; they are no transaction and must not be logged as
    /// one. Nothing is removed while the log is replayed.
    pub fn run(
        &mut self,
        context: &mut Context<'_>,
        kind: ExpireCycleKind,
        clock_us: &mut dyn FnMut() -> u64,
    ) -> ExpireOutcome {
        let mut outcome = ExpireOutcome::default();
        let start_us = clock_us();
        if context.replay {
            return outcome;
        }
        if kind == ExpireCycleKind::Fast {
            if !self.may_run_fast(context.options, context.stats, start_us) {
                return outcome;
            }
            self.last_fast_us = Some(start_us);
        }
        let databases = context.keyspace.databases();
        self.reserve(databases);
        let limit_us = limit_us(kind, context.options);
        let visits = if self.timed_out { databases } else { databases.min(DATABASES_PER_CYCLE) };
        let mut samples = 0;
        'databases: for _ in 0..visits {
            let db = self.next_db % databases;
            self.next_db = db + 1;
            while self.sample(context, db, &mut outcome) {
                samples += 1;
                if samples % SAMPLES_PER_CLOCK_LOOK == 0 && clock_us().saturating_sub(start_us) > limit_us {
                    outcome.timed_out = true;
                    context.stats.expired_time_cap_reached_count += 1;
                    break 'databases;
                }
            }
        }
        if matches!(kind, ExpireCycleKind::Slow { .. }) && !outcome.timed_out {
            self.fields.sweep(context, effort(context.options));
        }
        self.timed_out = outcome.timed_out;
        let stale = if outcome.sampled == 0 { 0.0 } else { outcome.expired as f64 / outcome.sampled as f64 };
        let stats = &mut *context.stats;
        stats.expired_stale_ratio = stale * STALE_WEIGHT + stats.expired_stale_ratio * (1.0 - STALE_WEIGHT);
        outcome
    }

    /// Takes one sample of a database and removes what is past its time. Gives whether another one is worth it.
    fn sample(&mut self, context: &mut Context<'_>, db: usize, outcome: &mut ExpireOutcome) -> bool {
        if context.keyspace.db(db).expires_len() == 0 {
            self.average_ttl_ms[db] = 0;
            return false;
        }
        let effort = effort(context.options);
        let keys_max = (SAMPLE_KEYS + SAMPLE_KEYS / 4 * effort) as usize;
        let found = collect(context.keyspace, db, &mut self.cursors[db], keys_max, context.now_ms);
        let mut expired = 0;
        for name in &found.past {
            let key = context.key(name);
            // A sample that wraps around a small table may hold a key twice.
            expired += u64::from(context.expire_if_past(db, &key));
        }
        if let Some(mean) = found.ttl_sum_ms.checked_div(found.ttl_count) {
            let average = &mut self.average_ttl_ms[db];
            let before = if *average == 0 { mean } else { *average };
            *average = before / 50 * 49 + mean / 50;
        }
        outcome.sampled += found.sampled;
        outcome.expired += expired;
        let acceptable = ACCEPTABLE_STALE_PERCENT - u64::from(effort);
        found.sampled > 0 && expired * 100 / found.sampled > acceptable
    }
}

#[derive(Debug, Default)]
struct Sample {
    sampled: u64,
    past: Vec<Vec<u8>>,
    ttl_sum_ms: i64,
    ttl_count: i64,
}

fn collect(keyspace: &Keyspace, db: usize, cursor: &mut u64, keys_max: usize, now_ms: i64) -> Sample {
    let mut sample = Sample::default();
    keyspace.db(db).sample_expiring(cursor, keys_max, |entry| {
        let Some(at) = entry.expires_at_ms() else { return };
        sample.sampled += 1;
        if now_ms > at {
            sample.past.push(entry.key().to_vec());
        } else {
            sample.ttl_sum_ms = sample.ttl_sum_ms.saturating_add(at.saturating_sub(now_ms));
            sample.ttl_count += 1;
        }
    });
    sample
}
