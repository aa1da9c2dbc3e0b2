//! One simulated machine: its inodes, the names that are not yet durable, its faults and its record.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::clock::SimulatedClock;
use super::content::Content;
use super::fault::{Effect, Fault};
use super::random::SimulatedRandom;
use super::trace::{Trace, TraceEntry, pattern_of};
use crate::Errno;
use crate::clock::Clock;
use crate::error::{Cause, Operation, Result, StorageError};
use crate::storage::{EntryKind, FileMode, Metadata};

/// Longest file. A wild offset must not make the simulator allocate the machine's memory away.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InodeId(u64);

/// The directory at the top.
pub(super) const ROOT: InodeId = InodeId(0);

#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) body: Body,
    pub(super) mode: FileMode,
    pub(super) modified_ms: i64,
    /// Open handles; they keep an inode without names alive.
    pub(super) handles: usize,
    /// Names, in the live directories.
    pub(super) links: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(Content),
    Directory(Directory),
}

#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) live: BTreeMap<OsString, InodeId>,
    pub(super) durable: BTreeMap<OsString, InodeId>,
    pub(super) parent: InodeId,
}

impl Directory {
    pub(super) fn new(parent: InodeId) -> Self {
        Self { live: BTreeMap::new(), durable: BTreeMap::new(), parent }
    }
}

/// One change of names that no directory sync has covered. All its edits survive a crash together or not at all.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    /// How many there were before it.
    pub(super) number: u64,
    pub(super) edits: Vec<NameEdit>,
}

#[derive(Clone, Debug)]
pub(super) struct NameEdit {
    pub(super) directory: InodeId,
    pub(super) name: OsString,
    /// What the name leads to afterwards.
    pub(super) inode: Option<InodeId>,
}

/// What an operation may do after all faults have had their say.
#[derive(Debug)]
pub(super) struct Permit {
    /// It must fail with this, after whatever harm such a failure does.
    pub(super) failure: Option<Errno>,
    /// It is to claim success and do nothing.
    pub(super) pretends: bool,
    /// The machine crashed in the middle of it: it may be done partly, and must then fail.
    pub(super) in_flight: bool,
    /// At most this many bytes may move.
    pub(super) bytes_max: usize,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) inodes: BTreeMap<InodeId, Inode>,
    pub(super) next_inode: u64,
    pub(super) name_changes: Vec<NameChange>,
    /// All changes of names there ever were, durable or not.
    pub(super) name_change_count: u64,
    pub(super) locks: BTreeSet<InodeId>,
    pub(super) random: SimulatedRandom,
    pub(super) clock: SimulatedClock,
    pub(super) trace: Trace,
    /// Whose operations these are, in the words of the test.
    pub(super) caller: &'static str,
    pub(super) faults: Vec<Fault>,
    /// State-changing operations so far.
    pub(super) operations: u64,
    /// The operation with this number is the one that the crash interrupts.
    pub(super) crash_at: Option<u64>,
    pub(super) crashed: bool,
    /// All file bytes that fit, and how it is said that no more do.
    pub(super) capacity: Option<(u64, Errno)>,
    /// Syncs that claim to succeed and do nothing: of this kind, on paths with this part.
    pub(super) lies: Vec<(Operation, String)>,
    /// One read or write in this many is short.
    pub(super) short_one_in: Option<u64>,
}

impl World {
    pub(super) fn new(seed: u64, clock: SimulatedClock) -> Self {
        let root = Inode {
            body: Body::Directory(Directory::new(ROOT)),
            mode: FileMode::DIRECTORY,
            modified_ms: clock.wall_ms(),
            handles: 0,
            links: 1,
        };
        Self {
            inodes: BTreeMap::from([(ROOT, root)]),
            next_inode: 1,
            name_changes: Vec::new(),
            name_change_count: 0,
            locks: BTreeSet::new(),
            random: SimulatedRandom::new(seed),
            clock,
            trace: Trace::new(),
            caller: "",
            faults: Vec::new(),
            operations: 0,
            crash_at: None,
            crashed: false,
            capacity: None,
            lies: Vec::new(),
            short_one_in: None,
        }
    }

    /// A new inode without a name.
    pub(super) fn add_inode(&mut self, body: Body, mode: FileMode) -> InodeId {
        let id = InodeId(self.next_inode);
        self.next_inode += 1;
        let modified_ms = self.clock.wall_ms();
        self.inodes.insert(id, Inode { body, mode, modified_ms, handles: 0, links: 0 });
        id
    }

    pub(super) fn inode(&self, id: InodeId) -> &Inode {
        self.inodes.get(&id).expect("invariant: an inode lives as long as a name or handle leads to it")
    }

    pub(super) fn inode_mut(&mut self, id: InodeId) -> &mut Inode {
        self.inodes.get_mut(&id).expect("invariant: an inode lives as long as a name or handle leads to it")
    }

    pub(super) fn content(&self, id: InodeId) -> Option<&Content> {
        match &self.inode(id).body {
            Body::File(content) => Some(content),
            Body::Directory(_) => None,
        }
    }

    pub(super) fn content_mut(&mut self, id: InodeId) -> Option<&mut Content> {
        match &mut self.inode_mut(id).body {
            Body::File(content) => Some(content),
            Body::Directory(_) => None,
        }
    }

