//! The file sets of a log: those that a server gave up and kept, oldest first, and the live one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastsave_aof::{
    FileKind, Header, LogNames, Manifest, ManifestEntry, RETAINED_SUFFIX, RebuildChoice, declared_end,
    plan_manifest, read_header,
};
use lastsave_rdb::{Event, Reader, ReaderOptions};
use lastsave_storage::{EntryKind, File, FileReader, OpenOptions, Storage, StorageError, read_file};

use crate::files::{FindError, FoundLog, find_logs, is_directory, log_of_manifest};

/// A manifest bigger than this is none.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The name of a log whose own name is not known.
const DEFAULT_LOG: &[u8] = b"appendonly.aof";

/// The directory of a log whose own directory is not known.
const DEFAULT_DIRECTORY: &str = "appendonlydir";

/// A base and the increments behind it.
#[derive(Debug)]
pub(crate) struct FileSet {
    /// The name of a set that was kept; `None` for the live one.
    pub(crate) kept_as: Option<String>,
    /// Name of the log, `appendfilename`.
    pub(crate) log: Vec<u8>,
    /// Name of the log's directory, `appenddirname`.
    pub(crate) log_directory: PathBuf,
    /// In the order in which they are loaded.
    pub(crate) files: Vec<SetFile>,
    /// What was odd when they were looked for.
    pub(crate) notes: Vec<String>,
}

/// A file of a set.
#[derive(Debug)]
pub(crate) struct SetFile {
    pub(crate) entry: ManifestEntry,
    pub(crate) path: PathBuf,
    /// Length on disk; `None` when the file is missing.
    pub(crate) length: Option<u64>,
    /// Where it was declared to end.
    pub(crate) declared: Option<u64>,
    /// The header of a file with frames.
    pub(crate) header: Option<Header>,
    /// Whether it begins with an RDB.
    pub(crate) begins_with_rdb: bool,
    /// When that RDB was written, unix milliseconds.
    pub(crate) rdb_ms: Option<u64>,
    /// What the file holds was written by then.
    pub(crate) end_ms: Option<u64>,
}

impl SetFile {
    pub(crate) fn name(&self) -> String {
        self.entry.display_name()
    }

    /// Up to where the file counts.
    pub(crate) fn limit(&self) -> u64 {
        let length = self.length.unwrap_or(0);
        self.declared.map_or(length, |declared| declared.min(length))
    }

    /// Whether the file is shorter than it is on record to be.
    pub(crate) fn is_short(&self) -> bool {
        self.declared.is_some_and(|declared| self.length.is_some_and(|length| length < declared))
    }

    /// Whether it is an RDB and nothing else.
    pub(crate) fn is_rdb_base(&self) -> bool {
        self.entry.kind == FileKind::Base && self.entry.name.ends_with(b".base.rdb")
    }

    /// Whether it is a base as a rewrite makes it: a data set, without a history of its own.
    pub(crate) fn is_data_set(&self) -> bool {
        self.is_rdb_base() || (self.entry.kind == FileKind::Base && self.entry.name.ends_with(b".base.aof"))
    }

    pub(crate) fn is_increment(&self) -> bool {
        self.entry.kind == FileKind::Increment
    }

    pub(crate) fn open(&self, storage: &dyn Storage) -> Result<Arc<dyn File>, StorageError> {
        storage.open(&self.path, &OpenOptions::read_only())
    }
}

impl FileSet {
    /// The set's name, for people.
    pub(crate) fn title(&self) -> String {
        self.kept_as.as_ref().map_or_else(|| "live".to_owned(), |name| format!("retained {name}"))
    }

    /// The increments.
    pub(crate) fn increments(&self) -> impl Iterator<Item = &SetFile> {
        self.files.iter().filter(|file| file.is_increment())
    }

    /// When the data was as the base has it, unix milliseconds: the cut of the base, which is where the first increment
    /// begins.
    pub(crate) fn begins_ms(&self) -> Option<u64> {
        let base = self.files.first().filter(|file| !file.is_increment());
        if let Some(base) = base.filter(|base| !base.is_data_set()) {
            // An old log, which was taken in as a base: its history begins with the RDB in it, or with nothing.
            return Some(base.rdb_ms.unwrap_or(0));
        }
        let by_header = self.increments().next().and_then(|first| first.header).map(|header| header.time_ms);
        by_header.or_else(|| base.map_or(Some(0), |base| base.rdb_ms.or(base.end_ms)))
    }

