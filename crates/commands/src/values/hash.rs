//! Hashes as values.

use std::borrow::Cow;
use std::collections::HashSet;

use lastsave_collections::{Hash, HashLimits, TableOrder};
use lastsave_keyspace::{IntegerBuffer, NewValue};
use lastsave_listpack::ListpackValue;
use lastsave_rdb::{HashValue, Put, RdbVersion, StringPart, Strings, ValueWriter, WriteError};

use super::{REWRITE_ELEMENTS_MAX, Unstorable};
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// The number by which the digest of Redis tells a hash from other types.
const DIGEST_TYPE: u32 = 4;

pub(super) fn write<P: Put>(value: &Hash, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    if let Some(soonest_ms) = value.next_expiry_ms() {
        return write_expiring(value, soonest_ms, writer);
    }
    match value.as_listpack() {
        Some(listpack) => writer.packed_hash(listpack),
        None => {
            writer.hash(value.len(), value.iter().map(|(field, value)| (field.into(), value.text().into())))
        }
    }
}

fn write_expiring<P: Put>(
    value: &Hash,
    soonest_ms: i64,
    writer: ValueWriter<'_, P>,
) -> Result<(), WriteError> {
    let expires_at_ms = |field: ListpackValue<'_>| value.expires_at_ms(&text(field));
    if value.as_listpack().is_none() {
        let fields =
            value.iter().map(|(field, found)| (field.into(), found.text().into(), expires_at_ms(field)));
        return writer.expiring_hash(value.len(), soonest_ms, fields);
    }
    let value_of = |field| value.get(&text(field)).expect("what expires is a field").text();
    let expiring = value.expiries().map(|(field, at_ms)| (field, value_of(field), Some(at_ms)));
    let lasting = value.iter().filter(|(field, _)| expires_at_ms(*field).is_none());
    let lasting = lasting.map(|(field, found)| (field, found.text(), None));
    writer.packed_expiring_hash(soonest_ms, expiring.chain(lasting))
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
            if !set_fields(&mut hash, &strings, &limits) {
                return Err(Unstorable::DuplicateFields);
            }
        }
        HashValue::Expiring(fields) => {
            hash.expect_more(fields.len(), &limits);
            for (field, value, expires_at_ms) in fields.iter() {
                if !hash.set(field.as_slice(), value.as_slice(), &limits) {
                    return Err(Unstorable::DuplicateFields);
                }
                if let Some(at_ms) = expires_at_ms {
                    hash.set_expiry(field.as_slice(), at_ms);
                }
            }
            if hash.expiring_len() > 0 && options.rdb_write_version < RdbVersion::V12 {
                return Err(Unstorable::ExpiringFields);
            }
        }
        other => unreachable!("{other:?} is no form that is read"),
    }
    if hash.is_empty() { Err(Unstorable::Empty) } else { Ok(store(NewValue::Hash(hash))) }
}

/// Sets all fields of an empty hash. Gives false when one of them comes twice.
fn set_fields(hash: &mut Hash, strings: &Strings, limits: &HashLimits) -> bool {
    let is_big = hash.as_listpack().is_none();
    if let Some(places) = strings.places().filter(|_| is_big) {
        let order = TableOrder::new(places.step_by(2));
        return order.visit(
            |place| strings.at(place).0,
            |place| {
                let (field, value) = strings.at(place);
                hash.set(field, value, limits)
            },
        );
    }
    strings.pairs().all(|(field, value)| match value {
        StringPart::Short(value) => hash.set(field.as_slice(), value, limits),
        StringPart::Long(value) => hash.set_shared(field.as_slice(), value, limits),
    })
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
            break;
        }
        let mut args: Vec<&[u8]> = vec![b"HMSET", key];
        args.extend(texts.iter().map(|text| &**text));
        out(&args)?;
    }
    for (field, at_ms) in value.expiries() {
        let at = IntegerBuffer::new().format(at_ms).to_owned();
        out(&[b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", b"1", &text(field)])?;
    }
    Ok(())
}

pub(super) fn text(value: ListpackValue<'_>) -> Cow<'_, [u8]> {
    match value {
        ListpackValue::Integer(_) => Cow::Owned(value.to_vec()),
        ListpackValue::Bytes(bytes) => Cow::Borrowed(bytes),
    }
}

pub(super) fn digest(digest: &mut DataDigest, hash: &Hash) {
    let has_expiry = hash.expiring_len() > 0;
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    for (field, value) in hash {
        let mut element = DataDigest::default();
        element.mix_ordered(&text(field));
        element.mix_ordered(&text(value.text()));
        if has_expiry && hash.expires_at_ms(&text(field)).is_some() {
            element.mix_unordered(b"!!hexpire!!");
        }
        digest.mix_unordered(element.as_bytes());
    }
}
