//! One key with its value in one allocation.
//!
//! ```text
//! offset  size  field
//!      0     4  birth: the epoch in which this entry was created
//!      4     4  access: LRU clock or LFU counter, relaxed atomic, outside any point in time
//!      8     1  flags: value kind (bits 0-3), RAW, EXPIRY_SLOT, LONG_KEY
//!      9     1  key length, when below 256
//!     10     2  value length, when the value is inline bytes
//!     12     4  key length, only with LONG_KEY
//!      .     8  expiry, unix ms, NO_EXPIRY if none, only with EXPIRY_SLOT
//!      .     .  key
//!      .     .  value: inline bytes | i64 | (aligned to 8) Bytes or a collection
//! ```
//!
//! The allocation's size is a pure function of these fields (`shape.rs`), so it needs no field of its own, and a value
//! of another length can take an older one's place as long as the class stays the same.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::mem::size_of;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;

use bytes::Bytes;
use lastsave_collections::{Collection as _, Hash, List, Set, SortedSet, Stream};

use crate::epoch::Epoch;
use crate::shape::{
    EXPIRY_SLOT, HEADER_BYTES, KIND_HASH, KIND_INLINE, KIND_INTEGER, KIND_LIST, KIND_MASK, KIND_SET,
    KIND_SHARED, KIND_SORTED_SET, KIND_STREAM, LONG_KEY, NO_EXPIRY, RAW, Shape, describe,
};
use crate::stored::{Stored, kind_of};
use crate::value::{Encoding, NewValue, StringValue, Value};

/// An owned pointer to an entry. Copies of it are aliases: who may read, write or free through it is decided by the
/// epochs, see `table.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryPtr(NonNull<u8>);

#[repr(C)]
struct Header {
    birth: Epoch,
    access: AtomicU32,
    flags: u8,
    key_len: u8,
    value_len: u16,
}

const _: () = assert!(size_of::<Header>() == HEADER_BYTES);

impl EntryPtr {
    /// Allocates an entry. `expires_at_ms` of `None` reserves no room for an expiry.
    pub(crate) fn new(
        birth: Epoch,
        access: u32,
        key: &[u8],
        value: NewValue<'_>,
        expires_at_ms: Option<i64>,
    ) -> Self {
        let (kind, raw, inline_len) = describe(&value);
        let shape = Shape::new(kind, expires_at_ms.is_some(), key.len(), inline_len);
        let layout = shape.layout();
        // SAFETY: the layout's size is at least HEADER_BYTES, so it is not zero.
        let Some(base) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        let long_key = key.len() > usize::from(u8::MAX);
        let flags = kind
            | raw
            | if expires_at_ms.is_some() { EXPIRY_SLOT } else { 0 }
            | if long_key { LONG_KEY } else { 0 };
        let entry = Self(base);
        // SAFETY: `base` is a fresh allocation of `layout`, nobody else has it, it is aligned to 8, and `shape` lies
        // within it: every write below is at an offset that `Shape::new` placed before `value_at + value_len`.
        unsafe {
            base.cast::<Header>().write(Header {
                birth,
                access: AtomicU32::new(access),
                flags,
                key_len: if long_key { 0 } else { key.len() as u8 },
                value_len: inline_len as u16,
            });
            if long_key {
                let len = u32::try_from(key.len()).expect("keys are at most 512 MiB long");
                base.as_ptr().add(HEADER_BYTES).cast::<u32>().write_unaligned(len);
            }
            if let Some(at) = expires_at_ms {
                base.as_ptr().add(shape.expiry_at).cast::<i64>().write_unaligned(at);
            }
            ptr::copy_nonoverlapping(key.as_ptr(), base.as_ptr().add(shape.key_at), key.len());
            entry.place_value(&shape, value);
        }
        entry
    }

