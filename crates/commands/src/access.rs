//! The access word of a key: when it was last used (LRU) or how often (LFU).
//!
//! 24 bits are used. For LRU they are a clock in seconds that wraps. For LFU the upper 16 bits are the minute of the
//! last decrement, wrapping as well, and the lower 8 a counter that grows logarithmically.

use rand::Rng;
use rand::rngs::SmallRng;

use crate::options::DataOptions;

/// The LRU clock wraps above this.
const LRU_CLOCK_MAX: u32 = (1 << 24) - 1;
/// Resolution of the LRU clock.
const LRU_TICK_MS: i64 = 1000;
/// The counter a new key starts with, so that it is not the first to be evicted.
const LFU_COUNTER_START: u32 = 5;
const LFU_COUNTER_MAX: u32 = 255;

/// The LRU clock at a unix time in milliseconds.
#[inline]
pub(crate) fn lru_clock(now_ms: i64) -> u32 {
    (now_ms / LRU_TICK_MS) as u32 & LRU_CLOCK_MAX
}

fn lfu_minute(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

/// The access word of a key written just now.
#[inline]
pub(crate) fn fresh(options: &DataOptions, now_ms: i64) -> u32 {
    if options.maxmemory_policy.is_lfu() {
        lfu_minute(now_ms) << 8 | LFU_COUNTER_START
    } else {
        lru_clock(now_ms)
    }
}

/// The access word after a use.
#[inline]
pub(crate) fn touched(access: u32, options: &DataOptions, now_ms: i64, random: &mut SmallRng) -> u32 {
    if options.maxmemory_policy.is_lfu() {
        let counter = lfu_increment(lfu_counter(access, options, now_ms), options.lfu_log_factor, random);
        lfu_minute(now_ms) << 8 | counter
    } else {
        lru_clock(now_ms)
    }
}

/// The access word RESTORE asked for: an idle time or a frequency, whichever the policy keeps; else a fresh one.
pub(crate) fn restored(
    options: &DataOptions,
    now_ms: i64,
    idle_seconds: Option<i64>,
    frequency: Option<u8>,
) -> u32 {
    match (options.maxmemory_policy.is_lfu(), idle_seconds, frequency) {
        (true, _, Some(frequency)) => lfu_minute(now_ms) << 8 | u32::from(frequency),
        (false, Some(idle), _) => {
            // The clock wraps, so only the idle time's remainder can be told.
            let idle = (idle % (i64::from(LRU_CLOCK_MAX) + 1)) as u32;
            lru_clock(now_ms).wrapping_sub(idle) & LRU_CLOCK_MAX
        }
        _ => fresh(options, now_ms),
    }
}

/// How long a key has not been used, in seconds.
pub(crate) fn idle_seconds(access: u32, now_ms: i64) -> u32 {
    let (clock, access) = (lru_clock(now_ms), access & LRU_CLOCK_MAX);
    if clock >= access { clock - access } else { clock + (LRU_CLOCK_MAX - access) }
}

/// A key's frequency counter now, decayed by the time since its last decrement.
pub(crate) fn lfu_counter(access: u32, options: &DataOptions, now_ms: i64) -> u32 {
    let (counter, since) = (access & LFU_COUNTER_MAX, access >> 8 & 0xffff);
    let now = lfu_minute(now_ms);
    let elapsed = if now >= since { now - since } else { 0xffff - since + now };
    let periods = elapsed.checked_div(options.lfu_decay_minutes).unwrap_or(0);
    counter.saturating_sub(periods)
}

/// Grows the counter with a probability that falls as it grows.
fn lfu_increment(counter: u32, log_factor: u32, random: &mut SmallRng) -> u32 {
    if counter >= LFU_COUNTER_MAX {
        return LFU_COUNTER_MAX;
    }
    let base = f64::from(counter.saturating_sub(LFU_COUNTER_START));
    let probability = 1.0 / (base * f64::from(log_factor) + 1.0);
    if random.random::<f64>() < probability { counter + 1 } else { counter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::MaxmemoryPolicy;
    use rand::SeedableRng;

    fn lfu() -> DataOptions {
        DataOptions { maxmemory_policy: MaxmemoryPolicy::AllkeysLfu, ..DataOptions::default() }
    }

    #[test]
    fn idle_time_survives_the_clock_wrapping() {
        let wrap_ms = i64::from(LRU_CLOCK_MAX) * 1000;
        let access = lru_clock(wrap_ms - 5000);
        assert_eq!(idle_seconds(access, wrap_ms - 2000), 3);
        assert_eq!(idle_seconds(access, wrap_ms + 1000), 5);
    }

    #[test]
    fn the_counter_decays_one_per_period() {
        let options = lfu();
        let access = fresh(&options, 60_000_000);
        assert_eq!(lfu_counter(access, &options, 60_000_000), LFU_COUNTER_START);
        assert_eq!(lfu_counter(access, &options, 60_000_000 + 2 * 60_000), LFU_COUNTER_START - 2);
        assert_eq!(lfu_counter(access, &options, 60_000_000 + 60 * 60_000), 0);
        let never = DataOptions { lfu_decay_minutes: 0, ..lfu() };
        assert_eq!(lfu_counter(access, &never, 60_000_000 + 60 * 60_000), LFU_COUNTER_START);
    }

    #[test]
    fn a_thousand_uses_grow_the_counter_logarithmically() {
        let options = lfu();
        let mut random = SmallRng::seed_from_u64(1);
        let mut access = fresh(&options, 0);
        for _ in 0..1000 {
            access = touched(access, &options, 0, &mut random);
        }
        let counter = lfu_counter(access, &options, 0);
        assert!((10..=30).contains(&counter), "{counter}");
    }

    #[test]
    fn restored_words_follow_the_policy() {
        let lru = DataOptions::default();
        assert_eq!(
            idle_seconds(restored(&lru, 1_700_000_000_000, Some(1000), None), 1_700_000_000_000),
            1000
        );
        assert_eq!(lfu_counter(restored(&lfu(), 0, None, Some(200)), &lfu(), 0), 200);
        assert_eq!(restored(&lfu(), 0, Some(5), None), fresh(&lfu(), 0));
    }
}
