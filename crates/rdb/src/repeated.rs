//! Elements that are there twice: the reader passes them on, servers refuse them, and the check has to find them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::{
    object::{hash::HashValue, set::SetValue, sorted_set::SortedSetValue},
    opcode::ObjectType,
    value::Value,
};

impl Value {
    /// Whether a field of the hash, or a member of the set or sorted set, is there twice.
    ///
    /// Elements are compared by digests of 64 bits; memory grows with their number, but not with their size.
    #[must_use]
    pub fn has_an_element_twice(&self) -> bool {
        let mut seen = HashSet::new();
        let mut is_new = |element: &[u8]| {
            let mut hasher = DefaultHasher::new();
            element.hash(&mut hasher);
            seen.insert(hasher.finish())
        };
        match self {
            Self::Hash(HashValue::Listpack(listpack)) => {
                !listpack.pairs().all(|(field, _)| is_new(&field.to_vec()))
            }
            Self::Hash(HashValue::Fields(fields)) => {
                !fields.pairs().all(|(field, _)| is_new(field.as_slice()))
            }
            Self::Set(SetValue::Listpack(members)) => !members.iter().all(|member| is_new(&member.to_vec())),
            Self::Set(SetValue::Members(members)) => !members.iter().all(|member| is_new(member.as_slice())),
            Self::SortedSet(SortedSetValue::Listpack(listpack)) => {
                !listpack.pairs().all(|(member, _)| is_new(&member.to_vec()))
            }
            Self::SortedSet(SortedSetValue::Elements(elements)) => {
                !elements.iter().all(|(member, _)| is_new(member))
            }
            // The integers of an intset rise; in all other types an element may be there twice.
            _ => false,
        }
    }
}

/// The words of Redis for an element that is there twice in an object of this type.
pub(crate) fn redis_text(object_type: ObjectType) -> &'static str {
    match object_type.name() {
        "hash-hashtable" => "Duplicate hash fields detected",
        "set-hashtable" => "Duplicate set members detected",
        "zset-v1" | "zset-v2" => "Duplicate zset fields detected",
        "hash-zipmap" => "Hash zipmap with dup elements",
        "hash-ziplist" => "Hash ziplist integrity check failed.",
        "hash-listpack" => "Hash listpack integrity check failed.",
        "set-listpack" => "Set listpack integrity check failed.",
        "zset-ziplist" => "Zset ziplist integrity check failed.",
        "zset-listpack" => "Zset listpack integrity check failed.",
        _ => "Duplicate elements detected",
    }
}
