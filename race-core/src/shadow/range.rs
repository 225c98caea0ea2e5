//! The shadow of raw memory, by address and exact to the byte.
//!
//! Memory is shadowed in [lines](super::line) of 64 bytes, found through a [directory](super::directory). There are none unless [`handed_out`] sees
//! which memory changes hands. Nothing here may know who calls: a wrapper or an instrumented program.

use std::ops::Range;
use std::panic::Location;

use crate::report;
use crate::shadow::blocks::{self, Block};
use crate::shadow::directory;
use crate::shadow::handed_out;
use crate::shadow::line::LINE;
use crate::shadow::state::{Access, Class, Conflicts};
use crate::stack::depot::Detail;
use crate::thread::local;
use crate::thread::state::ThreadState;

/// The lines of a range: for each, the address of its first byte, and the bytes covered.
pub(crate) fn lines(address: usize, size: usize) -> impl Iterator<Item = (usize, u64)> {
    let end = address.saturating_add(size);
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let start = at % LINE;
        let stop = LINE.min(start + (end - at));
        let here = (at - start, mask(start, stop - start));
        at = at.saturating_add(stop - start);
        Some(here)
    })
}

/// The mask of `size` bytes of a line, from this one on. Not of 0 bytes, nor beyond the end.
#[inline(always)]
fn mask(offset: usize, size: usize) -> u64 {
    (u64::MAX >> (LINE - size)) << offset
}

/// The addresses from the first to the last byte of `mask` in the line at `base`.
pub(crate) fn span(base: usize, mask: u64) -> Range<usize> {
    base + mask.trailing_zeros() as usize..base + LINE - mask.leading_zeros() as usize
}

/// A kind of access to raw memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// A plain load.
    Read,
    /// A plain store, or a load and a store.
    Write,
    /// An atomic load of any ordering.
    AtomicRead,
    /// An atomic store or read-modify-write of any ordering.
    AtomicWrite,
    /// `read_volatile`: a plain load, named in the report.
    VolatileRead,
    /// `write_volatile`: a plain store, named in the report.
    VolatileWrite,
}

impl AccessKind {
    fn parts(self) -> (Class, Detail) {
        match self {
            AccessKind::Read => (Class::Read, Detail::Plain),
            AccessKind::Write => (Class::Write, Detail::Plain),
            AccessKind::AtomicRead => (Class::AtomicRead, Detail::Plain),
            AccessKind::AtomicWrite => (Class::AtomicWrite, Detail::Plain),
            AccessKind::VolatileRead => (Class::Read, Detail::Volatile),
            AccessKind::VolatileWrite => (Class::Write, Detail::Volatile),
        }
    }
}

/// The calling thread accesses `size` bytes at `address`. Reports every earlier access to any of them that this races with.
///
/// The memory itself isn't touched, so any address will do; accesses of 0 bytes are none. Atomic accesses order nothing by
/// themselves: that is [`crate::sync::atomic`]'s part.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::shadow::range::{self, AccessKind};
///
/// let buffer = [0u8; 64];
/// range::access(buffer.as_ptr().addr() + 3, 6, AccessKind::Read, Some(Location::caller()));
/// ```
#[inline]
pub fn access(
    address: usize,
    size: usize,
    kind: AccessKind,
    site: Option<&'static Location<'static>>,
) {
    let (class, detail) = kind.parts();
    if size == 0 || size <= LINE && is_noted(address, size, class) {
        return;
    }
    access_slow(address, size, class, detail, site);
}

/// [`access`] to a number of bytes that the compiler knows: what it has to look at is then a matter of a few instructions.
#[inline(always)]
pub fn access_sized<const SIZE: usize>(
    address: usize,
    kind: AccessKind,
    site: Option<&'static Location<'static>>,
) {
    const { assert!(SIZE > 0 && SIZE <= LINE) };
    let (class, detail) = kind.parts();
    if !is_noted(address, SIZE, class) {
        access_slow(address, SIZE, class, detail, site);
    }
}

