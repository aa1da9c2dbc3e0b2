//! The test's side of the simulated file system: faults, crashes, a look behind the scenes, and damage on purpose.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::clock::SimulatedClock;
use super::crash::CrashProfile;
use super::fault::Fault;
use super::random::SimulatedRandom;
use super::storage::SimulatedStorage;
use super::trace::{CallSite, TraceEntry};
use super::world::{Body, InodeId, ROOT, World};
use crate::Errno;
use crate::error::{Operation, Result, StorageError};
use crate::storage::{FileMode, OpenOptions};

/// Counting and recording.
impl SimulatedStorage {
    /// How many operations that change state have been made, successful or not. The next one has this number.
    pub fn operations(&self) -> u64 {
        self.world().operations
    }

    /// The last operations (10,000 at most), oldest first.
    pub fn trace(&self) -> Vec<TraceEntry> {
        self.world().trace.entries()
    }

    /// Turns the recording of operations on or off; the call sites are counted in any case.
    pub fn record_trace(&self, recording: bool) {
        self.world().trace.set_recording(recording);
    }

    /// How often each call site was reached.
    pub fn call_sites(&self) -> BTreeMap<CallSite, u64> {
        self.world().trace.sites()
    }

    /// The call site of the operation that the crash interrupted.
    pub fn interrupted_site(&self) -> Option<CallSite> {
        self.world().trace.interrupted()
    }

    /// States whose operations the next ones are, for the counts of call sites.
    pub fn set_caller(&self, caller: &'static str) {
        self.world().caller = caller;
    }

    /// The clock that slow operations advance.
    pub fn clock(&self) -> SimulatedClock {
        self.world().clock.clone()
    }
}

/// Faults.
impl SimulatedStorage {
    /// Plans a fault.
    pub fn inject(&self, fault: Fault) {
        self.world().faults.push(fault);
    }

    /// Forgets all planned faults. What they did stays done.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// Lets all files together grow to `bytes`; a write beyond is cut short, the next one fails with `errno`
    /// ([`Errno::NO_SPACE`] or [`Errno::QUOTA_EXCEEDED`]). Removing and cutting files makes room again.
    pub fn limit_space(&self, bytes: u64, errno: Errno) {
        self.world().capacity = Some((bytes, errno));
    }

    /// Like [`limit_space`](Self::limit_space), counted from what is used now.
    pub fn limit_growth(&self, bytes: u64, errno: Errno) {
        let mut world = self.world();
        world.capacity = Some((world.used_bytes() + bytes, errno));
    }

    /// The disk is big again.
    pub fn lift_space_limit(&self) {
        self.world().capacity = None;
    }

    /// From now on syncs of this kind, on paths that contain `part`, claim to succeed and do nothing, as those of a
    /// drive with a careless cache. That survives crashes, and [`clear_faults`](Self::clear_faults).
    pub fn lie_about(&self, operation: Operation, part: impl Into<String>) {
        self.world().lies.push((operation, part.into()));
    }

    /// Cuts one read or write in `one_in` short at random; zero stops it.
    pub fn make_short(&self, one_in: u64) {
        self.world().short_one_in = (one_in > 0).then_some(one_in);
    }
}

/// Crashes.
impl SimulatedStorage {
    /// Lets `count` more state-changing operations through. The one after them is interrupted: it may be done, done
    /// partly or not done, and fails with [`Cause::Crashed`](crate::Cause::Crashed), as does every call after it.
    pub fn crash_after(&self, count: u64) {
        let mut world = self.world();
        world.crash_at = Some(world.operations + count);
    }

    /// Every call from now on fails with [`Cause::Crashed`](crate::Cause::Crashed).
    pub fn power_off(&self) {
        self.world().crashed = true;
    }

    /// Whether the crash has happened.
    pub fn is_crashed(&self) -> bool {
        self.world().crashed
    }

    /// The machine as it comes back from a power cut at this moment, seen from its top directory: a state that the
    /// syncs so far allow, chosen at random. It is a machine of its own; this one can be crashed again another way.
    ///
    /// Planned faults do not carry over, limits of space and shortness do.
    pub fn crash(&self, random: &mut SimulatedRandom) -> Self {
        let profile = CrashProfile::any(random);
        self.crash_as(profile, random)
    }

    /// [`crash`](Self::crash) with a chosen inclination.
    pub fn crash_as(&self, profile: CrashProfile, random: &mut SimulatedRandom) -> Self {
        let after = self.world().after_power_loss(profile, random);
        Self::of(after)
    }

