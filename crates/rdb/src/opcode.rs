//! The byte that opens a record: an opcode, or the type of the object that follows.

use std::fmt;

use crate::version::Lineage;

/// Valkey from 9.2: a command. It cannot be skipped.
pub(crate) const UPDATE: u8 = 242;
/// Redis from 8.6: metadata of the next key; Valkey from 9.0: a slot import. Neither can be skipped safely.
pub(crate) const KEY_METADATA_OR_SLOT_IMPORT: u8 = 243;
/// Size of one cluster slot.
pub(crate) const SLOT_INFO: u8 = 244;
/// Source text of a function library.
pub(crate) const FUNCTION: u8 = 245;
/// Function format of the release candidates of 7.0, which no release reads.
pub(crate) const FUNCTION_PRE_RELEASE: u8 = 246;
/// Data a module keeps outside keys.
pub(crate) const MODULE_AUX: u8 = 247;
/// Idle time of the next key.
pub(crate) const IDLE: u8 = 248;
/// Access frequency of the next key.
pub(crate) const FREQUENCY: u8 = 249;
/// A named piece of information about the file.
pub(crate) const AUX: u8 = 250;
/// Sizes of the selected database.
pub(crate) const RESIZE_DATABASE: u8 = 251;
/// Expiry of the next key in milliseconds.
pub(crate) const EXPIRE_MS: u8 = 252;
/// Expiry of the next key in seconds; up to version 2.
pub(crate) const EXPIRE_SECONDS: u8 = 253;
/// The database that the following keys belong to.
pub(crate) const SELECT_DATABASE: u8 = 254;
/// End of the records.
pub(crate) const END: u8 = 255;

/// Opcodes start here; below are object types.
const FIRST_OPCODE: u8 = UPDATE;

/// Object type of a plain string.
pub(crate) const TYPE_STRING: u8 = 0;
/// A list of elements.
pub(crate) const TYPE_LIST: u8 = 1;
/// A list in a ziplist; up to version 6.
pub(crate) const TYPE_LIST_ZIPLIST: u8 = 10;
/// A list of ziplists; up to version 9.
pub(crate) const TYPE_LIST_QUICKLIST: u8 = 14;
/// A list of listpacks and single elements.
pub(crate) const TYPE_LIST_QUICKLIST_2: u8 = 18;
/// A sorted set with scores as text; up to version 7.
pub(crate) const TYPE_ZSET: u8 = 3;
/// A sorted set with binary scores.
pub(crate) const TYPE_ZSET_2: u8 = 5;
/// A sorted set in a ziplist; up to version 9.
pub(crate) const TYPE_ZSET_ZIPLIST: u8 = 12;
/// A sorted set in a listpack.
pub(crate) const TYPE_ZSET_LISTPACK: u8 = 17;
/// A set.
pub(crate) const TYPE_SET: u8 = 2;
/// A hash.
pub(crate) const TYPE_HASH: u8 = 4;
/// A hash in a zipmap; up to version 3.
pub(crate) const TYPE_HASH_ZIPMAP: u8 = 9;
/// A value of a module.
pub(crate) const TYPE_MODULE: u8 = 7;
/// A set in an intset.
pub(crate) const TYPE_SET_INTSET: u8 = 11;
/// A hash in a ziplist; up to version 9.
pub(crate) const TYPE_HASH_ZIPLIST: u8 = 13;
/// A hash in a listpack.
pub(crate) const TYPE_HASH_LISTPACK: u8 = 16;
/// A set in a listpack; from version 11 on.
pub(crate) const TYPE_SET_LISTPACK: u8 = 20;
/// A hash with fields that expire, as a release candidate of 7.4 wrote it.
pub(crate) const TYPE_HASH_EXPIRING_OLD: u8 = 22;
/// The same in a listpack.
pub(crate) const TYPE_HASH_EXPIRING_LISTPACK_OLD: u8 = 23;
/// A hash with fields that expire; from version 12 on.
pub(crate) const TYPE_HASH_EXPIRING: u8 = 24;
/// The same in a listpack.
pub(crate) const TYPE_HASH_EXPIRING_LISTPACK: u8 = 25;
/// A stream, of version 9.
pub(crate) const TYPE_STREAM: u8 = 15;
/// A stream, of version 10.
pub(crate) const TYPE_STREAM_2: u8 = 19;
/// A stream, of version 11.
pub(crate) const TYPE_STREAM_3: u8 = 21;

/// The type byte of a key's value, with the name that redis-check-rdb gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectType {
    number: u8,
    lineage: Lineage,
}

impl ObjectType {
    /// The type written as `number` in a file of `lineage`.
    #[must_use]
    pub fn new(number: u8, lineage: Lineage) -> Self {
        Self { number, lineage }
    }

    /// The byte in the file.
    #[must_use]
    pub fn number(self) -> u8 {
        self.number
    }

    pub(crate) fn lineage(self) -> Lineage {
        self.lineage
    }

    /// Whether a released server has ever written this type.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.name() != "unknown"
    }

    /// The name in the reports of redis-check-rdb; `unknown` for a number nobody has used.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.number {
            0 => "string",
            1 => "list-linked",
            2 => "set-hashtable",
            3 => "zset-v1",
            4 => "hash-hashtable",
            5 => "zset-v2",
            6 => "module-pre-release",
            7 => "module-value",
            9 => "hash-zipmap",
            10 => "list-ziplist",
            11 => "set-intset",
            12 => "zset-ziplist",
            13 => "hash-ziplist",
            14 => "quicklist",
            15 => "stream",
            16 => "hash-listpack",
            17 => "zset-listpack",
            18 => "quicklist-v2",
            19 => "stream-v2",
            20 => "set-listpack",
            21 => "stream-v3",
            22 if self.lineage == Lineage::Valkey => "hash-2",
            22 => "hash-hashtable-md-pre-release",
            23 if self.lineage == Lineage::Valkey => "path-hash",
            23 if self.lineage == Lineage::Redis => "hash-listpack-md-pre-release",
            24 if self.lineage == Lineage::Redis => "hash-hashtable-md",
            25 if self.lineage == Lineage::Redis => "hash-listpack-md",
            26 if self.lineage == Lineage::Redis => "stream-v4",
            27 if self.lineage == Lineage::Redis => "stream-v5",
            28 if self.lineage == Lineage::Redis => "array",
            _ => "unknown",
        }
    }

    /// Whether `byte` is in the range of object types rather than opcodes.
    pub(crate) fn is_type_byte(byte: u8) -> bool {
        byte < FIRST_OPCODE
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.number, self.name())
    }
}
