//! A segment: the keys of one bucket of a table, as one tag byte and one thin pointer each.
//!
//! ```text
//! offset      size  field
//!      0         4  birth
//!      4         2  length: slots in use
//!      6         2  capacity: a multiple of 8
//!      8         8  mark: log position of the last write to the segment
//!     16  capacity  tags: 7 bits of the key's hash, and the top bit for keys that expire
//!      .  8 x cap.  entry pointers
//! ```
//!
//! Segments hold as many keys as fall to them (there is no overflow chain): they are about 20 long on average, and are
//! reallocated when a multiple of eight is exceeded.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::size_of;
use std::ptr::{self, NonNull};

use crate::entry_pointer::EntryPtr;
use crate::epoch::Epoch;
use crate::prefetch::prefetch;

const HEADER_BYTES: usize = 16;
const CAPACITY_STEP: usize = 8;
const EXPIRES: u8 = 0x80;

/// An owned pointer to a segment; aliasing as for [`EntryPtr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentPtr(NonNull<u8>);

#[repr(C)]
struct Header {
    birth: Epoch,
    len: u16,
    capacity: u16,
    mark: u64,
}

const _: () = assert!(size_of::<Header>() == HEADER_BYTES);

/// The tag of a hash: bits that the bucket address does not use.
#[inline]
pub(crate) fn tag_of(hash: u64) -> u8 {
    (hash >> 57) as u8
}

fn layout(capacity: usize) -> Layout {
    Layout::from_size_align(HEADER_BYTES + capacity * (1 + size_of::<EntryPtr>()), 8)
        .expect("a segment has at most 65528 slots")
}

impl SegmentPtr {
    /// Allocates an empty segment with room for at least `slots` keys.
    pub(crate) fn new(birth: Epoch, slots: usize, mark: u64) -> Self {
        let capacity = slots.max(1).next_multiple_of(CAPACITY_STEP);
        let stored =
            u16::try_from(capacity).expect("keyed hashing spreads keys: no bucket comes near 65528 of them");
        let layout = layout(capacity);
        // SAFETY: the layout's size is at least HEADER_BYTES.
        let Some(base) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: a fresh allocation of `layout`, aligned to 8; the tags are initialised so that `find` may read whole
        // groups of eight whatever the length.
        unsafe {
            base.cast::<Header>().write(Header { birth, len: 0, capacity: stored, mark });
            ptr::write_bytes(base.as_ptr().add(HEADER_BYTES), 0, capacity);
        }
        Self(base)
    }

    /// A copy with room for `slots` keys; its entries are shared with the original.
    pub(crate) fn copy(self, birth: Epoch, slots: usize) -> Self {
        let len = self.len();
        let new = Self::new(birth, slots.max(len), self.mark());
        // SAFETY: both segments have at least `len` slots, all of the source's are initialised, and `new` is fresh.
        unsafe {
            ptr::copy_nonoverlapping(self.tags(), new.tags(), len);
            ptr::copy_nonoverlapping(self.slots(), new.slots(), len);
            (*new.header_mut()).len = len as u16;
        }
        new
    }

    fn header(&self) -> &Header {
        // SAFETY: as for `EntryPtr::header`.
        unsafe { self.0.cast::<Header>().as_ref() }
    }

    fn header_mut(self) -> *mut Header {
        self.0.cast::<Header>().as_ptr()
    }

    fn tags(self) -> *mut u8 {
        // SAFETY: the tags follow the header inside the allocation.
        unsafe { self.0.as_ptr().add(HEADER_BYTES) }
    }

    fn slots(self) -> *mut EntryPtr {
        // SAFETY: the slots follow the tags inside the allocation, 8-aligned since the capacity is a multiple of 8.
        unsafe { self.0.as_ptr().add(HEADER_BYTES + self.capacity()).cast() }
    }

    pub(crate) fn address(self) -> NonNull<u8> {
        self.0
    }

    pub(crate) fn from_address(address: NonNull<u8>) -> Self {
        Self(address)
    }

