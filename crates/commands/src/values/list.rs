//! Lists as values.

use lastsave_collections::List;
use lastsave_rdb::{Put, ValueWriter, WriteError};

use crate::digest::DataDigest;

pub(super) fn write<P: Put>(value: &List, _writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn rewrite<E>(
    _key: &[u8],
    value: &List,
    _out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    unreachable!("{value:?} is still to come")
}

pub(super) fn digest(_digest: &mut DataDigest, value: &List) {
    unreachable!("{value:?} is still to come")
}
