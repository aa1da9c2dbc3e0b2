//! Names in the simulated file system: resolving paths, and changing entries the way POSIX and Linux do.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::content::Content;
use super::world::{Body, Directory, InodeId, NameChange, NameEdit, ROOT, World};
use crate::Errno;
use crate::clock::Clock;
use crate::storage::{DirectoryEntry, EntryKind, FileMode, OpenOptions};

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// A place for a name: it may lead somewhere or not.
#[derive(Debug)]
struct Place {
    directory: InodeId,
    name: OsString,
    inode: Option<InodeId>,
}

impl World {
    /// What a path leads to.
    pub(super) fn resolve(&self, base: InodeId, path: &Path) -> Result<InodeId, Errno> {
        path.components().try_fold(base, |current, component| self.step(current, component))
    }

    fn step(&self, current: InodeId, component: Component<'_>) -> Result<InodeId, Errno> {
        let directory = self.directory(current).ok_or(Errno::NOT_DIRECTORY)?;
        match component {
            Component::RootDir | Component::Prefix(_) => Ok(ROOT),
            Component::CurDir => Ok(current),
            Component::ParentDir => Ok(directory.parent),
            Component::Normal(name) => {
                check_name(name)?;
                directory.live.get(name).copied().ok_or(Errno::NOT_FOUND)
            }
        }
    }

    /// The place that a path names, whose last component need not exist.
    fn place(&self, base: InodeId, path: &Path) -> Result<Place, Errno> {
        let mut components = path.components();
        let Some(Component::Normal(name)) = components.next_back() else { return Err(Errno::INVALID) };
        let directory = self.resolve(base, components.as_path())?;
        let entries = self.directory(directory).ok_or(Errno::NOT_DIRECTORY)?;
        check_name(name)?;
        Ok(Place { directory, name: name.to_os_string(), inode: entries.live.get(name).copied() })
    }

    fn is_directory(&self, inode: InodeId) -> bool {
        self.directory(inode).is_some()
    }

    /// Changes names now in the live state; in the durable one when a crash or a sync of the directory says so.
    fn change_names(&mut self, edits: Vec<NameEdit>) {
        let now_ms = self.clock.wall_ms();
        for edit in &edits {
            self.inode_mut(edit.directory).modified_ms = now_ms;
            let directory =
                self.directory_mut(edit.directory).expect("invariant: names are edited in directories");
            let before = match edit.inode {
                Some(inode) => directory.live.insert(edit.name.clone(), inode),
                None => directory.live.remove(&edit.name),
            };
            if let Some(before) = before {
                self.inode_mut(before).links -= 1;
            }
            if let Some(after) = edit.inode {
                self.inode_mut(after).links += 1;
                if let Some(moved) = self.directory_mut(after) {
                    moved.parent = edit.directory;
                }
            }
        }
        self.name_changes.push(NameChange { number: self.name_change_count, edits });
        self.name_change_count += 1;
    }

    /// Finds or creates the file that an `open` call asks for.
    pub(super) fn open(
        &mut self,
        base: InodeId,
        path: &Path,
        options: &OpenOptions,
    ) -> Result<InodeId, Errno> {
        let found = match self.resolve(base, path) {
            Ok(_) if options.create_new => return Err(Errno::EXISTS),
            Ok(inode) => inode,
            Err(Errno::NOT_FOUND) if options.creates() => {
                let place = self.place(base, path)?;
                return Ok(self.create(place, Body::File(Content::default()), options.mode));
            }
            Err(errno) => return Err(errno),
        };
        let Some(content) = self.content_mut(found) else { return Err(Errno::IS_DIRECTORY) };
        if options.truncate {
            content.resize(0);
        }
        Ok(found)
    }

    fn create(&mut self, place: Place, body: Body, mode: FileMode) -> InodeId {
        let inode = self.add_inode(body, mode);
        let Place { directory, name, .. } = place;
        self.change_names(vec![NameEdit { directory, name, inode: Some(inode) }]);
        inode
    }

    pub(super) fn rename(&mut self, base: InodeId, from: &Path, to: &Path) -> Result<(), Errno> {
        let source = self.place(base, from)?;
        let target = self.place(base, to)?;
        let moved = source.inode.ok_or(Errno::NOT_FOUND)?;
        if self.is_directory(moved) && self.is_within(target.directory, moved) {
            return Err(Errno::INVALID);
        }
        if let Some(replaced) = target.inode {
            if replaced == moved {
                return Ok(()); // two names of one file: POSIX does nothing
            }
            if self.is_directory(replaced) && self.is_within(source.directory, replaced) {
                return Err(Errno::NOT_EMPTY);
            }
            match (self.is_directory(moved), self.directory(replaced)) {
                (true, None) => return Err(Errno::NOT_DIRECTORY),
                (false, Some(_)) => return Err(Errno::IS_DIRECTORY),
                (true, Some(directory)) if !directory.live.is_empty() => return Err(Errno::NOT_EMPTY),
                _ => {}
            }
        }
        self.change_names(vec![
            NameEdit { directory: source.directory, name: source.name, inode: None },
            NameEdit { directory: target.directory, name: target.name, inode: Some(moved) },
        ]);
        Ok(())
    }

