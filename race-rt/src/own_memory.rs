//! The runtime's own memory: glibc's, by names that no program replaces.
//!
//! A program may bring a `malloc` of its own, and is in the middle of that when the runtime needs memory. Nor does what the runtime gets pass by where the
//! program's blocks are told of: a freed block that the runtime gets stays the program's freed block until the program is given it again.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_free(memory: *mut c_void);
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
}

struct OwnMemory;

#[global_allocator]
static OWN_MEMORY: OwnMemory = OwnMemory;

/// What glibc aligns every block to.
const ALIGNED: usize = 16;

// SAFETY: each method is glibc's function of that purpose, which gives out memory of the size, aligned as asked or to `ALIGNED`.
unsafe impl GlobalAlloc for OwnMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: any size will do.
            unsafe { __libc_malloc(layout.size()) }.cast()
        } else {
            // SAFETY: a layout's alignment is a power of two.
            unsafe { __libc_memalign(layout.align(), layout.size()) }.cast()
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: any size will do.
            return unsafe { __libc_calloc(1, layout.size()) }.cast();
        }
        // SAFETY: the caller's promise.
        let memory = unsafe { self.alloc(layout) };
        if !memory.is_null() {
            // SAFETY: just allocated, of this size.
            unsafe { memory.write_bytes(0, layout.size()) };
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: from one of the others.
        unsafe { __libc_free(memory.cast()) };
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: from one of the others.
            return unsafe { __libc_realloc(old.cast(), size) }.cast();
        }
        // SAFETY: the caller promises that the size is in order with this alignment.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: two blocks, of at least so many bytes each.
            unsafe { old.copy_to_nonoverlapping(new, layout.size().min(size)) };
            // SAFETY: the caller's block, which is no more his.
            unsafe { self.dealloc(old, layout) };
        }
        new
    }
}
