//! The shadow of raw memory, by address and exact to the byte.
//!
//! Memory is shadowed in lines of 64 bytes (`shadow::line`), found through `shadow::directory`. There are none unless `handed_out` sees
//! which memory changes hands. Nothing here may know who calls: a wrapper or an instrumented program.

use std::ops::Range;
use std::panic::Location;

use crate::report;
use crate::shadow::blocks::{self, Block};
use crate::shadow::cell::Label;
use crate::shadow::directory;
use crate::shadow::handed_out;
use crate::shadow::line::{self, LINE, Line, extend, mask};
use crate::shadow::page::{PAGE, Part};
use crate::shadow::state::{Access, Class, Conflicts};
use crate::stack::depot::{self, ContextId, Detail};
use crate::stack::position::Position;
use crate::thread::local;
use crate::thread::state::{Site, ThreadState};

/// Shadow of blocks of this size is given back to the system when they are freed, as `malloc` gives back the blocks.
#[cfg(target_os = "linux")]
const LARGE: usize = 256 << 10;

/// The parts of a range that lie in one page each: where they start, and their size.
fn parts(address: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = address.saturating_add(size);
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let start = at;
        at = (at / PAGE + 1).saturating_mul(PAGE).min(end);
        Some((start, at - start))
    })
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
pub fn access(address: usize, size: usize, kind: AccessKind, site: Option<impl Into<Position>>) {
    let (class, detail) = kind.parts();
    let site = site.map(Into::into);
    if size.wrapping_sub(1) < LINE {
        access_few(address, size, class, detail, site);
    } else {
        access_lines(address, size, class, detail, site);
    }
}

/// [`access`] of instrumented code to a number of bytes that the compiler knows, if it is not noted.
#[inline(always)]
pub fn access_unnoted<const SIZE: usize>(address: usize, kind: AccessKind, site: Position) {
    const { assert!(SIZE > 0 && SIZE <= LINE) };
    let (class, detail) = kind.parts();
    let offset = address % LINE;
    if SIZE > LINE - offset {
        access_lines(address, SIZE, class, detail, Some(site));
    } else if class == Class::Write {
        access_line_of::<true>(address, mask(offset, SIZE), detail, site);
    } else {
        access_line_of::<false>(address, mask(offset, SIZE), detail, site);
    }
}

/// [`access_line`] for one class of plain accesses, if it races with nothing, as far as is seen at a glance: that is what most accesses come to that aren't noted.
#[inline(never)]
fn access_line_of<const WRITES: bool>(address: usize, mask: u64, detail: Detail, site: Position) {
    let class = if WRITES { Class::Write } else { Class::Read };
    if !access_known(address, mask, class, detail, site) {
        access_line(address, mask, class, detail, Some(site));
    }
}

/// False if there is more to it: then nothing has been done.
#[inline(always)]
fn access_known(address: usize, mask: u64, class: Class, detail: Detail, site: Position) -> bool {
    let Some(line) = directory::open_line(address) else {
        return false;
    };
    let Some(mut entered) = local::known() else {
        return false;
    };
    record_known(entered.state(), line, mask, class, detail, site)
}

/// Looks first whether the access is recorded already: a thread that waits loads again and again.
#[inline(always)]
fn record_known(
    thread: &mut ThreadState,
    line: &Line,
    mask: u64,
    class: Class,
    detail: Detail,
    site: Position,
) -> bool {
    if line.is_kept(mask, class, thread.epoch()) {
        return true;
    }
    let Some(context) = thread.known_access_context(site, detail) else {
        return false;
    };
    line.access_known(thread, mask, class, context)
}

/// An access to no more than a line's bytes, and to some.
#[inline(always)]
fn access_few(address: usize, size: usize, class: Class, detail: Detail, site: Site) {
    let offset = address % LINE;
    if size > LINE - offset {
        return access_lines(address, size, class, detail, site);
    }
    let mask = mask(offset, size);
    if !is_noted(address, mask, class) {
        access_line(address, mask, class, detail, site);
    }
}

/// A read after the thread's own write in one epoch, and whatever it has done before in it, is known at a glance.
#[inline(always)]
fn is_noted(address: usize, mask: u64, class: Class) -> bool {
    let is_noted = |line: &Line| line.is_noted(mask, class, local::epoch_word());
    directory::near_line(address).is_some_and(is_noted)
}

/// An access to bytes of several lines.
fn access_lines(address: usize, size: usize, class: Class, detail: Detail, site: Site) {
    if line::lines(address, size).all(|(base, mask)| is_noted(base, mask, class)) {
        return;
    }
    if !site.is_some_and(|site| access_known_lines(address, size, class, detail, site)) {
        access_slow(address, size, class, detail, site);
    }
}

