//! Heap blocks whose allocation was seen: how much a free takes back, and what a report says of the memory around a race.
//!
//! A block is known until its memory is handed out again, so that a use after the free still has a name.
//!
//! - `page`: nearly all of them, beside the shadow of the page that they begin in. No lock, no search, no memory but the record's.
//! - `tree`: those that it has no place for.
//!
//! Who freed a block is not kept: the free is a write to all of it, and is found in the shadow ([`range::freed_by`](crate::shadow::range::freed_by)).

mod page;
mod tree;

pub(crate) use page::{PageBlocks, Records, Starts};

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::shadow::directory;
use crate::shadow::page::PAGE;
use crate::stack::depot::ContextId;

/// A heap block, and who allocated it where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) epoch: Epoch,
    pub(crate) context: ContextId,
    pub(crate) freed: bool,
}

impl Block {
    fn contains(&self, address: usize) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size)
    }
}

/// Whether there has ever been one: allocations of programs without pay for a look at this.
static ANY: AtomicBool = AtomicBool::new(false);

/// The block has just been allocated: what was known of its memory is out of date.
#[inline]
pub(crate) fn add(block: Block) {
    if !ANY.load(Relaxed) {
        ANY.store(true, Relaxed);
    }
    tree::remove(block.address, block.size);
    let is_there = page::fits(&block)
        && directory::blocks_or_new(block.address).is_some_and(|page| page.add(&block));
    clear(block.address, block.size);
    if !is_there {
        tree::add(block);
    }
}

/// The memory belongs to something else now, of which nothing is known.
#[inline]
pub(crate) fn remove(address: usize, size: usize) {
    if size == 0 || !ANY.load(Relaxed) {
        return;
    }
    tree::remove(address, size);
    if let Ok(page) = directory::blocks(address) {
        page.end(address, size);
    }
    clear(address, size);
}

/// Forgets all blocks that begin in this memory, but for one at its beginning.
#[inline]
fn clear(address: usize, size: usize) {
    let end = address.saturating_add(size);
    let mut from = address;
    while from < end {
        let next = (from / PAGE + 1).saturating_mul(PAGE);
        match directory::blocks(from) {
            Ok(page) => page.clear(from, end, from == address),
            Err(missing) if missing.end < end => {
                from = missing.end;
                continue;
            }
            Err(_) => return,
        }
        from = next;
    }
}

/// The block that begins at `address` is about to be freed: its size. None if there is none that isn't freed.
#[inline]
pub(crate) fn free(address: usize) -> Option<usize> {
    let page = directory::blocks(address).ok();
    page.and_then(|page| page.free(address))
        .or_else(|| tree::mark(address, true))
}

/// It was not freed after all.
pub(crate) fn keep(address: usize) {
    let page = directory::blocks(address).ok();
    if !page.is_some_and(|page| page.keep(address)) {
        tree::mark(address, false);
    }
}

/// The block that an address is in.
pub(crate) fn around(address: usize) -> Option<Block> {
    tree::around(address).or_else(|| {
        let block = last_until(address)?;
        block.contains(address).then_some(block)
    })
}

