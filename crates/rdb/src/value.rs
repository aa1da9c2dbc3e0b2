//! Values as they come out of a file and as they are handed in to be written.

use std::io::Read;

use lastsave_listpack::ListpackValue;

use crate::{
    error::ErrorKind,
    module::ModuleId,
    object::{
        expiring_hash,
        hash::{self, HashValue},
        list::{self, ListValue},
        set::{self, SetValue},
        sorted_set::{self, SortedSetValue},
        stream::{self, StreamValue},
        strings::StringPart,
    },
    opcode::{
        ObjectType, TYPE_HASH, TYPE_HASH_EXPIRING_LISTPACK, TYPE_HASH_EXPIRING_OLD, TYPE_HASH_LISTPACK,
        TYPE_HASH_ZIPLIST, TYPE_HASH_ZIPMAP, TYPE_LIST, TYPE_LIST_QUICKLIST, TYPE_LIST_QUICKLIST_2,
        TYPE_LIST_ZIPLIST, TYPE_MODULE, TYPE_SET, TYPE_SET_INTSET, TYPE_SET_LISTPACK, TYPE_STREAM,
        TYPE_STREAM_2, TYPE_STREAM_3, TYPE_STRING, TYPE_ZSET, TYPE_ZSET_2, TYPE_ZSET_LISTPACK,
        TYPE_ZSET_ZIPLIST,
    },
    source::Source,
    version::Lineage,
};

/// The value of a key, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A string.
    String(StringValue),
    /// A list.
    List(ListValue),
    /// A sorted set.
    SortedSet(SortedSetValue),
    /// A hash.
    Hash(HashValue),
    /// A set.
    Set(SetValue),
    /// A stream.
    Stream(StreamValue),
}

impl Value {
    /// Whether it is a collection without elements, which no key can hold.
    #[must_use]
    pub fn is_empty_collection(&self) -> bool {
        match self {
            Self::String(_) | Self::Stream(_) => false,
            Self::List(value) => value.nodes.is_empty(),
            Self::Hash(value) => value.is_empty(),
            Self::Set(value) => value.is_empty(),
            Self::SortedSet(value) => value.is_empty(),
        }
    }

    /// About how many bytes of memory the value holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::String(StringValue::Integer(_)) => size_of::<i64>(),
            Self::String(StringValue::Bytes(bytes)) => bytes.len(),
            Self::List(value) => value.held_bytes(),
            Self::SortedSet(value) => value.held_bytes(),
            Self::Hash(value) => value.held_bytes(),
            Self::Set(value) => value.held_bytes(),
            Self::Stream(value) => value.held_bytes(),
        }
    }
}

/// A string as read: integers stay integers when the file stores them as such.
///
/// Two values that stand for the same bytes may differ in form (`Integer(7)` and `Bytes("7")`); compare
/// [`into_bytes`](Self::into_bytes) where only the content matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StringValue {
    /// The decimal text of this number. Files store only 32-bit numbers in this form.
    Integer(i64),
    /// The bytes themselves.
    Bytes(Vec<u8>),
}

impl StringValue {
    /// The bytes of the string.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Integer(number) => itoa::Buffer::new().format(number).as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The same string, borrowed, as the writer takes it.
    #[must_use]
    pub fn as_ref(&self) -> StringRef<'_> {
        match self {
            Self::Integer(number) => StringRef::Integer(*number),
            Self::Bytes(bytes) => StringRef::Bytes(bytes),
        }
    }
}

/// A string to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringRef<'a> {
    /// The decimal text of this number.
    Integer(i64),
    /// These bytes. If they are the decimal text of a 32-bit number, they are written as that number.
    Bytes(&'a [u8]),
}

impl<'a> From<ListpackValue<'a>> for StringRef<'a> {
    fn from(value: ListpackValue<'a>) -> Self {
        match value {
            ListpackValue::Integer(integer) => Self::Integer(integer),
            ListpackValue::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl<'a> From<StringPart<'a>> for StringRef<'a> {
    fn from(part: StringPart<'a>) -> Self {
        Self::Bytes(part.as_slice())
    }
}

impl<'a> From<&'a [u8]> for StringRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// What is stored with a key besides its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyMetadata {
    /// Expiry, unix time in milliseconds. -1 cannot be stored: in the format it stands for no expiry.
    pub expires_at_ms: Option<i64>,
    /// Seconds since the last access. Servers store it under an LRU policy.
    pub idle_seconds: Option<u64>,
    /// Logarithmic access counter. Servers store it under an LFU policy; never together with the idle time.
    pub frequency: Option<u8>,
}

/// A key with everything stored about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: Vec<u8>,
    /// The type of the object as the file has it, which tells its encoding.
    pub object_type: ObjectType,
    /// Its value.
    pub value: Value,
    /// Expiry and access time.
    pub metadata: KeyMetadata,
    /// Offset in the input at which the record begins (its first opcode, or its type byte).
    pub offset: u64,
    /// Offset behind the record.
    pub end_offset: u64,
}

/// Reads the value of an object of type `object_type`.
pub(crate) fn read_value<R: Read>(
    object_type: ObjectType,
    source: &mut Source<R>,
) -> Result<Value, ErrorKind> {
    match object_type.number() {
        TYPE_STRING => Ok(Value::String(source.string()?)),
        number @ (TYPE_LIST | TYPE_LIST_ZIPLIST | TYPE_LIST_QUICKLIST | TYPE_LIST_QUICKLIST_2) => {
            list::read(number, source).map(Value::List)
        }
        number @ (TYPE_ZSET | TYPE_ZSET_2 | TYPE_ZSET_ZIPLIST | TYPE_ZSET_LISTPACK) => {
            sorted_set::read(number, source).map(Value::SortedSet)
        }
        number @ (TYPE_HASH | TYPE_HASH_ZIPMAP | TYPE_HASH_ZIPLIST | TYPE_HASH_LISTPACK) => {
            hash::read(number, source).map(Value::Hash)
        }
        // The numbers 22 and 23 mean something else in files of Valkey.
        TYPE_HASH_EXPIRING_OLD if object_type.lineage() == Lineage::Valkey => {
            expiring_hash::read_of_valkey(source).map(Value::Hash)
        }
        TYPE_HASH_EXPIRING_OLD..=TYPE_HASH_EXPIRING_LISTPACK if object_type.lineage() == Lineage::Redis => {
            expiring_hash::read(object_type.number(), source).map(Value::Hash)
        }
        number @ (TYPE_SET | TYPE_SET_INTSET | TYPE_SET_LISTPACK) => {
            set::read(number, source).map(Value::Set)
        }
        number @ (TYPE_STREAM | TYPE_STREAM_2 | TYPE_STREAM_3) => {
            stream::read(number, source).map(Value::Stream)
        }
        TYPE_MODULE => {
            let offset = source.offset();
            let module = ModuleId::new(source.any_length()?);
            source.set_fault_offset(offset);
            Err(ErrorKind::UnservedModule { module })
        }
        _ if object_type.is_known() => Err(ErrorKind::UnservedType { object_type }),
        number => Err(ErrorKind::UnknownType { number }),
    }
}

/// The type byte that opens a DUMP payload.
pub(crate) fn payload_type(byte: u8) -> Result<ObjectType, ErrorKind> {
    let object_type = ObjectType::new(byte, Lineage::Redis);
    if object_type.is_known() { Ok(object_type) } else { Err(ErrorKind::UnknownType { number: byte }) }
}
