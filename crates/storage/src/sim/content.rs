//! The bytes of one simulated file: what readers see, what the disk has, and what lies between.

use std::collections::{BTreeMap, BTreeSet};

use super::crash::Fate;
use super::random::SimulatedRandom;

/// The unit in which the page cache writes back.
pub(super) const PAGE_BYTES: usize = 4096;

/// The unit that a disk writes wholly or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

/// A change that no sync has covered yet.
#[derive(Clone, Debug)]
struct Change {
    kind: ChangeKind,
    /// The file's length after the change.
    len_after: usize,
}

#[derive(Clone, Debug)]
enum ChangeKind {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    /// A cut, which zeroes what was beyond it, or an extension, which zeroes nothing.
    Resize {
        /// The pages concerned end with the longer of the old and the new length.
        longest: usize,
    },
    /// Only the length is dirty: what a failed sync leaves.
    Length,
}

impl Change {
    /// The pages whose bytes this changes.
    fn pages(&self) -> std::ops::Range<usize> {
        match &self.kind {
            ChangeKind::Write { offset, bytes } => {
                offset / PAGE_BYTES..(offset + bytes.len()).div_ceil(PAGE_BYTES)
            }
            ChangeKind::Resize { longest } => self.len_after / PAGE_BYTES..longest.div_ceil(PAGE_BYTES),
            ChangeKind::Length => 0..0,
        }
    }

    /// Applies this to one page.
    fn apply(&self, page: usize, bytes: &mut [u8; PAGE_BYTES]) {
        let start = page * PAGE_BYTES;
        match &self.kind {
            ChangeKind::Write { offset, bytes: written } => {
                let from = (*offset).max(start);
                let to = (offset + written.len()).min(start + PAGE_BYTES);
                if from < to {
                    bytes[from - start..to - start].copy_from_slice(&written[from - offset..to - offset]);
                }
            }
            ChangeKind::Resize { .. } => {
                let from = self.len_after.clamp(start, start + PAGE_BYTES);
                bytes[from - start..].fill(0);
            }
            ChangeKind::Length => {}
        }
    }
}

/// The bytes of a file, live and durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    live: Vec<u8>,
    /// What the disk has. May hold pages beyond `durable_len`, which count if the length gets there.
    durable: Vec<u8>,
    durable_len: usize,
    changes: Vec<Change>,
    /// Changes that earlier syncs took from the front of the list.
    changes_taken: u64,
}

impl Content {
    /// A file that has been on disk for ever.
    pub(super) fn settled(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), durable_len: bytes.len(), live: bytes, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    /// What a power cut leaves if nothing unsynced makes it.
    pub(super) fn durable(&self) -> &[u8] {
        &self.durable[..self.durable_len.min(self.durable.len())]
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let Ok(offset) = usize::try_from(offset) else { return 0 };
        let available = self.live.get(offset..).unwrap_or(&[]);
        let moved = available.len().min(buffer.len());
        buffer[..moved].copy_from_slice(&available[..moved]);
        moved
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        if self.live.len() < offset {
            self.resize(offset); // the gap is an extension of its own
        }
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        self.live[offset..end].copy_from_slice(bytes);
        let kind = ChangeKind::Write { offset, bytes: bytes.to_vec() };
        self.changes.push(Change { kind, len_after: self.live.len() });
    }

    pub(super) fn resize(&mut self, len: usize) {
        if len == self.live.len() {
            return;
        }
        let longest = self.live.len().max(len);
        self.live.resize(len, 0);
        self.changes.push(Change { kind: ChangeKind::Resize { longest }, len_after: len });
    }

    /// Changes bytes behind everybody's back, in memory and on disk: bit rot, or an operator with an editor.
    pub(super) fn corrupt(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        self.sync();
        change(&mut self.live);
        *self = Self::settled(std::mem::take(&mut self.live));
    }

