//! The process's allocator: [mimalloc](https://github.com/microsoft/mimalloc), whose memory is made ready and given back
//! by a thread of its own.
//!
//! A thread that touches memory for the first time waits in the kernel until there is a page behind the address. For a huge
//! page that is 0.2 ms on a machine which has it at hand, and several milliseconds on a virtual machine whose host has to
//! find it first. A server whose one thread executes all commands makes every client wait that long, and a snapshot, which
//! needs more memory while it runs, makes it happen. Giving memory back (`madvise`) costs its caller time as well, and the
//! next one who needs the page waits again.
//!
//! So mimalloc is given its address space in regions by us, and asks us for every piece that it starts or stops
//! using. The thread `memory` keeps some blocks of 2 MB ready ahead of where it is working, and gives back what was not
//! used for ten seconds. No other thread calls the kernel for memory, as long as the thread keeps up; when it does not,
//! they touch the page themselves, as with any other allocator: a huge page, or, where waits have to be short, one of 4 KB
//! ([`avoid_long_faults`]).
//!
//! The crate must not know what the memory is for.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;
//!
//! fn main() {
//!     lastsave_allocator::start();
//!     let data = vec![1_u8; 64 << 20];
//!     assert!(lastsave_allocator::statistics().used_bytes >= data.len() as u64);
//! }
//! ```
//!
//! Where the kernel or its settings do not allow this (strict overcommit, a limit of the address space, another system than
//! Linux), mimalloc works as it does by itself.

#[cfg(target_os = "linux")]
mod binding;
mod block;
#[cfg(target_os = "linux")]
mod kernel;
mod plan;
mod provider;
mod region;
mod regions;

pub use provider::{avoid_long_faults, start};
pub use regions::{Statistics, statistics};

use std::alloc::{GlobalAlloc, Layout};

use mimalloc::MiMalloc;

/// The allocator, to be named as `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

// SAFETY: every call goes to mimalloc with the arguments it came with, so that what holds for one holds for the other.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one asked for here.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from this allocator, which is to say from mimalloc, with this layout.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`.
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}
