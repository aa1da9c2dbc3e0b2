//! How a power cut decides: what of the unsynced state makes it to the disk.

use super::content::{PAGE_BYTES, SECTOR_BYTES};
use super::random::SimulatedRandom;

/// How much of what was not synced survives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrashProfile {
    /// Nothing: exactly what the syncs guarantee.
    LoseUnsynced,
    /// Everything, as when the process dies and the kernel lives to write back.
    KeepUnsynced,
    /// Each page, length and name on its own: lost, kept, torn, reordered, or as it was at some moment in between.
    Mixed {
        /// How many percent of them are as recent as can be, 0 to 100. The fewer, the more of the others are as old
        /// as can be.
        newest_percent: u8,
    },
}

impl CrashProfile {
    /// A profile of any kind. Extremes are frequent: with independent choices alone, "all lost" and "all kept" would
    /// hardly ever come up for files of many pages.
    pub fn any(random: &mut SimulatedRandom) -> Self {
        match random.index(8) {
            0 => Self::LoseUnsynced,
            1 => Self::KeepUnsynced,
            2 | 3 => Self::Mixed { newest_percent: 10 },
            4 | 5 => Self::Mixed { newest_percent: 50 },
            _ => Self::Mixed { newest_percent: 90 },
        }
    }
}

/// The decisions of one crash.
pub(super) struct Fate<'a> {
    profile: CrashProfile,
    random: &'a mut SimulatedRandom,
}

impl<'a> Fate<'a> {
    pub(super) fn new(profile: CrashProfile, random: &'a mut SimulatedRandom) -> Self {
        Self { profile, random }
    }

    pub(super) fn random(&mut self) -> &mut SimulatedRandom {
        self.random
    }

    /// How many of `changes` consecutive changes to one thing were written before the crash.
    pub(super) fn version(&mut self, changes: usize) -> usize {
        match self.profile {
            CrashProfile::LoseUnsynced => 0,
            CrashProfile::KeepUnsynced => changes,
            CrashProfile::Mixed { newest_percent } => {
                let percent = u64::from(newest_percent.min(100));
                if self.random.chance(percent, 100) {
                    changes
                } else if self.random.chance(100 - percent, 100) {
                    0
                } else {
                    self.random.index(changes + 1)
                }
            }
        }
    }

    /// Whether a page was being written when the power went.
    pub(super) fn is_torn(&mut self) -> bool {
        matches!(self.profile, CrashProfile::Mixed { .. }) && self.random.chance(1, 2)
    }

    /// Whether a block that was never written shows old garbage instead of zeros.
    pub(super) fn is_garbage(&mut self) -> bool {
        matches!(self.profile, CrashProfile::Mixed { .. }) && self.random.chance(1, 16)
    }

    /// Makes up the old contents of a block: noise, or a page that looks just like one of this file.
    pub(super) fn garbage(&mut self, alike: &[u8], page: &mut [u8; PAGE_BYTES]) {
        if alike.len() < SECTOR_BYTES || self.random.chance(1, 2) {
            self.random.fill(page);
            return;
        }
        let start = self.random.index(alike.len().div_ceil(PAGE_BYTES)) * PAGE_BYTES;
        let source = &alike[start..alike.len().min(start + PAGE_BYTES)];
        page[..source.len()].copy_from_slice(source);
    }

    /// Which of `count` unsynced changes of names survive: half of the time a prefix, as a journal keeps them, else
    /// each on its own.
    pub(super) fn surviving_names(&mut self, count: usize) -> Vec<bool> {
        match self.profile {
            CrashProfile::Mixed { .. } if self.random.chance(1, 2) => {
                (0..count).map(|_| self.version(1) == 1).collect()
            }
            _ => {
                let kept = self.version(count);
                (0..count).map(|index| index < kept).collect()
            }
        }
    }
}
