//! The kernel's side: reserving address space, putting memory behind it, taking it away.

use std::ptr::NonNull;

use rustix::mm::{Advice, MapFlags, ProtFlags};

use crate::block::BLOCK_BYTES;

/// Address space without memory, aligned, that lives as long as the process.
#[derive(Debug)]
pub(crate) struct Reserved {
    start: NonNull<u8>,
    bytes: usize,
}

impl Reserved {
    /// Reserves `bytes`, or nothing where the kernel counts reservations against memory it has.
    pub(crate) fn new(bytes: usize, alignment: usize) -> Option<Self> {
        if strict_overcommit() {
            return None;
        }
        let mapped = bytes + alignment;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address the kernel chooses touches nobody's memory.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                mapped,
                ProtFlags::READ | ProtFlags::WRITE,
                flags,
            )
        }
        .ok()?
        .cast::<u8>();
        let skipped = base.align_offset(alignment);
        // SAFETY: the mapping is `alignment` larger than needed, so that both parts lie in it.
        let (start, rest) = unsafe { (base.add(skipped), base.add(skipped + bytes)) };
        // SAFETY: both parts belong to the mapping just made, and nobody knows of them.
        unsafe {
            let _stays_reserved = rustix::mm::munmap(base.cast(), skipped);
            let _stays_reserved = rustix::mm::munmap(rest.cast(), alignment - skipped);
        }
        let reserved = Self { start: NonNull::new(start)?, bytes };
        prefer_huge_pages(reserved.start(), bytes, true);
        Some(reserved)
    }

    pub(crate) fn start(&self) -> usize {
        self.start.as_ptr().addr()
    }

    pub(crate) fn pointer(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Whether reserving counts as using.
fn strict_overcommit() -> bool {
    use rustix::fs::{Mode, OFlags};
    let mut setting = [0; 1];
    rustix::fs::open("/proc/sys/vm/overcommit_memory", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| rustix::io::read(&file, &mut setting))
        .is_ok_and(|read| read == 1 && setting[0] == b'2')
}

/// What the first touch of a page of these bytes brings: 2 MB, or 4 KB. Memory that is there stays as it is.
pub(crate) fn prefer_huge_pages(start: usize, bytes: usize, wanted: bool) {
    let advice = if wanted { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
    let start = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the call does not change what memory holds. It is a wish; everything works without it.
    let _wish = unsafe { rustix::mm::madvise(start, bytes, advice) };
}

/// Puts memory behind the block at this address, without changing what is in it. False when the kernel cannot.
pub(crate) fn provide(block: usize) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(block);
    // SAFETY: the call faults pages in as a write would, but leaves what they hold as it is, so it may run beside any use.
    unsafe { rustix::mm::madvise(start, BLOCK_BYTES, Advice::LinuxPopulateWrite) }.is_ok()
}

/// Takes the memory of the block at this address away; it reads as zeros afterwards.
///
/// # Safety
/// Nobody may use the block, and nobody start to, until this returns.
pub(crate) unsafe fn release(block: usize) {
    let start = std::ptr::with_exposed_provenance_mut(block);
    // SAFETY: the caller promises that nobody's data is in the block. A block that stays as it is does no harm.
    let _stays = unsafe { rustix::mm::madvise(start, BLOCK_BYTES, Advice::LinuxDontNeed) };
}
