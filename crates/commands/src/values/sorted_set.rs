//! Sorted sets as values.

use std::collections::HashSet;

use lastsave_collections::SortedSet;
use lastsave_keyspace::NewValue;
use lastsave_rdb::{Put, SortedSetValue, StringRef, ValueWriter, WriteError};
use lastsave_resp::DoubleBuffer;

use super::hash::text;
use super::{REWRITE_ELEMENTS_MAX, Unstorable};
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// The number by which the digest of Redis tells a sorted set from other types.
const DIGEST_TYPE: u32 = 3;

pub(super) fn write<P: Put>(set: &SortedSet, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    match set.as_listpack() {
        Some(listpack) if writer.version().has_listpacks() => writer.sorted_set_listpack(listpack.as_bytes()),
        _ => {
            let elements = set.elements_backwards(0..set.len());
            writer.sorted_set(set.len(), elements.map(|(member, score)| (StringRef::from(member), score)))
        }
    }
}

pub(super) fn with_new<R>(
    value: SortedSetValue,
    options: &DataOptions,
    store: impl FnOnce(NewValue<'_>) -> R,
) -> Result<R, Unstorable> {
    let limits = options.sorted_set_limits();
    let mut set = SortedSet::new();
    match value {
        SortedSetValue::Listpack(listpack) => {
            set = SortedSet::from_listpack(listpack).expect("the reader has checked the scores");
            let members = set.len();
            set.expect_len(members, &limits);
            if set.len() != members {
                return Err(Unstorable::DuplicateScores);
            }
        }
        SortedSetValue::Elements(elements) => {
            let elements: Vec<(&[u8], f64)> = elements.iter().collect();
            if !set.fill(&elements, &limits) {
                return Err(Unstorable::DuplicateScores);
            }
        }
        other => unreachable!("{other:?} is no form that is read"),
    }
    if set.is_empty() { Err(Unstorable::Empty) } else { Ok(store(NewValue::SortedSet(set))) }
}

pub(super) fn check_packed(value: &SortedSetValue) -> Result<(), Unstorable> {
    let SortedSetValue::Listpack(listpack) = value else { return Ok(()) };
    let mut seen = HashSet::with_capacity(listpack.len() / 2);
    let has_each_once = listpack.pairs().all(|(member, _)| seen.insert(text(member)));
    if has_each_once { Ok(()) } else { Err(Unstorable::DuplicateScores) }
}

pub(super) fn rewrite<E>(
    key: &[u8],
    set: &SortedSet,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut elements = set.elements(0..set.len());
    while elements.len() > 0 {
        let texts: Vec<(Vec<u8>, String)> = elements
            .by_ref()
            .take(REWRITE_ELEMENTS_MAX)
            .map(|(member, score)| (member.to_vec(), DoubleBuffer::new().format(score).to_owned()))
            .collect();
        let mut command: Vec<&[u8]> = vec![b"ZADD", key];
        for (member, score) in &texts {
            command.extend([score.as_bytes(), member]);
        }
        out(&command)?;
    }
    Ok(())
}

pub(super) fn digest(digest: &mut DataDigest, set: &SortedSet) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    for (member, score) in set.elements(0..set.len()) {
        let mut element = DataDigest::default();
        element.mix_ordered(member.to_text(&mut itoa::Buffer::new()));
        element.mix_ordered(DoubleBuffer::new().format(score).as_bytes());
        digest.mix_unordered(element.as_bytes());
    }
}
