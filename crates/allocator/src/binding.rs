//! mimalloc's side: handing it a region, and its calls about what it uses of it.

use std::ffi::{c_int, c_void};

use crate::kernel::Reserved;
use crate::regions;

/// `mi_option_purge_delay` of mimalloc 3, in milliseconds.
const OPTION_PURGE_DELAY: c_int = 15;

type CommitFunction = unsafe extern "C" fn(
    commit: bool,
    start: *mut c_void,
    bytes: usize,
    is_zero: *mut bool,
    argument: *mut c_void,
) -> bool;

// Part of mimalloc 3's public interface, which the crate libmimalloc-sys does not declare.
unsafe extern "C" {
    fn mi_manage_memory(
        start: *mut c_void,
        bytes: usize,
        is_committed: bool,
        is_pinned: bool,
        is_zero: bool,
        numa_node: c_int,
        exclusive: bool,
        commit: CommitFunction,
        argument: *mut c_void,
        arena: *mut *mut c_void,
    ) -> bool;
}

/// Runs before the first allocation, as mimalloc would otherwise reserve a region by itself at that moment and prefer it to
/// ours for as long as there is space in it.
#[used]
#[cfg_attr(not(test), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    // SAFETY: initialises mimalloc, which may be done at any time and more than once.
    unsafe { libmimalloc_sys::mi_process_init() };
    if regions::add() {
        // What is no longer used is told at once; when to give it back is decided here.
        // SAFETY: sets one of the options that exist in mimalloc 3, before other threads run.
        unsafe { libmimalloc_sys::mi_option_set(OPTION_PURGE_DELAY, 0) };
    }
}

/// Lets mimalloc have the region `index`, which lies in `memory`.
pub(crate) fn manage(memory: &Reserved, index: usize) -> bool {
    // The blocks are later named by their addresses alone.
    let start = memory.pointer();
    let _exposed = start.expose_provenance();
    // SAFETY: the memory is readable and writable, zero, aligned, nobody else's, and never unmapped.
    unsafe {
        mi_manage_memory(
            start.cast(),
            memory.bytes(),
            false,
            false,
            true,
            -1,
            false,
            on_change,
            std::ptr::without_provenance_mut(index),
            std::ptr::null_mut(),
        )
    }
}

/// mimalloc starts (`commit`) or stops using a part of a region. Stopping says yes, it has to ask again before it uses the
/// part once more.
///
/// # Safety
/// To be called by mimalloc with the argument it was given: `is_zero` is null or can be written.
unsafe extern "C" fn on_change(
    commit: bool,
    start: *mut c_void,
    bytes: usize,
    is_zero: *mut bool,
    argument: *mut c_void,
) -> bool {
    let Some(region) = regions::get(argument.addr()) else { return false };
    if !commit {
        region.give_back(start.addr(), bytes);
        return true;
    }
    let taken = region.take(start.addr(), bytes);
    if taken.first_touched > 0 {
        regions::count_first_touched(taken.first_touched);
    }
    if !is_zero.is_null() {
        // SAFETY: mimalloc passes a place for the answer, or null.
        unsafe { *is_zero = taken.first_touched == taken.blocks };
    }
    true
}
