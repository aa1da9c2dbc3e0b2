//! SortedSets as values.

use lastsave_collections::SortedSet;
use lastsave_rdb::{Put, ValueWriter, WriteError};

use crate::digest::DataDigest;

pub(super) fn write<P: Put>(value: &SortedSet, _writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn rewrite<E>(
    _key: &[u8],
    value: &SortedSet,
    _out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn digest(_digest: &mut DataDigest, value: &SortedSet) {
    unreachable!("{value:?} is still to come")
}
