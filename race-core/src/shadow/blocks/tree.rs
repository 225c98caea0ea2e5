//! The blocks that a page has no record for: larger ones, at odd addresses, or so near to another one that they would share it.
//!
//! `malloc` gives out no such blocks unless they are huge, so this may take a lock and a search.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::Block;
use crate::fork::{Lock, PerProcess};

/// By address. They don't overlap.
static BLOCKS: PerProcess<Lock<BTreeMap<usize, Block>>> = PerProcess::new();

/// Whether there has ever been one: all others don't pay for a look at this.
static ANY: AtomicBool = AtomicBool::new(false);

#[inline]
fn is_any() -> bool {
    ANY.load(Relaxed)
}

/// To be called after [`remove`].
#[cold]
#[inline(never)]
pub(super) fn add(block: Block) {
    ANY.store(true, Relaxed);
    BLOCKS.get().lock().insert(block.address, block);
}

#[inline]
pub(super) fn remove(address: usize, size: usize) {
    if is_any() {
        remove_from(&mut BLOCKS.get().lock(), address, size);
    }
}

/// The block that begins at `address` becomes a freed one, or one that isn't: its size. None if there is none, or if it is one already.
#[inline]
pub(super) fn mark(address: usize, freed: bool) -> Option<usize> {
    if !is_any() {
        return None;
    }
    let mut blocks = BLOCKS.get().lock();
    let block = blocks.get_mut(&address)?;
    (std::mem::replace(&mut block.freed, freed) != freed).then_some(block.size)
}

pub(super) fn around(address: usize) -> Option<Block> {
    if !is_any() {
        return None;
    }
    let blocks = BLOCKS.get().lock();
    let (_, block) = blocks.range(..=address).next_back()?;
    block.contains(address).then_some(*block)
}

#[cold]
#[inline(never)]
fn remove_from(blocks: &mut BTreeMap<usize, Block>, address: usize, size: usize) {
    let end = address.saturating_add(size);
    while let Some((start, block)) = blocks.range(..end).next_back() {
        if !block.contains(address) && *start < address {
            return;
        }
        let start = *start;
        blocks.remove(&start);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::shadow::blocks::tests::block;

    #[test]
    fn what_overlaps_is_replaced() {
        let mut blocks = BTreeMap::new();
        let starts = |blocks: &BTreeMap<usize, Block>| blocks.keys().copied().collect::<Vec<_>>();
        let fill = |blocks: &mut BTreeMap<usize, Block>| {
            for start in [0x100, 0x110, 0x120] {
                blocks.insert(start, block(start, 16, 1));
            }
        };
        for (address, size, left) in [
            (0x110, 16, vec![0x100, 0x120]),
            (0x11f, 1, vec![0x100, 0x120]),
            (0x10f, 2, vec![0x120]),
            (0, 0x1000, vec![]),
            (0x130, 16, vec![0x100, 0x110, 0x120]),
            (0, 0x100, vec![0x100, 0x110, 0x120]),
            (0x111, 0x10, vec![0x100]),
        ] {
            fill(&mut blocks);
            remove_from(&mut blocks, address, size);
            assert_eq!(starts(&blocks), left, "{address:#x} {size}");
        }
    }
}
