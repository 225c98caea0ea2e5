//! The shadow of raw memory, by address and exact to the byte.
//!
//! Memory is shadowed in granules of 8 bytes, found through pages of 4 KiB. A granule whose accesses all cover the same bytes keeps one
//! state, packed as in a [`super::cell`]; one that is accessed in different shares keeps a list of shares, which split where accesses cut
//! them. So 8-byte accesses cost 4 bytes of shadow a byte, and overlaps of any size and offset are found exactly.
//!
//! Pages are never given back: threads keep pointers to them. There are none unless [`handed_out`] sees which memory changes hands. Nothing here may know who calls: a wrapper or an instrumented program.

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::fork::PerProcess;
use crate::primitive::sync::atomic::AtomicU64;
use crate::report;
use crate::runtime;
use crate::shadow::blocks::{self, Block};
use crate::shadow::handed_out;
use crate::shadow::state::{Access, Class, Conflicts, State};
use crate::shadow::word::{LockedWords, Words};
use crate::stack::depot::{ContextId, Detail};
use crate::stack::position::Position;
use crate::thread::local;
use crate::thread::state::{Site, ThreadState};

const GRANULE: usize = 8;
pub(crate) const PAGE: usize = 4096;
const SHARES: u64 = 1 << 63;

/// The bytes of a granule that one access covered, with their state.
struct Share {
    mask: u8,
    state: State,
}

#[derive(Default)]
pub(crate) struct Granule {
    /// The state of the bytes in `extent`, and the lock for all of the granule.
    words: Words,
    /// Which bytes `words` speaks of; or, with bit 63, a pointer to shares that replace it. 0: never accessed.
    extent: AtomicU64,
}

impl Granule {
    /// The states, as shares with disjoint masks; `put_shares` must follow.
    fn take_shares(&self, locked: &mut LockedWords<'_>) -> Vec<Share> {
        let extent = self.extent.load(Relaxed);
        if extent & SHARES != 0 {
            let shares =
                ptr::with_exposed_provenance_mut::<Vec<Share>>((extent & !SHARES) as usize);
            self.extent.store(0, Relaxed);
            // SAFETY: `put_shares` made the pointer with `Box::into_raw`; only the holder of the lock reads or replaces it, and it
            // was just replaced.
            *unsafe { Box::from_raw(shares) }
        } else if extent == 0 {
            Vec::new()
        } else {
            vec![Share {
                mask: extent as u8,
                state: locked.take(),
            }]
        }
    }

    fn put_shares(&self, locked: LockedWords<'_>, mut shares: Vec<Share>) {
        let one = (shares.len() == 1).then(|| shares.pop()).flatten();
        if let Some(Share { mask, state }) = one {
            // Released after the words are written, below: who sees a new extent sees the words it speaks of.
            locked.put_with(state, || self.extent.store(u64::from(mask), Release));
        } else {
            let extent = if shares.is_empty() {
                0
            } else {
                Box::into_raw(Box::new(shares)).expose_provenance() as u64 | SHARES
            };
            locked.put_with(State::default(), || self.extent.store(extent, Release));
        }
    }

    /// Whether a plain access to exactly the bytes in `mask` has been recorded in the epoch `word`.
    #[inline]
    pub(crate) fn is_recorded(&self, mask: u8, class: Class, word: u64) -> bool {
        self.extent.load(Acquire) == u64::from(mask)
            && match class {
                Class::Read => self.words.is_read_in(word),
                Class::Write => self.words.is_written_in(word),
                Class::AtomicRead | Class::AtomicWrite => false,
            }
    }

    /// The accesses that this one races with, and the bytes that they have in common with it.
    pub(crate) fn access(
        &self,
        thread: &ThreadState,
        mask: u8,
        class: Class,
        context: Option<ContextId>,
    ) -> (Conflicts, u8) {
        let mut locked = self.words.lock();
        let extent = self.extent.load(Relaxed);
        if extent == 0 || extent == u64::from(mask) {
            let mut state = locked.take();
            let conflicts = state.access(thread, class, context);
            locked.put_with(state, || self.extent.store(u64::from(mask), Release));
            return (conflicts, mask);
        }
        let mut shares = self.take_shares(&mut locked);
        let mut conflicts = Conflicts::new();
        let mut common = 0;
        let mut untouched = mask;
        split(&mut shares, mask);
        for share in shares.iter_mut().filter(|share| share.mask & mask != 0) {
            untouched &= !share.mask;
            let of_share = share.state.access(thread, class, context);
            if !of_share.is_empty() {
                common |= share.mask;
            }
            for conflict in of_share {
                if !conflicts.contains(&conflict) {
                    conflicts.push(conflict);
                }
            }
        }
        if untouched != 0 {
            let mut state = State::default();
            state.access(thread, class, context);
            shares.push(Share {
                mask: untouched,
                state,
            });
        }
        merge(&mut shares);
        self.put_shares(locked, shares);
        (conflicts, common)
    }

