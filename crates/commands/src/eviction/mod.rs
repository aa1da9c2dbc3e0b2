//! Giving up keys when the data outgrows `maxmemory`.
//!
//! The keys that the policy would rather be rid of are not known without looking at all of them. A few are sampled instead,
//! and the best of them wait in a small pool for the next time, so that the pool soon holds keys that are among the worst
//! of all.

mod pool;

use rand::Rng as _;

use lastsave_keyspace::Among;

use crate::access;
use crate::context::Context;
use crate::options::{DataOptions, MaxmemoryPolicy};
use crate::signals::EventClass;
use pool::Pool;

/// Keys removed between two looks at the clock.
const KEYS_PER_CLOCK_LOOK: u64 = 16;

/// How a round of eviction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvictionResult {
    /// As much as was asked for is freed.
    Done,
    /// The time was up, with keys left to give up.
    TimedOut,
    /// The policy allows no key to be given up any more.
    NothingLeft,
}

/// Which keys are the next to go; one per keyspace.
#[derive(Debug, Clone, Default)]
pub struct Evictor {
    pool: Pool,
    /// For random choices: the database that is asked next.
    next_db: usize,
}

impl Evictor {
    /// One that knows no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes keys as `maxmemory-policy` says until the data are smaller by `excess_bytes`. `clock_us` is a monotonic
    /// clock in microseconds, looked at a few times; the round ends early after `limit_us`.
    ///
    /// Each key removed is one record among the context's effects; they are no transaction and must not be logged as
    /// one.
    pub fn run(
        &mut self,
        context: &mut Context<'_>,
        excess_bytes: u64,
        limit_us: u64,
        clock_us: &mut dyn FnMut() -> u64,
    ) -> EvictionResult {
        let start_us = clock_us();
        let bytes_before = live_bytes(context);
        let is_too_much =
            |context: &Context<'_>| bytes_before.saturating_sub(live_bytes(context)) < excess_bytes;
        let mut removed = 0;
        while is_too_much(context) {
            let Some((db, name)) = self.next_victim(context) else { return EvictionResult::NothingLeft };
            evict(context, db, &name);
            removed += 1;
            if removed % KEYS_PER_CLOCK_LOOK == 0
                && clock_us().saturating_sub(start_us) > limit_us
                && is_too_much(context)
            {
                return EvictionResult::TimedOut;
            }
        }
        EvictionResult::Done
    }

    fn next_victim(&mut self, context: &mut Context<'_>) -> Option<(usize, Vec<u8>)> {
        match context.options.maxmemory_policy {
            MaxmemoryPolicy::NoEviction => None,
            MaxmemoryPolicy::AllkeysRandom => self.random_key(context, Among::All),
            MaxmemoryPolicy::VolatileRandom => self.random_key(context, Among::Expiring),
            MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::AllkeysLfu => self.worst_key(context, Among::All),
            MaxmemoryPolicy::VolatileLru | MaxmemoryPolicy::VolatileLfu | MaxmemoryPolicy::VolatileTtl => {
                self.worst_key(context, Among::Expiring)
            }
        }
    }

    /// A key chosen at random, from one database after the other.
    fn random_key(&mut self, context: &mut Context<'_>, among: Among) -> Option<(usize, Vec<u8>)> {
        let databases = context.keyspace.databases();
        let Context { keyspace, random, .. } = context;
        (0..databases).find_map(|_| {
            self.next_db = (self.next_db + 1) % databases;
            let mut chosen = None;
            keyspace.db(self.next_db).sample(among, 1, &mut || random.random(), |entry| {
                chosen = Some((self.next_db, entry.key().to_vec()));
            });
            chosen
        })
    }

    /// The key that is worst in the policy's eyes among those sampled, now and before.
    fn worst_key(&mut self, context: &mut Context<'_>, among: Among) -> Option<(usize, Vec<u8>)> {
        loop {
            if !self.sample(context, among) {
                return None;
            }
            while let Some(candidate) = self.pool.pop_worst() {
                // It may be gone, or have been used since it was sampled.
                let key = context.key(&candidate.name);
                let entry = context.keyspace.db(candidate.db).get(&key);
                let entry = entry.filter(|entry| among == Among::All || entry.expires_at_ms().is_some());
                let still = entry.is_some_and(|entry| {
                    let expires_at_ms = entry.expires_at_ms().unwrap_or(i64::MAX);
                    badness(entry.access(), expires_at_ms, context.options, context.now_ms)
                        >= candidate.badness
                });
                if still {
                    return Some((candidate.db, candidate.name));
                }
            }
        }
    }

