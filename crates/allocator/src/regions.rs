//! All regions of the process, and their reservation.
//!
//! What describes them is static, so that it needs no allocator; the pages of it that are not needed are never touched.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::block::{BLOCK_BYTES, Block};
use crate::region::{BLOCKS_PER_CHUNK, CHUNK_BYTES, Region};

/// Address space for 1 TB; beyond it mimalloc reserves by itself.
const BLOCKS_MAX: usize = (1 << 40) / BLOCK_BYTES;
const REGIONS_MAX: usize = 96;
const FIRST_REGION_BYTES: usize = 1 << 30;
/// mimalloc's limit.
const REGION_BYTES_MAX: usize = 16 << 30;
/// Regions are twice as large after so many.
const REGIONS_PER_SIZE: usize = 4;

static BLOCKS: [Block; BLOCKS_MAX] = [const { Block::new() }; BLOCKS_MAX];
static CHANGED: [AtomicBool; BLOCKS_MAX / BLOCKS_PER_CHUNK] =
    [const { AtomicBool::new(false) }; BLOCKS_MAX / BLOCKS_PER_CHUNK];
static REGIONS: [OnceLock<Region>; REGIONS_MAX] = [const { OnceLock::new() }; REGIONS_MAX];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FIRST_TOUCHED: AtomicU64 = AtomicU64::new(0);

/// What the regions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Address space, in bytes.
    pub reserved_bytes: u64,
    /// Bytes of the blocks (2 MB) of which the allocator uses at least a part.
    pub used_bytes: u64,
    /// Bytes of the blocks that have memory behind them and are not used.
    pub ready_bytes: u64,
    /// Blocks that were touched by the thread that needed them, as the thread `memory` had not made them ready.
    pub first_touched_blocks: u64,
}

/// Counts what the regions hold, which takes a microsecond for each GB.
#[must_use]
pub fn statistics() -> Statistics {
    use crate::block::Look;
    let mut statistics = Statistics {
        reserved_bytes: reserved_bytes() as u64,
        first_touched_blocks: first_touched(),
        ..Statistics::default()
    };
    for region in all() {
        for block in region.blocks() {
            match block.look() {
                Look::Used => statistics.used_bytes += BLOCK_BYTES as u64,
                Look::Ready => statistics.ready_bytes += BLOCK_BYTES as u64,
                Look::Absent => {}
            }
        }
    }
    statistics
}

/// Counts blocks that somebody touches who should not have to.
pub(crate) fn count_first_touched(blocks: usize) {
    FIRST_TOUCHED.fetch_add(blocks as u64, Ordering::Relaxed);
}

pub(crate) fn first_touched() -> u64 {
    FIRST_TOUCHED.load(Ordering::Relaxed)
}

/// Address space of all regions.
pub(crate) fn reserved_bytes() -> usize {
    all().map(Region::bytes).sum()
}

pub(crate) fn get(index: usize) -> Option<&'static Region> {
    REGIONS.get(index)?.get()
}

pub(crate) fn all() -> impl Iterator<Item = &'static Region> {
    REGIONS[..COUNT.load(Ordering::Acquire)].iter().filter_map(OnceLock::get)
}

/// How large the region with this number is to be.
fn region_bytes(index: usize) -> usize {
    (FIRST_REGION_BYTES << (index / REGIONS_PER_SIZE).min(8)).min(REGION_BYTES_MAX)
}

/// Reserves one more region and lets the allocator have it. Nothing is reserved when the kernel refuses. Never called by
/// two threads at once: the first call is made before there are any, all others by the providing thread.
#[cfg(target_os = "linux")]
pub(crate) fn add() -> bool {
    let index = COUNT.load(Ordering::Relaxed);
    let first_block: usize = all().map(|region| region.blocks().len()).sum();
    let bytes = region_bytes(index);
    let count = bytes / BLOCK_BYTES;
    let (Some(slot), Some(blocks)) = (REGIONS.get(index), BLOCKS.get(first_block..first_block + count))
    else {
        return false;
    };
    let changed = &CHANGED[first_block / BLOCKS_PER_CHUNK..][..count / BLOCKS_PER_CHUNK];
    let Some(memory) = crate::kernel::Reserved::new(bytes, CHUNK_BYTES) else { return false };
    if slot.set(Region::new(memory.start(), blocks, changed)).is_err() {
        return false;
    }
    COUNT.store(index + 1, Ordering::Release);
    crate::binding::manage(&memory, index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_grow_up_to_the_limit_of_mimalloc() {
        assert_eq!(region_bytes(0), 1 << 30);
        assert_eq!(region_bytes(3), 1 << 30);
        assert_eq!(region_bytes(4), 2 << 30);
        assert_eq!(region_bytes(16), 16 << 30);
        assert_eq!(region_bytes(REGIONS_MAX), 16 << 30);
    }
}