    pub(crate) fn birth(&self) -> Epoch {
        self.header().birth
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.header().len)
    }

    pub(crate) fn capacity(&self) -> usize {
        usize::from(self.header().capacity)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.header().len == self.header().capacity
    }

    pub(crate) fn mark(&self) -> u64 {
        self.header().mark
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        layout(self.capacity()).size()
    }

    /// The entry in slot `index`.
    pub(crate) fn entry(&self, index: usize) -> EntryPtr {
        assert!(index < self.len(), "slot {index} of {}", self.len());
        // SAFETY: slots below the length are initialised.
        unsafe { self.slots().add(index).read() }
    }

    /// Whether the key in slot `index` expires.
    pub(crate) fn expires(&self, index: usize) -> bool {
        assert!(index < self.len());
        // SAFETY: tags below the capacity are initialised.
        unsafe { self.tags().add(index).read() & EXPIRES != 0 }
    }

    /// The 7 bits of hash in slot `index`.
    pub(crate) fn tag(&self, index: usize) -> u8 {
        assert!(index < self.len());
        // SAFETY: tags below the capacity are initialised.
        unsafe { self.tags().add(index).read() & !EXPIRES }
    }

    /// Whether any key of the segment expires.
    pub(crate) fn any_expires(&self) -> bool {
        (0..self.len()).any(|index| self.expires(index))
    }

    /// Calls `hit` with each slot whose tag matches until it returns true; gives that slot.
    #[inline]
    pub(crate) fn find(&self, tag: u8, mut hit: impl FnMut(EntryPtr) -> bool) -> Option<usize> {
        const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        const ONES: u64 = 0x0101_0101_0101_0101;
        let len = self.len();
        let wanted = u64::from(tag) * ONES;
        let mut base = 0;
        while base < len {
            // SAFETY: the capacity is a multiple of 8 and all tags are initialised, so the group lies inside; it is
            // aligned since the tags start at 16.
            let group = u64::from_le(unsafe { self.tags().add(base).cast::<u64>().read() });
            // Bytes of `difference` are below 0x80, so the sum does not carry and the test is exact.
            let difference = (group ^ wanted) & LOW_BITS;
            let mut hits = !(difference + LOW_BITS) & !LOW_BITS;
            while hits != 0 {
                let index = base + (hits.trailing_zeros() / 8) as usize;
                if index >= len {
                    return None;
                }
                // SAFETY: slots below the length are initialised.
                if hit(unsafe { self.slots().add(index).read() }) {
                    return Some(index);
                }
                hits &= hits - 1;
            }
            base += 8;
        }
        None
    }

    /// Asks for the cache lines a lookup reads.
    #[inline]
    pub(crate) fn prefetch(self) {
        let base = self.0.as_ptr().cast_const();
        for line in 0..4 {
            prefetch(base.wrapping_add(line * 64));
        }
    }

    /// # Safety
    /// No other thread can read the segment any more; there is a free slot.
    pub(crate) unsafe fn push(self, tag: u8, expires: bool, entry: EntryPtr) {
        let len = self.len();
        assert!(len < self.capacity(), "push into a full segment");
        // SAFETY: the slot is within the capacity; exclusivity is the caller's promise.
        unsafe {
            self.tags().add(len).write(tag | if expires { EXPIRES } else { 0 });
            self.slots().add(len).write(entry);
            (*self.header_mut()).len = len as u16 + 1;
        }
    }

    /// # Safety
    /// No other thread can read the segment any more.
    pub(crate) unsafe fn replace(self, index: usize, expires: bool, entry: EntryPtr) {
        assert!(index < self.len());
        // SAFETY: the slot is in use; exclusivity is the caller's promise.
        unsafe {
            let tag = self.tags().add(index);
            tag.write((tag.read() & !EXPIRES) | if expires { EXPIRES } else { 0 });
            self.slots().add(index).write(entry);
        }
    }

    /// Takes slot `index` out; the last slot moves there.
    ///
    /// # Safety
    /// No other thread can read the segment any more.
    pub(crate) unsafe fn swap_remove(self, index: usize) {
        let len = self.len();
        assert!(index < len);
        // SAFETY: both slots are in use; exclusivity is the caller's promise.
        unsafe {
            self.tags().add(index).write(self.tags().add(len - 1).read());
            self.slots().add(index).write(self.slots().add(len - 1).read());
            (*self.header_mut()).len = len as u16 - 1;
        }
    }

    /// Stamps the position of a write and adopts the segment into the current epoch.
    ///
    /// # Safety
    /// No other thread can read the segment any more.
    pub(crate) unsafe fn stamp(self, birth: Epoch, mark: u64) {
        // SAFETY: exclusivity is the caller's promise.
        unsafe {
            (*self.header_mut()).birth = birth;
            (*self.header_mut()).mark = (*self.header_mut()).mark.max(mark);
        }
    }

    /// Frees the segment, not its entries.
    ///
    /// # Safety
    /// Nobody, in any thread, uses this segment again.
    pub(crate) unsafe fn free(self) {
        let layout = layout(self.capacity());
        // SAFETY: the layout is the one of the allocation, since a capacity never changes.
        unsafe { dealloc(self.0.as_ptr(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::NewValue;

    #[test]
    fn finds_exactly_the_slots_with_the_tag() {
        let entry = EntryPtr::new(0, 0, b"k", NewValue::Integer(1), None);
        let segment = SegmentPtr::new(0, 24, 0);
        let tags = [0_u8, 1, 0x7f, 0x40, 0, 3, 2, 1, 0, 0x7f, 1];
        for (index, tag) in tags.iter().enumerate() {
            // SAFETY: the test's own segment.
            unsafe { segment.push(*tag, index % 2 == 0, entry) };
        }
        for tag in 0..0x80_u8 {
            let mut count = 0;
            assert_eq!(
                segment.find(tag, |_| {
                    count += 1;
                    false
                }),
                None
            );
            assert_eq!(count, tags.iter().filter(|other| **other == tag).count(), "tag {tag}");
        }
        assert!(segment.expires(0) && !segment.expires(1));
        // SAFETY: the test's own nodes.
        unsafe {
            segment.swap_remove(0);
            assert_eq!(segment.len(), tags.len() - 1);
            segment.free();
            entry.free();
        }
    }
}