    /// Puts some keys of every database into the pool. Gives whether there are any.
    fn sample(&mut self, context: &mut Context<'_>, among: Among) -> bool {
        let max = context.options.maxmemory_samples;
        let (options, now_ms) = (context.options, context.now_ms);
        let Context { keyspace, random, .. } = context;
        let mut any = false;
        for db in 0..keyspace.databases() {
            let sampled = keyspace.db(db).sample(among, max, &mut || random.random(), |entry| {
                let expires_at_ms = entry.expires_at_ms().unwrap_or(i64::MAX);
                let badness = badness(entry.access(), expires_at_ms, options, now_ms);
                self.pool.offer(badness, db, entry.key());
            });
            any |= sampled > 0;
        }
        any
    }

    /// Forgets every key, since another policy sees them with other eyes.
    pub fn forget(&mut self) {
        self.pool = Pool::default();
    }
}

/// Removes a key, logs that and tells who wants to know.
fn evict(context: &mut Context<'_>, db: usize, name: &[u8]) {
    let key = context.key(name);
    context.keyspace.db_mut(db).remove(&key);
    context.stats.evicted_keys += 1;
    context.vanished_in(db, &key);
    context.notify_in(db, EventClass::Evicted, "evicted", &key);
    let command: &[u8] = if context.options.lazyfree_lazy_eviction { b"UNLINK" } else { b"DEL" };
    context.effects.command(db, &[command, name]);
}

fn live_bytes(context: &Context<'_>) -> u64 {
    context.keyspace.memory().live_bytes as u64
}

/// How gladly the policy gives a key up: idle seconds, rareness, or nearness of the end.
fn badness(access: u32, expires_at_ms: i64, options: &DataOptions, now_ms: i64) -> u64 {
    match options.maxmemory_policy {
        MaxmemoryPolicy::VolatileTtl => u64::MAX - expires_at_ms.max(0).unsigned_abs(),
        policy if policy.is_lfu() => 255 - u64::from(access::lfu_counter(access, options, now_ms)),
        _ => u64::from(access::idle_seconds(access, now_ms)),
    }
}

/// How long one round of eviction may take under this `maxmemory-eviction-tenacity`, in microseconds: up to half a
/// millisecond at 10, about two minutes at 99, and as long as it takes at 100.
#[must_use]
pub fn eviction_limit_us(tenacity: u32) -> u64 {
    match tenacity {
        ..=10 => u64::from(tenacity) * 50,
        11..=99 => (500.0 * 1.15_f64.powi(tenacity as i32 - 10)) as u64,
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenacity_gives_time() {
        assert_eq!([0, 1, 10].map(eviction_limit_us), [0, 50, 500]);
        assert!((100_000_000..150_000_000).contains(&eviction_limit_us(99)));
        assert_eq!(eviction_limit_us(100), u64::MAX);
    }

    #[test]
    fn each_policy_has_its_own_idea_of_a_bad_key() {
        let options = |maxmemory_policy| DataOptions { maxmemory_policy, ..DataOptions::default() };
        let now_ms = 1_700_000_000_000;
        let lru = options(MaxmemoryPolicy::AllkeysLru);
        let old = access::fresh(&lru, now_ms - 50_000);
        assert_eq!(badness(old, i64::MAX, &lru, now_ms), 50);
        let lfu = options(MaxmemoryPolicy::VolatileLfu);
        assert_eq!(badness(access::fresh(&lfu, now_ms), 0, &lfu, now_ms), 250);
        let ttl = options(MaxmemoryPolicy::VolatileTtl);
        assert!(badness(0, 1000, &ttl, now_ms) > badness(0, 2000, &ttl, now_ms));
    }
}
