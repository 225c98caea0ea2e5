//! Heap blocks by the page of memory that they begin in: a record for each granule of 32 bytes, at a fixed place, and a bit that says whether it counts.
//!
//! A block's record belongs to whoever has the block, so freeing it is a store. Only what no two blocks of glibc's ever do, to begin in one granule, makes
//! it necessary to ask whose the record is: it is claimed, and who doesn't get it goes elsewhere. A block that takes the place of one of the same size
//! finds its bit set and nothing to clear. Larger ones clear the bits of what was there before. So there is no lock, and what a `fork` leaves half
//! done is at most a record of a block that the child doesn't know.
//!
//! A report reads records that may change meanwhile, if the block is used after its free: then it may name the one before, or none.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::Block;
use crate::epoch::Epoch;
use crate::primitive::sync::atomic::AtomicU64;
use crate::shadow::page::PAGE;
use crate::stack::depot::ContextId;

/// Bytes with one record. glibc's blocks begin as far apart, at the least.
const GRANULE: usize = 32;
const GRANULES: usize = PAGE / GRANULE;
/// What the addresses of blocks are multiples of.
const STEP: usize = 8;
/// The size of the largest block that there can be a record of.
pub(super) const LARGEST: usize = u32::MAX as usize;

/// A bit for each granule: set if the record may be that of a block which begins there.
pub(crate) type Starts = AtomicU64;
pub(crate) type Records = [Record; GRANULES];

/// A block that begins in a granule; all zeros if there is none.
#[derive(Default)]
pub(crate) struct Record {
    /// The epoch of the allocation; 0 while a block is about to be put here. Above it, where in the granule the block begins, and `LIVE`.
    who: AtomicU64,
    /// The size, and the context of the allocation in the upper half.
    what: AtomicU64,
}

/// It is allocated, and not freed.
const LIVE: u64 = 1 << 63;
const OFFSET: u32 = 61;
/// In place of an epoch: something begins here that isn't a block. Its size is 0.
const NO_BLOCK: u64 = 1;

/// Whether there can be a record of a block of that size and address.
#[inline]
pub(super) fn fits(block: &Block) -> bool {
    block.address.is_multiple_of(STEP) && block.size <= LARGEST
}

#[inline]
fn offset_bits(address: usize) -> u64 {
    ((address % GRANULE / STEP) as u64) << OFFSET
}

#[inline]
fn is_at(who: u64, address: usize) -> bool {
    who & (!LIVE >> OFFSET << OFFSET) == offset_bits(address)
}

#[inline]
fn start_in(granule: usize, who: u64) -> usize {
    granule + (who >> OFFSET & 3) as usize * STEP
}

#[inline]
fn index(address: usize) -> usize {
    address / GRANULE % GRANULES
}

/// The bits of the granules before this one, in the page.
#[inline]
fn before(index: usize) -> u64 {
    1u64.unbounded_shl(index as u32).wrapping_sub(1)
}

/// The blocks of one page of memory.
#[derive(Clone, Copy)]
pub(crate) struct PageBlocks<'a> {
    pub(crate) starts: &'a Starts,
    pub(crate) records: &'a Records,
}

