//! The streaming reader: one event per record, in file order.

use std::io::{self, Read};

use crate::{
    error::{Activity, Error, ErrorKind, Place},
    module::{ModuleId, skip_fields},
    opcode::{self, ObjectType},
    source::Source,
    string_record::Scratch,
    value::{KeyMetadata, KeyRecord, StringValue, read_value},
    version::{FileVersion, Lineage},
};

/// How to read.
#[derive(Debug, Clone, Copy)]
pub struct ReaderOptions {
    /// Compute and compare the checksum. Default: true.
    pub checksum: bool,
    /// Size of the input in bytes, when it is known: declared lengths are then checked against it before anything is
    /// allocated. May include bytes behind the RDB part. Default: unknown.
    pub total_bytes: Option<u64>,
    /// Size of the read buffer. Default: 1 MiB; at least 64 bytes are used.
    pub buffer_bytes: usize,
    /// A collection without elements ends the read, as it does for redis-check-rdb. Default: false; it is a value like
    /// any other, which servers do not keep.
    pub refuses_empty: bool,
    /// A collection with an element that is there twice ends the read, as it does for redis-check-rdb and for servers.
    /// Default: false; whoever stores the value has to find out.
    pub refuses_repeated: bool,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            checksum: true,
            total_bytes: None,
            buffer_bytes: 1 << 20,
            refuses_empty: false,
            refuses_repeated: false,
        }
    }
}

/// So much of a server's version is told in an error.
const SERVER_VERSION_BYTES_MAX: usize = 32;

/// What became of the checksum at the end of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumStatus {
    /// The stored value agrees with the bytes read.
    Verified(u64),
    /// The writer stored none (eight zero bytes).
    Disabled,
    /// Not compared, because the options say so. The stored value.
    Skipped(u64),
    /// The file's version has none (below 5).
    Absent,
}

/// One record of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The magic; always the first event.
    Version(FileVersion),
    /// A named piece of information about the file.
    Aux {
        /// Name; compares case-insensitively.
        name: Vec<u8>,
        /// Value; numbers as decimal text.
        value: Vec<u8>,
    },
    /// The following keys belong to this database.
    SelectDatabase(u64),
    /// How many keys the selected database had. A hint: nothing guarantees it.
    Resize {
        /// All keys.
        keys: u64,
        /// Keys with an expiry.
        expires: u64,
    },
    /// How many keys a cluster slot had. A hint.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// All keys.
        keys: u64,
        /// Keys with an expiry.
        expires: u64,
    },
    /// A function library.
    FunctionLibrary {
        /// Its source text, beginning with the line that names engine and library.
        code: Vec<u8>,
    },
    /// Data that a module keeps outside keys; passed over.
    ModuleAux {
        /// The module.
        module: ModuleId,
        /// 1 for data from before the keys, 2 for data from behind them.
        when: u64,
        /// Offset at which the data itself starts.
        fields_offset: u64,
    },
    /// A key.
    Key(KeyRecord),
    /// The end of the RDB part. Asking again gives it again.
    End {
        /// What became of the checksum.
        checksum: ChecksumStatus,
    },
}

/// What is left of the input after the RDB part: the log that follows it in an old append-only file, for example.
#[derive(Debug)]
pub struct Remainder<R> {
    /// The reader that was handed in.
    pub inner: R,
    /// Bytes that were read from it already, but lie behind the RDB part.
    pub buffered: Vec<u8>,
    /// Offset of the first of these bytes: the size of the RDB part.
    pub offset: u64,
}

impl<R: Read> Remainder<R> {
    /// The rest as one reader.
    pub fn into_read(self) -> io::Chain<io::Cursor<Vec<u8>>, R> {
        io::Cursor::new(self.buffered).chain(self.inner)
    }
}

#[derive(Debug)]
enum State {
    Start,
    Records,
    Ended(ChecksumStatus),
    Failed(Error),
}

/// Reads an RDB stream event by event.
///
/// ```
/// use lastsave_rdb::{Event, Reader, ReaderOptions};
///
/// let file = b"REDIS0011\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
/// let mut reader = Reader::new(&file[..], ReaderOptions::default());
/// loop {
///     match reader.next_event()? {
///         Event::Key(record) => assert_eq!(record.key, b"k"),
///         Event::End { .. } => break,
///         _ => {}
///     }
/// }
/// # Ok::<(), lastsave_rdb::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    checksum: bool,
    refuses_empty: bool,
    refuses_repeated: bool,
    state: State,
    version: FileVersion,
    activity: Activity,
    record_offset: u64,
    /// Expiry and access time for the next key.
    pending: KeyMetadata,
    /// Offset of the first opcode that set `pending`.
    pending_offset: Option<u64>,
    key: Option<Vec<u8>>,
    object_type: Option<ObjectType>,
    /// The server that wrote the file, if it says so.
    written_by: Option<String>,
    scratch: Scratch,
}