    /// Whether the first increment of `next` goes on where this set ends: nothing was lost between them.
    pub(crate) fn is_continued_by(&self, next: &Self) -> bool {
        let (Some(last), Some(first)) = (self.increments().last(), next.increments().next()) else {
            return false;
        };
        match first.header.and_then(|header| header.predecessor) {
            Some(before) => before.sequence == last.entry.sequence && Some(before.end_offset) <= last.length,
            None => first.entry.sequence == last.entry.sequence + 1,
        }
    }
}

/// The set with that name, gone on with by the increments of the sets behind it as far as nothing is missing between them:
/// an older base for the same history.
pub(crate) fn beginning_with(sets: Vec<FileSet>, name: &str) -> Result<FileSet, String> {
    let kept: Vec<String> = sets.iter().filter_map(|set| set.kept_as.clone()).collect();
    let mut rest = sets.into_iter().skip_while(|set| set.kept_as.as_deref() != Some(name));
    let Some(mut merged) = rest.next() else {
        return Err(format!("There is no retained set {name}; there are: {}", kept.join(", ")));
    };
    for next in rest {
        if !merged.is_continued_by(&next) {
            break;
        }
        merged.files.extend(next.files.into_iter().filter(SetFile::is_increment));
    }
    Ok(merged)
}

/// The sets that a path names: all of a data directory, one by its own directory or manifest, or a single file.
pub(crate) fn find_sets(storage: &Arc<dyn Storage>, path: &Path) -> Result<Vec<FileSet>, FindError> {
    let mut sets = Vec::new();
    if is_directory(&**storage, path) {
        let logs = find_logs(&**storage, path);
        let logs = match logs {
            Err(FindError::NoLog(_)) => Vec::new(),
            logs => logs?,
        };
        for kept in kept_sets(&**storage, path)? {
            sets.push(of_log(storage, &kept, true)?);
        }
        for log in logs {
            // A directory of kept sets that was itself named.
            let is_kept = path != log.directory && is_root_of_kept_sets(path);
            sets.push(of_log(storage, &log, is_kept)?);
        }
        if sets.is_empty() {
            return Err(FindError::NoLog(path.display().to_string()));
        }
    } else if let Some(log) = log_of_manifest(path) {
        sets.push(of_log(storage, &log, false)?);
    } else {
        sets.push(single_file(storage, path)?);
    }
    settle_ends(&mut sets);
    Ok(sets)
}

fn is_root_of_kept_sets(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().ends_with(RETAINED_SUFFIX.as_bytes()))
}

