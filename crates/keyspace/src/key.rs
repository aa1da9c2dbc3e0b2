//! A key with its hash, computed once per command.

use ahash::RandomState;

/// A key's bytes and their hash under one keyspace's seed.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    bytes: &'a [u8],
    hash: u64,
}

impl<'a> Key<'a> {
    pub(crate) fn new(bytes: &'a [u8], hash: u64) -> Self {
        Self { bytes, hash }
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// The keyed hash of one keyspace. Seeded at random, so that clients cannot choose keys that collide.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(RandomState);

impl Hasher {
    pub(crate) fn new(seed: Option<[u64; 4]>) -> Self {
        Self(match seed {
            Some([a, b, c, d]) => RandomState::with_seeds(a, b, c, d),
            None => RandomState::new(),
        })
    }

    #[inline]
    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash_one(bytes)
    }
}
