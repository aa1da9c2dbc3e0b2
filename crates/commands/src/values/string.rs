//! Strings as values.

use lastsave_keyspace::{IntegerBuffer, NewValue, StringValue};
use lastsave_rdb::StringRef;

use crate::digest::DataDigest;

/// The number by which the digest of Redis tells a string from other types.
const DIGEST_TYPE: u32 = 0;

/// A value longer than this is kept by reference instead of being copied.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

pub(super) fn to_ref<'a>(string: &StringValue<'a>) -> StringRef<'a> {
    match *string {
        StringValue::Integer(number) => StringRef::Integer(number),
        StringValue::Bytes(bytes) => StringRef::Bytes(bytes),
        StringValue::Shared(bytes) => StringRef::Bytes(bytes),
    }
}

pub(super) fn with_new<R>(string: lastsave_rdb::StringValue, store: impl FnOnce(NewValue<'_>) -> R) -> R {
    match string {
        lastsave_rdb::StringValue::Integer(number) => store(NewValue::Integer(number)),
        lastsave_rdb::StringValue::Bytes(bytes) if bytes.len() > COPIED_VALUE_BYTES_MAX => {
            store(NewValue::Shared(bytes.into()))
        }
        lastsave_rdb::StringValue::Bytes(bytes) => store(NewValue::encode(&bytes)),
    }
}

/// A string that was read, in the form in which the keyspace keeps it. Long ones are copied.
#[must_use]
pub fn new_string(string: StringRef<'_>) -> NewValue<'_> {
    match string {
        StringRef::Integer(number) => NewValue::Integer(number),
        StringRef::Bytes(bytes) => NewValue::encode(bytes),
    }
}

pub(super) fn digest(digest: &mut DataDigest, string: &StringValue<'_>) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    digest.mix_ordered(string.to_text(&mut IntegerBuffer::new()));
}