impl<R: Read> Reader<R> {
    /// A reader at the start of `inner`. Nothing is read yet.
    pub fn new(inner: R, options: ReaderOptions) -> Self {
        let source = Source::new(inner, options.buffer_bytes, options.total_bytes, options.checksum);
        Self::over(source, &options)
    }

    /// A reader in the middle of a damaged file of `version`: `inner` stands at `offset`, where a record begins or is
    /// thought to begin. No checksum can be compared. Offsets are those of the whole file.
    pub fn resume(inner: R, version: FileVersion, offset: u64, options: ReaderOptions) -> Self {
        let source = Source::new(inner, options.buffer_bytes, options.total_bytes, false).starting_at(offset);
        Self { version, checksum: false, state: State::Records, ..Self::over(source, &options) }
    }

    fn over(source: Source<R>, options: &ReaderOptions) -> Self {
        Self {
            source,
            checksum: options.checksum,
            refuses_empty: options.refuses_empty,
            refuses_repeated: options.refuses_repeated,
            state: State::Start,
            version: FileVersion { lineage: Lineage::Redis, number: 0 },
            activity: Activity::Start,
            record_offset: 0,
            pending: KeyMetadata::default(),
            pending_offset: None,
            key: None,
            object_type: None,
            written_by: None,
            scratch: Scratch::default(),
        }
    }

    /// The source, when the next byte begins a record.
    #[inline]
    pub(crate) fn between_records(&mut self) -> Option<(&mut Source<R>, &mut Scratch)> {
        let is_between = matches!(self.state, State::Records) && self.pending_offset.is_none();
        is_between.then_some((&mut self.source, &mut self.scratch))
    }

    /// Bytes consumed so far: the size of the RDB part after [`Event::End`].
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    /// Size of the input, if the options told it.
    pub fn total_bytes(&self) -> Option<u64> {
        self.source.total_bytes()
    }

    /// The next record.
    ///
    /// # Errors
    /// What is wrong with the input, and where. After an error every further call returns the same error.
    pub fn next_event(&mut self) -> Result<Event, Error> {
        let result = match &self.state {
            State::Start => self.read_magic(),
            State::Records => self.read_record(),
            State::Ended(checksum) => return Ok(Event::End { checksum: *checksum }),
            State::Failed(error) => return Err(error.clone()),
        };
        result.map_err(|kind| self.fail(kind))
    }

    /// Gives back the inner reader with what follows the RDB part. Meant for after [`Event::End`]; before it, the rest
    /// starts wherever reading stopped.
    pub fn into_remainder(self) -> Remainder<R> {
        let offset = self.source.offset();
        let (inner, buffered) = self.source.into_parts();
        Remainder { inner, buffered, offset }
    }

    #[cold]
    fn fail(&mut self, kind: ErrorKind) -> Error {
        let place = Place {
            offset: self.source.fault_offset(),
            record_offset: self.record_offset,
            activity: self.activity,
            key: self.key.take(),
            object_type: self.object_type,
            version: Some(self.version).filter(|version| version.number > 0),
            written_by: self.written_by.take(),
        };
        let error = Error::new(kind, place);
        self.state = State::Failed(error.clone());
        error
    }

    fn read_magic(&mut self) -> Result<Event, ErrorKind> {
        let magic = self.source.array::<9>()?;
        self.version = FileVersion::from_magic(&magic).map_err(|declared| match declared {
            Some((lineage, number)) => ErrorKind::UnsupportedVersion { lineage, number },
            None => ErrorKind::WrongSignature { got: magic },
        })?;
        if !self.version.has_checksum() {
            self.source.drop_checksum();
        }
        self.state = State::Records;
        Ok(Event::Version(self.version))
    }

    fn read_record(&mut self) -> Result<Event, ErrorKind> {
        loop {
            self.activity = Activity::ReadType;
            let offset = self.source.offset();
            self.record_offset = self.pending_offset.unwrap_or(offset);
            match self.source.byte()? {
                opcode::EXPIRE_MS => {
                    self.activity = Activity::ReadExpire;
                    let milliseconds = i64::from_le_bytes(self.source.array()?);
                    self.expect_key_after(offset);
                    self.pending.expires_at_ms = expiry(milliseconds);
                }
                opcode::EXPIRE_SECONDS => {
                    self.activity = Activity::ReadExpire;
                    let seconds = i32::from_le_bytes(self.source.array()?);
                    self.expect_key_after(offset);
                    self.pending.expires_at_ms = expiry(i64::from(seconds) * 1000);
                }
                opcode::IDLE => {
                    let seconds = self.source.length()?;
                    self.expect_key_after(offset);
                    self.pending.idle_seconds = Some(seconds);
                }
                opcode::FREQUENCY => {
                    let frequency = self.source.byte()?;
                    self.expect_key_after(offset);
                    self.pending.frequency = Some(frequency);
                }
                opcode::END => return self.read_end(),
                byte if ObjectType::is_type_byte(byte) => return self.read_key(byte),
                opcode => return self.read_opcode(opcode),
            }
        }
    }

    /// Remembers that the record of the next key begins at `offset`, if no earlier opcode began it.
    fn expect_key_after(&mut self, offset: u64) {
        self.pending_offset.get_or_insert(offset);
    }

