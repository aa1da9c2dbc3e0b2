//! What every type of value can do besides its commands: be digested, written to and read from an RDB stream, and be
//! told as commands. One file for each type.

mod hash;
mod list;
mod set;
mod sorted_set;
mod stream;
mod string;

use lastsave_keyspace::{Entry, IntegerBuffer, NewValue, Value};
use lastsave_rdb::{Put, ValueWriter, WriteError};
use thiserror::Error;

pub use self::string::new_string;
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// Most elements of a collection that one command of a rewrite adds.
const REWRITE_ELEMENTS_MAX: usize = 64;

/// Writes a value in RDB form.
///
/// # Errors
/// What the writer says; [`WriteError::Inexpressible`] when its version has no form for the value.
pub fn write_value<P: Put>(value: &Value<'_>, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    match value {
        Value::String(string) => writer.string(string::to_ref(string)),
        Value::List(list) => list::write(list, writer),
        Value::Hash(hash) => hash::write(hash, writer),
        Value::Set(set) => set::write(set, writer),
        Value::SortedSet(set) => sorted_set::write(set, writer),
        Value::Stream(stream) => stream::write(stream, writer),
        other => unreachable!("{other:?} has no RDB form"),
    }
}

/// A value that was read cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unstorable {
    /// It is a collection without elements: there are no such keys.
    #[error("a collection without elements")]
    Empty,
    /// It is a hash that has a field twice.
    #[error("Duplicate hash fields detected")]
    DuplicateFields,
    /// It is a hash with fields that expire, which the version of the RDB format in use cannot hold.
    #[error("hash fields that expire need 'rdb-write-version 12'")]
    ExpiringFields,
    /// It is a set that has a member twice.
    #[error("Duplicate set members detected")]
    DuplicateMembers,
    /// It is a sorted set that has a member twice.
    #[error("Duplicate zset fields detected")]
    DuplicateScores,
}

/// Gives a value that was read to `store`, in the form and encoding in which the keyspace keeps it.
///
/// # Errors
/// See [`Unstorable`]. Packed collections are taken as they are; RESTORE looks for duplicates in them before.
pub fn with_new_value<R>(
    value: lastsave_rdb::Value,
    options: &DataOptions,
    store: impl FnOnce(NewValue<'_>) -> R,
) -> Result<R, Unstorable> {
    match value {
        lastsave_rdb::Value::String(string) => Ok(string::with_new(string, store)),
        lastsave_rdb::Value::SortedSet(value) => sorted_set::with_new(value, options, store),
        lastsave_rdb::Value::Hash(hash) => hash::with_new(hash, options, store),
        lastsave_rdb::Value::Set(set) => set::with_new(set, options, store),
        lastsave_rdb::Value::List(list) => list::with_new(list, options, store),
        lastsave_rdb::Value::Stream(stream) => Ok(stream::with_new(stream, store)),
        other => unreachable!("{other:?} cannot be kept with {options:?}"),
    }
}

/// Looks for duplicates in a packed collection that somebody made up, which the reader does not look for.
///
/// # Errors
/// See [`Unstorable`].
pub(crate) fn check_packed(value: &lastsave_rdb::Value) -> Result<(), Unstorable> {
    match value {
        lastsave_rdb::Value::Hash(hash) => hash::check_packed(hash),
        lastsave_rdb::Value::Set(set) => set::check_packed(set),
        lastsave_rdb::Value::SortedSet(set) => sorted_set::check_packed(set),
        _ => Ok(()),
    }
}

/// Gives the commands that make a key as it is, expiry included, to `out`, one after the other.
///
/// # Errors
/// Those of `out`.
pub fn rewrite_commands<E>(
    entry: &Entry<'_>,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let key = entry.key();
    match entry.value() {
        Value::String(string) => out(&[b"SET", key, string.to_text(&mut IntegerBuffer::new())])?,
        Value::List(list) => list::rewrite(key, list, out)?,
        Value::Hash(hash) => hash::rewrite(key, hash, out)?,
        Value::Set(set) => set::rewrite(key, set, out)?,
        Value::SortedSet(set) => sorted_set::rewrite(key, set, out)?,
        Value::Stream(stream) => stream::rewrite(key, stream, out)?,
        other => unreachable!("{other:?} has no command form"),
    }
    match entry.expires_at_ms() {
        Some(at) => out(&[b"PEXPIREAT", key, IntegerBuffer::new().format(at).as_bytes()]),
        None => Ok(()),
    }
}

/// Adds a value to a digest as Redis does.
pub(crate) fn mix_value(digest: &mut DataDigest, value: &Value<'_>) {
    match value {
        Value::String(string) => string::digest(digest, string),
        Value::List(list) => list::digest(digest, list),
        Value::Hash(hash) => hash::digest(digest, hash),
        Value::Set(set) => set::digest(digest, set),
        Value::SortedSet(set) => sorted_set::digest(digest, set),
        Value::Stream(stream) => stream::digest(digest, stream),
        other => unreachable!("the digest of {other:?} is not defined"),
    }
}
