//! A global allocator that tells what it gives out. Compiled in both builds; in the plain one it only passes on.

use std::alloc::{GlobalAlloc, Layout, System};

use crate::shadow::handed_out;

/// A global allocator around another one, so that racecheck sees which memory is given out.
///
/// Needed for accesses by [`ptr`](mod@crate::ptr) to be checked where the global allocator has memory of its own (jemalloc, mimalloc, a pool), and on
/// other systems than Linux with glibc. What was recorded of memory before it is given out is forgotten; nothing else changes.
///
/// # Example
///
/// ```
/// use racecheck::alloc::Tracked;
/// use std::alloc::System;
///
/// #[global_allocator]
/// static ALLOCATOR: Tracked<System> = Tracked::new(System);
///
/// assert_eq!(vec![1, 2, 3].len(), 3);
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct Tracked<A = System>(A);

impl<A> Tracked<A> {
    /// Wraps an allocator.
    ///
    /// # Example
    ///
    /// ```
    /// static ALLOCATOR: racecheck::alloc::Tracked = racecheck::alloc::Tracked::new(std::alloc::System);
    /// ```
    pub const fn new(allocator: A) -> Tracked<A> {
        Tracked(allocator)
    }
}

#[inline]
fn seen(memory: *mut u8, size: usize) -> *mut u8 {
    if !memory.is_null() {
        handed_out(memory.addr(), size);
    }
    memory
}

// SAFETY: each method does what the allocator's does, and returns its result.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Tracked<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        seen(unsafe { self.0.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        seen(unsafe { self.0.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        seen(
            unsafe { self.0.realloc(memory, layout, new_size) },
            new_size,
        )
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(memory, layout) }
    }
}
