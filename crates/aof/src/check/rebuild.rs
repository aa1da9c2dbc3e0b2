//! A manifest for files that have lost theirs: what is there, what it would list, and why.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use lastsave_storage::{
    EntryKind, FileMode, OpenOptions, Storage, StorageError, hard_link_durably, read_file,
    replace_durably_with,
};
use thiserror::Error;

use super::MANIFEST_BYTES_MAX;
use crate::frame::{HEADER_BYTES_MAX, Header};
use crate::manifest::{FileKind, Manifest, ManifestEntry};
use crate::names::LogNames;

/// Why no manifest can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RebuildRefusal {
    /// There is a manifest.
    #[error("there is a manifest already, and it can be read")]
    ManifestExists,
    /// There is nothing to list.
    #[error("there is no base and no increment")]
    NothingFound,
    /// Only one base can be right, and names do not tell which increments follow it.
    #[error(
        "there are several bases ({0}), and names do not tell which increments follow which: choose with --base \
         NAME --first-increment NUMBER"
    )]
    SeveralBases(String),
    /// The base that was chosen is not there.
    #[error("there is no base named {0}")]
    NoSuchBase(String),
    /// An increment is missing between two others.
    #[error(
        "there is no increment with number {0}, but later ones: bring it back, or choose with --first-increment \
         NUMBER to begin behind the gap"
    )]
    Gap(i64),
    /// The disk said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What the operator has decided, where names do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebuildChoice {
    /// Name of the base.
    pub base: Option<Vec<u8>>,
    /// Number of the first increment behind the base.
    pub first_increment: Option<i64>,
}

/// A file that belongs to the log by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its name.
    pub name: Vec<u8>,
    /// Base or increment.
    pub kind: FileKind,
    /// Its number.
    pub sequence: i64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Last change, unix time in milliseconds.
    pub modified_ms: i64,
    /// When an increment with frames was begun, unix time in milliseconds.
    pub begun_ms: Option<u64>,
    /// Whether the manifest lists it.
    pub is_listed: bool,
}

/// A manifest to be written, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPlan {
    /// The manifest.
    pub manifest: Manifest,
    /// All files of the log, bases first.
    pub files: Vec<PlannedFile>,
    /// What is wrong with the manifest that is there now, if one is. It is kept under another name.
    pub damaged: Option<String>,
    /// Whether the manifest is the one that was being written when the old one was lost.
    pub from_temporary: bool,
}

/// Says what manifest the files in the log's directory make. Changes nothing.
///
/// The one base and all increments, in the order of their numbers; or the temporary manifest, when it lists exactly the
/// files that are there.
///
/// # Errors
/// When names alone do not tell what the log was, and `choice` does not either.
pub fn plan_manifest(
    storage: &dyn Storage,
    names: &LogNames,
    choice: &RebuildChoice,
) -> Result<ManifestPlan, RebuildRefusal> {
    let damaged = match read_manifest(storage, &names.path_in_directory(&names.manifest()))? {
        None => None,
        Some(Ok(manifest)) if manifest.is_without_data() => Some("it lists no data".to_owned()),
        Some(Ok(_)) => return Err(RebuildRefusal::ManifestExists),
        Some(Err(reason)) => Some(reason),
    };
    let mut files = list_files(storage, names)?;
    if files.is_empty() {
        return Err(RebuildRefusal::NothingFound);
    }
    let temporary = read_manifest(storage, &names.path_in_directory(&names.temporary_manifest()))?;
    let is_free = *choice == RebuildChoice::default();
    let (manifest, from_temporary) = match temporary {
        Some(Ok(manifest)) if is_free && lists_exactly(&manifest, &files) => (manifest, true),
        _ => (by_names(&files, choice)?, false),
    };
    for file in &mut files {
        file.is_listed = manifest.loaded_files().any(|entry| entry.name == file.name);
    }
    Ok(ManifestPlan { manifest, files, damaged, from_temporary })
}

/// Writes the planned manifest, durably and in one step. One that is there already and damaged is kept under the name
/// that is returned.
///
/// # Errors
/// What the disk said; the directory is then as it was, but for that second name.
pub fn write_manifest(
    storage: &dyn Storage,
    names: &LogNames,
    plan: &ManifestPlan,
    now_ms: i64,
) -> Result<Option<Vec<u8>>, StorageError> {
    let target = names.path_in_directory(&names.manifest());
    let mut kept = None;
    if plan.damaged.is_some() {
        let name = [names.manifest().as_slice(), format!(".damaged-{now_ms}").as_bytes()].concat();
        hard_link_durably(storage, &target, &names.path_in_directory(&name))?;
        kept = Some(name);
    }
    replace_durably_with(
        storage,
        &names.path_in_directory(&names.temporary_manifest()),
        &target,
        FileMode::DATA,
        &plan.manifest.to_text(),
    )?;
    Ok(kept)
}

