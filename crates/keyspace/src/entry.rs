//! One key with its value, as callers see it.

use std::sync::atomic::Ordering;

use crate::entry_pointer::EntryPtr;
use crate::value::{Encoding, Value};

/// A key and its value, borrowed from a table or a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pointer: EntryPtr,
    borrow: std::marker::PhantomData<&'a ()>,
}

impl<'a> Entry<'a> {
    /// The lifetime must be that of a borrow during which the entry stays reachable and unchanged.
    pub(crate) fn new(pointer: EntryPtr) -> Self {
        Self { pointer, borrow: std::marker::PhantomData }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.pointer.key()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        self.pointer.value()
    }

    /// When the key expires, as unix time in milliseconds.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.pointer.expires_at_ms()
    }

    /// The access word: what LRU or LFU keep about the key. Not part of any snapshot's point in time.
    #[must_use]
    pub fn access(&self) -> u32 {
        self.pointer.access().load(Ordering::Relaxed)
    }

    /// Sets the access word.
    pub fn set_access(&self, access: u32) {
        self.pointer.access().store(access, Ordering::Relaxed);
    }

    /// Bytes allocated for key, value and header, without the entry's share of its segment.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.pointer.allocated_bytes()
    }

    /// How the value is stored.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.pointer.encoding()
    }
}
