//! One block of 2 MB: which of its slices the allocator uses, and whether there is memory behind it.
//!
//! Threads that allocate and the thread that provides meet here, in one atomic word. A block is only given back while none
//! of its slices is used; who wants a slice meanwhile waits for the end of that one system call.

use std::sync::atomic::{AtomicU64, Ordering};

/// What mimalloc allocates from its regions in.
pub(crate) const SLICE_BYTES: usize = 64 << 10;
pub(crate) const SLICES_PER_BLOCK: usize = 32;
/// A huge page.
pub(crate) const BLOCK_BYTES: usize = SLICE_BYTES * SLICES_PER_BLOCK;

const USED: u64 = 0xffff_ffff;
const RESIDENT: u64 = 1 << 32;
const RELEASING: u64 = 1 << 33;

/// What a look at a block tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// No memory behind it.
    Absent,
    /// Memory that nobody uses.
    Ready,
    Used,
}

#[derive(Debug)]
pub(crate) struct Block(AtomicU64);

impl Block {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The allocator starts to use `slices`, a bit for each. Tells whether there was memory behind the block before.
    pub(crate) fn take(&self, slices: u32) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & RELEASING != 0 {
                std::hint::spin_loop();
                word = self.0.load(Ordering::Relaxed);
                continue;
            }
            let taken = word | u64::from(slices) | RESIDENT;
            // Acquire: what the kernel did for `release` is done before the first touch.
            match self.0.compare_exchange_weak(word, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return word & RESIDENT != 0,
                Err(now) => word = now,
            }
        }
    }

    /// The allocator has stopped using `slices`.
    pub(crate) fn give_back(&self, slices: u32) {
        // Release: the last use of the slices is over before the block can be released.
        self.0.fetch_and(!u64::from(slices), Ordering::Release);
    }

    pub(crate) fn look(&self) -> Look {
        let word = self.0.load(Ordering::Relaxed);
        if word & USED != 0 {
            Look::Used
        } else if word & RESIDENT != 0 {
            Look::Ready
        } else {
            Look::Absent
        }
    }

    /// There is memory behind the block now.
    pub(crate) fn provided(&self) {
        self.0.fetch_or(RESIDENT, Ordering::Relaxed);
    }

    /// Takes the memory away with `call` if nobody uses the block. Only the providing thread calls this.
    pub(crate) fn release(&self, call: impl FnOnce()) -> bool {
        let ready =
            self.0.compare_exchange(RESIDENT, RESIDENT | RELEASING, Ordering::Acquire, Ordering::Relaxed);
        if ready.is_err() {
            return false;
        }
        call();
        self.0.store(0, Ordering::Release);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_used_block_is_never_released() {
        let block = Block::new();
        assert!(!block.take(0b11), "nothing was there before the first use");
        assert!(!block.release(|| panic!("used")));
        block.give_back(0b01);
        assert!(!block.release(|| panic!("half used")));
        block.give_back(0b10);
        assert_eq!(block.look(), Look::Ready);
        assert!(block.release(|| ()));
        assert_eq!(block.look(), Look::Absent);
        assert!(!block.release(|| panic!("absent")));
    }

    #[test]
    fn a_provided_block_is_resident_when_it_is_taken() {
        let block = Block::new();
        block.provided();
        assert_eq!(block.look(), Look::Ready);
        assert!(block.take(1));
    }

    #[test]
    fn nobody_uses_a_block_while_it_is_released() {
        const RELEASES: u64 = 1000;
        let (block, in_use, stop) = (Block::new(), AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for slice in 0..2_u32 {
                let (block, in_use, stop) = (&block, &in_use, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        block.take(1 << slice);
                        in_use.fetch_add(1, Ordering::SeqCst);
                        in_use.fetch_sub(1, Ordering::SeqCst);
                        block.give_back(1 << slice);
                    }
                });
            }
            let mut releases = 0;
            let mut seen = 0;
            while releases < RELEASES {
                let released =
                    block.release(|| seen += (0..10).map(|_| in_use.load(Ordering::SeqCst)).sum::<u64>());
                releases += u64::from(released);
            }
            stop.store(true, Ordering::Relaxed);
            assert_eq!(seen, 0, "somebody used it");
        });
    }
}
