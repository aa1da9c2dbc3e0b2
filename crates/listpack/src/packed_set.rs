//! An intset or a listpack in the memory that either of them takes alone: their own bytes tell which one it is.
//!
//! Both begin with 32 bits, little-endian: the width of an intset, which is 2, 4 or 8, and the size of a listpack, which is
//! 7 without entries and at least 9 with some.

use std::{fmt, mem};

use crate::{
    intset::{Intset, IntsetRef},
    listpack::{Listpack, ListpackRef},
};

/// An intset or a listpack. It is as big as each of them, where an enum of both would need a tag beside them.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedSet {
    bytes: Box<[u8]>,
}

/// A [`PackedSet`] for reading.
#[derive(Debug, Clone, Copy)]
pub enum PackedSetRef<'a> {
    /// Integers only.
    Intset(IntsetRef<'a>),
    /// Strings and integers.
    Listpack(ListpackRef<'a>),
}

const _: () = assert!(size_of::<PackedSet>() == size_of::<Listpack>());

impl PackedSet {
    /// What it is, for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> PackedSetRef<'_> {
        let bytes = &*self.bytes;
        if is_intset(bytes) {
            PackedSetRef::Intset(IntsetRef { bytes })
        } else {
            PackedSetRef::Listpack(ListpackRef { bytes })
        }
    }

    /// Number of bytes, which is also what it has allocated.
    #[must_use]
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Changes it as an intset.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[inline]
    pub fn edit_intset<R>(&mut self, edit: impl FnOnce(&mut Intset) -> R) -> R {
        assert!(is_intset(&self.bytes), "a listpack is not edited as an intset");
        let mut intset = Intset { bytes: mem::take(&mut self.bytes) };
        let result = edit(&mut intset);
        self.bytes = intset.bytes;
        result
    }

    /// Changes it as a listpack.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[inline]
    pub fn edit_listpack<R>(&mut self, edit: impl FnOnce(&mut Listpack) -> R) -> R {
        assert!(!is_intset(&self.bytes), "an intset is not edited as a listpack");
        let mut listpack = Listpack { bytes: mem::take(&mut self.bytes) };
        let result = edit(&mut listpack);
        self.bytes = listpack.bytes;
        result
    }
}

impl From<Intset> for PackedSet {
    fn from(intset: Intset) -> Self {
        Self { bytes: intset.bytes }
    }
}

impl From<Listpack> for PackedSet {
    fn from(listpack: Listpack) -> Self {
        Self { bytes: listpack.bytes }
    }
}

impl fmt::Debug for PackedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view() {
            PackedSetRef::Intset(intset) => formatter.debug_set().entries(intset).finish(),
            PackedSetRef::Listpack(listpack) => formatter.debug_set().entries(listpack.iter()).finish(),
        }
    }
}

/// Whether the bytes of an intset or a listpack are those of an intset.
#[inline]
fn is_intset(bytes: &[u8]) -> bool {
    let (first, _) = bytes.split_first_chunk().expect("both have a header");
    matches!(u32::from_le_bytes(*first), 2 | 4 | 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::ListpackValue;

    fn intset_of(set: &PackedSet) -> Option<IntsetRef<'_>> {
        match set.view() {
            PackedSetRef::Intset(intset) => Some(intset),
            PackedSetRef::Listpack(_) => None,
        }
    }

    #[test]
    fn empty_ones_of_any_width_are_told_apart() {
        for member in [1, 70_000, i64::MAX] {
            let mut intset = Intset::from_members(vec![member]);
            intset.remove(member);
            let set = PackedSet::from(intset.clone());
            assert_eq!(intset_of(&set), Some(intset.view()), "width {}", intset.width());
        }
        assert_eq!(intset_of(&PackedSet::from(Listpack::new())), None);
    }

    #[test]
    fn the_smallest_entry_makes_a_listpack_longer_than_any_width() {
        for text in [&b""[..], b"1"] {
            let set = PackedSet::from(Listpack::from_iter([text]));
            assert_eq!((set.byte_len(), intset_of(&set)), (9, None));
        }
    }

    #[test]
    #[should_panic(expected = "is not edited as an intset")]
    fn a_listpack_is_not_edited_as_an_intset() {
        PackedSet::from(Listpack::new()).edit_intset(|_| {});
    }

    proptest! {
        #[test]
        fn an_intset_stays_one(members in prop::collection::vec(any::<i64>(), 0..300), shift in 0..64_u32) {
            let mut alone = Intset::new();
            let mut set = PackedSet::from(Intset::new());
            for member in members {
                let member = member >> shift;
                prop_assert_eq!(set.edit_intset(|intset| intset.insert(member)), alone.insert(member));
                prop_assert_eq!(intset_of(&set), Some(alone.view()));
            }
        }

        #[test]
        fn a_listpack_stays_one(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..60),
        ) {
            let mut set = PackedSet::from(Listpack::new());
            for text in &texts {
                set.edit_listpack(|listpack| listpack.push_back(text));
                prop_assert_eq!(intset_of(&set), None);
            }
            let PackedSetRef::Listpack(listpack) = set.view() else { panic!("it became an intset") };
            prop_assert!(listpack.iter().map(ListpackValue::to_vec).eq(texts));
        }
    }
}
