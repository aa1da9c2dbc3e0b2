//! The files to load: where they are, how far each one counts, and what their first bytes say.

use std::path::PathBuf;
use std::sync::Arc;

use lastsave_storage::{File, OpenOptions, StorageError};

use crate::directory::AofDirectory;
use crate::error::{AofError, Corruption, DamageReason, Evidence};
use crate::frame::{HEADER_BYTES_MAX, Header};
use crate::manifest::{FileKind, ManifestEntry};
use crate::scan::{FileEnd, FileScanner, Found};

/// What an RDB begins with; the second since Valkey 9.
const RDB_MAGICS: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// One file of the log.
#[derive(Clone, Debug)]
pub(crate) struct LoadedFile {
    pub(crate) entry: ManifestEntry,
    pub(crate) path: PathBuf,
    /// Length on disk.
    pub(crate) length: u64,
    /// Up to where the file counts: its length, or where it was declared to end.
    pub(crate) limit: u64,
    /// The file was declared to be durable up to its limit.
    pub(crate) is_declared: bool,
    pub(crate) begins_with_rdb: bool,
    header: Option<Header>,
}

impl LoadedFile {
    /// Whether the file is an RDB base by its name, and not an old log that begins with an RDB.
    pub(crate) fn is_base_file(&self) -> bool {
        self.entry.kind == FileKind::Base && self.entry.name.ends_with(b".base.rdb")
    }

    /// Whether the file was begun with frames.
    pub(crate) fn has_header(&self) -> bool {
        self.header.is_some()
    }
}

/// Looks at all files the manifest wants loaded, before any of them is read.
pub(crate) fn list_files(directory: &AofDirectory) -> Result<Vec<LoadedFile>, AofError> {
    let manifest = directory.manifest();
    let mut files = Vec::new();
    for entry in manifest.loaded_files() {
        files.push(look_at(directory, entry)?);
    }
    for index in 0..files.len() {
        let successor = files.get(index + 1).and_then(|next: &LoadedFile| next.header);
        declare_end(&mut files[index], successor.as_ref())?;
    }
    Ok(files)
}

fn look_at(directory: &AofDirectory, entry: &ManifestEntry) -> Result<LoadedFile, AofError> {
    let path = directory.names().path_in_directory(&entry.name);
    let opened = directory.storage().open(&path, &OpenOptions::read_only());
    let file = opened.map_err(|source| AofError::MissingFile { file: entry.display_name(), source })?;
    let length = file.len()?;
    let mut head = vec![0; HEADER_BYTES_MAX.min(usize::try_from(length).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut head, 0)?;
    let line_end = head.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    Ok(LoadedFile {
        entry: entry.clone(),
        path,
        length,
        limit: length,
        is_declared: false,
        begins_with_rdb: begins_with_rdb(&head),
        header: Header::from_line(&head[..line_end]),
    })
}

/// Whether the first bytes of a file are those of an RDB.
pub(crate) fn begins_with_rdb(head: &[u8]) -> bool {
    RDB_MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// A file ends where the manifest or its successor says, if either says anything.
fn declare_end(file: &mut LoadedFile, successor: Option<&Header>) -> Result<(), AofError> {
    let by_successor = successor
        .and_then(|header| header.predecessor)
        .filter(|predecessor| {
            file.entry.kind == FileKind::Increment && predecessor.sequence == file.entry.sequence
        })
        .map(|predecessor| predecessor.end_offset);
    let declared = match (file.entry.cut, by_successor) {
        (Some(cut), Some(end)) => cut.min(end),
        (Some(end), None) | (None, Some(end)) => end,
        (None, None) => return Ok(()),
    };
    if declared > file.length {
        return Err(AofError::Corrupt(Corruption {
            file: file.entry.display_name(),
            offset: file.length,
            reason: DamageReason::Shortened { expected: declared, got: file.length },
            evidence: Evidence::NotLastFile,
        }));
    }
    file.limit = declared;
    file.is_declared = true;
    Ok(())
}

/// Whether a file has any record, verified or not, or any damage that may have been one.
pub(crate) fn holds_record(file: Arc<dyn File>, limit: u64) -> Result<bool, StorageError> {
    let mut scanner = FileScanner::new(file, 0, limit);
    match scanner.find()? {
        Found::End(FileEnd::Clean(_)) => Ok(false),
        // A torn first block acknowledged nothing unless a frame says otherwise, which is judged when its turn comes.
        Found::End(FileEnd::Damaged(damage)) => Ok(damage.segment_id.is_none()),
        Found::InMemory | Found::OnDisk(_) => Ok(true),
    }
}
