//! `racecheck::alloc`: freeing is a write to all of the block, allocating forgets, and reports say which block it was.

use std::sync::atomic::AtomicBool as UnseenBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use expect_test::expect;
use racecheck::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use racecheck::report::Operation;
use racecheck::sync::mpsc;
use racecheck::{hb, ptr, thread};

use crate::normalise;
use crate::{none, one_after_the_other, races, until_it_is_used_again};

const SIZE: usize = 64;

fn layout() -> Layout {
    Layout::from_size_align(SIZE, 8).unwrap()
}

/// A block's address, for both threads.
#[derive(Clone, Copy)]
struct Block(*mut u8);

// SAFETY: the threads of a test take turns; only the order is missing, which is what is tested.
unsafe impl Send for Block {}

impl Block {
    fn new() -> Block {
        // SAFETY: the layout has a size.
        Block(unsafe { alloc(layout()) })
    }

    fn at<T>(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset).cast()
    }
}

type Call = fn(Block) -> u32;

// As no more than annotations: when the memory has been freed, it isn't ours any more.
const USES: [Call; 4] = [
    |block| at!(ptr::read_range(block.at::<u8>(0), 1)),
    |block| at!(ptr::read_range(block.at::<u8>(SIZE - 1), 1)),
    |block| at!(ptr::write_range(block.at::<u64>(8), 2)),
    |block| at!(ptr::read_range(block.at::<u8>(0), SIZE)),
];

// SAFETY: made by `Block::new`, and freed once.
const FREE: Call = |block| at!(unsafe { dealloc(block.0, layout()) });

/// Runs `first`, then `second`, while the first thread is still there: what it has freed, it keeps for itself.
fn then<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let turns = [UnseenBool::new(false), UnseenBool::new(false)];
    let wait = |turn: &UnseenBool| {
        while !turn.load(Acquire) {
            thread::yield_now();
        }
    };
    let [first_done, second_done] = &turns;
    thread::scope(|s| {
        let second = s.spawn(move || {
            wait(first_done);
            let result = second();
            second_done.store(true, Release);
            result
        });
        let first = s.spawn(move || {
            let result = first();
            first_done.store(true, Release);
            wait(second_done);
            result
        });
        (first.join().unwrap(), second.join().unwrap())
    })
}

#[test]
fn a_free_races_with_a_use_before_it() {
    for used in USES {
        let block = Block::new();
        let race = &races(|| then(move || used(block), move || FREE(block)))[0];
        assert_eq!(race.current().operation(), Operation::Free);
        let block = Block::new();
        none(|| {
            then(
                move || {
                    used(block);
                    hb::release(block.0);
                },
                move || {
                    hb::acquire(block.0);
                    hb::forget(block.0);
                    FREE(block)
                },
            )
        });
    }
}