    /// # Safety
    /// The entry is exclusively the caller's, `shape` is its shape with the new value's kind and length, and whatever
    /// was at the value's place needs no drop.
    unsafe fn place_value(self, shape: &Shape, value: NewValue<'_>) {
        // SAFETY: `value_at` lies within the allocation by `Shape::layout`.
        let at = unsafe { self.0.as_ptr().add(shape.value_at) };
        // SAFETY: the value's length was used to compute the layout, so each write stays inside; `at` is aligned for
        // `Bytes` and for collections because `Shape::new` aligned it.
        unsafe {
            match value {
                NewValue::Integer(number) => at.cast::<i64>().write_unaligned(number),
                NewValue::Bytes(bytes) | NewValue::Raw(bytes) if shape.kind == KIND_INLINE => {
                    ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
                }
                NewValue::Bytes(bytes) | NewValue::Raw(bytes) => {
                    at.cast::<Bytes>().write(Bytes::copy_from_slice(bytes));
                }
                NewValue::Shared(bytes) if shape.kind == KIND_INLINE => {
                    ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
                }
                NewValue::Shared(bytes) => at.cast::<Bytes>().write(bytes),
                NewValue::List(list) => at.cast::<List>().write(list),
                NewValue::Hash(hash) => at.cast::<Hash>().write(hash),
                NewValue::Set(set) => at.cast::<Set>().write(set),
                NewValue::SortedSet(set) => at.cast::<SortedSet>().write(set),
                NewValue::Stream(stream) => at.cast::<Stream>().write(stream),
            }
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: an `EntryPtr` points at an initialised header for as long as it is reachable; writers change a header
        // only when no other thread can still read it (see `table.rs`), `access` being atomic.
        unsafe { self.0.cast::<Header>().as_ref() }
    }

    fn shape(&self) -> Shape {
        let header = self.header();
        let key_len = if header.flags & LONG_KEY != 0 {
            // SAFETY: LONG_KEY says that the key's length follows the header.
            (unsafe { self.0.as_ptr().add(HEADER_BYTES).cast::<u32>().read_unaligned() }) as usize
        } else {
            usize::from(header.key_len)
        };
        Shape::new(
            header.flags & KIND_MASK,
            header.flags & EXPIRY_SLOT != 0,
            key_len,
            usize::from(header.value_len),
        )
    }

    pub(crate) fn birth(&self) -> Epoch {
        self.header().birth
    }

    pub(crate) fn address(self) -> NonNull<u8> {
        self.0
    }

    pub(crate) fn from_address(address: NonNull<u8>) -> Self {
        Self(address)
    }

    /// Bytes of the entry's own allocation and of a value outside it.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.shape().layout().size() + self.outside_bytes()
    }

    /// Bytes of the value that lie outside the entry: what makes freeing it expensive.
    pub(crate) fn outside_bytes(&self) -> usize {
        let shape = self.shape();
        match shape.kind {
            KIND_INLINE | KIND_INTEGER => 0,
            KIND_SHARED => self.shared(&shape).len(),
            _ => self.value().collection_bytes(),
        }
    }

    /// Whether freeing the value is work for the reclaim thread: a string whose memory goes back to the system, or a
    /// collection of many allocations.
    pub(crate) fn is_freed_slowly(&self) -> bool {
        const STRING_BYTES_MIN: usize = 64 * 1024;
        const COLLECTION_BYTES_MIN: usize = 16 * 1024;
        let shape = self.shape();
        match shape.kind {
            KIND_INLINE | KIND_INTEGER => false,
            KIND_SHARED => self.shared(&shape).len() >= STRING_BYTES_MIN,
            _ => self.value().collection_bytes() >= COLLECTION_BYTES_MIN,
        }
    }

    /// Bytes that are freed with the entry for sure: what lies outside may belong to clones as well when it is a
    /// collection, of which changes copy only a part.
    pub(crate) fn retired_bytes(&self) -> usize {
        let shape = self.shape();
        shape.layout().size() + if shape.kind == KIND_SHARED { self.shared(&shape).len() } else { 0 }
    }

