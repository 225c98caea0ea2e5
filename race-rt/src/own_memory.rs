//! The runtime's own memory: glibc's, which is asked for by name in the libraries behind the program.
//!
//! A program may bring a `malloc` of its own, and is in the middle of that when the runtime needs memory. Nor does what the runtime gets pass by where the
//! program's blocks are told of: a freed block that the runtime gets stays the program's freed block until the program is given it again.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::mem;
use std::ptr::NonNull;

use race_core::instrumented::Real;

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
type Memalign = unsafe extern "C" fn(usize, usize) -> *mut c_void;

static MALLOC: Real = Real::new(c"__libc_malloc");
static CALLOC: Real = Real::new(c"__libc_calloc");
static REALLOC: Real = Real::new(c"__libc_realloc");
static FREE: Real = Real::new(c"__libc_free");
static MEMALIGN: Real = Real::new(c"__libc_memalign");

/// The address of the real function. Without it the program can't go on: it was linked to one.
fn real(function: &Real) -> NonNull<c_void> {
    match function.get() {
        Some(address) => address,
        None => std::process::abort(),
    }
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
            // SAFETY: glibc's function of this name has this type.
            let malloc: Malloc = unsafe { mem::transmute(real(&MALLOC).as_ptr()) };
            // SAFETY: any size will do.
            unsafe { malloc(layout.size()) }.cast()
        } else {
            // SAFETY: glibc's function of this name has this type.
            let memalign: Memalign = unsafe { mem::transmute(real(&MEMALIGN).as_ptr()) };
            // SAFETY: a layout's alignment is a power of two.
            unsafe { memalign(layout.align(), layout.size()) }.cast()
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: glibc's function of this name has this type.
            let calloc: Calloc = unsafe { mem::transmute(real(&CALLOC).as_ptr()) };
            // SAFETY: any size will do.
            return unsafe { calloc(1, layout.size()) }.cast();
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
        // SAFETY: glibc's function of this name has this type.
        let free: Free = unsafe { mem::transmute(real(&FREE).as_ptr()) };
        // SAFETY: from one of the others.
        unsafe { free(memory.cast()) };
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: glibc's function of this name has this type.
            let realloc: Realloc = unsafe { mem::transmute(real(&REALLOC).as_ptr()) };
            // SAFETY: from one of the others.
            return unsafe { realloc(old.cast(), size) }.cast();
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
