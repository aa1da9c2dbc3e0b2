//! What there is to say about a value: the one place that knows every type.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use lastsave_rdb::{HashValue, KeyRecord, ObjectType, SetValue, StringValue, Value};

/// A value, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// The type as the command TYPE names it.
    pub(crate) type_name: &'static str,
    /// The encoding as it is in the file.
    pub(crate) encoding: &'static str,
    /// Elements; 1 for a string.
    pub(crate) elements: u64,
    /// About how many bytes of memory key and value take.
    pub(crate) memory_bytes: u64,
    /// The same for equal contents, whatever their encoding.
    pub(crate) digest: u64,
}

/// Bytes of memory that a key takes besides its name and value: entry, pointers, share of the table.
const ENTRY_BYTES: u64 = 48;

/// Bytes of memory that an expiry takes.
const EXPIRY_BYTES: u64 = 16;

/// Describes a key's value.
pub(crate) fn describe(record: &KeyRecord) -> Description {
    let expiry = if record.metadata.expires_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
    let held = record.key.len() as u64 + record.value.held_bytes() as u64;
    let (elements, digest) = contents(&record.value);
    Description {
        type_name: type_name(record.object_type),
        encoding: encoding(record),
        elements,
        memory_bytes: ENTRY_BYTES + expiry + held,
        digest,
    }
}

/// The type of a key, by the number that it has in the file.
fn type_name(object_type: ObjectType) -> &'static str {
    let name = object_type.name();
    ["string", "list", "set", "zset", "hash", "stream", "module"]
        .into_iter()
        .find(|kind| name.starts_with(kind))
        .unwrap_or(if name.starts_with("quicklist") { "list" } else { "unknown" })
}

fn encoding(record: &KeyRecord) -> &'static str {
    match &record.value {
        Value::String(StringValue::Integer(_)) => "int",
        Value::String(StringValue::Bytes(bytes)) if bytes.len() <= 44 => "embstr",
        Value::String(_) => "raw",
        _ => record.object_type.name(),
    }
}

/// Elements, and a digest of the contents.
fn contents(value: &Value) -> (u64, u64) {
    match value {
        Value::String(StringValue::Integer(number)) => (1, one(number.to_string().as_bytes())),
        Value::String(StringValue::Bytes(bytes)) => (1, one(bytes)),
        Value::Hash(HashValue::Listpack(listpack)) => {
            unordered(listpack.pairs().map(|(first, second)| two(&first.to_vec(), &second.to_vec())))
        }
        Value::Hash(HashValue::Fields(fields)) => {
            unordered(fields.pairs().map(|(field, value)| two(field.as_slice(), value.as_slice())))
        }
        Value::Set(SetValue::Intset(members)) => {
            unordered(members.iter().map(|member| one(member.to_string().as_bytes())))
        }
        Value::Set(SetValue::Listpack(members)) => {
            unordered(members.iter().map(|member| one(&member.to_vec())))
        }
        Value::Set(SetValue::Members(members)) => {
            unordered(members.iter().map(|member| one(member.as_slice())))
        }
        // A type that this place does not know yet is compared in the form in which it was read.
        other => (1, one(format!("{other:?}").as_bytes())),
    }
}

fn one(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn two(first: &[u8], second: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (first, second).hash(&mut hasher);
    hasher.finish()
}

/// The digest of elements in any order. A sum, so that an element that is there twice does not cancel itself.
fn unordered(digests: impl Iterator<Item = u64>) -> (u64, u64) {
    digests.fold((0, 0), |(count, sum), digest| (count + 1, sum.wrapping_add(digest)))
}
