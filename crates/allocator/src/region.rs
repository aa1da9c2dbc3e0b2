//! A region: address space that the allocator takes its slices from, as blocks in chunks.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::block::{BLOCK_BYTES, Block, SLICE_BYTES, SLICES_PER_BLOCK};

/// mimalloc searches its regions by chunks of 32 MB, and uses each for pages of one size.
pub(crate) const BLOCKS_PER_CHUNK: usize = 16;
pub(crate) const CHUNK_BYTES: usize = BLOCK_BYTES * BLOCKS_PER_CHUNK;

#[derive(Debug)]
pub(crate) struct Region {
    /// The address, which only tells which block is meant.
    start: usize,
    blocks: &'static [Block],
    /// For each chunk, whether something changed since the providing thread last looked.
    changed: &'static [AtomicBool],
}

impl Region {
    pub(crate) fn new(start: usize, blocks: &'static [Block], changed: &'static [AtomicBool]) -> Self {
        assert_eq!(start % CHUNK_BYTES, 0, "a region begins with a chunk");
        assert_eq!(blocks.len(), changed.len() * BLOCKS_PER_CHUNK, "a region consists of whole chunks");
        Self { start, blocks, changed }
    }

    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    pub(crate) fn chunks(&self) -> usize {
        self.changed.len()
    }

    pub(crate) fn blocks(&self) -> &'static [Block] {
        self.blocks
    }

    pub(crate) fn chunk(&self, index: usize) -> &'static [Block] {
        &self.blocks[index * BLOCKS_PER_CHUNK..][..BLOCKS_PER_CHUNK]
    }

    /// Whether the chunk changed since this was last asked.
    pub(crate) fn take_changed(&self, chunk: usize) -> bool {
        self.changed[chunk].load(Ordering::Relaxed) && self.changed[chunk].swap(false, Ordering::Relaxed)
    }

    /// The allocator starts to use the slices of these bytes. Returns how many of the blocks had no memory before.
    pub(crate) fn take(&self, address: usize, bytes: usize) -> Taken {
        let mut taken = Taken { blocks: 0, first_touched: 0 };
        self.for_each_block(address, bytes.div_ceil(SLICE_BYTES), |block, slices| {
            taken.blocks += 1;
            taken.first_touched += usize::from(!block.take(slices));
        });
        taken
    }

    /// The allocator has stopped using the slices of these bytes.
    pub(crate) fn give_back(&self, address: usize, bytes: usize) {
        self.for_each_block(address, bytes / SLICE_BYTES, Block::give_back);
    }

    fn for_each_block(&self, address: usize, slices: usize, mut visit: impl FnMut(&Block, u32)) {
        let offset = address.checked_sub(self.start).expect("an address of this region");
        let mut first = offset / SLICE_BYTES;
        let end = first + slices;
        while first < end {
            let index = first / SLICES_PER_BLOCK;
            let within = first % SLICES_PER_BLOCK;
            let count = (SLICES_PER_BLOCK - within).min(end - first);
            let mask = (u32::MAX >> (SLICES_PER_BLOCK - count)) << within;
            visit(&self.blocks[index], mask);
            let changed = &self.changed[index / BLOCKS_PER_CHUNK];
            if !changed.load(Ordering::Relaxed) {
                changed.store(true, Ordering::Relaxed);
            }
            first += count;
        }
    }
}

/// What [`Region::take`] saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) blocks: usize,
    /// Blocks without memory, which the one who takes them will touch first.
    pub(crate) first_touched: usize,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::block::Look;
    use proptest::prelude::*;

    /// A region that nobody else uses; its address is never touched.
    pub(crate) fn region(chunks: usize) -> Region {
        let blocks: Vec<Block> = (0..chunks * BLOCKS_PER_CHUNK).map(|_| Block::new()).collect();
        let changed: Vec<AtomicBool> = (0..chunks).map(|_| AtomicBool::new(false)).collect();
        Region::new(CHUNK_BYTES * 7, blocks.leak(), changed.leak())
    }

    #[test]
    fn a_change_is_told_once() {
        let region = region(2);
        assert!(!region.take_changed(0));
        region.take(region.start() + CHUNK_BYTES, 1);
        assert!(!region.take_changed(0));
        assert!(region.take_changed(1));
        assert!(!region.take_changed(1));
    }

    proptest! {
        #[test]
        fn a_block_is_used_while_one_of_its_slices_is(
            steps in prop::collection::vec((0..1024_usize, 1..200_usize, any::<bool>()), 1..60),
        ) {
            let region = region(2);
            let mut used = vec![false; 1024];
            let mut touched = [false; 2 * BLOCKS_PER_CHUNK];
            for (first, count, take) in steps {
                let count = count.min(1024 - first);
                let address = region.start() + first * SLICE_BYTES;
                let blocks = first / SLICES_PER_BLOCK..=(first + count - 1) / SLICES_PER_BLOCK;
                used[first..first + count].fill(take);
                if take {
                    let fresh = touched[blocks.clone()].iter().filter(|touched| !**touched).count();
                    touched[blocks.clone()].fill(true);
                    let taken = region.take(address, count * SLICE_BYTES);
                    prop_assert_eq!(taken, Taken { blocks: blocks.count(), first_touched: fresh });
                } else {
                    region.give_back(address, count * SLICE_BYTES);
                }
                for (block, slices) in region.blocks().iter().zip(used.chunks(SLICES_PER_BLOCK)) {
                    prop_assert_eq!(block.look() == Look::Used, slices.contains(&true));
                }
            }
        }
    }
}
