//! A few entries chosen at random, for whoever looks for a key to give up.

use crate::database::Database;
use crate::directory::RootPtr;
use crate::entry::Entry;
use crate::segment::SegmentPtr;

/// Segments looked at per entry wanted: enough to find some in a table that is nearly empty.
const SEGMENTS_PER_ENTRY_MAX: usize = 10;

/// One in so many of a segment's candidates is taken, so that each key has the same chance in a long segment and in a
/// short one.
const CANDIDATES_PER_ENTRY: u64 = 4;

/// In a table of fewer segments the chances may differ: there it matters more to find enough entries.
const FAIR_SEGMENTS_MIN: usize = 8;

/// Slots of a segment that are drawn from. There are some twenty in use; more than this is out of the question.
const DRAWN_SLOTS_MAX: usize = u128::BITS as usize;

/// Which entries are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// All.
    All,
    /// Those that have an expiry.
    Expiring,
}

impl Database {
    /// Visits up to `max` different entries chosen at random; `random` gives random numbers. Gives how many there were:
    /// at least one, if there are any.
    ///
    /// The entries come from a few neighbouring segments, in which keys meet by their hash alone. Entries without an
    /// expiry are not touched when they are not asked for.
    pub fn sample<'a>(
        &'a self,
        among: Among,
        max: usize,
        random: &mut impl FnMut() -> u64,
        mut visit: impl FnMut(Entry<'a>),
    ) -> usize {
        let wanted = match among {
            Among::All => self.len,
            Among::Expiring => self.expiring,
        };
        let Some(root) = self.root.filter(|_| wanted > 0) else { return 0 };
        let count = root.segment_count();
        let start = (random() % count as u64) as usize;
        // How far from the start the walk has come, around the table's end.
        let (mut distance, mut looked_at, mut visited) = (0, 0, 0);
        while visited < max && (visited == 0 || looked_at < SEGMENTS_PER_ENTRY_MAX.saturating_mul(max)) {
            let mut index = (start + distance) % count;
            if among == Among::Expiring {
                index = self.next_expiring_segment(index, root);
                distance = (index + count - start) % count;
            }
            let segment = root.segment(index);
            let candidates = match among {
                Among::All => segment.len(),
                Among::Expiring => (0..segment.len()).filter(|slot| segment.expires(*slot)).count(),
            };
            let share = if count < FAIR_SEGMENTS_MIN {
                candidates
            } else {
                ((candidates as u64 + random() % CANDIDATES_PER_ENTRY) / CANDIDATES_PER_ENTRY) as usize
            };
            visited += draw(segment, among, share.min(max - visited), random, &mut visit);
            looked_at += 1;
            distance += 1;
            if self.walk_is_over(start, distance, count, among, root) {
                if visited > 0 {
                    break;
                }
                distance = 0;
            }
        }
        visited
    }

    /// Whether a walk from `start` has met every segment that it can draw from.
    fn walk_is_over(&self, start: usize, distance: usize, count: usize, among: Among, root: RootPtr) -> bool {
        if distance >= count || among == Among::All {
            return distance >= count;
        }
        let next = self.next_expiring_segment((start + distance) % count, root);
        (next + count - start) % count < distance
    }

    /// The first segment from `index` on, around the table's end, with a key that expires; there must be one.
    fn next_expiring_segment(&self, index: usize, root: RootPtr) -> usize {
        let words = &self.expiring_segments;
        let first = words.get(index / 64).map_or(0, |word| word & (u64::MAX << (index % 64)));
        let bit_of = |number: usize, word: u64| number * 64 + word.trailing_zeros() as usize;
        let found = if first != 0 {
            bit_of(index / 64, first)
        } else {
            let behind = words.iter().enumerate().skip(index / 64 + 1);
            let (number, word) = behind
                .chain(words.iter().enumerate())
                .find(|(_, word)| **word != 0)
                .expect("keys that expire are in segments that are marked");
            bit_of(number, *word)
        };
        debug_assert!(found < root.segment_count());
        found
    }
}

/// Visits up to `max` entries of one segment, each slot at most once, in random order.
fn draw<'a>(
    segment: SegmentPtr,
    among: Among,
    max: usize,
    random: &mut impl FnMut() -> u64,
    visit: &mut impl FnMut(Entry<'a>),
) -> usize {
    let slots = segment.len().min(DRAWN_SLOTS_MAX);
    let (mut drawn, mut visited) = (0_u128, 0);
    for _ in 0..slots {
        if visited >= max {
            break;
        }
        let start = (random() % slots as u64) as usize;
        let free = (start..slots).chain(0..start).find(|slot| drawn & 1 << slot == 0);
        let slot = free.expect("fewer slots were drawn than there are");
        drawn |= 1 << slot;
        if among == Among::All || segment.expires(slot) {
            visited += 1;
            visit(Entry::new(segment.entry(slot)));
        }
    }
    visited
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{Expiry, Keyspace, KeyspaceOptions, NewValue};

    fn numbers() -> impl FnMut() -> u64 {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
        }
    }

    fn filled(keys: usize, expiring_every: usize) -> Keyspace {
        let mut keyspace = Keyspace::new(&KeyspaceOptions { hash_seed: Some([1, 2, 3, 4]), databases: 1 });
        for number in 0..keys {
            let name = number.to_string();
            let key = keyspace.key(name.as_bytes());
            let expires = number % expiring_every == 0;
            let expiry = if expires { Expiry::At(1) } else { Expiry::Clear };
            keyspace.db_mut(0).set(&key, NewValue::Integer(0), expiry);
        }
        keyspace
    }

    #[test]
    fn a_sample_has_different_entries_and_only_those_asked_for() {
        let mut random = numbers();
        for (keys, expiring_every) in [(1, 1), (3, 2), (30, 30), (5000, 7), (5000, 2500)] {
            let keyspace = filled(keys, expiring_every);
            for among in [Among::All, Among::Expiring] {
                for max in [1, 5, 40] {
                    let mut names = Vec::new();
                    let visit = |entry: Entry<'_>| {
                        assert!(among == Among::All || entry.expires_at_ms().is_some());
                        names.push(entry.key().to_vec());
                    };
                    let visited = keyspace.db(0).sample(among, max, &mut random, visit);
                    assert_eq!(visited, names.len());
                    assert!((1..=max).contains(&visited), "{visited} of {keys}");
                    names.sort();
                    names.dedup();
                    assert_eq!(names.len(), visited, "each once");
                }
            }
        }
        assert_eq!(filled(0, 1).db(0).sample(Among::All, 5, &mut random, |_| ()), 0);
        assert_eq!(filled(10, 100).db(0).sample(Among::Expiring, 5, &mut random, |_| ()), 1);
    }

    #[test]
    fn every_key_has_about_the_same_chance() {
        let mut random = numbers();
        let keyspace = filled(2000, 2);
        for (among, keys) in [(Among::All, 2000), (Among::Expiring, 1000)] {
            let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
            for _ in 0..40_000 {
                keyspace.db(0).sample(among, 5, &mut random, |entry| {
                    *seen.entry(entry.key().to_vec()).or_default() += 1;
                });
            }
            let mean = 200_000 / keys;
            assert_eq!(seen.len(), keys as usize);
            let extreme = seen.values().map(|count| count.abs_diff(mean)).max().unwrap_or(0);
            assert!(extreme < mean * 3 / 2, "{extreme} from {mean}");
        }
    }
}