#[test]
fn a_free_races_with_a_use_after_it() {
    for used in USES {
        let block = Block::new();
        let race = &races(|| then(move || FREE(block), move || used(block)))[0];
        assert_eq!(race.previous().operation(), Operation::Free);
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn two_frees_race() {
    let block = Block::new();
    let race = &races(|| {
        then(
            move || FREE(block),
            // As the other thread's `dealloc` would, which nobody survives.
            move || {
                let site = std::panic::Location::caller();
                at!(race_core::shadow::range::freed(
                    block.at::<u8>(0).addr(),
                    SIZE,
                    Some(site)
                ))
            },
        )
    })[0];
    assert_eq!(race.current().operation(), Operation::Free);
    assert_eq!(race.previous().operation(), Operation::Free);
}

#[test]
fn what_is_freed_by_its_owner_is_silent() {
    none(|| {
        let (sender, receiver) = mpsc::channel::<Block>();
        thread::scope(|s| {
            s.spawn(move || {
                for block in receiver {
                    ptr::read_range(block.at::<u8>(0), SIZE);
                    FREE(block);
                }
            });
            for _ in 0..100 {
                let block = Block::new();
                ptr::write_range(block.at::<u8>(0), SIZE);
                sender.send(block).unwrap();
            }
            drop(sender);
        });
    });
}

/// One thread uses blocks and frees them; another, that nothing orders, gets the same ones.
#[test]
fn memory_that_is_allocated_anew_has_no_past() {
    // SAFETY: the layout has a size.
    let zeroed: fn() -> Block = || Block(unsafe { alloc_zeroed(layout()) });
    // SAFETY: the layout has a size; the block is made there.
    let moved: fn() -> Block = || Block(unsafe { realloc(Block::new().0, layout(), SIZE) });
    for new in [Block::new, zeroed, moved] {
        let use_and_free = move || {
            let blocks = [(); 50].map(|()| new());
            for block in blocks {
                ptr::write_range(block.at::<u8>(0), SIZE);
                FREE(block);
            }
            blocks.map(|block| block.0.addr())
        };
        // The second one takes over the first one's part of the heap, if that has ended by then and nobody else does.
        until_it_is_used_again(|| {
            let mut met = false;
            none(|| {
                let (first, second) = one_after_the_other(use_and_free, use_and_free);
                met = second.iter().any(|address| first.contains(address));
            });
            met
        });
    }
}

/// That isn't seen as a free, and what it frees has no past either.
#[test]
fn a_block_may_be_dropped_as_a_box() {
    let use_and_drop = || {
        let blocks = [(); 50].map(|()| Block::new());
        for block in blocks {
            ptr::write_range(block.at::<u8>(0), SIZE);
            // SAFETY: allocated with this layout; any bits are a value.
            drop(unsafe { Box::from_raw(block.at::<[u64; SIZE / 8]>(0)) });
        }
    };
    none(|| one_after_the_other(use_and_drop, use_and_drop));
}

#[test]
fn zeroing_writes() {
    let program = |ordered: bool| {
        let (to_other, from_one) = std::sync::mpsc::channel::<Block>();
        then(
            move || {
                // SAFETY: the layout has a size.
                let (block, line) = (Block(unsafe { alloc_zeroed(layout()) }), line!());
                if ordered {
                    hb::release(&raw const ZEROED);
                }
                to_other.send(block).unwrap();
                line
            },
            move || {
                let block = from_one.recv().unwrap();
                if ordered {
                    hb::acquire(&raw const ZEROED);
                    hb::forget(&raw const ZEROED);
                }
                // SAFETY: any 8 bytes are a `u64`.
                at!(unsafe { ptr::read(block.at::<u64>(8)) })
            },
        )
    };
    static ZEROED: u8 = 0;
    races(|| program(false));
    none(|| program(true));
}

/// The old block is freed, and what is kept of it is written, even if it doesn't move.
#[test]
fn reallocating_frees_and_writes() {
    // SAFETY: made by `Block::new`, and reallocated once.
    let shrink: Call = |block| at!(unsafe { realloc(block.0, layout(), 16) });
    for used in USES {
        let block = Block::new();
        let race = &races(|| then(move || used(block), move || shrink(block)))[0];
        assert_eq!(race.current().operation(), Operation::Free);
    }
    let (to_other, from_one) = std::sync::mpsc::channel::<Block>();
    let race = &races(|| {
        then(
            move || {
                let (old, line) = (Block::new(), line!() + 2);
                // SAFETY: as above.
                let block = Block(unsafe { realloc(old.0, layout(), 4 * SIZE) });
                to_other.send(block).unwrap();
                line
            },
            move || {
                let block = from_one.recv().unwrap();
                // Its new part has nothing in it yet.
                ptr::read_range(block.at::<u8>(SIZE), 3 * SIZE);
                at!(ptr::read_range(block.at::<u8>(SIZE - 1), 2))
            },
        )
    })[0];
    assert_eq!(race.previous().operation(), Operation::Write);
    assert_eq!(race.location().size(), 1);
    assert_eq!(race.location().block().unwrap().size(), 4 * SIZE);
}

#[test]
fn a_reallocation_that_fails_has_freed_nothing() {
    let block = Block::new();
    none(|| {
        then(
            move || {
                // SAFETY: made by `Block::new`; more than there is memory for.
                let moved = unsafe { realloc(block.at(0), layout(), isize::MAX as usize - 64) };
                assert!(moved.is_null());
            },
            move || USES[0](block),
        )
    });
    FREE(block);
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn the_report_says_which_block_it_was() {
    let owner = thread::Builder::new().name("owner".to_owned()).spawn(|| {
        let (block, allocated) = (Block::new(), line!());
        let race = &races(|| {
            then(
                move || FREE(block),
                move || at!(ptr::read_range(block.at::<u32>(16), 1)),
            )
        })[0];
        let place = race.location();
        assert_eq!((place.address(), place.size()), (block.0.addr() + 16, 4));
        let found = place.block().unwrap();
        assert_eq!((found.address(), found.size()), (block.0.addr(), SIZE));
        assert_eq!(found.allocated_by().name(), Some("owner"));
        let caller = &found.allocated_at()[1];
        assert_eq!(caller.site().unwrap().line(), allocated);
        normalise::without_callers(&normalise::run(&race.to_string()))
    });
    let text = owner.unwrap().join().unwrap();
    expect![[r#"
        ==================
        WARNING: DATA RACE
        Read at [address] by thread A:
              tests/verdicts/allocs.rs:291:29 +[offset]

        Previous free at [address] by thread B:
              tests/verdicts/allocs.rs:50:41 +[offset]

        Location is heap block of size 64 at [address] (+16, 4 bytes), allocated by thread C 'owner' at:
              tests/verdicts/allocs.rs:31:24 +[offset]

        Thread A (running or finished) created at:
              tests/verdicts/allocs.rs:65:24 +[offset]

        Thread B (running or finished) created at:
              tests/verdicts/allocs.rs:71:23 +[offset]

        Thread A held: nothing
        Thread B held: nothing

        Why: nothing orders the two. Thread B has released nothing since its free.
             Last order between them: thread C spawned thread B (tests/verdicts/allocs.rs:71) and thread A (tests/verdicts/allocs.rs:65).
        Help: let only the last user free the memory: count the users (Arc), or join the threads first.
        ==================
    "#]].assert_eq(&text);
}

/// What racecheck hasn't seen allocated has no block, also where one was before.
#[test]
fn memory_of_others_is_no_block() {
    let mut theirs = Vec::new();
    until_it_is_used_again(|| {
        let block = Block::new();
        FREE(block);
        // Zeros would come from elsewhere.
        theirs = vec![1u8; SIZE];
        theirs.as_mut_ptr() == block.0
    });
    let start = Block(theirs.as_mut_ptr());
    let race = &races(|| {
        one_after_the_other(
            move || at!(ptr::write_range(start.at::<u8>(0), 1)),
            move || at!(ptr::write_range(start.at::<u8>(0), 1)),
        )
    })[0];
    assert_eq!(race.location().block(), None);
}
