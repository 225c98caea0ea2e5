//! Memory that changes hands unseen: what an allocator gives out must have no past.
//!
//! An allocator orders each free before the allocation that gets the memory next, by locks and atomics that nobody sees. So whatever was recorded of
//! memory has to be forgotten when it is given out again, or two threads would race that never met. Every allocator must therefore pass by here:
//! on Linux with glibc those that come to `malloc` and `mmap` do (`malloc.rs`), elsewhere those that are wrapped. Whether this program's does is found
//! out by trying, before anything is recorded of raw memory; if it doesn't, nothing ever is, and a line says so. A thread's stack is handed out when
//! the thread begins.
//!
//! Nothing here may cost programs that don't use raw memory more than one load for each allocation.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
#[cfg(unix)]
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU8};

use crate::instrumented;
use crate::runtime;
use crate::shadow::range;
use crate::sync::addressed;
use crate::thread::local;

/// Nobody has asked yet: there is nothing to forget.
const UNKNOWN: u8 = 0;
const TRYING: u8 = 1;
/// Memory that is given out passes by here.
const SEEN: u8 = 2;
/// It doesn't: nothing is recorded.
const UNSEEN: u8 = 3;

static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Whether there are calls of the program's allocator that nobody sees.
static PARTLY: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Address and size of what this thread was given last.
    static LAST: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// An allocator has just given out `size` bytes at `address`. What was recorded of the memory that was there before is forgotten.
///
/// To be called before anybody gets to know the address, on the thread that asked for the memory. The memory itself isn't touched.
///
/// # Example
///
/// ```
/// let memory = Box::new([0u8; 64]);
/// race_core::shadow::handed_out::handed_out((&raw const *memory).addr(), 64);
/// ```
#[inline]
pub fn handed_out(address: usize, size: usize) {
    // Relaxed, and not too early: who freed the memory after it had been recorded was ordered before this thread by the allocator.
    if matches!(STATE.load(Relaxed), TRYING | SEEN) {
        forget(address, size);
    }
}

/// Calls the program's allocator. Whether what was recorded of just the memory that it has given out was forgotten meanwhile, as [`handed_out`] does.
#[inline]
pub(crate) fn handed_out_by(size: usize, allocate: impl FnOnce() -> *mut u8) -> (*mut u8, bool) {
    let is_seen = STATE.load(Relaxed) == SEEN;
    LAST.set((0, 0));
    let memory = allocate();
    let is_forgotten = LAST.get() == (memory.addr(), size);
    if is_seen
        && !is_forgotten
        && PARTLY.load(Relaxed)
        && !memory.is_null()
        && !is_in_last(memory.addr())
    {
        is_unseen();
    }
    (memory, is_forgotten)
}

/// Of the calls of the program's allocator not all are seen: its memory had better come from `malloc`.
pub(crate) fn are_partly_seen() {
    PARTLY.store(true, Relaxed);
}

#[cold]
#[inline(never)]
fn forget(address: usize, size: usize) {
    LAST.set((address, size));
    local::enter_bare(|| {
        range::forget_inside(address, size);
        addressed::forget_inside(address, size);
    });
}

/// The calling thread begins, on a stack that another one may have had. Where that is, if anybody wants to know.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub(crate) fn own_stack() -> Option<std::ops::Range<usize>> {
    (STATE.load(Relaxed) == SEEN).then(|| {
        let stack = crate::stack::capture::own_stack();
        forget(stack.start, stack.len());
        stack
    })
}

/// Whether the memory that this program is given passes by [`handed_out`]. Called inside the engine.
#[inline]
pub(crate) fn is_seen() -> bool {
    match STATE.load(Relaxed) {
        SEEN => true,
        UNSEEN => false,
        _ => find_out(),
    }
}

/// Small and large, since allocators treat them differently; twice each, since many keep what was freed.
const SIZES: [usize; 8] = [16, 16, 100, 100, 2000, 2000, 1 << 18, 1 << 18];

#[cold]
#[inline(never)]
fn find_out() -> bool {
    let _ = STATE.compare_exchange(UNKNOWN, TRYING, SeqCst, SeqCst);
    let mut tries = SIZES.into_iter().map(passes_by);
    let Some(seen) = tries
        .find(|passed_by| *passed_by != Some(true))
        .unwrap_or(Some(true))
    else {
        // No memory to try it with. There is none for shadow either.
        return false;
    };
    if STATE.swap(if seen { SEEN } else { UNSEEN }, SeqCst) == TRYING && !seen {
        say_unseen();
    }
    seen
}

/// Some of the memory that the program is given doesn't pass by. What was recorded stays, and nothing more will be.
#[cold]
#[inline(never)]
fn is_unseen() {
    local::enter_bare(|| {
        if STATE.swap(UNSEEN, SeqCst) != UNSEEN {
            say_unseen();
        }
    });
}

fn say_unseen() {
    if instrumented::is_on() {
        runtime::say(format_args!(
            "racecheck: not all that this program's allocator gives out is seen, so nothing is checked: it may replace malloc, or not be linked by rust-lld\n"
        ));
    } else {
        runtime::say(format_args!(
            "racecheck: nobody sees which memory this program's allocator gives out, so accesses by racecheck::ptr aren't checked; see racecheck::alloc::Tracked\n"
        ));
    }
}

/// Whether memory of this size does; none if there isn't any.
fn passes_by(size: usize) -> Option<bool> {
    #[cfg(unix)]
    if instrumented::is_on() {
        return passes_by_malloc(size);
    }
    let layout = Layout::from_size_align(size, 8).ok()?;
    LAST.set((0, 0));
    // SAFETY: the size isn't 0.
    let memory = unsafe { alloc(layout) };
    if memory.is_null() {
        return None;
    }
    let seen = is_in_last(memory.addr());
    // SAFETY: just allocated, with this layout.
    unsafe { dealloc(black_box(memory), layout) };
    Some(seen)
}

/// The engine in an instrumented program has memory of its own, and what the program's Rust code is given is told by `instrumented::allocator`.
#[cfg(unix)]
fn passes_by_malloc(size: usize) -> Option<bool> {
    LAST.set((0, 0));
    // The compiler knows what the real one doesn't do: tell us.
    let malloc: unsafe extern "C" fn(usize) -> *mut c_void = libc::malloc;
    // SAFETY: any size will do.
    let memory = unsafe { black_box(malloc)(size) };
    if memory.is_null() {
        return None;
    }
    let seen = is_in_last(memory.addr());
    // SAFETY: just allocated.
    unsafe { libc::free(black_box(memory)) };
    Some(seen)
}

/// Whether the address is in what this thread was given last. An allocator may put something in front of what it gives out.
fn is_in_last(address: usize) -> bool {
    let (start, length) = LAST.get();
    address
        .checked_sub(start)
        .is_some_and(|offset| offset < length)
}