    /// Whether nothing has to be dropped with the value.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.header().flags & KIND_MASK, KIND_INLINE | KIND_INTEGER)
    }

    /// The value as a collection.
    ///
    /// # Safety
    /// The entry's kind is that of `T`.
    unsafe fn collection<'a, T: Stored>(&self, shape: &Shape) -> &'a T {
        debug_assert_eq!(shape.kind, kind_of::<T>());
        // SAFETY: the caller vouches for the kind, which says that an initialised `T` lies there, aligned by
        // `Shape::new`; lifetime as in `shared`.
        unsafe { &*self.0.as_ptr().add(shape.value_at).cast::<T>() }
    }

    fn shared<'a>(&self, shape: &Shape) -> &'a Bytes {
        debug_assert_eq!(shape.kind, KIND_SHARED);
        // SAFETY: the kind says that an initialised `Bytes` lies there. The lifetime is chosen by callers inside this
        // crate, each of which ties it to the borrow that keeps the entry reachable.
        unsafe { &*self.0.as_ptr().add(shape.value_at).cast::<Bytes>() }
    }

    pub(crate) fn key<'a>(&self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: the key's bytes are initialised and never change while the entry lives; lifetime as in `shared`.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(shape.key_at), shape.key_len) }
    }

    pub(crate) fn value<'a>(&self) -> Value<'a> {
        let shape = self.shape();
        // SAFETY: within the allocation by `Shape::layout`.
        let at = unsafe { self.0.as_ptr().add(shape.value_at) };
        // SAFETY: the kind says what lies there; lifetime as in `shared`.
        unsafe {
            match shape.kind {
                KIND_INTEGER => Value::String(StringValue::Integer(at.cast::<i64>().read_unaligned())),
                KIND_INLINE => {
                    Value::String(StringValue::Bytes(std::slice::from_raw_parts(at, shape.value_len)))
                }
                KIND_SHARED => Value::String(StringValue::Shared(self.shared(&shape))),
                KIND_LIST => Value::List(self.collection(&shape)),
                KIND_HASH => Value::Hash(self.collection(&shape)),
                KIND_SET => Value::Set(self.collection(&shape)),
                KIND_SORTED_SET => Value::SortedSet(self.collection(&shape)),
                KIND_STREAM => Value::Stream(self.collection(&shape)),
                kind => unreachable!("no entry is of kind {kind}"),
            }
        }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        let flags = self.header().flags;
        match flags & KIND_MASK {
            KIND_INTEGER => Encoding::Int,
            KIND_INLINE | KIND_SHARED if flags & RAW != 0 => Encoding::Raw,
            KIND_INLINE | KIND_SHARED => Encoding::Embstr,
            _ => Encoding::Collection(match self.value() {
                Value::String(_) => unreachable!("strings have kinds of their own"),
                Value::List(list) => list.encoding(),
                Value::Hash(hash) => hash.encoding(),
                Value::Set(set) => set.encoding(),
                Value::SortedSet(set) => set.encoding(),
                Value::Stream(stream) => stream.encoding(),
            }),
        }
    }

    pub(crate) fn access<'a>(&self) -> &'a AtomicU32 {
        // SAFETY: the header lives as long as the entry is reachable; lifetime as in `shared`.
        unsafe { &(*self.0.cast::<Header>().as_ptr()).access }
    }

    pub(crate) fn expires_at_ms(&self) -> Option<i64> {
        if self.header().flags & EXPIRY_SLOT == 0 {
            return None;
        }
        let shape = self.shape();
        // SAFETY: EXPIRY_SLOT says that an initialised i64 lies there.
        let at = unsafe { self.0.as_ptr().add(shape.expiry_at).cast::<i64>().read_unaligned() };
        (at != NO_EXPIRY).then_some(at)
    }

    /// Asks the processor to fetch the entry's first cache lines.
    #[inline]
    pub(crate) fn prefetch(self) {
        crate::prefetch::prefetch(self.0.as_ptr());
        crate::prefetch::prefetch(self.0.as_ptr().wrapping_add(64));
    }

    /// Writes the expiry into the entry's slot, if it has one.
    ///
    /// # Safety
    /// No other thread can read the entry any more, and no reference into it is alive.
    pub(crate) unsafe fn try_set_expiry(self, birth: Epoch, expires_at_ms: Option<i64>) -> bool {
        let shape = self.shape();
        if self.header().flags & EXPIRY_SLOT == 0 {
            return expires_at_ms.is_none();
        }
        // SAFETY: EXPIRY_SLOT says that the slot exists; exclusivity is the caller's promise.
        unsafe {
            self.0
                .as_ptr()
                .add(shape.expiry_at)
                .cast::<i64>()
                .write_unaligned(expires_at_ms.unwrap_or(NO_EXPIRY));
            (*self.0.cast::<Header>().as_ptr()).birth = birth;
        }
        true
    }

    /// Replaces the value without a new allocation when the size class allows it; gives the value back when not.
    ///
    /// # Safety
    /// No other thread can read the entry any more, and no reference into it (the new value included) is alive.
    pub(crate) unsafe fn try_set_value<'v>(
        self,
        birth: Epoch,
        value: NewValue<'v>,
    ) -> Result<(), NewValue<'v>> {
        let old = self.shape();
        let (kind, raw, inline_len) = describe(&value);
        let flags = self.header().flags;
        let new = Shape::new(kind, flags & EXPIRY_SLOT != 0, old.key_len, inline_len);
        if old.layout() != new.layout() {
            return Err(value);
        }
        // SAFETY: exclusivity is the caller's promise; the layout is unchanged, so the new value fits.
        unsafe {
            self.drop_outside(&old);
            let header = self.0.cast::<Header>().as_ptr();
            (*header).birth = birth;
            (*header).flags = (flags & !(KIND_MASK | RAW)) | kind | raw;
            (*header).value_len = inline_len as u16;
            self.place_value(&new, value);
        }
        Ok(())
    }

    /// Gives the value's bytes to `edit` for a change in place; the encoding becomes `raw`, as it does in Redis.
    ///
    /// # Safety
    /// As for [`Self::try_set_value`].
    pub(crate) unsafe fn edit(self, birth: Epoch, edit: impl FnOnce(Editable<'_>)) {
        let shape = self.shape();
        // SAFETY: exclusivity is the caller's promise; offsets lie within the allocation; the kind says what is there.
        unsafe {
            let header = self.0.cast::<Header>().as_ptr();
            (*header).birth = birth;
            let at = self.0.as_ptr().add(shape.value_at);
            match shape.kind {
                KIND_INTEGER => edit(Editable::Integer),
                KIND_INLINE => {
                    (*header).flags |= RAW;
                    edit(Editable::Inline(std::slice::from_raw_parts_mut(at, shape.value_len)));
                }
                KIND_SHARED => edit(Editable::Shared(&mut *at.cast::<Bytes>())),
                _ => unreachable!("only strings are edited as bytes"),
            }
        }
    }

    /// Gives the collection to `edit` for a change in place.
    ///
    /// # Safety
    /// As for [`Self::try_set_value`]; and the entry's kind is that of `T`.
    pub(crate) unsafe fn edit_collection<T: Stored, R>(
        self,
        birth: Epoch,
        edit: impl FnOnce(&mut T) -> R,
    ) -> R {
        let shape = self.shape();
        assert_eq!(shape.kind, kind_of::<T>(), "the entry holds the type that is edited");
        // SAFETY: exclusivity is the caller's promise; the kind was checked and says that an initialised `T` lies there,
        // aligned by `Shape::new`.
        unsafe {
            (*self.0.cast::<Header>().as_ptr()).birth = birth;
            edit(&mut *self.0.as_ptr().add(shape.value_at).cast::<T>())
        }
    }

    /// # Safety
    /// The entry is exclusively the caller's and its value is not used afterwards unless placed anew.
    unsafe fn drop_outside(self, shape: &Shape) {
        // SAFETY: within the allocation by `Shape::layout`.
        let at = unsafe { self.0.as_ptr().add(shape.value_at) };
        // SAFETY: the kind says what lies there, initialised and aligned; the caller does not use it again.
        unsafe {
            match shape.kind {
                KIND_SHARED => ptr::drop_in_place(at.cast::<Bytes>()),
                KIND_LIST => ptr::drop_in_place(at.cast::<List>()),
                KIND_HASH => ptr::drop_in_place(at.cast::<Hash>()),
                KIND_SET => ptr::drop_in_place(at.cast::<Set>()),
                KIND_SORTED_SET => ptr::drop_in_place(at.cast::<SortedSet>()),
                KIND_STREAM => ptr::drop_in_place(at.cast::<Stream>()),
                _ => {}
            }
        }
    }

    /// Frees the entry and its value.
    ///
    /// # Safety
    /// Nobody, in any thread, uses this entry again.
    pub(crate) unsafe fn free(self) {
        let shape = self.shape();
        // SAFETY: the caller's promise; the layout is the one the entry was allocated with, because writers keep it.
        unsafe {
            self.drop_outside(&shape);
            dealloc(self.0.as_ptr(), shape.layout());
        }
    }
}