type Parsed = Result<Manifest, String>;

fn read_manifest(storage: &dyn Storage, path: &Path) -> Result<Option<Parsed>, StorageError> {
    match read_file(storage, path, MANIFEST_BYTES_MAX) {
        Ok(text) => Ok(Some(Manifest::parse(&text).map_err(|error| error.to_string()))),
        Err(error) if error.not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn lists_exactly(manifest: &Manifest, files: &[PlannedFile]) -> bool {
    let all: Vec<&ManifestEntry> = manifest.loaded_files().chain(manifest.history()).collect();
    !manifest.is_without_data()
        && files.iter().all(|file| all.iter().any(|entry| entry.name == file.name))
        && manifest.loaded_files().all(|entry| files.iter().any(|file| file.name == entry.name))
}

fn by_names(files: &[PlannedFile], choice: &RebuildChoice) -> Result<Manifest, RebuildRefusal> {
    let bases: Vec<&PlannedFile> = files.iter().filter(|file| file.kind == FileKind::Base).collect();
    let base = match (&choice.base, bases.as_slice()) {
        (Some(name), _) => {
            let chosen = bases.iter().find(|base| base.name == *name);
            let lossy = || String::from_utf8_lossy(name).into_owned();
            Some(*chosen.ok_or_else(|| RebuildRefusal::NoSuchBase(lossy()))?)
        }
        (None, []) => None,
        (None, [base]) => Some(*base),
        (None, several) => {
            let list: Vec<_> =
                several.iter().map(|base| String::from_utf8_lossy(&base.name).into_owned()).collect();
            return Err(RebuildRefusal::SeveralBases(list.join(", ")));
        }
    };
    let first = choice.first_increment.unwrap_or(i64::MIN);
    let increments: BTreeMap<i64, Vec<u8>> = files
        .iter()
        .filter(|file| file.kind == FileKind::Increment && file.sequence >= first)
        .map(|file| (file.sequence, file.name.clone()))
        .collect();
    let mut expected = choice.first_increment.or_else(|| increments.keys().next().copied());
    for &sequence in increments.keys() {
        if let Some(missing) = expected.filter(|expected| *expected != sequence) {
            return Err(RebuildRefusal::Gap(missing));
        }
        expected = Some(sequence + 1);
    }
    if base.is_none() && increments.is_empty() {
        return Err(RebuildRefusal::NothingFound);
    }
    Ok(Manifest::from_files(
        base.map(|base| (base.sequence, base.name.clone())),
        increments.into_iter().collect(),
    ))
}

fn list_files(storage: &dyn Storage, names: &LogNames) -> Result<Vec<PlannedFile>, StorageError> {
    let mut files = Vec::new();
    for entry in storage.list(names.directory())? {
        let name = entry.name.as_bytes();
        if entry.kind == EntryKind::Directory {
            continue;
        }
        let Some((sequence, kind)) = names.sequence_of(name) else { continue };
        let path = names.path_in_directory(name);
        let metadata = storage.metadata(&path)?;
        let begun_ms = if kind == FileKind::Increment {
            read_header(storage, &path)?.map(|header| header.time_ms)
        } else {
            None
        };
        files.push(PlannedFile {
            name: name.to_vec(),
            kind,
            sequence,
            bytes: metadata.len,
            modified_ms: metadata.modified_ms,
            begun_ms,
            is_listed: false,
        });
    }
    files.sort_by_key(|file| (file.kind != FileKind::Base, file.sequence));
    Ok(files)
}

/// The header line of a file with frames; `None` for any other file.
///
/// # Errors
/// What the disk said.
pub fn read_header(storage: &dyn Storage, path: &Path) -> Result<Option<Header>, StorageError> {
    let file = storage.open(path, &OpenOptions::read_only())?;
    let length = file.len()?;
    let mut head = vec![0; HEADER_BYTES_MAX.min(usize::try_from(length).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut head, 0)?;
    let line_end = head.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    Ok(Header::from_line(&head[..line_end]))
}
