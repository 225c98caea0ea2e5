//! Heap blocks whose allocation was seen: what a report says of the memory around a race.
//!
//! A block is known until its memory is handed out again, so that a use after the free still has a name. Blocks don't overlap: there are never
//! more than the heap has room for. Nothing here may decide whether anything races.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::fork::{Lock, PerProcess};
use crate::stack::depot::ContextId;

/// A heap block, and who allocated it where.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) epoch: Epoch,
    pub(crate) context: ContextId,
    /// Who freed it where.
    pub(crate) freed: Option<(Epoch, ContextId)>,
}

impl Block {
    fn contains(&self, address: usize) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size)
    }
}

/// By address.
static BLOCKS: PerProcess<Lock<BTreeMap<usize, Block>>> = PerProcess::new();

/// Whether there has ever been one: allocations of programs without pay for a look at this.
static ANY: AtomicBool = AtomicBool::new(false);

/// The block has just been allocated.
pub(crate) fn add(block: Block) {
    ANY.store(true, Relaxed);
    let mut blocks = BLOCKS.get().lock();
    remove_from(&mut blocks, block.address, block.size);
    blocks.insert(block.address, block);
}

/// The memory belongs to something else now.
pub(crate) fn remove(address: usize, size: usize) {
    if ANY.load(Relaxed) {
        remove_from(&mut BLOCKS.get().lock(), address, size);
    }
}

/// The block that begins at `address` is about to be freed, by whom and where: its size. None if there is none that isn't freed.
pub(crate) fn free(address: usize, by: (Epoch, ContextId)) -> Option<usize> {
    let mut blocks = BLOCKS.get().lock();
    let block = blocks.get_mut(&address)?;
    block.freed.replace(by).is_none().then_some(block.size)
}

/// It was not freed after all.
pub(crate) fn keep(address: usize) {
    if let Some(block) = BLOCKS.get().lock().get_mut(&address) {
        block.freed = None;
    }
}

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

/// The block that an address is in.
pub(crate) fn around(address: usize) -> Option<Block> {
    let blocks = BLOCKS.get().lock();
    let (_, block) = blocks.range(..=address).next_back()?;
    block.contains(address).then_some(*block)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn block(address: usize, size: usize) -> Block {
        Block {
            address,
            size,
            epoch: Epoch::new(1, 1),
            context: ContextId::from_bits(1).unwrap(),
            freed: None,
        }
    }

    #[test]
    fn what_overlaps_is_replaced() {
        let mut blocks = BTreeMap::new();
        let starts = |blocks: &BTreeMap<usize, Block>| blocks.keys().copied().collect::<Vec<_>>();
        let fill = |blocks: &mut BTreeMap<usize, Block>| {
            for start in [0x100, 0x110, 0x120] {
                blocks.insert(start, block(start, 16));
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