/// As [`access_known`]; if it returns false, some of the lines may have been recorded, which does no harm to who does it again.
fn access_known_lines(
    address: usize,
    size: usize,
    class: Class,
    detail: Detail,
    site: Position,
) -> bool {
    // More than that is likely to be all of a page, which has a state of its own.
    if size > PAGE {
        return false;
    }
    let Some(mut entered) = local::known() else {
        return false;
    };
    let thread = entered.state();
    let Some(context) = thread.known_access_context(site, detail) else {
        return false;
    };
    line::lines(address, size).all(|(base, mask)| {
        directory::open_line(base).is_some_and(|line| {
            line.is_recorded(mask, class, thread.epoch())
                || line.access_known(thread, mask, class, context)
        })
    })
}

/// [`access_slow`] to bytes of one line, which nearly every access is.
#[inline(never)]
fn access_line(address: usize, mask: u64, class: Class, detail: Detail, site: Site) {
    local::enter_unordered(|thread| access_line_by(thread, address, mask, class, detail, site));
}

/// An access of `thread` to bytes of one line that isn't noted, inside the engine.
#[inline(always)]
fn access_line_by(
    thread: &mut ThreadState,
    address: usize,
    mask: u64,
    class: Class,
    detail: Detail,
    site: Site,
) {
    let Some(line) = directory::open_line(address).or_else(|| open_line(address)) else {
        return;
    };
    if line.is_kept(mask, class, thread.epoch()) {
        return;
    }
    let context = thread.access_context(site, detail);
    let mut conflicts = Conflicts::new();
    let raced = line.access(thread, mask, class, Some(context), &mut conflicts);
    if raced != 0 {
        let bytes = line::span(address / LINE * LINE, raced);
        report_line(thread, class, context, &conflicts, bytes);
    }
}

#[cold]
#[inline(never)]
fn report_line(
    thread: &mut ThreadState,
    class: Class,
    context: ContextId,
    conflicts: &Conflicts,
    bytes: Range<usize>,
) {
    let access = Access {
        epoch: thread.epoch(),
        class,
        context: Some(context),
    };
    report_race(thread, access, conflicts, bytes);
}

/// The line of an address where there is none yet that tells.
#[cold]
#[inline(never)]
fn open_line(address: usize) -> Option<&'static Line> {
    if !handed_out::is_seen() {
        return None;
    }
    #[cfg(target_os = "linux")]
    directory::prepare(address);
    Some(directory::shadow_or_new(address)?.open_line(address))
}

/// An access of `thread` to a few bytes, inside the engine: those of one atomic.
#[inline]
pub(crate) fn access_few_by(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    class: Class,
    site: Position,
) {
    if class == Class::AtomicWrite {
        access_atomic::<true>(thread, address, size, site);
    } else {
        access_atomic::<false>(thread, address, size, site);
    }
}

/// One for each class, as [`access_line_of`].
#[inline(never)]
fn access_atomic<const WRITES: bool>(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    site: Position,
) {
    let class = if WRITES {
        Class::AtomicWrite
    } else {
        Class::AtomicRead
    };
    if access_known_by(thread, address, size, class, site) {
        return;
    }
    let offset = address % LINE;
    if size > LINE - offset {
        access_by(thread, address, size, class, Detail::Plain, Some(site));
    } else {
        let mask = mask(offset, size);
        access_line_by(thread, address, mask, class, Detail::Plain, Some(site));
    }
}

/// [`access_few_by`] if the access has been recorded, or races with nothing, as far as is seen at a glance. False if there is more to it: then nothing has been
/// done.
#[inline(always)]
pub(crate) fn access_known_by(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    class: Class,
    site: Position,
) -> bool {
    let offset = address % LINE;
    let Some(line) = directory::open_line(address) else {
        return false;
    };
    if size > LINE - offset {
        return false;
    }
    record_known(thread, line, mask(offset, size), class, Detail::Plain, site)
}

#[inline(never)]
fn access_slow(address: usize, size: usize, class: Class, detail: Detail, site: Site) {
    local::enter_unordered(|thread| access_by(thread, address, size, class, detail, site));
}

/// What a report says of a value that lies in raw memory.
#[derive(Debug)]
pub struct Description {
    /// Its type.
    pub name: String,
    /// What the program calls it, if that is known.
    pub label: Option<&'static Label>,
    /// Where it was made.
    pub created: &'static Location<'static>,
}

