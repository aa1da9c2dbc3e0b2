//! Writing a manifest for files that have lost theirs.

use lastsave_storage::{EntryKind, FileMode, Storage, StorageError, replace_durably_with};
use std::os::unix::ffi::OsStrExt as _;
use thiserror::Error;

use crate::manifest::{FileKind, Manifest};
use crate::names::LogNames;

/// Why no manifest can be made from names alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RebuildRefusal {
    /// There is a manifest.
    #[error("there is a manifest already")]
    ManifestExists,
    /// There is nothing to list.
    #[error("there is no base and no increment")]
    NothingFound,
    /// Only one base can be right, and names do not tell which increments follow it.
    #[error(
        "there are several bases ({0}): move all but the right one away, with the increments it replaced"
    )]
    SeveralBases(String),
    /// An increment is missing between two others.
    #[error("there is no increment with number {0}, but later ones")]
    Gap(i64),
    /// The disk said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Lists the one base and all increments found in the log's directory, in the order of their numbers, in a new manifest.
/// Returns the manifest.
///
/// # Errors
/// When names alone do not tell what the log was.
pub fn rebuild_manifest(storage: &dyn Storage, names: &LogNames) -> Result<Manifest, RebuildRefusal> {
    let manifest_path = names.path_in_directory(&names.manifest());
    if storage.exists(&manifest_path)? {
        return Err(RebuildRefusal::ManifestExists);
    }
    let mut bases = Vec::new();
    let mut increments = Vec::new();
    for entry in storage.list(names.directory())? {
        let name = entry.name.as_bytes();
        if entry.kind == EntryKind::Directory || !names.is_base_or_increment(name) {
            continue;
        }
        let Some((sequence, kind)) = sequence_of(names, name) else { continue };
        match kind {
            FileKind::Increment => increments.push((sequence, name.to_vec())),
            FileKind::Base | FileKind::History => bases.push((sequence, name.to_vec())),
        }
    }
    if bases.len() > 1 {
        let list: Vec<String> =
            bases.iter().map(|(_, name)| String::from_utf8_lossy(name).into_owned()).collect();
        return Err(RebuildRefusal::SeveralBases(list.join(", ")));
    }
    if bases.is_empty() && increments.is_empty() {
        return Err(RebuildRefusal::NothingFound);
    }
    increments.sort_unstable();
    if let Some(pair) = increments.windows(2).find(|pair| pair[0].0 + 1 != pair[1].0) {
        return Err(RebuildRefusal::Gap(pair[0].0 + 1));
    }
    let manifest = Manifest::from_files(bases.pop(), increments);
    replace_durably_with(
        storage,
        &names.path_in_directory(&names.temporary_manifest()),
        &manifest_path,
        FileMode::DATA,
        &manifest.to_text(),
    )?;
    Ok(manifest)
}

fn sequence_of(names: &LogNames, name: &[u8]) -> Option<(i64, FileKind)> {
    let rest = name.strip_prefix(names.single_file())?.strip_prefix(b".")?;
    let dot = rest.iter().position(|&byte| byte == b'.')?;
    let sequence =
        std::str::from_utf8(&rest[..dot]).ok()?.parse().ok().filter(|&number: &i64| number < i64::MAX)?;
    let kind = if rest.ends_with(b".incr.aof") { FileKind::Increment } else { FileKind::Base };
    Some((sequence, kind))
}
