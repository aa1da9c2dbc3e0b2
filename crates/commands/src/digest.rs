//! Digests of the data, equal to those of Redis for equal data: what DEBUG DIGEST and DEBUG DIGEST-VALUE reply.
//!
//! A digest does not depend on the order of keys: each key's own digest is combined with the others by exclusive or.

use lastsave_keyspace::{Entry, Keyspace};
use sha1::{Digest as _, Sha1};

use crate::values::mix_value;

/// A 20-byte digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataDigest([u8; 20]);

impl DataDigest {
    /// The digest in hexadecimal, as DEBUG DIGEST replies it.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Adds bytes whose order among others does not matter.
    pub(crate) fn mix_unordered(&mut self, bytes: &[u8]) {
        let hash: [u8; 20] = Sha1::digest(bytes).into();
        for (mine, other) in self.0.iter_mut().zip(hash) {
            *mine ^= other;
        }
    }

    /// Adds bytes that come after everything added before.
    pub(crate) fn mix_ordered(&mut self, bytes: &[u8]) {
        self.mix_unordered(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_entry(&mut self, entry: &Entry<'_>) {
        mix_value(self, &entry.value());
        if entry.expires_at_ms().is_some() {
            self.mix_unordered(b"!!expire!!");
        }
    }
}

/// The digest of a value and of whether it expires: all zeros for no key.
#[must_use]
pub fn value_digest(entry: Option<&Entry<'_>>) -> DataDigest {
    let mut digest = DataDigest::default();
    if let Some(entry) = entry {
        digest.mix_entry(entry);
    }
    digest
}

/// The digest of all databases: all zeros when there are no keys. Keys count until they are removed, expired or not.
#[must_use]
pub fn dataset_digest(keyspace: &Keyspace) -> DataDigest {
    let mut digest = DataDigest::default();
    for index in 0..keyspace.databases() {
        let database = keyspace.db(index);
        if database.is_empty() {
            continue;
        }
        digest.mix_ordered(&(index as u32).to_be_bytes());
        for entry in database.iter() {
            let mut key = DataDigest::default();
            key.mix_ordered(entry.key());
            key.mix_entry(&entry);
            digest.mix_unordered(key.as_bytes());
        }
    }
    digest
}