    fn read_key(&mut self, type_byte: u8) -> Result<Event, ErrorKind> {
        let object_type = ObjectType::new(type_byte, self.version.lineage);
        if !object_type.is_known() {
            // The type is at fault, whatever follows it; if a key does, it helps to find the record.
            let offset = self.source.offset();
            self.key = self.source.string().ok().map(StringValue::into_bytes);
            self.source.set_fault_offset(offset);
            return Err(ErrorKind::UnknownType { number: type_byte });
        }
        self.object_type = Some(object_type);
        self.activity = Activity::ReadKey;
        let key = self.source.string()?.into_bytes();
        self.activity = Activity::ReadObjectValue;
        let value = match read_value(object_type, &mut self.source) {
            Ok(value) if self.refuses_empty && value.is_empty_collection() => Err(ErrorKind::EmptyCollection),
            Ok(value) if self.refuses_repeated && value.has_an_element_twice() => {
                Err(ErrorKind::RepeatedElement { object_type })
            }
            read => read,
        };
        let value = match value {
            Ok(value) => value,
            Err(kind) => {
                self.key = Some(key);
                return Err(kind);
            }
        };
        self.object_type = None;
        let end_offset = self.source.offset();
        let metadata = std::mem::take(&mut self.pending);
        self.pending_offset = None;
        let offset = self.record_offset;
        Ok(Event::Key(KeyRecord { key, object_type, value, metadata, offset, end_offset }))
    }

    fn read_opcode(&mut self, opcode: u8) -> Result<Event, ErrorKind> {
        let source = &mut self.source;
        match opcode {
            opcode::AUX => {
                self.activity = Activity::ReadAux;
                let name = source.string()?.into_bytes();
                let value = source.string()?.into_bytes();
                if let Some(server) = server_name(&name) {
                    let number = &value[..value.len().min(SERVER_VERSION_BYTES_MAX)];
                    self.written_by = Some(format!("{server} {}", number.escape_ascii()));
                }
                Ok(Event::Aux { name, value })
            }
            opcode::SELECT_DATABASE => {
                self.activity = Activity::ReadLength;
                Ok(Event::SelectDatabase(source.length()?))
            }
            opcode::RESIZE_DATABASE => {
                self.activity = Activity::ReadLength;
                Ok(Event::Resize { keys: source.length()?, expires: source.length()? })
            }
            opcode::SLOT_INFO => {
                self.activity = Activity::ReadLength;
                Ok(Event::SlotInfo {
                    slot: source.length()?,
                    keys: source.length()?,
                    expires: source.length()?,
                })
            }
            opcode::FUNCTION => {
                self.activity = Activity::ReadFunctions;
                Ok(Event::FunctionLibrary { code: source.string()?.into_bytes() })
            }
            opcode::FUNCTION_PRE_RELEASE => Err(ErrorKind::PreReleaseFunctions),
            opcode::MODULE_AUX => {
                self.activity = Activity::ReadModuleAux;
                let module = ModuleId::new(source.any_length()?);
                // `when` is itself stored as a module field: the opcode of an unsigned number, then the number.
                let field = source.length()?;
                let when = source.length()?;
                if field != 2 {
                    return Err(ErrorKind::InvalidModuleData { opcode: field });
                }
                let fields_offset = source.offset();
                skip_fields(source)?;
                Ok(Event::ModuleAux { module, when, fields_offset })
            }
            opcode::KEY_METADATA_OR_SLOT_IMPORT => Err(ErrorKind::UnservedOpcode { opcode }),
            opcode::UPDATE if self.version.lineage == Lineage::Valkey => {
                Err(ErrorKind::UnservedOpcode { opcode })
            }
            number => Err(ErrorKind::UnknownType { number }),
        }
    }

    fn read_end(&mut self) -> Result<Event, ErrorKind> {
        self.activity = Activity::CheckSum;
        let got = self.source.take_checksum();
        let checksum = if self.version.has_checksum() {
            let stored = u64::from_le_bytes(self.source.array()?);
            match got {
                _ if stored == 0 => ChecksumStatus::Disabled,
                _ if !self.checksum => ChecksumStatus::Skipped(stored),
                Some(got) if got != stored => {
                    return Err(ErrorKind::ChecksumMismatch { expected: stored, got });
                }
                _ => ChecksumStatus::Verified(stored),
            }
        } else {
            ChecksumStatus::Absent
        };
        self.state = State::Ended(checksum);
        Ok(Event::End { checksum })
    }
}

/// The server whose version the AUX field `name` tells.
fn server_name(name: &[u8]) -> Option<&'static str> {
    if name.eq_ignore_ascii_case(b"redis-ver") {
        Some("Redis")
    } else if name.eq_ignore_ascii_case(b"valkey-ver") {
        Some("Valkey")
    } else {
        None
    }
}

/// An expiry of -1 stands for none.
pub(crate) fn expiry(milliseconds: i64) -> Option<i64> {
    (milliseconds != -1).then_some(milliseconds)
}