/// The last block that begins at `address` or before, and may be so large that `address` is in it.
fn last_until(address: usize) -> Option<Block> {
    let first = address.saturating_sub(page::LARGEST);
    let mut until = address;
    loop {
        let start = match directory::blocks(until) {
            Ok(page) => match page.last_until(until) {
                Some(found) => return found,
                None => until / PAGE * PAGE,
            },
            Err(missing) => missing.start,
        };
        until = start.checked_sub(1).filter(|until| *until >= first)?;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::shadow::range::{self, AccessKind};
    use crate::stack::depot::{self, Detail};

    pub(super) fn block(address: usize, size: usize, context: u32) -> Block {
        Block {
            address,
            size,
            epoch: Epoch::new(1, 1),
            context: ContextId::from_bits(context).expect("not 0"),
            freed: false,
        }
    }

    /// Where nobody else has anything.
    const PLACE: usize = 0x3000_0000_0000;

    #[test]
    fn a_block_is_around_its_bytes_until_its_memory_is_handed_out() {
        let at = PLACE + 0x10_0000;
        let known = |offset: usize| around(at + offset).map(|block| block.context);
        let name = ContextId::from_bits;
        add(block(at + 16, 3 * PAGE, 1));
        assert_eq!(known(15), None);
        for inside in [16, 17, PAGE, 3 * PAGE + 15] {
            assert_eq!(known(inside), name(1), "{inside}");
        }
        assert_eq!(known(3 * PAGE + 16), None);
        assert_eq!(free(at + 16), Some(3 * PAGE));
        assert_eq!(free(at + 16), None, "it is freed already");
        assert!(around(at + PAGE).is_some_and(|block| block.freed));
        // A part of it becomes something else.
        add(block(at + PAGE, 40, 2));
        assert_eq!(known(PAGE), name(2));
        assert_eq!(known(PAGE - 1), name(1));
        assert_eq!(known(PAGE + 40), None, "what follows may be anything");
        // A larger one takes all of that over.
        add(block(at, 2 * PAGE, 3));
        assert_eq!(known(16), name(3));
        assert_eq!(known(PAGE), name(3));
        assert_eq!(free(at + PAGE), None);
        remove(at + 32, 16);
        assert_eq!((known(31), known(40)), (name(3), None));
        remove(at, 4 * PAGE);
        assert_eq!((known(0), known(31)), (None, None));
    }

    #[test]
    fn what_was_not_freed_after_all_can_be() {
        let at = PLACE + 0x20_0000;
        for (address, size) in [(at, 24), (at + 1025, 3)] {
            add(block(address, size, 1));
            assert_eq!(free(address), Some(size));
            keep(address);
            assert!(around(address).is_some_and(|block| !block.freed));
            assert_eq!(free(address), Some(size));
        }
        keep(at + 4096);
        assert_eq!(around(at + 4096), None);
    }

    /// Blocks of every alignment, as other allocators give them out; and a block of more than 4 GiB, far from what other tests have.
    #[test]
    fn blocks_that_no_page_has_a_place_for() {
        let at = PLACE + (1 << 40);
        for index in 0..64 {
            add(block(at + index * 8, 8, index as u32 + 1));
        }
        add(block(at + 1001, 3, 100));
        add(block(at + 0x1000, 1 << 33, 101));
        let name =
            |offset: usize| around(at + offset).map(|block| ContextId::bits(Some(block.context)));
        for index in 0..64 {
            assert_eq!(name(index * 8 + 7), Some(index as u32 + 1));
        }
        assert_eq!(
            (name(1000), name(1001), name(1003)),
            (None, Some(100), Some(100))
        );
        assert_eq!(name(1 << 33), Some(101));
        for index in 0..64 {
            assert_eq!(free(at + index * 8), Some(8));
            assert_eq!(free(at + index * 8), None);
        }
        assert_eq!(free(at + 1001), Some(3));
        assert_eq!(free(at + 0x1000), Some(1 << 33));
        // In another order, so that others have a page's records.
        for index in (0..64).rev() {
            add(block(at + index * 8, 8, index as u32 + 200));
        }
        for index in 0..64 {
            assert_eq!(name(index * 8), Some(index as u32 + 200));
            assert_eq!(free(at + index * 8), Some(8));
        }
        add(block(at, 1024, 7));
        assert_eq!(
            (name(0), name(500), name(1003)),
            (Some(7), Some(7), Some(7))
        );
        assert_eq!(free(at + 8), None);
    }

    #[test]
    fn who_freed_a_block_is_known_while_the_shadow_has_it() {
        let (at, size) = (PLACE + 0x40_0000 + 30, 100);
        let here = std::panic::Location::caller();
        let freed = || range::freed_by(&around(at).expect("allocated below"));
        range::allocated(at, size, Some(here));
        range::access(at, size, AccessKind::Write, Some(here));
        assert!(freed().is_none(), "another write");
        range::freed(at, size, Some(here));
        // In another epoch than the free, which is a write too.
        let write = |from: usize, size: usize| {
            let by_another = move || range::access(from, size, AccessKind::Write, Some(here));
            std::thread::spawn(by_another).join().expect("no panic");
        };
        write(at + 1, size - 2);
        let found = freed().expect("some bytes are left");
        let context = depot::get(found.context.expect("there is one"));
        assert_eq!(context.detail, Detail::Free);
        write(at, size);
        assert!(freed().is_none(), "nothing is left");
    }

    #[test]
    fn a_block_is_found_from_far_away() {
        let at = PLACE + 0x5000_0000;
        add(block(at, 1 << 30, 1));
        assert!(around(at + (1 << 30) - 1).is_some());
        assert_eq!(around(at + (1 << 30)), None);
        assert_eq!(around(at - 1), None);
    }
}
