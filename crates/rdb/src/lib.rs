//! The RDB format of Redis and Valkey: reader, writer, verifier, and the payloads of DUMP and RESTORE.
//!
//! Works on [`std::io::Read`] and [`std::io::Write`]. It opens no files, knows no keyspace, no clock and no log: the
//! caller says what time it is, what the file is called and what becomes of a key.
//!
//! - [`Reader`] turns a stream into [`Event`]s, one per record. It trusts nothing: declared lengths are checked before
//!   memory is allocated, every failure is an [`Error`] with offset, record, key and type.
//!   [`Reader::next_string`] is the way without an allocation for files that hold strings above all.
//! - [`Writer`] writes files of version 9 to 12, without an allocation per key.
//! - [`DumpEncoder`] and [`decode_dump`] do the same for single values, [`encode_function_dump`] and
//!   [`decode_function_dump`] for function libraries.
//! - [`check_rdb`] reads a whole file and reports in the words of redis-check-rdb.
//!
//! Values are strings, lists, hashes, sets, sorted sets and streams, in every encoding up to Redis 8.4 and Valkey 9.0. A
//! value of another type, of a module for example, ends a read with an [`Error`] that names type, key and offset, what
//! wrote the file and what can read it; it is never skipped silently. Data that modules keep outside keys is.
//!
//! The example `rdb_to_json` turns a dump into JSON lines.
//!
//! What this crate is not: it does not sync, rename or name files, does not decide whether a key has expired, and does
//! not compile function libraries.
//!
//! ```
//! use lastsave_rdb::{Event, KeyMetadata, Reader, ReaderOptions, StringRef, Writer, WriterOptions};
//!
//! let mut writer = Writer::bare(Vec::new(), WriterOptions::default())?;
//! writer.select_database(0)?;
//! writer.resize(1, 0)?;
//! writer.string(b"greeting", StringRef::Bytes(b"hello"), &KeyMetadata::default())?;
//! let file = writer.finish()?.inner;
//!
//! let mut reader = Reader::new(&file[..], ReaderOptions::default());
//! let mut keys = 0;
//! loop {
//!     match reader.next_event()? {
//!         Event::Key(record) => keys += usize::from(record.key == b"greeting"),
//!         Event::End { .. } => break,
//!         _ => {}
//!     }
//! }
//! assert_eq!(keys, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod checksum;
mod dump;
mod error;
mod function_dump;
#[doc(hidden)]
pub mod fuzzing;
mod length;
mod module;
mod object;
mod opcode;
mod reader;
mod repeated;
mod sink;
mod source;
mod string;
mod string_record;
mod value;
mod version;
mod writer;

pub use check::{CheckOptions, CheckSummary, check_rdb};
pub use checksum::Checksum;
pub use dump::{DumpEncoder, DumpError, DumpOptions, decode_dump, verify_dump};
pub use error::{Activity, Error, ErrorKind, IoFailure};
pub use function_dump::{decode_function_dump, encode_function_dump, function_dump_reply};
pub use lastsave_lzf::LzfFault;
pub use module::ModuleId;
pub use object::ValueWriter;
pub use object::expiring_hash::{ExpiringFields, FIELD_EXPIRY_MS_MAX};
pub use object::hash::{HashFault, HashValue};
pub use object::list::{ListFault, ListNodeRef, ListNodeValue, ListValue};
pub use object::set::{SetFault, SetValue};
pub use object::sorted_set::{ScoredMembers, SortedSetFault, SortedSetValue};
pub use object::stream::{
    EntriesRead, EntryId, NodeFault, StreamConsumer, StreamFault, StreamGroup, StreamPending, StreamSummary,
    StreamValue, StreamWriter,
};
pub use object::strings::{StringPart, Strings};
pub use opcode::ObjectType;
pub use reader::{ChecksumStatus, Event, Reader, ReaderOptions, Remainder};
pub use sink::{Put, Sink};
pub use string_record::StringRecord;
pub use value::{KeyMetadata, KeyRecord, StringRef, StringValue, Value};
pub use version::{FileVersion, Lineage, RdbVersion, UnwritableVersion};
pub use writer::{Finished, Header, ReplicationHeader, WriteCounts, WriteError, Writer, WriterOptions};