    /// The machine after every process on it was killed (`kill -9`) and nothing else happened: all that was written is
    /// there, what was not synced still is not durable, locks are free.
    pub fn kill(&self, random: &mut SimulatedRandom) -> Self {
        let after = self.world().after_kill(random);
        Self::of(after)
    }

    /// Makes everything durable, as a clean shutdown of the machine does.
    pub fn settle(&self) {
        self.world().settle();
    }
}

/// A look behind the scenes, and damage on purpose. Paths are relative to this handle's directory.
impl SimulatedStorage {
    /// The bytes that a reader sees, if there is such a file.
    pub fn contents(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let world = self.world();
        let inode = world.resolve(self.base(), path.as_ref()).ok()?;
        world.content(inode).map(|content| content.live().to_vec())
    }

    /// The bytes that survive a power cut for certain, if the file's name does too.
    pub fn durable_contents(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let world = self.world();
        let inode = path
            .as_ref()
            .components()
            .filter(|component| !matches!(component, Component::CurDir))
            .try_fold(self.base(), |current, component| match component {
                Component::RootDir => Some(ROOT),
                Component::Normal(name) => world.directory(current)?.durable.get(name).copied(),
                _ => None,
            })?;
        world.content(inode).map(|content| content.durable().to_vec())
    }

    /// Every file below this directory, with its length in bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, u64> {
        let world = self.world();
        let mut found = BTreeMap::new();
        let mut waiting = vec![(PathBuf::new(), self.base())];
        while let Some((path, inode)) = waiting.pop() {
            match &world.inode(inode).body {
                Body::File(content) => {
                    found.insert(path, content.len() as u64);
                }
                Body::Directory(directory) => {
                    waiting.extend(directory.live.iter().map(|(name, inode)| (path.join(name), *inode)));
                }
            }
        }
        found
    }

    /// Puts a file there, durably, with its directories (which are synced), replacing what was in it.
    pub fn put(&self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let path = path.as_ref();
        let mut world = self.world();
        let error = |errno| StorageError::system(Operation::Create, path, errno);
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.reverse();
        for parent in parents {
            match world.create_directory(self.base(), parent) {
                Ok(()) | Err(Errno::EXISTS) => {}
                Err(errno) => return Err(error(errno)),
            }
        }
        let options = OpenOptions::read_write().create(true).mode(FileMode::DATA);
        let inode = world.open(self.base(), path, &options).map_err(error)?;
        change(&mut world, inode, |content| *content = bytes.into());
        for parent in path.ancestors().skip(1) {
            let directory = world.resolve(self.base(), parent).map_err(error)?;
            world.sync_names(directory);
        }
        Ok(())
    }

    /// Inverts the bits of `mask` in one byte, in memory and on disk; beyond the end nothing happens.
    pub fn flip_bits(&self, path: impl AsRef<Path>, offset: u64, mask: u8) -> Result<()> {
        self.damage(path.as_ref(), |bytes| {
            if let Some(byte) = usize::try_from(offset).ok().and_then(|offset| bytes.get_mut(offset)) {
                *byte ^= mask;
            }
        })
    }

    /// Overwrites bytes, extending the file with zeros where needed, in memory and on disk.
    pub fn overwrite(&self, path: impl AsRef<Path>, offset: usize, new: &[u8]) -> Result<()> {
        self.damage(path.as_ref(), |bytes| {
            let end = offset + new.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[offset..end].copy_from_slice(new);
        })
    }

    /// Cuts a file, or extends it with zeros, in memory and on disk.
    pub fn cut(&self, path: impl AsRef<Path>, len: usize) -> Result<()> {
        self.damage(path.as_ref(), |bytes| bytes.resize(len, 0))
    }

    /// Changes a file in any way, in memory and on disk.
    fn damage(&self, path: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut world = self.world();
        let error = |errno| StorageError::system(Operation::Write, path, errno);
        let inode = world.resolve(self.base(), path).map_err(error)?;
        if world.content(inode).is_none() {
            return Err(error(Errno::IS_DIRECTORY));
        }
        change(&mut world, inode, damage);
        Ok(())
    }
}

fn change(world: &mut World, inode: InodeId, change: impl FnOnce(&mut Vec<u8>)) {
    if let Some(content) = world.content_mut(inode) {
        content.corrupt(change);
    }
}