/// The stored form of a string during an edit in place.
pub(crate) enum Editable<'a> {
    /// Integers have no bytes to edit.
    Integer,
    Inline(&'a mut [u8]),
    Shared(&'a mut Bytes),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::INLINE_LEN_MAX;
    use std::sync::atomic::Ordering;

    use crate::value::IntegerBuffer;

    fn text(entry: EntryPtr) -> Vec<u8> {
        let Value::String(value) = entry.value() else { unreachable!("only strings are written here") };
        value.to_text(&mut IntegerBuffer::new()).to_vec()
    }

    #[test]
    fn every_shape_reads_back() {
        let long_key = vec![b'k'; 300];
        let big = vec![7_u8; INLINE_LEN_MAX + 1];
        for key in [b"".as_slice(), b"key", &long_key] {
            for expiry in [None, Some(1_700_000_000_000)] {
                for (value, expected) in [
                    (NewValue::Integer(-5), b"-5".to_vec()),
                    (NewValue::Bytes(b""), Vec::new()),
                    (NewValue::Raw(b"abc"), b"abc".to_vec()),
                    (NewValue::Bytes(&big), big.clone()),
                    (NewValue::Shared(Bytes::from(big.clone())), big.clone()),
                ] {
                    let entry = EntryPtr::new(3, 9, key, value, expiry);
                    assert_eq!(entry.key(), key);
                    assert_eq!(text(entry), expected);
                    assert_eq!(entry.expires_at_ms(), expiry);
                    assert_eq!((entry.birth(), entry.access().load(Ordering::Relaxed)), (3, 9));
                    // SAFETY: the only pointer to the entry.
                    unsafe { entry.free() };
                }
            }
        }
    }

    #[test]
    fn a_16_byte_key_with_a_100_byte_value_takes_128_bytes() {
        let entry = EntryPtr::new(0, 0, &[1; 16], NewValue::Bytes(&[2; 100]), None);
        assert_eq!(entry.allocated_bytes(), 128);
        // SAFETY: the only pointer to the entry.
        unsafe { entry.free() };
    }

    #[test]
    fn values_of_one_size_class_change_places() {
        let entry = EntryPtr::new(0, 0, b"key", NewValue::Bytes(b"0123456789"), None);
        // SAFETY: the only pointer to the entry, in this and the calls below.
        unsafe {
            assert!(entry.try_set_value(1, NewValue::Integer(77)).is_ok());
            assert_eq!((text(entry), entry.encoding()), (b"77".to_vec(), Encoding::Int));
            assert!(entry.try_set_value(1, NewValue::Raw(b"")).is_err(), "a smaller class");
            assert!(entry.try_set_value(2, NewValue::Bytes(b"abcdefghijk")).is_ok());
            assert_eq!((text(entry), entry.birth()), (b"abcdefghijk".to_vec(), 2));
            assert!(entry.try_set_value(2, NewValue::Bytes(&[1; 200])).is_err());
            entry.free();
        }
    }
}
