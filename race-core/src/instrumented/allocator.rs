//! The program's global allocator, whoever implements it: what it gives out and takes back is told around each call.
//!
//! Between its free and the next allocation a block is the allocator's. What that does with the memory then is no race, with whatever happened there: how an
//! allocator hands memory from thread to thread may be seen, if it is one in Rust, or not, if it calls one in C, and it is trusted in either case. And what it
//! gets from `malloc`, or gives back to that, is no block of the program's. Everything else that it does counts: two threads race in an allocator's own
//! variables as they do elsewhere.
//!
//! Nothing here may know how an allocator is found, or called.

use std::cell::Cell;

use crate::instrumented::{self, memory};
use crate::shadow::blocks::Block;
use crate::shadow::handed_out::{are_partly_seen, handed_out, handed_out_by};
use crate::shadow::state::Access;
use crate::stack::depot::{self, Detail};

thread_local! {
    /// How many calls of the allocator the thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether the calling thread is in the program's allocator: what `malloc` and its like do is then the allocator's business.
#[inline]
pub(crate) fn is_inside() -> bool {
    DEPTH.get() != 0
}

#[inline]
pub(crate) fn inside<R>(run: impl FnOnce() -> R) -> R {
    // Not by a guard: an allocator mustn't unwind, and nothing is lost if it does.
    DEPTH.set(DEPTH.get() + 1);
    let result = run();
    DEPTH.set(DEPTH.get() - 1);
    result
}

/// Whether what the calling thread does is the allocator's business, to which the memory was freed: that of `block`, or what `earlier` has freed.
pub(crate) fn has_been_given(block: Option<Block>, earlier: Access) -> bool {
    let is_free = |context| depot::get(context).detail == Detail::Free;
    is_inside() && (block.is_some_and(|block| block.freed) || earlier.context.is_some_and(is_free))
}

/// The calls are not all told. What the allocator doesn't have from `malloc` could then change hands unseen: if there is such, nothing is recorded from then on.
pub fn is_partly_told() {
    are_partly_seen();
}

/// An allocation of `size` bytes, which `real` makes, called from the code at `caller`.
///
/// # Example
///
/// ```
/// use race_core::instrumented::allocator;
///
/// let mut memory = [0u8; 64];
/// let start = memory.as_mut_ptr();
/// assert_eq!(allocator::allocate(64, 0x1000, || start), start);
/// ```
#[inline]
pub fn allocate(size: usize, caller: usize, real: impl FnOnce() -> *mut u8) -> *mut u8 {
    let (memory, is_forgotten) = handed_out_by(size, || inside(real));
    if memory.is_null() {
        return memory;
    }
    match (instrumented::is_on(), is_forgotten) {
        (true, true) => memory::remembered(memory.addr(), size, caller),
        (true, false) => memory::allocated(memory.addr(), size, caller),
        (false, true) => {}
        (false, false) => handed_out(memory.addr(), size),
    }
    memory
}

/// The free of a block of `size` bytes, which `real` makes: a write to all of it, before it happens.
///
/// # Example
///
/// ```
/// use race_core::instrumented::allocator;
///
/// let memory = [0u8; 64];
/// allocator::free(memory.as_ptr().addr(), 64, 0x1000, || ());
/// ```
#[inline]
pub fn free(address: usize, size: usize, caller: usize, real: impl FnOnce()) {
    if instrumented::is_on() {
        memory::freed_whole(address, size, caller);
    }
    inside(real);
}

/// A block of `size` bytes becomes one of `new_size`, which `real` makes: the old one is freed and another one allocated, be it in the same place.
///
/// # Example
///
/// ```
/// use race_core::instrumented::allocator;
///
/// let mut memory = [0u8; 64];
/// let start = memory.as_mut_ptr();
/// assert_eq!(allocator::reallocate(start.addr(), 16, 64, 0x1000, || start), start);
/// ```
#[inline]
pub fn reallocate(
    old: usize,
    size: usize,
    new_size: usize,
    caller: usize,
    real: impl FnOnce() -> *mut u8,
) -> *mut u8 {
    if !instrumented::is_on() {
        return inside(real);
    }
    memory::freed_whole(old, size, caller);
    let memory = allocate(new_size, caller, real);
    memory::moved(old, memory.addr(), size.min(new_size), caller);
    memory
}
