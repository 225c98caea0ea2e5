//! `racecheck::ptr`: which bytes are read and written, by what, and memory that is used again.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: all accesses are within the 64 bytes of a `Memory`, aligned as their type is, where any bits are a value"
)]

use std::collections::HashMap;
use std::mem::ManuallyDrop;

use expect_test::expect;
use racecheck::report::Operation;
use racecheck::sync::Mutex;
use racecheck::{hb, ptr, thread};

use crate::normalise;
use crate::{none, one_after_the_other, races, several_races, until_it_is_used_again, wait_for};

/// Memory that threads share by its address. It is given back when it is dropped, after both have ended.
struct Memory(Box<[u8; 64]>);

#[derive(Clone, Copy)]
struct Start(*mut u8);

// SAFETY: the threads of a test run one after the other; only the order is missing, which is what is tested.
unsafe impl Send for Start {}

impl Start {
    fn at<T>(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset).cast()
    }
}

impl Memory {
    fn new() -> Memory {
        Memory(Box::new([0; 64]))
    }

    fn start(&mut self) -> Start {
        Start(self.0.as_mut_ptr())
    }
}

type Call = fn(Start) -> u32;

const READS: [Call; 6] = [
    |p| at!(unsafe { ptr::read(p.at::<u64>(0)) }),
    |p| at!(unsafe { ptr::read_volatile(p.at::<u64>(0)) }),
    |p| at!(unsafe { ptr::read_unaligned(p.at::<u64>(3)) }),
    |p| at!(unsafe { ptr::copy(p.at::<u8>(0), p.at::<u8>(32), 8) }),
    |p| at!(unsafe { ptr::copy_nonoverlapping(p.at::<u16>(0), p.at::<u16>(32), 4) }),
    |p| at!(ptr::read_range(p.at::<u32>(0), 3)),
];

const WRITES: [Call; 13] = [
    |p| at!(unsafe { ptr::write(p.at::<u64>(0), 1) }),
    |p| at!(unsafe { ptr::write_volatile(p.at::<u64>(0), 1) }),
    |p| at!(unsafe { ptr::write_unaligned(p.at::<u64>(3), 1) }),
    |p| at!(unsafe { ptr::write_bytes(p.at::<u16>(2), 1, 2) }),
    |p| at!(unsafe { ptr::replace(p.at::<u64>(0), 1) }),
    |p| at!(unsafe { ptr::swap(p.at::<u64>(0), p.at::<u64>(48)) }),
    |p| at!(unsafe { ptr::swap(p.at::<u64>(48), p.at::<u64>(0)) }),
    |p| at!(unsafe { ptr::swap_nonoverlapping(p.at::<u32>(0), p.at::<u32>(48), 2) }),
    |p| at!(unsafe { ptr::swap_nonoverlapping(p.at::<u32>(48), p.at::<u32>(0), 2) }),
    |p| at!(unsafe { ptr::copy(p.at::<u8>(40), p.at::<u8>(0), 8) }),
    |p| at!(unsafe { ptr::copy_nonoverlapping(p.at::<u8>(40), p.at::<u8>(0), 8) }),
    |p| at!(ptr::write_range(p.at::<u8>(0), 8)),
    |p| at!(unsafe { ptr::drop_in_place(p.at::<Droppy>(0)) }),
];

