//! The hash that orders the elements of all tables.

use std::sync::OnceLock;

use ahash::RandomState;

/// One hash function for the whole process: tables with the same elements then have them in the same order.
static STATE: OnceLock<RandomState> = OnceLock::new();

/// Chooses the hash function of all tables by a seed, so that a simulation runs alike each time. Without a call it is
/// chosen at random, so that clients cannot choose elements that collide. Gives false, and changes nothing, when
/// tables have been used before.
pub fn set_hash_seed(seed: u64) -> bool {
    let [a, b, c] = [1, 2, 3].map(|step| seed.wrapping_add(step).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    STATE.set(RandomState::with_seeds(seed, a, b, c)).is_ok()
}

/// The hash of an element's key. It is never 0, which is what a scan starts and ends with. Half of a 64-bit hash: keys
/// that share one are merely compared one after the other, and the other half would cost more than they do.
#[inline]
pub(crate) fn hash(key: &[u8]) -> u32 {
    let hash = STATE.get_or_init(RandomState::new).hash_one(key);
    ((hash >> 32) as u32).max(1)
}
