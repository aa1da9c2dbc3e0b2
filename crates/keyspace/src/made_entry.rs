//! Entries that are made away from the keyspace: another thread allocates and fills them, the owner only puts them in.

use crate::entry_pointer::EntryPtr;
use crate::epoch::Epoch;
use crate::key::Hasher;
use crate::value::NewValue;

/// Such entries count as older than any snapshot, whenever they are put in: a snapshot that was cut before may then be
/// thought to see them, which costs a copy and is never wrong.
const BIRTH: Epoch = 0;

/// Makes entries for one keyspace, in any thread.
#[derive(Debug, Clone)]
pub struct EntryMaker {
    hasher: Hasher,
}

impl EntryMaker {
    pub(crate) fn new(hasher: Hasher) -> Self {
        Self { hasher }
    }

    /// Makes an entry. `access` is its access word, see [`crate::Keyspace::set_access_clock`].
    #[must_use]
    pub fn make(
        &self,
        key: &[u8],
        value: NewValue<'_>,
        expires_at_ms: Option<i64>,
        access: u32,
    ) -> MadeEntry {
        let pointer = EntryPtr::new(BIRTH, access, key, value, expires_at_ms);
        MadeEntry {
            pointer,
            hash: self.hasher.hash(key),
            bytes: pointer.allocated_bytes(),
            expires: expires_at_ms.is_some(),
        }
    }
}

/// A key with its value that is in no database yet. What putting it in needs to know lies beside the pointer, so that
/// the owner need not touch memory that another thread has just written.
pub struct MadeEntry {
    pointer: EntryPtr,
    hash: u64,
    bytes: usize,
    expires: bool,
}

// SAFETY: the entry belongs to this value alone, and what it holds (bytes, collections) may be sent.
unsafe impl Send for MadeEntry {}

impl std::fmt::Debug for MadeEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MadeEntry").field("key", &self.key().escape_ascii().to_string()).finish()
    }
}

impl MadeEntry {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.pointer.key()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn expires(&self) -> bool {
        self.expires
    }

    pub(crate) fn pointer(&self) -> EntryPtr {
        self.pointer
    }

    /// Gives up the entry, which belongs to a table from now on.
    pub(crate) fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for MadeEntry {
    fn drop(&mut self) {
        // SAFETY: it is in no table, and this value was the only one to know it.
        unsafe { self.pointer.free() }
    }
}