/// Whether a plain access is known at a glance to have been recorded in this epoch. `size` is at most that of a line, and not 0.
#[inline(always)]
fn is_noted(address: usize, size: usize, class: Class) -> bool {
    let offset = address % LINE;
    size <= LINE - offset
        && directory::line(address)
            .is_some_and(|line| line.is_noted(mask(offset, size), class, local::epoch_word()))
}

#[inline(never)]
fn access_slow(
    address: usize,
    size: usize,
    class: Class,
    detail: Detail,
    site: Option<&'static Location<'static>>,
) {
    local::enter_unordered(|thread| access_by(thread, address, size, class, detail, site));
}

/// An access of `thread`, inside the engine.
pub(crate) fn access_by(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    class: Class,
    detail: Detail,
    site: Option<&'static Location<'static>>,
) {
    if !handed_out::is_seen() {
        return;
    }
    let mut context = None;
    let mut conflicts = Conflicts::new();
    let mut bytes = 0..0;
    for (base, mask) in lines(address, size) {
        let Some(line) = directory::line_or_new(base) else {
            continue;
        };
        // A free is recorded over the thread's own write, or a later use would be reported against that.
        if detail != Detail::Free && line.is_recorded(mask, class, thread.epoch()) {
            continue;
        }
        let context = Some(*context.get_or_insert_with(|| thread.access_context(site, detail)));
        let raced = line.access(thread, mask, class, context, &mut conflicts);
        if raced != 0 {
            let span = span(base, raced);
            if bytes.is_empty() {
                bytes.start = span.start;
            }
            bytes.end = span.end;
        }
    }
    if !conflicts.is_empty() {
        let access = Access {
            epoch: thread.epoch(),
            class,
            context,
        };
        report_race(thread, access, &conflicts, bytes);
    }
}

#[cold]
#[inline(never)]
fn report_race(
    thread: &mut ThreadState,
    access: Access,
    conflicts: &Conflicts,
    bytes: Range<usize>,
) {
    let place = report::Place {
        address: bytes.start,
        size: bytes.len(),
        name: None,
        label: None,
        created: None,
        block: blocks::around(bytes.start),
    };
    report::found(thread, access, conflicts, place);
}

/// Whatever was recorded of `size` bytes at `address` is forgotten: they belong to something else now.
pub fn forget(address: usize, size: usize) {
    local::enter_bare(|| forget_inside(address, size));
}

/// [`forget`], inside the engine.
pub(crate) fn forget_inside(address: usize, size: usize) {
    blocks::remove(address, size);
    for (base, mask) in lines(address, size) {
        if let Some(line) = directory::line(base) {
            line.forget(mask);
        }
    }
}

/// `size` bytes at `address` have just been allocated: what was recorded of the memory that was there before is forgotten, and reports
/// about these bytes say who allocated them where.
pub fn allocated(address: usize, size: usize, site: Option<&'static Location<'static>>) {
    local::enter_unordered(|thread| {
        forget_inside(address, size);
        if handed_out::is_seen() {
            blocks::add(Block {
                address,
                size,
                epoch: thread.epoch(),
                context: thread.context(site, Detail::Plain),
            });
        }
    });
}

/// `size` bytes at `address` are about to be freed: a write to all of them. A use that isn't ordered before is a race, and so is
/// one that comes later without an allocation in between.
pub fn freed(address: usize, size: usize, site: Option<&'static Location<'static>>) {
    access_slow(address, size, Class::Write, Detail::Free, site);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cover_a_range_exactly() {
        let all: Vec<_> = lines(3 * LINE - 3, LINE + 4).collect();
        assert_eq!(
            all,
            [(2 * LINE, 0b111 << 61), (3 * LINE, u64::MAX), (4 * LINE, 1)]
        );
        assert_eq!(lines(LINE, 0).count(), 0);
        assert_eq!(lines(usize::MAX - 3, 100).count(), 1);
        for (base, mask) in all {
            assert_eq!(span(base, mask).len(), mask.count_ones() as usize);
        }
    }
}
