//! Sets as values.

use std::borrow::Cow;
use std::collections::HashSet;

use lastsave_collections::{Set, SetLimits, TableOrder};
use lastsave_keyspace::NewValue;
use lastsave_listpack::Intset;
use lastsave_rdb::{Put, SetValue, StringRef, Strings, ValueWriter, WriteError};

use super::hash::text;
use super::{REWRITE_ELEMENTS_MAX, Unstorable};
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// The number by which the digest of Redis tells a set from other types.
const DIGEST_TYPE: u32 = 2;

pub(super) fn write<P: Put>(value: &Set, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    if let Some(intset) = value.as_intset() {
        return writer.set_of_integers(intset);
    }
    match value.as_listpack() {
        Some(listpack) => writer.packed_set(listpack),
        None => writer.set(value.len(), value.iter().map(StringRef::from)),
    }
}

pub(super) fn with_new<R>(
    value: SetValue,
    options: &DataOptions,
    store: impl FnOnce(NewValue<'_>) -> R,
) -> Result<R, Unstorable> {
    let limits = options.set_limits();
    let mut set;
    match value {
        SetValue::Intset(intset) => {
            set = Set::from_intset(intset);
            set.fit(&limits);
        }
        SetValue::Listpack(listpack) => {
            set = Set::from_listpack(listpack);
            let members = set.len();
            set.fit(&limits);
            if set.len() != members {
                return Err(Unstorable::DuplicateMembers);
            }
        }
        SetValue::Members(members) => {
            set = Set::from_intset(Intset::new());
            set.expect_more(members.len(), &limits);
            if !add_members(&mut set, &members, &limits) {
                return Err(Unstorable::DuplicateMembers);
            }
        }
        other => unreachable!("{other:?} is no form that is read"),
    }
    if set.is_empty() { Err(Unstorable::Empty) } else { Ok(store(NewValue::Set(set))) }
}

/// Adds all members to an empty set. Gives false when one of them comes twice.
fn add_members(set: &mut Set, members: &Strings, limits: &SetLimits) -> bool {
    // While a set is small, its form depends on which member comes first.
    let is_big = set.as_intset().is_none() && set.as_listpack().is_none();
    match members.places().filter(|_| is_big) {
        Some(places) => TableOrder::new(places)
            .visit(|place| members.at(place).0, |place| set.insert(members.at(place).0, limits)),
        None => members.iter().all(|member| set.insert(member.as_slice(), limits)),
    }
}

pub(super) fn check_packed(value: &SetValue) -> Result<(), Unstorable> {
    let SetValue::Listpack(listpack) = value else { return Ok(()) };
    let mut seen = HashSet::with_capacity(listpack.len());
    let has_each_once = listpack.iter().all(|member| seen.insert(text(member)));
    if has_each_once { Ok(()) } else { Err(Unstorable::DuplicateMembers) }
}

pub(super) fn rewrite<E>(
    key: &[u8],
    value: &Set,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut members = value.iter();
    loop {
        let texts: Vec<Cow<'_, [u8]>> = members.by_ref().take(REWRITE_ELEMENTS_MAX).map(text).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let mut args: Vec<&[u8]> = vec![b"SADD", key];
        args.extend(texts.iter().map(|text| &**text));
        out(&args)?;
    }
}

pub(super) fn digest(digest: &mut DataDigest, value: &Set) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    value.iter().for_each(|member| digest.mix_unordered(&text(member)));
}
