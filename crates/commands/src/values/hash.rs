//! Hashes as values.

use std::borrow::Cow;
use std::collections::HashSet;

use lastsave_collections::Hash;
use lastsave_keyspace::NewValue;
use lastsave_listpack::ListpackValue;
use lastsave_rdb::{HashValue, Put, StringPart, ValueWriter, WriteError};

use super::{REWRITE_ELEMENTS_MAX, Unstorable};
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// The number by which the digest of Redis tells a hash from other types.
const DIGEST_TYPE: u32 = 4;

pub(super) fn write<P: Put>(value: &Hash, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    match value.as_listpack() {
        Some(listpack) => writer.packed_hash(listpack),
        None => {
            writer.hash(value.len(), value.iter().map(|(field, value)| (field.into(), value.text().into())))
        }
    }
}

pub(super) fn with_new<R>(
    value: HashValue,
    options: &DataOptions,
    store: impl FnOnce(NewValue<'_>) -> R,
) -> Result<R, Unstorable> {
    let limits = options.hash_limits();
    let mut hash = Hash::new();
    match value {
        HashValue::Listpack(listpack) => {
            hash = Hash::from_listpack(listpack).expect("the reader has checked it");
            let fields = hash.len();
            hash.fit(&limits);
            if hash.len() != fields {
                return Err(Unstorable::DuplicateFields);
            }
        }
        HashValue::Fields(strings) => {
            hash.expect_more(strings.len() / 2, &limits);
            for (field, value) in strings.pairs() {
                let is_new = match value {
                    StringPart::Short(value) => hash.set(field.as_slice(), value, &limits),
                    StringPart::Long(value) => hash.set_shared(field.as_slice(), value, &limits),
                };
                if !is_new {
                    return Err(Unstorable::DuplicateFields);
                }
            }
        }
        other => unreachable!("{other:?} is no form that is read"),
    }
    if hash.is_empty() { Err(Unstorable::Empty) } else { Ok(store(NewValue::Hash(hash))) }
}

pub(super) fn check_packed(value: &HashValue) -> Result<(), Unstorable> {
    let HashValue::Listpack(listpack) = value else { return Ok(()) };
    let mut seen = HashSet::with_capacity(listpack.len() / 2);
    let has_each_once = listpack.pairs().all(|(field, _)| seen.insert(text(field)));
    if has_each_once { Ok(()) } else { Err(Unstorable::DuplicateFields) }
}

pub(super) fn rewrite<E>(
    key: &[u8],
    value: &Hash,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut fields = value.iter();
    loop {
        let texts: Vec<Cow<'_, [u8]>> = fields
            .by_ref()
            .take(REWRITE_ELEMENTS_MAX)
            .flat_map(|(field, value)| [text(field), text(value.text())])
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let mut args: Vec<&[u8]> = vec![b"HMSET", key];
        args.extend(texts.iter().map(|text| &**text));
        out(&args)?;
    }
}

pub(super) fn text(value: ListpackValue<'_>) -> Cow<'_, [u8]> {
    match value {
        ListpackValue::Integer(_) => Cow::Owned(value.to_vec()),
        ListpackValue::Bytes(bytes) => Cow::Borrowed(bytes),
    }
}

pub(super) fn digest(digest: &mut DataDigest, value: &Hash) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    for (field, value) in value {
        let mut element = DataDigest::default();
        element.mix_ordered(&text(field));
        element.mix_ordered(&text(value.text()));
        digest.mix_unordered(element.as_bytes());
    }
}