    pub(crate) fn forget(&self, mask: u8) {
        if self.extent.load(Acquire) == 0 {
            return;
        }
        let mut locked = self.words.lock();
        let mut shares = self.take_shares(&mut locked);
        split(&mut shares, mask);
        shares.retain(|share| share.mask & mask == 0);
        self.put_shares(locked, shares);
    }
}

/// Cuts the shares so that each lies within `mask` or outside.
fn split(shares: &mut Vec<Share>, mask: u8) {
    for index in 0..shares.len() {
        let share = &mut shares[index];
        let (inside, outside) = (share.mask & mask, share.mask & !mask);
        if inside != 0 && outside != 0 {
            share.mask = inside;
            let state = share.state.clone();
            shares.push(Share {
                mask: outside,
                state,
            });
        }
    }
}

/// Joins shares with the same state again: one wide access covers what narrow ones had cut.
fn merge(shares: &mut Vec<Share>) {
    let mut index = 0;
    while index < shares.len() {
        let twin = shares[..index]
            .iter()
            .position(|share| share.state == shares[index].state);
        match twin {
            Some(twin) => {
                let removed = shares.remove(index);
                shares[twin].mask |= removed.mask;
            }
            None => index += 1,
        }
    }
}

pub(crate) struct Page {
    pub(crate) granules: [Granule; PAGE / GRANULE],
}

impl Page {
    pub(crate) fn empty() -> Page {
        Page {
            granules: std::array::from_fn(|_| Granule::default()),
        }
    }

    /// None when memory is short, which is said once: whatever lies in such a page isn't checked.
    fn new() -> Option<&'static Page> {
        let mut page: Vec<Page> = Vec::new();
        if page.try_reserve_exact(1).is_err() {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                runtime::say(format_args!("racecheck: out of memory: accesses to raw memory are no longer checked where there were none before\n"));
            });
            return None;
        }
        page.push(Page::empty());
        page.leak().first()
    }
}

static PAGES: PerProcess<DashMap<usize, &'static Page>> = PerProcess::new();

thread_local! {
    /// The page that this thread used last.
    static LAST: Cell<Option<(usize, &'static Page)>> = const { Cell::new(None) };
}

/// After a `fork`, the child has pages of its own.
#[cfg(unix)]
pub(crate) fn forget_last_page() {
    LAST.set(None);
}

#[inline]
fn last_page(number: usize) -> Option<&'static Page> {
    LAST.get()
        .and_then(|(last, page)| (last == number).then_some(page))
}

/// The page with this number, if anything in it has been accessed.
fn known_page(number: usize) -> Option<&'static Page> {
    let page = last_page(number).or_else(|| PAGES.get().get(&number).map(|page| *page))?;
    LAST.set(Some((number, page)));
    Some(page)
}

fn page(number: usize) -> Option<&'static Page> {
    known_page(number).or_else(|| {
        if !handed_out::is_seen() {
            return None;
        }
        let page = match PAGES.get().entry(number) {
            Entry::Occupied(page) => *page.get(),
            Entry::Vacant(place) => *place.insert(Page::new()?),
        };
        LAST.set(Some((number, page)));
        Some(page)
    })
}

/// The granules of a range: for each, its page, its index there, and the bytes covered.
pub(crate) fn granules(address: usize, size: usize) -> impl Iterator<Item = (usize, usize, u8)> {
    let end = address.saturating_add(size);
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let start = at % GRANULE;
        let stop = GRANULE.min(start + (end - at));
        let mask = (u8::MAX >> (GRANULE - (stop - start))) << start;
        let here = (at / PAGE, at % PAGE / GRANULE, mask);
        at = at.saturating_add(stop - start);
        Some(here)
    })
}

/// The addresses from the first to the last byte of `mask` in a granule.
pub(crate) fn span(page: usize, index: usize, mask: u8) -> Range<usize> {
    let base = page * PAGE + index * GRANULE;
    base + mask.trailing_zeros() as usize..base + GRANULE - mask.leading_zeros() as usize
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
    let offset = address % GRANULE;
    if size != 0
        && size <= GRANULE - offset
        && let Some(page) = last_page(address / PAGE)
    {
        let mask = (u8::MAX >> (GRANULE - size)) << offset;
        if page.granules[address % PAGE / GRANULE].is_recorded(mask, class, local::epoch_word()) {
            return;
        }
    }
    access_slow(address, size, class, detail, site.map(Into::into));
}