    pub(super) fn directory(&self, id: InodeId) -> Option<&Directory> {
        match &self.inode(id).body {
            Body::Directory(directory) => Some(directory),
            Body::File(_) => None,
        }
    }

    pub(super) fn directory_mut(&mut self, id: InodeId) -> Option<&mut Directory> {
        match &mut self.inode_mut(id).body {
            Body::Directory(directory) => Some(directory),
            Body::File(_) => None,
        }
    }

    pub(super) fn metadata(&self, id: InodeId) -> Metadata {
        let inode = self.inode(id);
        let (kind, len) = match &inode.body {
            Body::File(content) => (EntryKind::File, content.len() as u64),
            Body::Directory(_) => (EntryKind::Directory, 0),
        };
        let Inode { mode, modified_ms, links, .. } = *inode;
        Metadata { len, kind, mode, modified_ms, links }
    }

    /// Counts, records and judges an operation that is about to happen.
    ///
    /// # Errors
    ///
    /// When the machine has crashed before, or a fault strikes that does nothing but fail.
    pub(super) fn begin(
        &mut self,
        operation: Operation,
        path: &Path,
        pattern: Option<&Arc<str>>,
        offset: u64,
        len: u64,
    ) -> Result<Permit> {
        let error = |cause| StorageError::new(operation, path, cause);
        if self.crashed {
            return Err(error(Cause::Crashed));
        }
        let number = operation.changes_state().then_some(self.operations);
        self.operations += u64::from(number.is_some());
        match pattern {
            Some(pattern) => self.trace.count_site(self.caller, operation, pattern),
            None => self.trace.count_site(self.caller, operation, &pattern_of(path)),
        }
        if self.trace.is_recording() {
            self.trace.record(TraceEntry { number, operation, path: path.to_path_buf(), offset, len });
        }
        let bytes_max = self.short_bytes(len);
        let pretends = self.lies_about(operation, path);
        let mut permit = Permit { failure: None, pretends, in_flight: false, bytes_max };
        if number.is_some() && number == self.crash_at {
            self.crashed = true;
        }
        for effect in self.faults.iter_mut().filter_map(|fault| fault.strike(operation, number, path)) {
            match effect {
                Effect::Fail(errno) => permit.failure = permit.failure.or(Some(errno)),
                Effect::Short(bytes) => permit.bytes_max = permit.bytes_max.min(bytes),
                Effect::Delay(delay) => self.clock.advance(delay),
                Effect::Crash => self.crashed = true,
            }
        }
        self.faults.retain(|fault| !fault.is_spent());
        permit.in_flight = self.crashed;
        if permit.in_flight && number.is_some() {
            self.trace.note_interruption();
        }
        if self.crashed && number.is_none() {
            return Err(error(Cause::Crashed));
        }
        match permit.failure {
            // A failing sync does harm before it fails.
            Some(errno) if !operation.is_sync() && !permit.in_flight => Err(error(Cause::System(errno))),
            _ => Ok(permit),
        }
    }

    fn lies_about(&self, operation: Operation, path: &Path) -> bool {
        let is_told = |(kind, part): &(Operation, String)| {
            *kind == operation && path.to_string_lossy().contains(part.as_str())
        };
        operation.is_sync() && self.lies.iter().any(is_told)
    }

    /// For an operation that the crash interrupted: whether it had been done by then.
    pub(super) fn was_done(&mut self, permit: &Permit) -> bool {
        !permit.in_flight || self.random.chance(1, 2)
    }

    /// How many bytes a random short read or write moves.
    fn short_bytes(&mut self, len: u64) -> usize {
        match self.short_one_in {
            Some(one_in) if len > 1 && self.random.chance(1, one_in) => self.random.pick(1..len) as usize,
            _ => usize::MAX,
        }
    }

    /// How far a file may grow to, and what to say if that is not far enough.
    pub(super) fn growth_limit(&self, id: InodeId) -> (u64, Errno) {
        let Some((capacity, errno)) = self.capacity else {
            return (FILE_BYTES_MAX, Errno::FILE_TOO_BIG);
        };
        let free = capacity.saturating_sub(self.used_bytes());
        let len = self.content(id).map_or(0, Content::len) as u64;
        ((len + free).min(FILE_BYTES_MAX), errno)
    }

    /// Bytes of all files that still have a name or a handle.
    pub(super) fn used_bytes(&self) -> u64 {
        let alive = self.inodes.values().filter(|inode| inode.links > 0 || inode.handles > 0);
        alive
            .map(|inode| match &inode.body {
                Body::File(content) => content.len() as u64,
                Body::Directory(_) => 0,
            })
            .sum()
    }

    /// Forgets inodes that nothing can lead to any more, now or after a crash.
    pub(super) fn forget_unreachable(&mut self) {
        let mut wanted: BTreeSet<InodeId> = BTreeSet::from([ROOT]);
        for (id, inode) in &self.inodes {
            if inode.handles > 0 || inode.links > 0 {
                wanted.insert(*id);
            }
            if let Body::Directory(directory) = &inode.body {
                wanted.extend(directory.live.values().chain(directory.durable.values()));
                wanted.insert(directory.parent);
            }
        }
        let edits = self.name_changes.iter().flat_map(|change| &change.edits);
        for edit in edits {
            wanted.extend(edit.inode);
            wanted.insert(edit.directory);
        }
        self.inodes.retain(|id, _| wanted.contains(id));
    }
}
