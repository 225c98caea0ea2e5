//! `std::alloc`'s functions: each calls `std`'s, and records what became of the block.
//!
//! A free is recorded before the memory is given back: afterwards it may be somebody else's at once.

use std::alloc as real;
use std::alloc::Layout;
use std::panic::Location;

use crate::shadow::{AccessKind, range};

/// As `std::alloc::alloc`. Reports about the memory name the place of the call.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// use racecheck::alloc::{Layout, alloc, dealloc};
///
/// let layout = Layout::new::<u64>();
/// // SAFETY: the layout has a size; what is allocated is freed with it.
/// unsafe { dealloc(alloc(layout), layout) };
/// ```
#[track_caller]
pub unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: as the caller promises.
    let block = unsafe { real::alloc(layout) };
    if !block.is_null() {
        range::allocated(block.addr(), layout.size(), Some(Location::caller()));
    }
    block
}

/// As `std::alloc::alloc_zeroed`: a write of the zeros.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// use racecheck::alloc::{Layout, alloc_zeroed, dealloc};
///
/// let layout = Layout::new::<u64>();
/// // SAFETY: the layout has a size; what is allocated is freed with it.
/// unsafe {
///     let block = alloc_zeroed(layout);
///     assert_eq!(*block, 0);
///     dealloc(block, layout);
/// }
/// ```
#[track_caller]
pub unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    // SAFETY: as the caller promises.
    let block = unsafe { real::alloc_zeroed(layout) };
    if !block.is_null() {
        begin(block, layout.size(), layout.size(), Location::caller());
    }
    block
}

/// As `std::alloc::dealloc`: a write of the whole block, called "free" in reports.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// use racecheck::alloc::{Layout, alloc, dealloc};
///
/// let layout = Layout::array::<u16>(8).unwrap();
/// // SAFETY: the layout has a size; what is allocated is freed with it.
/// unsafe { dealloc(alloc(layout), layout) };
/// ```
#[track_caller]
pub unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    range::freed(ptr.addr(), layout.size(), Some(Location::caller()));
    // SAFETY: as the caller promises.
    unsafe { real::dealloc(ptr, layout) };
}

/// As `std::alloc::realloc`: a free of the old block, and a write of what the new one has from it, whether or not it is at the same place.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// use racecheck::alloc::{Layout, alloc_zeroed, dealloc, realloc};
///
/// let layout = Layout::new::<u64>();
/// // SAFETY: the layouts have a size; what is allocated is freed with the size that it has then.
/// unsafe {
///     let block = realloc(alloc_zeroed(layout), layout, 16);
///     assert_eq!(*block, 0);
///     dealloc(block, Layout::from_size_align(16, layout.align()).unwrap());
/// }
/// ```
#[track_caller]
pub unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    let site = Location::caller();
    let old = ptr.addr();
    range::freed(old, layout.size(), Some(site));
    // SAFETY: as the caller promises.
    let block = unsafe { real::realloc(ptr, layout, new_size) };
    if block.is_null() {
        // It wasn't freed after all. Whether an access before this races with one after it, nobody knows any more.
        range::allocated(old, layout.size(), Some(site));
    } else {
        begin(block, new_size, layout.size().min(new_size), site);
    }
    block
}

/// A block begins, with values in its first `written` bytes.
fn begin(block: *mut u8, size: usize, written: usize, site: &'static Location<'static>) {
    range::allocated(block.addr(), size, Some(site));
    range::access(block.addr(), written, AccessKind::Write, Some(site));
}
