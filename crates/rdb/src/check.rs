//! The verifier: reads a whole file, decodes every value, and reports in the lines of redis-check-rdb.

use std::io::Read;

use crate::{
    error::{Activity, Error, ErrorKind},
    opcode::ObjectType,
    reader::{ChecksumStatus, Event, Reader, ReaderOptions},
    version::Lineage,
};

/// Redis formats a message into so many bytes at most, without its final zero.
const MESSAGE_BYTES_MAX: usize = 1023;

/// What to check against.
#[derive(Debug, Clone)]
pub struct CheckOptions<'a> {
    /// Name of the file, for the first line.
    pub file_name: &'a str,
    /// Unix time in milliseconds; keys that expire before it are counted as expired.
    pub now_ms: i64,
    /// How to read; the checksum is compared unless this says otherwise.
    pub reader: ReaderOptions,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// Keys read, including one whose value is bad.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Keys whose expiry has passed.
    pub already_expired: u64,
    /// Bytes of the RDB part, or bytes consumed before the error.
    pub bytes: u64,
    /// The error that ended the check.
    pub error: Option<Error>,
}

impl CheckSummary {
    /// Whether the whole file was read without an error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }
}

/// Checks the RDB stream in `input`, handing each line of the report (without its line end) to `line`.
///
/// The lines are those of redis-check-rdb, with one exception: where Redis puts `Internal error in RDB reading offset
/// ..., function at rdb.c:...` before the message, only the message stands. Names and keys are printed as their bytes
/// are, so a line need not be UTF-8.
///
/// ```
/// use lastsave_rdb::{CheckOptions, ReaderOptions, check_rdb};
///
/// let options = CheckOptions { file_name: "dump.rdb", now_ms: 0, reader: ReaderOptions::default() };
/// let mut report = String::new();
/// let summary = check_rdb(&b"REDIS0011\xff\xc0\x22\x8a\x8d\x74\x38\x97\x62"[..], &options, |line| {
///     report.push_str(&String::from_utf8_lossy(line));
///     report.push('\n');
/// });
/// assert!(summary.is_ok());
/// assert!(report.contains("[offset 18] Checksum OK\n"));
/// ```
pub fn check_rdb<R: Read>(input: R, options: &CheckOptions<'_>, mut line: impl FnMut(&[u8])) -> CheckSummary {
    let mut checker = Checker { line: &mut line, summary: CheckSummary::default(), some_key_done: false };
    checker.info(0, &[b"Checking RDB file ", options.file_name.as_bytes()]);
    let mut reader =
        Reader::new(input, ReaderOptions { refuses_empty: true, refuses_repeated: true, ..options.reader });
    loop {
        match reader.next_event() {
            Ok(Event::End { checksum }) => {
                checker.summary.bytes = reader.offset();
                checker.end(checksum);
                return checker.summary;
            }
            Ok(event) => checker.event(&event, reader.offset(), options.now_ms),
            Err(error) => {
                checker.summary.bytes = error.offset();
                checker.error(&error);
                checker.summary.error = Some(error);
                return checker.summary;
            }
        }
    }
}

struct Checker<'a> {
    line: &'a mut dyn FnMut(&[u8]),
    summary: CheckSummary,
    /// Until the first key is complete, redis-check-rdb names type 0 in errors that have no type.
    some_key_done: bool,
}

impl Checker<'_> {
    fn event(&mut self, event: &Event, offset: u64, now_ms: i64) {
        match event {
            Event::SelectDatabase(index) => {
                self.info(offset, &[b"Selecting DB ID ", index.to_string().as_bytes()]);
            }
            Event::Aux { name, value } => {
                self.info(offset, &[b"AUX FIELD ", c_string(name), b" = '", c_string(value), b"'"]);
            }
            Event::ModuleAux { module, fields_offset, .. } => {
                self.info(*fields_offset, &[b"MODULE AUX for: ", module.name().as_bytes()]);
            }
            Event::Key(record) => {
                self.summary.keys += 1;
                self.some_key_done = true;
                if let Some(expires_at_ms) = record.metadata.expires_at_ms {
                    self.summary.expires += 1;
                    self.summary.already_expired += u64::from(expires_at_ms < now_ms);
                }
            }
            Event::Version(_)
            | Event::Resize { .. }
            | Event::SlotInfo { .. }
            | Event::FunctionLibrary { .. }
            | Event::End { .. } => {}
        }
    }

    fn end(&mut self, checksum: ChecksumStatus) {
        let offset = self.summary.bytes;
        match checksum {
            ChecksumStatus::Verified(_) => self.info(offset, &[b"Checksum OK"]),
            ChecksumStatus::Disabled => {
                self.info(offset, &[b"RDB file was saved with checksum disabled: no check performed."]);
            }
            ChecksumStatus::Absent | ChecksumStatus::Skipped(_) => {}
        }
        self.info(offset, &[b"\\o/ RDB looks OK! \\o/"]);
        self.counts();
    }

    fn error(&mut self, error: &Error) {
        let unknown_type = matches!(error.kind(), ErrorKind::UnknownType { .. });
        // The key of a record of unknown type is known to us, but not a part of this report.
        let key = error.key().filter(|_| !unknown_type);
        self.summary.keys += u64::from(key.is_some());
        (self.line)(b"--- RDB ERROR DETECTED ---");
        self.info(error.offset(), &[message(error).as_bytes()]);
        self.additional(&[b"While doing: ", error.activity().name().as_bytes()]);
        if let Some(key) = key {
            self.additional(&[b"Reading key '", c_string(key), b"'"]);
        }
        let object_type = error.object_type().or_else(|| {
            // redis-check-rdb starts with type 0 and forgets the type after each key.
            (!self.some_key_done).then(|| ObjectType::new(0, Lineage::Redis))
        });
        if let Some(object_type) = object_type {
            let text = format!("Reading type {} ({})", object_type.number(), object_type.name());
            self.additional(&[text.as_bytes()]);
        }
        self.counts();
    }

    fn counts(&mut self) {
        let CheckSummary { keys, expires, already_expired, .. } = self.summary;
        (self.line)(format!("[info] {keys} keys read").as_bytes());
        (self.line)(format!("[info] {expires} expires").as_bytes());
        (self.line)(format!("[info] {already_expired} already expired").as_bytes());
    }

    fn info(&mut self, offset: u64, parts: &[&[u8]]) {
        let mut message = parts.concat();
        message.truncate(MESSAGE_BYTES_MAX);
        (self.line)(&[format!("[offset {offset}] ").as_bytes(), &message].concat());
    }

    fn additional(&mut self, parts: &[&[u8]]) {
        (self.line)(&[b"[additional info] ", &parts.concat()[..]].concat());
    }
}

fn message(error: &Error) -> String {
    match error.kind() {
        kind if error.activity() == Activity::ReadFunctions && kind.is_short_read() => {
            "Failed loading library, Failed loading library payload".into()
        }
        kind => kind.redis_text(),
    }
}

/// What C prints of a string: the part before its first zero byte.
fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