/// The logs in the directories of kept sets below a data directory, oldest first.
fn kept_sets(storage: &dyn Storage, directory: &Path) -> Result<Vec<FoundLog>, FindError> {
    let mut kept = Vec::new();
    for root in storage.list(directory)? {
        let path = directory.join(&root.name);
        if root.kind != EntryKind::Directory || !is_root_of_kept_sets(&path) {
            continue;
        }
        for entry in storage.list(&path)? {
            let time = entry.name.to_str().and_then(|name| name.parse::<u64>().ok());
            let (Some(time), EntryKind::Directory) = (time, entry.kind) else { continue };
            let inside = path.join(&entry.name);
            match find_logs(storage, &inside) {
                Ok(logs) => {
                    kept.extend(logs.into_iter().filter(|log| log.has_manifest).map(|log| (time, log)));
                }
                Err(FindError::NoLog(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    kept.sort_by_key(|(time, _)| *time);
    Ok(kept.into_iter().map(|(_, log)| log).collect())
}

fn of_log(storage: &Arc<dyn Storage>, log: &FoundLog, is_kept: bool) -> Result<FileSet, FindError> {
    let directory = if log.directory.as_os_str().is_empty() { Path::new(".") } else { &*log.directory };
    let mut notes = Vec::new();
    let parsed = match read_file(
        &**storage,
        &directory.join(OsStr::from_bytes(&log.names.manifest())),
        MANIFEST_BYTES_MAX,
    ) {
        Ok(text) => Manifest::parse(&text).map_err(|error| error.to_string()),
        Err(error) => Err(error.reason()),
    };
    let manifest = match parsed {
        Ok(manifest) => manifest,
        Err(reason) => {
            let inside = storage.open_directory(directory)?;
            let plan = plan_manifest(&*inside, &log.names, &RebuildChoice::default()).map_err(|error| {
                FindError::NoUsableManifest { reason: reason.clone(), refusal: error.to_string() }
            })?;
            notes.push(format!("The manifest cannot be used ({reason}); going by the names of the files."));
            plan.manifest
        }
    };
    let absolute =
        std::path::absolute(storage.path().join(directory)).unwrap_or_else(|_| directory.to_owned());
    let own_name = absolute.file_name().unwrap_or(OsStr::new(DEFAULT_DIRECTORY)).to_owned();
    let (kept_as, log_directory) = if is_kept {
        let root = absolute.parent().and_then(Path::file_name).map_or(&b""[..], OsStr::as_bytes);
        let live = root.strip_suffix(RETAINED_SUFFIX.as_bytes()).unwrap_or(DEFAULT_DIRECTORY.as_bytes());
        (Some(own_name.to_string_lossy().into_owned()), PathBuf::from(OsStr::from_bytes(live)))
    } else {
        (None, PathBuf::from(own_name))
    };
    let mut files = Vec::new();
    for entry in manifest.loaded_files() {
        files.push(look_at(&**storage, entry.clone(), directory.join(entry.path()))?);
    }
    for index in 0..files.len() {
        let next = files.get(index + 1).filter(|next| next.length.is_some()).map(|next| next.path.clone());
        let file = &mut files[index];
        file.declared = declared_end(&**storage, &file.entry, next.as_deref())?;
    }
    Ok(FileSet { kept_as, log: log.names.single_file().to_vec(), log_directory, files, notes })
}

fn single_file(storage: &Arc<dyn Storage>, path: &Path) -> Result<FileSet, FindError> {
    storage.metadata(path)?;
    let name = path.file_name().unwrap_or(OsStr::new("")).as_bytes().to_vec();
    let log = LogNames::log_of(&name).unwrap_or(DEFAULT_LOG).to_vec();
    let kind = if name.ends_with(b".incr.aof") { FileKind::Increment } else { FileKind::Base };
    let sequence = sequence_in(&name).unwrap_or(1);
    let entry = ManifestEntry { name, sequence, kind, cut: None };
    let file = look_at(&**storage, entry, path.to_owned())?;
    let log_directory = PathBuf::from(DEFAULT_DIRECTORY);
    Ok(FileSet { kept_as: None, log, log_directory, files: vec![file], notes: Vec::new() })
}

/// The number in a name such as `appendonly.aof.3.incr.aof`.
fn sequence_in(name: &[u8]) -> Option<i64> {
    let stem =
        [".incr.aof", ".base.aof", ".base.rdb"].iter().find_map(|end| name.strip_suffix(end.as_bytes()))?;
    let dot = stem.iter().rposition(|&byte| byte == b'.')?;
    std::str::from_utf8(&stem[dot + 1..]).ok()?.parse().ok()
}

fn look_at(storage: &dyn Storage, entry: ManifestEntry, path: PathBuf) -> Result<SetFile, FindError> {
    let mut file = SetFile {
        entry,
        path,
        length: None,
        declared: None,
        header: None,
        begins_with_rdb: false,
        rdb_ms: None,
        end_ms: None,
    };
    let opened = match file.open(storage) {
        Ok(opened) => opened,
        Err(error) if error.not_found() => return Ok(file),
        Err(error) => return Err(error.into()),
    };
    let metadata = opened.metadata()?;
    file.length = Some(metadata.len);
    file.end_ms = u64::try_from(metadata.modified_ms).ok();
    let mut magic = [0; 6];
    let read = opened.read_at(&mut magic, 0)?;
    file.begins_with_rdb = magic[..read].starts_with(b"REDIS") || magic[..read].starts_with(b"VALKEY");
    if file.begins_with_rdb {
        file.rdb_ms = time_of_rdb(&opened, metadata.len);
    } else {
        file.header = read_header(storage, &file.path)?;
    }
    Ok(file)
}

/// The end of the second in which an RDB was begun, as it says itself.
fn time_of_rdb(file: &Arc<dyn File>, bytes: u64) -> Option<u64> {
    let options = ReaderOptions {
        checksum: false,
        total_bytes: Some(bytes),
        buffer_bytes: 4096,
        ..ReaderOptions::default()
    };
    let mut reader = Reader::new(FileReader::new(Arc::clone(file)), options);
    loop {
        match reader.next_event().ok()? {
            Event::Version(_) => {}
            Event::Aux { name, value } if name.eq_ignore_ascii_case(b"ctime") => {
                let second: u64 = std::str::from_utf8(&value).ok()?.parse().ok()?;
                return Some(second.saturating_mul(1000).saturating_add(999));
            }
            Event::Aux { .. } => {}
            _ => return None,
        }
    }
}

/// A file was finished before the next one was begun.
fn settle_ends(sets: &mut [FileSet]) {
    let mut next: Option<u64> = None;
    for file in sets.iter_mut().rev().flat_map(|set| set.files.iter_mut().rev()) {
        if let Some(begun_ms) = next {
            file.end_ms = Some(file.end_ms.map_or(begun_ms, |end| end.min(begun_ms)));
        }
        if file.is_increment() {
            next = file.header.map(|header| header.time_ms);
        }
    }
}