impl PageBlocks<'_> {
    /// Whether the block has a place here.
    #[inline]
    pub(crate) fn add(self, block: &Block) -> bool {
        let record = &self.records[index(block.address)];
        let end = block.address + block.size.max(1);
        let offset = offset_bits(block.address);
        if !self.claim(block.address, end, LIVE | offset) {
            return false;
        }
        let context = u64::from(ContextId::bits(Some(block.context)));
        record
            .what
            .store(block.size as u64 | context << 32, Release);
        (record.who).store(LIVE | offset | block.epoch.bits(), Release);
        self.note_start(block.address);
        true
    }

    /// Memory begins at `address` that isn't a block's.
    pub(super) fn end(self, address: usize, size: usize) {
        let place = offset_bits(address) | NO_BLOCK;
        if self.claim(address, address.saturating_add(size), place) {
            self.records[index(address)].what.store(0, Release);
            self.note_start(address);
        }
    }

    /// Gets the record for what begins at `address` and ends at `end`, unless it is that of a block that is somewhere else.
    #[inline]
    fn claim(self, address: usize, end: usize, who: u64) -> bool {
        let record = &self.records[index(address)].who;
        // Not read if it must be zero: the system would have to provide the memory twice, for a read and for a write.
        let mut before = match self.starts.load(Relaxed) & 1 << index(address) {
            0 => 0,
            _ => record.load(Relaxed),
        };
        loop {
            let start = start_in(address / GRANULE * GRANULE, before);
            if before & LIVE != 0 && !(address..end).contains(&start) {
                return false;
            }
            match record.compare_exchange(before, who, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
    }

    #[inline]
    fn note_start(self, address: usize) {
        let bit = 1 << index(address);
        if self.starts.load(Relaxed) & bit == 0 {
            self.starts.fetch_or(bit, AcqRel);
        }
    }

    /// Forgets the blocks that begin in the memory from `from`, which is in this page, to `end`; unless `from` is the beginning of a block itself: then the
    /// others.
    #[inline]
    pub(super) fn clear(self, from: usize, end: usize, is_block: bool) {
        let page = from / PAGE * PAGE;
        let first = index(from) + usize::from(is_block);
        let whole = (end - page).min(PAGE) / GRANULE;
        let starts = self.starts.load(Acquire);
        let in_whole = before(whole) & !before(first);
        if starts & in_whole != 0 {
            self.clear_whole(starts & in_whole);
        }
        // The rest of the last granule may have a block of others.
        if whole >= first && whole < GRANULES && starts & 1 << whole != 0 {
            let granule = page + whole * GRANULE;
            self.records[whole].clear(granule, end);
        }
    }

    #[cold]
    #[inline(never)]
    fn clear_whole(self, bits: u64) {
        for (index, record) in self.records.iter().enumerate() {
            if bits & 1 << index != 0 {
                // All of the granule is ours.
                record.who.store(0, Relaxed);
            }
        }
        self.starts.fetch_and(!bits, AcqRel);
    }

    /// The block at `address` is freed: its size, if it is one that isn't.
    #[inline]
    pub(crate) fn free(self, address: usize) -> Option<usize> {
        let record = &self.records[index(address)];
        let who = record.who.load(Relaxed);
        if who & LIVE == 0 || !is_at(who, address) || !address.is_multiple_of(STEP) {
            return None;
        }
        let size = record.what.load(Relaxed) as u32 as usize;
        record.who.store(who & !LIVE, Release);
        Some(size)
    }

    /// It isn't. Whether it was here.
    pub(super) fn keep(self, address: usize) -> bool {
        let who = &self.records[index(address)].who;
        let freed = who.load(Relaxed);
        !Epoch::from_tagged(freed).is_none()
            && is_at(freed, address)
            && address.is_multiple_of(STEP)
            && who
                .compare_exchange(freed, freed | LIVE, Release, Relaxed)
                .is_ok()
    }

    /// What begins last in the page, but not after `address`: a block, or nothing that is known to be one.
    pub(crate) fn last_until(self, address: usize) -> Option<Option<Block>> {
        let page = address / PAGE * PAGE;
        let mut bits = self.starts.load(Acquire) & before(index(address) + 1);
        while let Some(index) = bits.checked_ilog2() {
            bits ^= 1 << index;
            let record = &self.records[index as usize];
            let who = record.who.load(Acquire);
            let start = start_in(page + index as usize * GRANULE, who);
            if who != 0 && start <= address {
                return Some(record.block(start, who));
            }
        }
        None
    }
}

impl Record {
    /// Forgets the block if it begins before `end`.
    fn clear(&self, granule: usize, end: usize) {
        let who = self.who.load(Relaxed);
        if who != 0 && start_in(granule, who) < end {
            // Otherwise it is somebody else's already.
            let _ = self.who.compare_exchange(who, 0, AcqRel, Relaxed);
        }
    }

    /// What this says, if it is still what `who` was read of.
    fn block(&self, address: usize, who: u64) -> Option<Block> {
        // Acquired: who sees a later block's sees that somebody has claimed the record.
        let what = self.what.load(Acquire);
        let epoch = Epoch::from_tagged(who);
        let is_block = !epoch.is_none() && self.who.load(Relaxed) == who;
        Some(Block {
            address,
            size: what as u32 as usize,
            epoch,
            context: ContextId::from_bits((what >> 32) as u32).filter(|_| is_block)?,
            freed: who & LIVE == 0,
        })
    }
}
