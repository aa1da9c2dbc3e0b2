//! The worst keys met so far.

/// Keys in the pool.
const POOL_KEYS: usize = 16;

/// A key that may be the next to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// How gladly it is given up.
    pub(super) badness: u64,
    pub(super) db: usize,
    pub(super) name: Vec<u8>,
}

/// A few keys in the order of their badness, the worst last.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    candidates: Vec<Candidate>,
}

impl Pool {
    /// Takes a key in if there is room or if it is worse than the least bad one here, which then goes.
    pub(super) fn offer(&mut self, badness: u64, db: usize, name: &[u8]) {
        let mut at = self.candidates.partition_point(|other| other.badness < badness);
        if self.candidates.iter().any(|other| other.db == db && other.name == name) {
            return;
        }
        if self.candidates.len() >= POOL_KEYS {
            if at == 0 {
                return;
            }
            self.candidates.remove(0);
            at -= 1;
        }
        self.candidates.insert(at, Candidate { badness, db, name: name.to_vec() });
    }

    /// Takes the worst key out.
    pub(super) fn pop_worst(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_keys_stay_and_leave_first() {
        let mut pool = Pool::default();
        for badness in [5_u64, 100, 7, 300, 9] {
            pool.offer(badness, 0, badness.to_string().as_bytes());
        }
        pool.offer(7, 0, b"7");
        for badness in 10..30_u64 {
            pool.offer(badness, 1, badness.to_string().as_bytes());
        }
        pool.offer(1, 0, b"1");
        let order: Vec<u64> =
            std::iter::from_fn(|| pool.pop_worst()).map(|candidate| candidate.badness).collect();
        let expected: Vec<u64> = [300, 100].into_iter().chain((16..30).rev()).collect();
        assert_eq!(order, expected);
    }
}
