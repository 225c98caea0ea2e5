//! `shadow::blocks`: where two blocks begin in one granule, each is known by its own record or has none; a report never reads half of one.

use std::sync::Arc;

use crate::epoch::Epoch;
use crate::model::model;
use crate::shadow::blocks::{Block, PageBlocks, Records, Starts};
use crate::stack::depot::ContextId;

/// One page.
#[derive(Default)]
struct Place {
    starts: Starts,
    records: Records,
}

impl Place {
    fn blocks(&self) -> PageBlocks<'_> {
        PageBlocks {
            starts: &self.starts,
            records: &self.records,
        }
    }

    /// Allocates and frees the block, some times. Whether it was ever recorded.
    fn use_memory(&self, block: Block, times: usize) -> bool {
        let mut recorded = false;
        for _ in 0..times {
            if self.blocks().add(&block) {
                recorded = true;
                assert_eq!(self.blocks().free(block.address), Some(block.size));
            }
            assert_eq!(self.blocks().free(block.address), None);
        }
        recorded
    }
}

fn block(address: usize, size: usize, number: u32) -> Block {
    Block {
        address,
        size,
        epoch: Epoch::new(0, u64::from(number)),
        context: ContextId::from_bits(number).unwrap(),
        freed: false,
    }
}

fn two_in_one_granule(before: bool) {
    model(move |sides| {
        let place = Arc::new(Place::default());
        let (first, second) = (block(0, 8, 1), block(16, 12, 2));
        if before {
            assert!(place.use_memory(second, 1));
        }
        let (one, other) = (place.clone(), place.clone());
        let (first, second) = sides.run(
            move || one.use_memory(first, 1),
            move || other.use_memory(second, 2),
        );
        assert!(first || second);
        let last = place.blocks().last_until(31).flatten().unwrap();
        assert!(last.freed);
        assert_eq!(last.address == 0, last.size == 8);
    });
}

#[test]
fn two_that_are_the_first_in_one_granule() {
    two_in_one_granule(false);
}

#[test]
fn two_in_a_granule_that_one_of_them_had_before() {
    two_in_one_granule(true);
}

#[test]
fn a_report_beside_an_allocation() {
    model(|sides| {
        let place = Arc::new(Place::default());
        place.use_memory(block(8, 8, 1), 1);
        let (one, other) = (place.clone(), place.clone());
        let (_, found) = sides.run(
            move || one.use_memory(block(0, 24, 2), 1),
            move || other.blocks().last_until(15).flatten(),
        );
        if let Some(found) = found {
            let as_allocated = Block {
                freed: false,
                ..found
            };
            let all = [block(8, 8, 1), block(0, 24, 2)];
            assert!(all.contains(&as_allocated), "{found:?}");
        }
    });
}