    /// Whether `inner` is `outer` or below it.
    fn is_within(&self, mut inner: InodeId, outer: InodeId) -> bool {
        loop {
            if inner == outer {
                return true;
            }
            match self.directory(inner) {
                Some(directory) if directory.parent != inner => inner = directory.parent,
                _ => return false,
            }
        }
    }

    pub(super) fn unlink(&mut self, base: InodeId, path: &Path) -> Result<(), Errno> {
        let place = self.place(base, path)?;
        let inode = place.inode.ok_or(Errno::NOT_FOUND)?;
        if self.is_directory(inode) {
            return Err(Errno::IS_DIRECTORY);
        }
        self.change_names(vec![NameEdit { directory: place.directory, name: place.name, inode: None }]);
        Ok(())
    }

    pub(super) fn hard_link(&mut self, base: InodeId, existing: &Path, new: &Path) -> Result<(), Errno> {
        let inode = self.resolve(base, existing)?;
        let place = self.place(base, new)?;
        if place.inode.is_some() {
            return Err(Errno::EXISTS);
        }
        if self.is_directory(inode) {
            return Err(Errno::NOT_PERMITTED);
        }
        let Place { directory, name, .. } = place;
        self.change_names(vec![NameEdit { directory, name, inode: Some(inode) }]);
        Ok(())
    }

    pub(super) fn create_directory(&mut self, base: InodeId, path: &Path) -> Result<(), Errno> {
        let place = match self.place(base, path) {
            Err(Errno::INVALID) => return Err(Errno::EXISTS), // "", ".", "..": all there
            other => other?,
        };
        if place.inode.is_some() {
            return Err(Errno::EXISTS);
        }
        let body = Body::Directory(Directory::new(place.directory));
        self.create(place, body, FileMode::DIRECTORY);
        Ok(())
    }

    pub(super) fn remove_directory(&mut self, base: InodeId, path: &Path) -> Result<(), Errno> {
        let place = self.place(base, path)?;
        let inode = place.inode.ok_or(Errno::NOT_FOUND)?;
        let directory = self.directory(inode).ok_or(Errno::NOT_DIRECTORY)?;
        if !directory.live.is_empty() {
            return Err(Errno::NOT_EMPTY);
        }
        self.change_names(vec![NameEdit { directory: place.directory, name: place.name, inode: None }]);
        Ok(())
    }

    pub(super) fn list(&self, base: InodeId, path: &Path) -> Result<Vec<DirectoryEntry>, Errno> {
        let directory = self.directory(self.resolve(base, path)?).ok_or(Errno::NOT_DIRECTORY)?;
        let entry = |(name, inode): (&OsString, &InodeId)| DirectoryEntry {
            name: name.clone(),
            kind: if self.is_directory(*inode) { EntryKind::Directory } else { EntryKind::File },
        };
        Ok(directory.live.iter().map(entry).collect())
    }

    /// Makes the changes of names that concern a directory durable, in their order.
    pub(super) fn sync_names(&mut self, directory: InodeId) {
        self.sync_names_until(directory, self.name_change_count);
    }

    /// The end of a sync of a directory that began when there had been `name_change_count` changes of names.
    pub(super) fn sync_names_until(&mut self, directory: InodeId, name_change_count: u64) {
        let concerns = |change: &NameChange| {
            change.number < name_change_count && change.edits.iter().any(|edit| edit.directory == directory)
        };
        let (synced, rest) = std::mem::take(&mut self.name_changes).into_iter().partition(concerns);
        self.name_changes = rest;
        let synced: Vec<NameChange> = synced;
        for change in synced {
            self.make_durable(&change);
        }
        self.forget_unreachable();
    }

    /// Applies one change of names to the durable state.
    pub(super) fn make_durable(&mut self, change: &NameChange) {
        for edit in &change.edits {
            let directory =
                self.directory_mut(edit.directory).expect("invariant: names are edited in directories");
            match edit.inode {
                Some(inode) => directory.durable.insert(edit.name.clone(), inode),
                None => directory.durable.remove(&edit.name),
            };
        }
    }
}

fn check_name(name: &OsStr) -> Result<(), Errno> {
    if name.as_bytes().contains(&0) {
        return Err(Errno::INVALID);
    }
    if name.len() > NAME_BYTES_MAX { Err(Errno::NAME_TOO_LONG) } else { Ok(()) }
}