    /// Every dirty page and the length reach the disk. Pages that an earlier, failed sync marked clean do not.
    pub(super) fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        self.durable_len = self.live.len();
        for change in self.take_changes(self.changes.len()) {
            for page in change.pages() {
                self.write_back(page);
            }
        }
    }

    /// How many changes there have been so far: what a sync that begins now covers for certain.
    pub(super) fn change_count(&self) -> u64 {
        self.changes_taken + self.changes.len() as u64
    }

    /// The end of a sync that began when there had been `change_count` changes. Later ones stay at risk.
    pub(super) fn sync_until(&mut self, change_count: u64) {
        let covered = change_count.saturating_sub(self.changes_taken) as usize;
        if covered == 0 {
            return; // another sync, which began later, has ended before
        }
        if covered >= self.changes.len() {
            return self.sync();
        }
        let taken = self.take_changes(covered);
        self.durable_len = taken[covered - 1].len_after;
        self.durable.resize(self.durable_len, 0);
        let pages: BTreeSet<usize> = taken.iter().flat_map(Change::pages).collect();
        for page in pages.into_iter().filter(|page| page * PAGE_BYTES < self.durable_len) {
            let mut bytes = self.durable_page(page);
            for change in &taken {
                change.apply(page, &mut bytes);
            }
            let start = page * PAGE_BYTES;
            let end = (start + PAGE_BYTES).min(self.durable_len);
            self.durable[start..end].copy_from_slice(&bytes[..end - start]);
        }
    }

    /// Takes the oldest changes from the list.
    fn take_changes(&mut self, count: usize) -> Vec<Change> {
        self.changes_taken += count as u64;
        self.changes.drain(..count).collect()
    }

    /// A sync that fails as on ext4: some dirty pages reach the disk and some do not, all are marked clean, and the
    /// length stays dirty.
    pub(super) fn fail_sync(&mut self, random: &mut SimulatedRandom) {
        let all_lost = random.chance(1, 2);
        let changes = self.take_changes(self.changes.len());
        let pages: BTreeSet<usize> = changes.iter().flat_map(Change::pages).collect();
        for page in pages {
            if !all_lost && random.chance(1, 2) {
                self.write_back(page);
            }
        }
        if self.durable_len != self.live.len() {
            self.changes.push(Change { kind: ChangeKind::Length, len_after: self.live.len() });
        }
    }

    /// Forgets the clean whole pages of a range, so that reading shows what the disk has.
    pub(super) fn evict(&mut self, offset: u64, len: u64) {
        let live_end = self.live.len() as u64;
        let end = offset.saturating_add(len).min(live_end) as usize;
        let first = offset.min(live_end) as usize / PAGE_BYTES
            + usize::from(!offset.min(live_end).is_multiple_of(PAGE_BYTES as u64));
        // The last page of the file counts as whole.
        let last = if end == self.live.len() { end.div_ceil(PAGE_BYTES) } else { end / PAGE_BYTES };
        let dirty: BTreeSet<usize> = self.changes.iter().flat_map(Change::pages).collect();
        for page in (first..last).filter(|page| !dirty.contains(page)) {
            let on_disk = self.durable_page(page);
            let range = self.page_range(page);
            let width = range.len();
            self.live[range].copy_from_slice(&on_disk[..width]);
        }
    }

    /// What the disk has of this file after a crash.
    pub(super) fn crash(&self, fate: &mut Fate<'_>) -> Vec<u8> {
        let mut touched: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, change) in self.changes.iter().enumerate() {
            for page in change.pages() {
                touched.entry(page).or_default().push(index);
            }
        }
        let reached = fate.version(self.changes.len());
        let len = match reached {
            0 => self.durable_len,
            count => self.changes[count - 1].len_after,
        };
        let mut bytes = self.durable.clone();
        bytes.resize(len, 0);
        for (page, changes) in touched {
            let start = page * PAGE_BYTES;
            if start >= len {
                continue;
            }
            let on_disk = self.crashed_page(page, &changes, fate);
            let end = (start + PAGE_BYTES).min(len);
            bytes[start..end].copy_from_slice(&on_disk[..end - start]);
        }
        bytes
    }

    /// One page after a crash: some version between the durable and the live one, or a mixture of two by sectors.
    fn crashed_page(&self, page: usize, changes: &[usize], fate: &mut Fate<'_>) -> [u8; PAGE_BYTES] {
        let version = |count: usize| {
            let mut bytes = self.durable_page(page);
            for index in &changes[..count] {
                self.changes[*index].apply(page, &mut bytes);
            }
            bytes
        };
        let older = fate.version(changes.len());
        let mut bytes = version(older);
        if older == 0 && page * PAGE_BYTES >= self.durable.len() && fate.is_garbage() {
            // Blocks were given to the file but never written: they still have what some other file left there.
            fate.garbage(&self.live, &mut bytes);
        }
        if older < changes.len() && fate.is_torn() {
            let newer = version(older + 1 + fate.random().index(changes.len() - older));
            for sector in (0..PAGE_BYTES).step_by(SECTOR_BYTES) {
                if fate.random().chance(1, 2) {
                    let range = sector..sector + SECTOR_BYTES;
                    bytes[range.clone()].copy_from_slice(&newer[range]);
                }
            }
        }
        bytes
    }

    fn page_range(&self, page: usize) -> std::ops::Range<usize> {
        let end = self.live.len();
        (page * PAGE_BYTES).min(end)..((page + 1) * PAGE_BYTES).min(end)
    }

    fn durable_page(&self, page: usize) -> [u8; PAGE_BYTES] {
        let mut bytes = [0; PAGE_BYTES];
        let start = (page * PAGE_BYTES).min(self.durable.len());
        let end = (start + PAGE_BYTES).min(self.durable.len());
        bytes[..end - start].copy_from_slice(&self.durable[start..end]);
        bytes
    }

    /// Copies one page from memory to disk.
    fn write_back(&mut self, page: usize) {
        let range = self.page_range(page);
        if range.is_empty() {
            return;
        }
        if self.durable.len() < range.end {
            self.durable.resize(range.end, 0);
        }
        let (live, durable) = (&self.live[range.clone()], &mut self.durable[range]);
        durable.copy_from_slice(live);
    }
}