#[inline(never)]
fn access_slow(address: usize, size: usize, class: Class, detail: Detail, site: Site) {
    if size == 0 {
        return;
    }
    local::enter_unordered(|thread| access_by(thread, address, size, class, detail, site));
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
    let context = Some(thread.access_context(site, detail));
    let mut found: Option<(Range<usize>, Conflicts)> = None;
    for (number, index, mask) in granules(address, size) {
        let Some(page) = page(number) else {
            continue;
        };
        let granule = &page.granules[index];
        // A free is recorded over the thread's own write, or a later use would be reported against that.
        if detail != Detail::Free && granule.is_recorded(mask, class, thread.epoch().bits()) {
            continue;
        }
        let (conflicts, common) = granule.access(thread, mask, class, context);
        if !conflicts.is_empty() {
            let span = span(number, index, common);
            let (bytes, all) = found.get_or_insert_with(|| (span.clone(), Conflicts::new()));
            bytes.end = span.end;
            all.extend(
                conflicts
                    .into_iter()
                    .filter(|conflict| !all.contains(conflict))
                    .collect::<Conflicts>(),
            );
        }
    }
    if let Some((bytes, conflicts)) = found {
        let access = Access {
            epoch: thread.epoch(),
            class,
            context,
        };
        let place = report::Place {
            address: bytes.start,
            size: bytes.len(),
            name: None,
            label: None,
            created: None,
            block: blocks::around(bytes.start),
        };
        report::found(thread, access, &conflicts, place);
    }
}

/// Whether anything was recorded in the page that an address is in. Inside the engine.
pub(crate) fn has_page(address: usize) -> bool {
    known_page(address / PAGE).is_some()
}

/// Whatever was recorded of `size` bytes at `address` is forgotten: they belong to something else now.
pub fn forget(address: usize, size: usize) {
    local::enter_bare(|| forget_inside(address, size));
}

/// [`forget`], inside the engine.
pub(crate) fn forget_inside(address: usize, size: usize) {
    blocks::remove(address, size);
    let end = address.saturating_add(size);
    let mut at = address;
    while at < end {
        let next = (at / PAGE + 1).saturating_mul(PAGE).min(end);
        if let Some(page) = known_page(at / PAGE) {
            for (_, index, mask) in granules(at, next - at) {
                page.granules[index].forget(mask);
            }
        }
        at = next;
    }
}

/// `size` bytes at `address` have just been allocated: what was recorded of the memory that was there before is forgotten, and reports
/// about these bytes say who allocated them where.
pub fn allocated(address: usize, size: usize, site: Option<impl Into<Position>>) {
    local::enter_unordered(|thread| {
        forget_inside(address, size);
        if handed_out::is_seen() {
            blocks::add(Block {
                address,
                size,
                epoch: thread.epoch(),
                context: thread.context(site.map(Into::into), Detail::Plain),
                freed: None,
            });
        }
    });
}

/// `size` bytes at `address` are about to be freed: a write to all of them. A use that isn't ordered before is a race, and so is
/// one that comes later without an allocation in between.
pub fn freed(address: usize, size: usize, site: Option<impl Into<Position>>) {
    access_slow(
        address,
        size,
        Class::Write,
        Detail::Free,
        site.map(Into::into),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn granules_cover_a_range_exactly() {
        let all: Vec<_> = granules(PAGE - 3, 12).collect();
        assert_eq!(
            all,
            [
                (0, PAGE / GRANULE - 1, 0b1110_0000),
                (1, 0, 0b1111_1111),
                (1, 1, 0b0000_0001)
            ]
        );
        assert_eq!(granules(16, 0).count(), 0);
        assert_eq!(granules(usize::MAX - 3, 100).count(), 1);
    }

    /// Its pages are others, and threads that it starts would not find what it records in its parent's.
    #[cfg(unix)]
    #[test]
    fn the_child_of_a_fork_looks_for_its_pages_anew() {
        let number = usize::MAX / PAGE - 1;
        assert!(last_page(number).is_none());
        // As in the engine: what it allocates has no past to be forgotten.
        let is_there = local::enter_bare(|| page(number).is_some());
        assert_eq!(is_there, Some(true));
        assert!(last_page(number).is_some() && last_page(number - 1).is_none());
        forget_last_page();
        assert!(last_page(number).is_none());
    }

    proptest! {
        #[test]
        fn splitting_and_merging_keep_every_byte_once(masks in prop::collection::vec(any::<u8>(), 1..12)) {
            let mut shares: Vec<Share> = Vec::new();
            for mask in masks {
                let before: u8 = shares.iter().fold(0, |all, share| all | share.mask);
                split(&mut shares, mask);
                prop_assert!(shares.iter().all(|share| share.mask & mask == 0 || share.mask & !mask == 0));
                if mask & !before != 0 {
                    shares.push(Share { mask: mask & !before, state: State::default() });
                }
                let sum: u32 = shares.iter().map(|share| share.mask.count_ones()).sum();
                prop_assert_eq!(sum, (before | mask).count_ones());
            }
            merge(&mut shares);
            // Their states are all the same here, so one share is left.
            prop_assert!(shares.len() <= 1);
        }
    }
}
