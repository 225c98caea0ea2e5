//! Heap blocks of an instrumented program: who allocated them, and that taking one back is a write to all of it.
//!
//! What comes from inside the engine is the engine's memory, and is left alone; so is what libc does before a thread's start and after its end.

use crate::Position;
use crate::instrumented::allocator;
use crate::shadow::blocks;
use crate::shadow::handed_out::handed_out;
use crate::shadow::range::{self, AccessKind};
use crate::shadow::state::Class;
use crate::stack::depot::Detail;
use crate::sync::{addressed, outlying};
use crate::thread::local;
use crate::thread::state::{Site, ThreadState};

/// Mappings larger than this aren't looked through.
const LARGEST: usize = 1 << 32;

fn site(caller: usize) -> Site {
    Some(Position::of_code(caller))
}

/// `size` bytes at `address` have been allocated: what was recorded of the memory that was there before is forgotten.
#[inline]
pub(crate) fn allocated(address: usize, size: usize, caller: usize) {
    let known = local::enter_known(|thread| {
        addressed::forget_inside(address, size);
        range::allocated_by(thread, address, size, site(caller));
    });
    if known.is_none() {
        handed_out(address, size);
    }
}

/// As [`allocated`], where what was recorded of the memory has just been forgotten.
#[inline]
pub(crate) fn remembered(address: usize, size: usize, caller: usize) {
    local::enter_known(|thread| range::remembered_by(thread, address, size, site(caller)));
}

/// The block at `address` is about to be freed. Its size, if it is known.
#[inline]
pub(crate) fn freed(address: usize, caller: usize) -> Option<usize> {
    local::enter_known(|thread| {
        thread.atomic_reads.forget();
        let size = blocks::free(address)?;
        write(thread, address, size, caller);
        Some(size)
    })
    .flatten()
}

/// As [`freed`], a block of so many bytes: known or not.
pub(crate) fn freed_whole(address: usize, size: usize, caller: usize) {
    local::enter_known(|thread| {
        thread.atomic_reads.forget();
        blocks::free(address);
        write(thread, address, size, caller);
    });
}

/// A block that was about to be freed was moved to `new` with its first `size` bytes; or stays where it is, if that is 0.
pub(crate) fn moved(old: usize, new: usize, size: usize, caller: usize) {
    if new == 0 {
        local::enter_known(|_| blocks::keep(old));
    } else {
        range::access(new, size, AccessKind::Write, site(caller));
    }
}

/// `size` bytes at `address` are about to be unmapped: by an allocator, if there are freed blocks among them.
pub(crate) fn unmapped(address: usize, size: usize, caller: usize) {
    allocator::inside(|| {
        local::enter_known(|thread| {
            thread.atomic_reads.forget();
            if size <= LARGEST {
                write(thread, address, size, caller);
            }
        });
    });
}

fn write(thread: &mut ThreadState, address: usize, size: usize, caller: usize) {
    range::access_by(
        thread,
        address,
        size,
        Class::Write,
        Detail::Free,
        site(caller),
    );
    outlying::forget(address, size);
}