/// Something whose destructor does nothing that is seen.
struct Droppy(#[expect(dead_code, reason = "it has a size")] u64);

impl Drop for Droppy {
    fn drop(&mut self) {}
}

/// All of these have bytes in common.
#[test]
fn every_pair_with_a_write_races() {
    let reads = READS.map(|call| (call, false));
    let calls: Vec<_> = reads
        .into_iter()
        .chain(WRITES.map(|call| (call, true)))
        .collect();
    for (first, first_writes) in &calls {
        for (second, second_writes) in &calls {
            // Copies write somewhere else, too.
            let both_copy = [first, second].iter().all(|call| {
                READS[3..5]
                    .iter()
                    .any(|copy| std::ptr::fn_addr_eq(*copy, **call))
            });
            let (mut memory, lock) = (Memory::new(), Mutex::new(()));
            let (start, lock) = (memory.start(), &lock);
            let unordered = || one_after_the_other(move || first(start), move || second(start));
            if *first_writes || *second_writes || both_copy {
                races(unordered);
            } else {
                none(unordered);
            }
            none(|| {
                ptr::forget_range(start.at::<u8>(0), 64);
                let locked = move |call: &Call| {
                    let _guard = lock.lock().unwrap();
                    call(start)
                };
                one_after_the_other(move || locked(first), move || locked(second))
            });
        }
    }
}

/// Bytes 8 to 16 are written; what else is accessed has none of them, or one.
#[test]
fn only_common_bytes_race() {
    let beside: [Call; 8] = [
        |p| at!(unsafe { ptr::read(p.at::<u64>(0)) }),
        |p| at!(unsafe { ptr::write_unaligned(p.at::<u64>(16), 1) }),
        |p| at!(unsafe { ptr::write_bytes(p.at::<u8>(8), 1, 0) }),
        |p| at!(unsafe { ptr::copy(p.at::<u8>(0), p.at::<u8>(16), 8) }),
        |p| at!(unsafe { ptr::write(p.at::<()>(10), ()) }),
        |p| at!(unsafe { ptr::read(p.at::<[u64; 0]>(8)) }),
        |p| at!(ptr::write_range(p.at::<u8>(16), 48)),
        // More bytes than there can be: none.
        |p| at!(ptr::write_range(p.at::<u64>(8), usize::MAX / 4)),
    ];
    let one_byte: [Call; 6] = [
        |p| at!(unsafe { ptr::read_unaligned(p.at::<u64>(1)) }),
        |p| at!(unsafe { ptr::write_unaligned(p.at::<u64>(15), 1) }),
        |p| at!(unsafe { ptr::write_bytes(p.at::<u8>(12), 1, 1) }),
        |p| at!(unsafe { ptr::copy(p.at::<u8>(15), p.at::<u8>(16), 8) }),
        |p| at!(unsafe { ptr::copy(p.at::<u8>(20), p.at::<u8>(1), 8) }),
        |p| at!(ptr::read_range(p.at::<u8>(0), 9)),
    ];
    let write: Call = |p| at!(unsafe { ptr::write(p.at::<u64>(8), 1) });
    for (other, common) in beside
        .map(|call| (call, 0))
        .into_iter()
        .chain(one_byte.map(|call| (call, 1)))
    {
        let mut memory = Memory::new();
        let start = memory.start();
        let program = || one_after_the_other(move || write(start), move || other(start));
        if common == 0 {
            none(program);
        } else {
            let race = &races(program)[0];
            assert_eq!(race.location().size(), common);
            let address = race.location().address() - start.0.addr();
            assert!((8..16).contains(&address), "{address}");
        }
    }
}

#[test]
fn dropping_what_has_no_destructor_is_no_access() {
    let mut memory = Memory::new();
    let start = memory.start();
    none(|| {
        one_after_the_other(
            // SAFETY: within allocated memory; nobody uses the value afterwards.
            move || unsafe { ptr::drop_in_place(start.at::<u64>(0)) },
            // SAFETY: as above.
            move || unsafe { ptr::write(start.at::<u64>(0), 1) },
        )
    });
}

/// A destructor that is tracked itself names its own line.
#[test]
fn dropping_in_place_covers_all_of_the_value() {
    let mut memory = Memory::new();
    let start = memory.start();
    let race = &races(|| {
        one_after_the_other(
            // SAFETY: within allocated memory.
            move || at!(unsafe { ptr::write(start.at::<u8>(31), 1) }),
            move || {
                let all = ptr::slice_from_raw_parts_mut(start.at::<Droppy>(0), 4);
                // SAFETY: four values of any bits.
                at!(unsafe { ptr::drop_in_place(all) })
            },
        )
    })[0];
    assert_eq!(race.location().address() - start.0.addr(), 31);
}

#[test]
fn volatile_accesses_are_named_and_order_nothing() {
    let owner = thread::spawn(|| {
        let mut memory = Memory::new();
        let start = memory.start();
        let race = &races(|| {
            one_after_the_other(
                // SAFETY: within allocated memory.
                move || at!(unsafe { ptr::write_volatile(start.at::<u32>(0), 1) }),
                // SAFETY: as above.
                move || at!(unsafe { ptr::read_volatile(start.at::<u32>(0)) }),
            )
        })[0];
        assert_eq!(race.current().operation(), Operation::VolatileRead);
        assert_eq!(race.previous().operation(), Operation::VolatileWrite);
        assert_eq!(race.location().block(), None);
        normalise::without_callers(&normalise::run(&race.to_string()))
    });
    let text = owner.join().unwrap();
    expect![[r#"
        ==================
        WARNING: DATA RACE
        Volatile read at [address] by thread A:
              tests/verdicts/ptrs.rs:199:38 +[offset]

        Previous volatile write at [address] by thread B:
              tests/verdicts/ptrs.rs:197:38 +[offset]

        Location is raw memory (4 bytes)

        Thread A (running or finished) created at:
              tests/support/judge.rs:103:24 +[offset]

        Thread B (running or finished) created at:
              tests/support/judge.rs:92:23 +[offset]

        Thread A held: nothing
        Thread B held: nothing

        Why: nothing orders the two. Thread B has released something since its volatile write (last, it ended), but thread A has acquired none of it.
             Last order between them: thread C spawned thread B (tests/support/judge.rs:92) and thread A (tests/support/judge.rs:103).
        Help: hold the same lock at both places, or make the value an atomic.
        ==================
    "#]].assert_eq(&text);
}

/// A flag that is volatile is no synchronisation: the flag races, and so does what it guards.
#[test]
fn a_volatile_flag_guards_nothing() {
    let mut memory = Memory::new();
    let start = memory.start();
    several_races(|| {
        let ((value, flag), (flag_read, value_read)) = one_after_the_other(
            move || {
                // SAFETY: within allocated memory.
                let value = at!(unsafe { ptr::write(start.at::<u64>(8), 7) });
                (
                    value,
                    at!(unsafe { ptr::write_volatile(start.at::<u8>(0), 1) }),
                )
            },
            move || {
                // SAFETY: within allocated memory.
                let flag = at!(unsafe { ptr::read_volatile(start.at::<u8>(0)) });
                (flag, at!(unsafe { ptr::read(start.at::<u64>(8)) }))
            },
        );
        [(flag, flag_read), (value, value_read)]
    });
}

/// An annotation orders the accesses, as the real thing would.
#[test]
fn annotated_order_counts() {
    let mut memory = Memory::new();
    let start = memory.start();
    none(|| {
        one_after_the_other(
            move || {
                ptr::write_range(start.at::<u8>(0), 64);
                hb::release(start.0);
            },
            move || {
                hb::acquire(start.0);
                ptr::read_range(start.at::<u8>(0), 64);
            },
        )
    });
    hb::forget(start.0);
}

/// Whether a block of this size was at one of these addresses, and is now given out again. The allocator hands the latest out first.
fn again(size: usize, wanted: &[usize]) -> Option<Vec<u8>> {
    let mut others = Vec::new();
    for _ in 0..1000 {
        let block = vec![0u8; size];
        if wanted.contains(&block.as_ptr().addr()) {
            return Some(block);
        }
        others.push(block);
    }
    None
}

/// Frees and allocations that racecheck doesn't track: it sees what is given out, and forgets.
#[test]
fn memory_that_is_used_again_has_no_past() {
    for size in [24, 200, 5000, 300_000] {
        none(|| {
            // One thread writes and frees; nothing orders the next one.
            let used = thread::spawn(move || {
                let mut block = vec![0u8; size];
                ptr::write_range(block.as_mut_ptr(), size);
                block.as_ptr().addr()
            });
            wait_for(&used);
            let next = thread::spawn(move || {
                let mut blocks: Vec<Vec<u8>> = (0..100).map(|_| vec![0u8; size]).collect();
                for block in &mut blocks {
                    ptr::write_range(block.as_mut_ptr(), size);
                    block.reserve_exact(2 * size);
                    ptr::write_range(block.as_mut_ptr(), 2 * size);
                }
            });
            wait_for(&next);
            drop((used, next));
        });
    }
}

/// The same, where it is certain that the memory is the same: freed and allocated by two threads that take turns in the main thread's arena.
#[test]
fn the_same_memory_has_no_past() {
    until_it_is_used_again(|| {
        let mut met = false;
        none(|| {
            let blocks: Vec<Vec<u8>> = (0..8).map(|_| vec![0u8; 72]).collect();
            let addresses: Vec<usize> = blocks.iter().map(|block| block.as_ptr().addr()).collect();
            let user = thread::spawn(move || {
                for mut block in blocks {
                    ptr::write_range(block.as_mut_ptr(), 72);
                    // More than a thread keeps for itself goes back to where it came from.
                    drop(block);
                }
            });
            wait_for(&user);
            if let Some(mut block) = again(72, &addresses) {
                met = true;
                ptr::write_range(block.as_mut_ptr(), 72);
            }
            drop(user);
        });
        met
    });
}

/// A thread's stack is another's later. Two threads take turns in starting one and waiting for its end, and learn nothing of each other.
#[test]
fn stacks_have_no_past() {
    const TURNS: usize = 5;
    let met = std::sync::Mutex::new(HashMap::new());
    let met = &met;
    let use_stack = |starter: usize| {
        let mut local = [0u8; 256];
        ptr::write_range(local.as_mut_ptr(), 256);
        let address = std::hint::black_box(&local).as_ptr().addr();
        met.lock().unwrap().entry(address).or_insert([0; 2])[starter] += 1;
    };
    let use_stack = &use_stack;
    let turns = || {
        let (to_one, from_other) = std::sync::mpsc::channel();
        let (to_other, from_one) = std::sync::mpsc::channel();
        to_one.send(()).unwrap();
        thread::scope(|s| {
            for (starter, from, to) in [(0, from_other, to_other), (1, from_one, to_one)] {
                s.spawn(move || {
                    for _ in 0..TURNS {
                        from.recv().unwrap();
                        thread::scope(|s| s.spawn(move || use_stack(starter)).join().unwrap());
                        // The other one has ended by its last turn.
                        let _ = to.send(());
                    }
                });
            }
        });
    };
    until_it_is_used_again(|| {
        none(turns);
        met.lock()
            .unwrap()
            .values()
            .any(|turns| !turns.contains(&0))
    });
}

/// A pool under a lock of `std`'s: only what is forgotten has no past.
#[test]
fn what_is_forgotten_has_no_past() {
    let mut memory = Memory::new();
    let start = memory.start();
    // SAFETY: within allocated memory.
    let write: Call = |p| at!(unsafe { ptr::write(p.at::<u64>(0), 1) });
    let program = |forgotten: usize| {
        one_after_the_other(
            move || write(start),
            move || {
                ptr::forget_range(start.at::<u8>(0), forgotten);
                write(start)
            },
        )
    };
    none(|| program(8));
    ptr::forget_range(start.at::<u8>(0), 8);
    let race = &races(|| program(7))[0];
    assert_eq!(race.location().size(), 1);
    assert_eq!(race.location().address(), start.0.addr() + 7);
}

#[test]
fn statics_and_fields_are_memory_too() {
    static mut COUNTER: u64 = 0;
    // SAFETY: the threads of the test run one after the other.
    let count: fn() -> u32 = || at!(unsafe { ptr::write(&raw mut COUNTER, 1) });
    races(|| one_after_the_other(count, count));
    let both = ManuallyDrop::new((0u32, 0u32));
    let start = Start((&raw const both).cast_mut().cast());
    let program = |one: usize, other: usize| {
        one_after_the_other(
            move || at!(ptr::write_range(start.at::<u32>(one), 1)),
            move || at!(ptr::write_range(start.at::<u32>(other), 1)),
        )
    };
    none(|| program(0, 4));
    ptr::forget_range(start.at::<u32>(0), 2);
    races(|| program(4, 4));
}
