//! What a server did to its files, system call by system call: a small library in C, loaded into it, writes it down.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{skipped, temporary_directory};

const SOURCES: [(&str, &str); 2] = [
    ("file_journal.c", include_str!("preload/file_journal.c")),
    ("trapped_calls.h", include_str!("preload/trapped_calls.h")),
];

/// What the journal begins with: not zero while an operation and its record are being made.
const BUSY_BYTES: usize = 8;

/// The compiled library.
pub(crate) struct Recorder {
    directory: TempDir,
}

/// What one server did.
pub(crate) struct Journal {
    pub(crate) records: VecDeque<Record>,
    /// The server was killed within an operation, which may be done and yet not recorded.
    pub(crate) is_cut_short: bool,
}

/// One operation, at the time when it was over.
pub(crate) struct Record {
    pub(crate) at_ns: u64,
    pub(crate) action: Action,
}

/// Files are numbered, names are relative to the server's directory.
pub(crate) enum Action {
    Open { file: u64, name: PathBuf, creates: bool, truncates: bool },
    Write { file: u64, offset: u64, bytes: Vec<u8> },
    Truncate { file: u64, len: u64 },
    Allocate { file: u64, offset: u64, len: u64 },
    Rename { from: PathBuf, to: PathBuf },
    Unlink { name: PathBuf, is_directory: bool },
    MakeDirectory { name: PathBuf },
    Link { existing: PathBuf, new: PathBuf },
    BeginSync { sync: u64, file: u64, name: PathBuf, is_directory: bool },
    EndSync { sync: u64 },
}

impl Recorder {
    /// Compiles the library; `None`, said loudly, where that is impossible.
    pub(crate) fn build() -> Option<Self> {
        let directory = temporary_directory();
        for (name, source) in SOURCES {
            super::files::write(&directory.path().join(name), source.as_bytes());
        }
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-shared", "-fPIC", "-o", "file_journal.so", "file_journal.c"]);
        match compiler.current_dir(directory.path()).output() {
            Ok(output) if output.status.success() => Some(Self { directory }),
            Ok(output) => {
                let message = String::from_utf8_lossy(&output.stderr).into_owned();
                skipped(&format!("power loss needs a C compiler for Linux on x86-64: {message}"));
                None
            }
            Err(error) => {
                skipped(&format!("power loss needs a C compiler: cc: {error}"));
                None
            }
        }
    }

    /// Where the journal lies.
    pub(crate) fn journal_path(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    /// Begins a new journal; gives what the environment of a server in this directory needs.
    pub(crate) fn record<'a>(
        &self,
        of: &'a Path,
        paths: &'a mut [PathBuf; 2],
    ) -> [(&'static str, &'a Path); 3] {
        *paths = [self.directory.path().join("file_journal.so"), self.journal_path()];
        super::files::write(&paths[1], &[0; BUSY_BYTES]);
        [("LD_PRELOAD", &paths[0]), ("LASTSAVE_JOURNAL", &paths[1]), ("LASTSAVE_JOURNAL_OF", of)]
    }

    /// The journal of a server that has ended.
    pub(crate) fn journal(&self) -> Journal {
        let bytes = super::files::read(&self.journal_path());
        let is_cut_short = bytes[..BUSY_BYTES] != [0; BUSY_BYTES];
        let mut rest = Bytes(&bytes[BUSY_BYTES..]);
        let mut records = VecDeque::new();
        while let Some(record) = rest.record() {
            records.push_back(record);
        }
        assert!(rest.0.is_empty() || is_cut_short, "the journal has an incomplete record");
        Journal { records, is_cut_short }
    }

    /// Keeps everything for whoever looks into a failure.
    pub(crate) fn keep(&mut self) {
        self.directory.disable_cleanup(true);
    }
}

/// What is left to decode.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> Option<u64> {
        let mut number = [0; 8];
        number[..BYTES].copy_from_slice(self.take(BYTES)?);
        Some(u64::from_le_bytes(number))
    }

    /// `None` at the end, or when the rest is no whole record.
    fn record(&mut self) -> Option<Record> {
        let mut rest = Bytes(self.0);
        let (kind, payload_bytes) = (rest.number::<4>()?, rest.number::<4>()?);
        let at_ns = rest.number::<8>()?;
        let (file, first, second) = (rest.number::<8>()?, rest.number::<8>()?, rest.number::<8>()?);
        let payload = rest.take(payload_bytes as usize)?;
        self.0 = rest.0;
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let paths = || {
            let mut parts = payload.splitn(2, |byte| *byte == 0);
            let mut next = || path(parts.next().expect("two names are recorded"));
            (next(), next())
        };
        // As in file_journal.c.
        let action = match kind {
            1 => Action::Open { file, name: path(payload), creates: first != 0, truncates: second != 0 },
            2 => Action::Write { file, offset: first, bytes: payload.to_vec() },
            3 => Action::Truncate { file, len: first },
            4 => Action::Allocate { file, offset: first, len: second },
            5 => {
                let (from, to) = paths();
                Action::Rename { from, to }
            }
            6 => Action::Unlink { name: path(payload), is_directory: first != 0 },
            7 => Action::MakeDirectory { name: path(payload) },
            8 => {
                let (existing, new) = paths();
                Action::Link { existing, new }
            }
            9 => Action::BeginSync { sync: first, file, name: path(payload), is_directory: second != 0 },
            10 => Action::EndSync { sync: first },
            other => panic!("the journal has a record of kind {other}"),
        };
        Some(Record { at_ns, action })
    }
}
