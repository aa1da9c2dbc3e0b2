//! Hashs as values.

use lastsave_collections::Hash;
use lastsave_rdb::{Put, ValueWriter, WriteError};

use crate::digest::DataDigest;

pub(super) fn write<P: Put>(value: &Hash, _writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn rewrite<E>(
    _key: &[u8],
    value: &Hash,
    _out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn digest(_digest: &mut DataDigest, value: &Hash) {
    unreachable!("{value:?} is still to come")
}