/// [`access`] to a value, of which more is known: `describe` says what, if there is a race.
pub fn access_value(
    address: usize,
    size: usize,
    kind: AccessKind,
    site: Option<impl Into<Position>>,
    describe: impl FnOnce() -> Description,
) {
    let (class, detail) = kind.parts();
    let site = site.map(Into::into);
    local::enter_unordered(|thread| {
        let raced = record(thread, address, size, class, detail, site);
        let Some((access, conflicts, _)) = raced else {
            return;
        };
        let value = describe();
        let place = report::Place {
            address,
            size,
            name: Some(value.name),
            label: value.label,
            created: Some(value.created),
            block: None,
        };
        report::found(thread, access, &conflicts, place);
    });
}

/// An access of `thread`, inside the engine.
pub(crate) fn access_by(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    class: Class,
    detail: Detail,
    site: Site,
) {
    let raced = record(thread, address, size, class, detail, site);
    if let Some((access, conflicts, bytes)) = raced {
        report_race(thread, access, &conflicts, bytes);
    }
}

/// Records an access, and returns it if it races, with what, and on which bytes.
fn record(
    thread: &mut ThreadState,
    address: usize,
    size: usize,
    class: Class,
    detail: Detail,
    site: Site,
) -> Option<(Access, Conflicts, Range<usize>)> {
    if !handed_out::is_seen() {
        return None;
    }
    let epoch = thread.epoch();
    let mut context = None;
    let mut conflicts = Conflicts::new();
    let mut bytes = 0..0;
    for (start, length) in parts(address, size) {
        let Some(shadow) = directory::shadow_or_new(start) else {
            continue;
        };
        let part = Part {
            start,
            length,
            class,
            // A free is recorded over the thread's own write, or a later use would be reported against that.
            again: detail == Detail::Free,
        };
        let raced = shadow.access(
            thread,
            part,
            |thread| *context.get_or_insert_with(|| thread.access_context(site, detail)),
            &mut conflicts,
        );
        extend(&mut bytes, raced);
    }
    #[cfg(target_os = "linux")]
    if detail == Detail::Free && size >= LARGE {
        directory::close(address, size, |page| page.close(epoch, context));
    }
    let access = Access {
        epoch: thread.epoch(),
        class,
        context,
    };
    (!conflicts.is_empty()).then_some((access, conflicts, bytes))
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
    forget_accesses(address, size);
}

fn forget_accesses(address: usize, size: usize) {
    let end = address.saturating_add(size);
    let mut at = address;
    while at < end {
        let next = (at / PAGE + 1).saturating_mul(PAGE).min(end);
        match directory::shadow(at) {
            Ok(shadow) => shadow.forget(at, next - at),
            Err(none_until) => {
                at = none_until;
                continue;
            }
        }
        at = next;
    }
}

/// `size` bytes at `address` have just been allocated: what was recorded of the memory that was there before is forgotten, and reports
/// about these bytes say who allocated them where.
pub fn allocated(address: usize, size: usize, site: Option<impl Into<Position>>) {
    let site = site.map(Into::into);
    local::enter_unordered(|thread| {
        if handed_out::is_seen() {
            allocated_by(thread, address, size, site);
        }
    });
}

/// [`allocated`] by `thread`, inside the engine.
#[inline]
pub(crate) fn allocated_by(thread: &mut ThreadState, address: usize, size: usize, site: Site) {
    forget_accesses(address, size);
    remembered_by(thread, address, size, site);
}

/// As [`allocated_by`], where what was recorded of the memory has just been forgotten.
#[inline]
pub(crate) fn remembered_by(thread: &mut ThreadState, address: usize, size: usize, site: Site) {
    blocks::add(Block {
        address,
        size,
        epoch: thread.epoch(),
        context: thread.context(site, Detail::Plain),
        freed: false,
    });
}

/// Who freed the block, and where, if that is still recorded of its first bytes or its last.
#[cold]
pub(crate) fn freed_by(block: &Block) -> Option<Access> {
    let mut writes = Conflicts::new();
    let end = block.address + block.size;
    let last = block.address.max(end.saturating_sub(PAGE));
    for (start, length) in [(block.address, block.size.min(PAGE)), (last, end - last)] {
        for (start, length) in parts(start, length) {
            if let Ok(shadow) = directory::shadow(start) {
                shadow.add_writes(start, length, &mut writes);
            }
        }
    }
    let is_free = |access: &Access| {
        (access.context).is_some_and(|context| depot::get(context).detail == Detail::Free)
    };
    writes.into_iter().find(is_free)
}

/// `size` bytes at `address` are about to be freed: a write to all of them. A use that isn't ordered before is a race, and so is
/// one that comes later without an allocation in between.
pub fn freed(address: usize, size: usize, site: Option<impl Into<Position>>) {
    let site = site.map(Into::into);
    access_slow(address, size, Class::Write, Detail::Free, site);
}
