//! The thread `memory`: makes blocks ready before they are needed, and gives back what is not.
//!
//! It looks at the chunks that changed every few milliseconds while there is something to see, and less often otherwise.
//! A small process is left alone: there, a few blocks would be a large part of the whole.

/// Starts the thread. Without it everything works, but memory is touched by those who need it and never given back.
pub fn start() {
    #[cfg(target_os = "linux")]
    linux::start();
}

/// While `on`, memory comes in pages of 4 KB: many short waits instead of few long ones, and memory that is a little slower
/// until it is given back or the kernel puts it together. Meant for times in which no thread may stop for milliseconds; it
/// takes effect within a few of these.
pub fn avoid_long_faults(on: bool) {
    #[cfg(target_os = "linux")]
    linux::avoid_long_faults(on);
    #[cfg(not(target_os = "linux"))]
    let _nothing_to_avoid = on;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::Thread;
    use std::time::Duration;

    use crate::block::{BLOCK_BYTES, Block, Look};
    use crate::plan::{Aim, Idle, RETAINED_TICKS, Step, plan};
    use crate::region::{BLOCKS_PER_CHUNK, CHUNK_BYTES, Region};
    use crate::{kernel, regions};

    const BUSY_INTERVAL: Duration = Duration::from_millis(4);
    const QUIET_INTERVAL: Duration = Duration::from_millis(20);
    /// Ticks count in units of 10 ms, whatever the interval.
    const TICK: Duration = Duration::from_millis(10);
    /// So long without a change, and the thread looks less often.
    const BUSY_TICKS: u32 = 20;
    /// Below this many used blocks (128 MB) nothing is made ready.
    const USED_BLOCKS_MIN: usize = 64;
    /// Blocks to be ready in each chunk that is in use, and in the next one.
    const AHEAD: usize = 2;
    /// The same while others touch blocks that were not ready.
    const AHEAD_IN_A_RUSH: usize = 6;
    const RUSH_TICKS: u32 = 100;
    /// Quiet chunks keep ready blocks while these are at most one in so many.
    const READY_SHARE: usize = 32;
    /// Blocks made ready between two looks at what has changed meanwhile.
    const PROVIDED_PER_TICK: usize = 2;
    /// The kernel is not asked again for so long when it had no memory to give.
    const REFUSED_TICKS: u32 = 100;

    /// The thread; `None` where it could not be started, see above.
    static THREAD: OnceLock<Option<Thread>> = OnceLock::new();
    static AVOID_LONG_FAULTS: AtomicBool = AtomicBool::new(false);

    pub(super) fn start() {
        THREAD.get_or_init(|| {
            let thread = std::thread::Builder::new().name("memory".to_owned());
            thread.spawn(|| Provider::default().run()).ok().map(|started| started.thread().clone())
        });
    }

    pub(super) fn avoid_long_faults(on: bool) {
        AVOID_LONG_FAULTS.store(on, Ordering::Relaxed);
        if let Some(Some(thread)) = THREAD.get() {
            thread.unpark();
        }
    }

    /// What the thread remembers of one chunk.
    #[derive(Default, Clone)]
    struct Remembered {
        used: usize,
        ready: usize,
        idle: Idle,
        changed_at: u32,
    }

    /// A block that is to be made ready.
    struct Lack {
        region: usize,
        chunk: usize,
        block: usize,
        /// With which its chunk was looked at.
        aim: Aim,
    }

    #[derive(Default)]
    struct Provider {
        /// For each region, its chunks.
        chunks: Vec<Vec<Remembered>>,
        /// The first of each chunk that lacks some.
        lacking: Vec<Lack>,
        used: usize,
        ready: usize,
        first_touched: u64,
        rushed_at: u32,
        refused_at: Option<u32>,
        /// Regions in which the first touch brings a small page.
        with_small_pages: usize,
    }

    impl Provider {
        fn run(mut self) {
            let started = std::time::Instant::now();
            let mut changed_at = 0;
            loop {
                let now =
                    1 + u32::try_from(started.elapsed().as_millis() / TICK.as_millis()).unwrap_or(u32::MAX);
                self.choose_page_size();
                if self.tick(now) {
                    changed_at = now;
                }
                self.provide_most_urgent(now);
                if self.lacking.is_empty() {
                    let is_busy = now - changed_at < BUSY_TICKS;
                    std::thread::park_timeout(if is_busy { BUSY_INTERVAL } else { QUIET_INTERVAL });
                }
            }
        }

        /// Tells the kernel what a first touch is to bring, in regions that are new as well.
        fn choose_page_size(&mut self) {
            let small = AVOID_LONG_FAULTS.load(Ordering::Relaxed);
            if !small && self.with_small_pages == 0 {
                return;
            }
            let untold = if small { self.with_small_pages } else { 0 };
            for region in regions::all().skip(untold) {
                kernel::prefer_huge_pages(region.start(), region.bytes(), !small);
            }
            self.with_small_pages = if small { regions::all().count() } else { 0 };
        }

        /// Looks at what changed. Tells whether there was something.
        fn tick(&mut self, now: u32) -> bool {
            self.lacking.clear();
            let first_touched = regions::first_touched();
            if first_touched != self.first_touched {
                (self.first_touched, self.rushed_at) = (first_touched, now);
            }
            let mut any = false;
            for (index, region) in regions::all().enumerate() {
                if self.chunks.len() == index {
                    self.chunks.push(vec![Remembered::default(); region.chunks()]);
                }
                let mut changed_here = false;
                for chunk in 0..region.chunks() {
                    let changed = region.take_changed(chunk);
                    changed_here |= changed;
                    if changed {
                        self.chunks[index][chunk].changed_at = now;
                    }
                    if changed || self.chunks[index][chunk].ready > 0 {
                        let aim = self.aim(region, index, chunk, now);
                        self.look_after(region, index, chunk, aim, now);
                    }
                }
                if changed_here {
                    self.visit_next_chunks(region, index, now);
                }
                any |= changed_here;
            }
            // Objects of many chunks need some in a row; when there are none, mimalloc helps itself.
            if any && self.unused_chunks() * CHUNK_BYTES < regions::reserved_bytes() / 4 {
                regions::add();
            }
            any
        }

        fn unused_chunks(&self) -> usize {
            self.chunks.iter().flatten().filter(|chunk| chunk.used == 0).count()
        }

        /// The allocator goes on in the lowest unused chunk, or in the one behind all that are used.
        fn visit_next_chunks(&mut self, region: &'static Region, index: usize, now: u32) {
            let chunks = &self.chunks[index];
            let lowest = chunks.iter().position(|chunk| chunk.used == 0);
            let behind = chunks.iter().rposition(|chunk| chunk.used > 0).map_or(0, |last| last + 1);
            for chunk in lowest.into_iter().chain((behind < chunks.len()).then_some(behind)) {
                let aim = Aim { ahead: self.ahead(now), provide: true };
                self.look_after(region, index, chunk, aim, now);
            }
        }

        fn aim(&self, region: &'static Region, index: usize, chunk: usize, now: u32) -> Aim {
            if now - self.chunks[index][chunk].changed_at >= RETAINED_TICKS {
                let few = self.ready <= self.used / READY_SHARE;
                return Aim { ahead: if few { AHEAD } else { 0 }, provide: false };
            }
            let in_use = region.chunk(chunk).iter().any(|block| block.look() == Look::Used);
            Aim { ahead: if in_use { self.ahead(now) } else { 0 }, provide: true }
        }

        fn ahead(&self, now: u32) -> usize {
            if self.used < USED_BLOCKS_MIN || self.refused_at.is_some_and(|at| now - at < REFUSED_TICKS) {
                0
            } else if now - self.rushed_at < RUSH_TICKS {
                AHEAD_IN_A_RUSH
            } else {
                AHEAD
            }
        }

        fn look_after(&mut self, region: &'static Region, index: usize, chunk: usize, aim: Aim, now: u32) {
            let blocks = region.chunk(chunk);
            let looks: [Look; BLOCKS_PER_CHUNK] = std::array::from_fn(|block| blocks[block].look());
            let start = region.start() + chunk * CHUNK_BYTES;
            let mut first_lack = None;
            for step in plan(&looks, &mut self.chunks[index][chunk].idle, aim, now) {
                match step {
                    Step::Provide(block) => {
                        first_lack.get_or_insert(block);
                    }
                    Step::Release(block) => release(&blocks[block], start + block * BLOCK_BYTES),
                }
            }
            self.lacking.extend(first_lack.map(|block| Lack { region: index, chunk, block, aim }));
            let count = |wanted| blocks.iter().filter(|block| block.look() == wanted).count();
            let (used, ready) = (count(Look::Used), count(Look::Ready));
            let remembered = &mut self.chunks[index][chunk];
            self.used = self.used + used - remembered.used;
            self.ready = self.ready + ready - remembered.ready;
            (remembered.used, remembered.ready) = (used, ready);
        }

        /// Makes a few blocks ready, the first where there are none: that is where somebody would have to wait soonest.
        fn provide_most_urgent(&mut self, now: u32) {
            for _ in 0..PROVIDED_PER_TICK {
                let places = self.lacking.iter().enumerate();
                let urgent = places.min_by_key(|(_, lack)| self.chunks[lack.region][lack.chunk].ready);
                let Some((place, _)) = urgent else { return };
                let Lack { region: index, chunk, block, aim } = self.lacking.swap_remove(place);
                let Some(region) = regions::get(index) else { return };
                let address = region.start() + chunk * CHUNK_BYTES + block * BLOCK_BYTES;
                if !kernel::provide(address) {
                    self.refused_at = Some(now);
                    self.lacking.clear();
                    return;
                }
                region.chunk(chunk)[block].provided();
                self.look_after(region, index, chunk, aim, now);
            }
        }
    }

    fn release(block: &Block, address: usize) {
        // SAFETY: `Block::release` calls this only while nobody uses the block, and lets nobody start to meanwhile.
        block.release(|| unsafe { kernel::release(address) });
    }
}
