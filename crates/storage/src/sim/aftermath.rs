//! What is there after a crash: a new machine made from what the old one's disk got to keep.

use std::collections::BTreeMap;

use super::content::Content;
use super::crash::{CrashProfile, Fate};
use super::random::SimulatedRandom;
use super::trace::Trace;
use super::world::{Body, Directory, Inode, InodeId, ROOT, World};

impl World {
    /// The machine after the power came back: what survived is both live and durable.
    pub(super) fn after_power_loss(&self, profile: CrashProfile, random: &mut SimulatedRandom) -> Self {
        let mut after = self.clone_names();
        let mut fate = Fate::new(profile, random);
        let survivors = fate.surviving_names(self.name_changes.len());
        for (change, survives) in self.name_changes.iter().zip(survivors) {
            if survives {
                after.make_durable(change);
            }
        }
        after.name_changes.clear();
        after.settle_names();
        for (id, inode) in &mut after.inodes {
            if let (Body::File(content), Some(before)) = (&mut inode.body, self.content(*id)) {
                *content = Content::settled(before.crash(&mut fate));
            }
        }
        after.restart(fate.random())
    }

    /// The machine after its processes were killed: the kernel still has everything they wrote.
    pub(super) fn after_kill(&self, random: &mut SimulatedRandom) -> Self {
        let mut after = Self {
            inodes: self.inodes.clone(),
            next_inode: self.next_inode,
            name_changes: self.name_changes.clone(),
            name_change_count: self.name_change_count,
            capacity: self.capacity,
            lies: self.lies.clone(),
            short_one_in: self.short_one_in,
            ..Self::new(0, self.clock.clone())
        };
        for inode in after.inodes.values_mut() {
            inode.handles = 0;
        }
        after.forget_unreachable();
        after.restart(random)
    }

    /// Everything reaches the disk, as after a clean unmount.
    pub(super) fn settle(&mut self) {
        for change in std::mem::take(&mut self.name_changes) {
            self.make_durable(&change);
        }
        for inode in self.inodes.values_mut() {
            if let Body::File(content) = &mut inode.body {
                content.sync();
            }
        }
        self.forget_unreachable();
    }

    /// A copy of everything but the bytes of the files.
    fn clone_names(&self) -> Self {
        let bare = |inode: &Inode| Inode {
            body: match &inode.body {
                Body::File(_) => Body::File(Content::default()),
                Body::Directory(directory) => Body::Directory(directory.clone()),
            },
            handles: 0,
            ..*inode
        };
        Self {
            inodes: self.inodes.iter().map(|(id, inode)| (*id, bare(inode))).collect(),
            next_inode: self.next_inode,
            name_changes: self.name_changes.clone(),
            name_change_count: self.name_change_count,
            capacity: self.capacity,
            lies: self.lies.clone(),
            short_one_in: self.short_one_in,
            ..Self::new(0, self.clock.clone())
        }
    }

    /// The durable names become the live ones; links and parents follow.
    fn settle_names(&mut self) {
        let mut links: BTreeMap<InodeId, u64> = BTreeMap::from([(ROOT, 1)]);
        let mut parents: BTreeMap<InodeId, InodeId> = BTreeMap::new();
        let mut waiting = vec![ROOT];
        while let Some(id) = waiting.pop() {
            let Some(directory) = self.directory_mut(id) else { continue };
            directory.live = directory.durable.clone();
            for inode in directory.durable.values() {
                let count = links.entry(*inode).or_default();
                *count += 1;
                if *count == 1 {
                    parents.insert(*inode, id);
                    waiting.push(*inode);
                }
            }
        }
        // What cannot be reached from the top has nothing left to lead to it.
        self.inodes.retain(|id, _| links.contains_key(id));
        for (id, inode) in &mut self.inodes {
            inode.links = links[id];
            if let (Body::Directory(Directory { parent, .. }), Some(found)) =
                (&mut inode.body, parents.get(id))
            {
                *parent = *found;
            }
        }
    }

    /// A fresh start: no faults, no locks, nothing counted.
    fn restart(mut self, random: &mut SimulatedRandom) -> Self {
        self.random = SimulatedRandom::new(random.next_u64());
        self.trace = Trace::new();
        self.faults.clear();
        self.locks.clear();
        self.operations = 0;
        self.crash_at = None;
        self.crashed = false;
        self
    }
}
