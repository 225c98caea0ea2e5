//! What the announcements mean, by what races: each pair is announced by two threads that nothing else orders.
//!
//! The test itself isn't instrumented, so that its threads wait for each other is not seen.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::sync::mpsc;
use std::thread;

use race_core::report::{Collector, Operation};
use race_rt::access::*;
use race_rt::atomics::*;
use race_rt::frames::*;

const RELAXED: i32 = 0;
const ACQUIRE: i32 = 2;
const RELEASE: i32 = 3;
const ACQ_REL: i32 = 4;
const SEQ_CST: i32 = 5;

/// Some memory that both threads have the address of.
#[derive(Clone, Copy)]
struct Memory(*mut [u128; 8]);

// SAFETY: the threads take turns, see `found`.
unsafe impl Send for Memory {}

impl Memory {
    fn new() -> Memory {
        Memory(Box::into_raw(Box::new([0; 8])))
    }

    fn at(self, offset: usize) -> usize {
        self.0.addr() + offset
    }

    fn place<T>(self, offset: usize) -> *mut T {
        self.0.cast::<u8>().wrapping_add(offset).cast()
    }
}

/// The operations of each race that is found if one thread does `first`, and another one `second` after it.
fn found(
    first: impl FnOnce(Memory) + Send + 'static,
    second: impl FnOnce(Memory) + Send + 'static,
) -> Vec<[Operation; 2]> {
    __tsan_init();
    let memory = Memory::new();
    let collector = Collector::open();
    let (done, wait) = mpsc::channel();
    let (end, until) = mpsc::channel::<()>();
    let one = thread::spawn(move || {
        first(memory);
        done.send(()).unwrap();
        let _ = until.recv();
    });
    let other = thread::spawn(move || {
        wait.recv().unwrap();
        second(memory);
    });
    other.join().unwrap();
    drop(end);
    one.join().unwrap();
    let races = collector.close();
    let operations =
        |race: &race_core::report::Race| [race.previous().operation(), race.current().operation()];
    races.iter().map(operations).collect()
}

fn race(
    first: impl FnOnce(Memory) + Send + 'static,
    second: impl FnOnce(Memory) + Send + 'static,
) -> bool {
    !found(first, second).is_empty()
}

/// Announces an access that isn't made, so that any address will do.
fn announce(function: unsafe extern "C" fn(usize), offset: usize) -> impl FnOnce(Memory) + Send {
    // SAFETY: nothing is accessed.
    move |memory| unsafe { function(memory.at(offset)) }
}

#[test]
fn accesses_have_their_sizes_and_kinds() {
    type Function = unsafe extern "C" fn(usize);
    let sized: [(usize, [Function; 5]); 5] = [
        (
            1,
            [
                __tsan_read1,
                __tsan_write1,
                __tsan_volatile_read1,
                __tsan_volatile_write1,
                __tsan_read_write1,
            ],
        ),
        (
            2,
            [
                __tsan_read2,
                __tsan_write2,
                __tsan_volatile_read2,
                __tsan_volatile_write2,
                __tsan_read_write2,
            ],
        ),
        (
            4,
            [
                __tsan_read4,
                __tsan_write4,
                __tsan_volatile_read4,
                __tsan_volatile_write4,
                __tsan_read_write4,
            ],
        ),
        (
            8,
            [
                __tsan_read8,
                __tsan_write8,
                __tsan_volatile_read8,
                __tsan_volatile_write8,
                __tsan_read_write8,
            ],
        ),
        (
            16,
            [
                __tsan_read16,
                __tsan_write16,
                __tsan_volatile_read16,
                __tsan_volatile_write16,
                __tsan_read_write16,
            ],
        ),
    ];
    let kinds = [
        Operation::Read,
        Operation::Write,
        Operation::VolatileRead,
        Operation::VolatileWrite,
        Operation::Write,
    ];
    for (size, functions) in sized {
        for (function, kind) in functions.into_iter().zip(kinds) {
            let last = found(
                announce(function, 16),
                announce(__tsan_write1, 16 + size - 1),
            );
            assert_eq!(last, [[kind, Operation::Write]], "{size} {kind}");
            assert!(!race(
                announce(function, 16),
                announce(__tsan_write1, 16 + size)
            ));
            assert!(!race(announce(function, 16), announce(__tsan_write1, 15)));
        }
        assert!(!race(
            announce(functions[0], 16),
            announce(__tsan_read1, 16)
        ));
    }
    assert!(race(
        announce(__tsan_unaligned_read8, 3),
        announce(__tsan_unaligned_write2, 10)
    ));
    assert!(race(
        announce(__tsan_vptr_read, 8),
        announce(__tsan_write1, 15)
    ));
}

/// The shadow has lines of 64 bytes. What is known of the first one says nothing of the next.
#[test]
fn an_access_may_go_on_in_the_next_line() {
    type Function = unsafe extern "C" fn(usize);
    let crossing: [(usize, Function); 4] = [
        (2, __tsan_unaligned_write2),
        (4, __tsan_unaligned_write4),
        (8, __tsan_unaligned_write8),
        // Aligned, to the compiler, since it is to 8 bytes.
        (16, __tsan_write16),
    ];
    for (size, function) in crossing {
        let next_line = |memory: Memory| memory.at(127) & !63;
        let first = move |memory: Memory| {
            let start = next_line(memory) - size / 2;
            // SAFETY: nothing is accessed.
            unsafe {
                (0..size / 2).for_each(|byte| __tsan_write1(start + byte));
                function(start);
            }
        };
        // SAFETY: nothing is accessed.
        let second = move |memory: Memory| unsafe { __tsan_write1(next_line(memory)) };
        assert!(race(first, second), "{size}");
    }
}

#[test]
fn ranges_are_whole_and_copies_are_made() {
    // SAFETY: within the memory.
    unsafe {
        let read = |memory: Memory| __tsan_read_range(memory.at(3), 50);
        assert!(race(read, announce(__tsan_write1, 52)));
        assert!(!race(read, announce(__tsan_write1, 53)));
        let copy = |memory: Memory| {
            memory.place::<u8>(2).write(7);
            let to = memory.place::<u8>(66).cast();
            assert_eq!(__tsan_memcpy(to, memory.place(2), 10), to);
            assert_eq!(memory.place::<u8>(66).read(), 7);
        };
        assert!(!race(copy, announce(__tsan_read8, 0)));
        assert!(race(copy, announce(__tsan_write1, 11)));
        assert!(race(copy, announce(__tsan_read1, 75)));
        assert!(!race(copy, announce(__tsan_read1, 76)));
        let fill = |memory: Memory| {
            __tsan_memset(memory.place(5), 3, 6);
            __tsan_memmove(memory.place(6), memory.place(5), 6);
            assert_eq!(memory.place::<[u8; 7]>(5).read(), [3; 7]);
        };
        assert!(race(fill, announce(__tsan_read1, 11)));
        assert!(!race(fill, announce(__tsan_read1, 12)));
    }
}

#[test]
fn a_pointer_to_a_table_is_written_only_if_it_changes() {
    // SAFETY: within the memory.
    let update =
        |new: usize| move |memory: Memory| unsafe { __tsan_vptr_update(memory.at(8), new) };
    assert!(!race(update(0), announce(__tsan_read8, 8)));
    assert!(race(update(1), announce(__tsan_read8, 8)));
}

#[test]
fn atomic_and_plain_accesses_race() {
    // SAFETY: within the memory, and aligned; so in all that follow.
    unsafe {
        let add = |memory: Memory| {
            __tsan_atomic64_fetch_add(memory.place(8), 1, SEQ_CST);
        };
        let load = |memory: Memory| {
            __tsan_atomic64_load(memory.place(8), SEQ_CST);
        };
        let fail = |memory: Memory| {
            let found =
                __tsan_atomic64_compare_exchange_val(memory.place(8), 9, 1, SEQ_CST, SEQ_CST);
            assert_ne!(found, 9);
        };
        assert!(!race(add, load) && !race(add, add) && !race(fail, add));
        assert_eq!(
            found(add, announce(__tsan_read1, 15)),
            [[Operation::AtomicWrite, Operation::Read]]
        );
        assert!(!race(load, announce(__tsan_read8, 8)));
        assert_eq!(
            found(load, announce(__tsan_write8, 8)),
            [[Operation::AtomicRead, Operation::Write]]
        );
        // It only reads.
        assert!(!race(fail, announce(__tsan_read8, 8)));
        assert!(race(fail, announce(__tsan_write8, 8)));
    }
}

/// Writes, and publishes by `store`; the other thread loads by `load`, and reads.
fn is_published(
    store: impl FnOnce(Memory) + Send + 'static,
    load: impl FnOnce(Memory) + Send + 'static,
) -> bool {
    !race(
        move |memory| {
            // SAFETY: nothing is accessed.
            unsafe { __tsan_write8(memory.at(64)) };
            store(memory);
        },
        move |memory| {
            load(memory);
            // SAFETY: as above.
            unsafe { __tsan_read8(memory.at(64)) };
        },
    )
}

/// The first thread writes all but the flag a few times, from one place, and publishes all of these writes or all but the last.
#[test]
fn a_range_that_was_written_before_is_written_in_each_of_its_lines() {
    for (offset, published) in [(8, 3), (8, 2), (70, 3), (70, 2), (127, 3), (127, 2)] {
        let write = move |memory: Memory| {
            for round in 1..=3 {
                // SAFETY: within the memory.
                unsafe {
                    __tsan_write_range(memory.at(8), 120);
                    if round <= published {
                        __tsan_atomic64_store(memory.place(0), round, RELEASE);
                    }
                }
            }
        };
        let read = move |memory: Memory| {
            // SAFETY: as above.
            unsafe {
                __tsan_atomic64_load(memory.place(0), ACQUIRE);
                __tsan_read1(memory.at(offset));
            }
        };
        assert_eq!(race(write, read), published == 2, "{offset} {published}");
    }
}

#[test]
fn orderings_order() {
    // SAFETY: as above.
    unsafe {
        let store =
            |order: i32| move |memory: Memory| __tsan_atomic32_store(memory.place(0), 1, order);
        let load = |order: i32| {
            move |memory: Memory| {
                __tsan_atomic32_load(memory.place(0), order);
            }
        };
        for (stored, loaded, expected) in [
            (RELEASE, ACQUIRE, true),
            (RELEASE, 1, true),
            (SEQ_CST, SEQ_CST, true),
            (RELAXED, ACQUIRE, false),
            (RELEASE, RELAXED, false),
        ] {
            assert_eq!(
                is_published(store(stored), load(loaded)),
                expected,
                "{stored} {loaded}"
            );
        }
        let exchange = |order: i32| {
            move |memory: Memory| {
                __tsan_atomic32_exchange(memory.place(0), 2, order);
            }
        };
        assert!(is_published(exchange(ACQ_REL), exchange(ACQ_REL)));
        assert!(!is_published(exchange(ACQUIRE), exchange(ACQ_REL)));
        // A failed one is a load, with its own ordering.
        let fail = |success: i32, failure: i32| {
            move |memory: Memory| {
                let found =
                    __tsan_atomic32_compare_exchange_val(memory.place(0), 7, 8, success, failure);
                assert_eq!(found, 1);
            }
        };
        assert!(is_published(store(RELEASE), fail(RELAXED, ACQUIRE)));
        assert!(!is_published(store(RELEASE), fail(ACQ_REL, RELAXED)));
        let fenced_store = |memory: Memory| {
            __tsan_atomic_thread_fence(RELEASE);
            __tsan_atomic32_store(memory.place(0), 1, RELAXED);
        };
        let fenced_load = |memory: Memory| {
            __tsan_atomic32_load(memory.place(0), RELAXED);
            __tsan_atomic_thread_fence(ACQUIRE);
        };
        assert!(is_published(fenced_store, fenced_load));
        assert!(!is_published(fenced_store, load(RELAXED)));
        assert!(!is_published(store(RELAXED), |memory| {
            __tsan_atomic32_load(memory.place(0), RELAXED);
            __tsan_atomic_signal_fence(SEQ_CST);
        }));
    }
}

/// What an atomic itself was initialised with is ordered before who has acquired it: by its own value.
#[test]
fn an_atomic_publishes_itself() {
    // SAFETY: as above.
    unsafe {
        let make = |memory: Memory| {
            __tsan_write8(memory.at(0));
            __tsan_atomic64_store(memory.place(0), 1, RELEASE);
        };
        let take = |memory: Memory| {
            __tsan_atomic64_exchange(memory.place(0), 2, ACQUIRE);
        };
        let look = |memory: Memory| {
            __tsan_atomic64_load(memory.place(0), RELAXED);
        };
        assert!(!race(make, take));
        assert!(race(make, look));
        // And what it stores is published with it.
        assert!(!race(make, |memory| {
            __tsan_atomic64_load(memory.place(0), ACQUIRE);
            __tsan_write8(memory.at(0));
        }));
    }
}

#[test]
fn what_is_to_be_ignored_is_ignored() {
    let ignored = |memory| {
        __tsan_ignore_thread_begin();
        announce(__tsan_write8, 0)(memory);
        __tsan_ignore_thread_end();
    };
    assert!(!race(ignored, announce(__tsan_write8, 0)));
}

macro_rules! arithmetic {
    ($type:ty, $size:literal: $exchange:ident $add:ident $sub:ident $and:ident $or:ident $xor:ident $nand:ident $load:ident $store:ident $compare:ident) => {
        // SAFETY: the places are the test's own.
        unsafe {
            let start: $type = <$type>::MAX / 7 * 5;
            let operand: $type = <$type>::MAX / 3;
            let mut place = start;
            let mut check = |function: unsafe extern "C" fn(*mut $type, $type, i32) -> $type,
                             after: $type| {
                place = start;
                assert_eq!(function(&raw mut place, operand, SEQ_CST), start);
                assert_eq!(place, after, "{}", $size);
            };
            check($exchange, operand);
            check($add, start.wrapping_add(operand));
            check($sub, start.wrapping_sub(operand));
            check($and, start & operand);
            check($or, start | operand);
            check($xor, start ^ operand);
            check($nand, !(start & operand));
            $store(&raw mut place, start, RELEASE);
            assert_eq!($load(&raw mut place, ACQUIRE), start);
            assert_eq!(
                $compare(&raw mut place, operand, 1, ACQ_REL, ACQUIRE),
                start
            );
            assert_eq!(place, start);
            assert_eq!(
                $compare(&raw mut place, start, operand, ACQ_REL, ACQUIRE),
                start
            );
            assert_eq!(place, operand);
        }
    };
}

#[test]
fn values_of_all_sizes() {
    arithmetic!(u8, 8: __tsan_atomic8_exchange __tsan_atomic8_fetch_add __tsan_atomic8_fetch_sub __tsan_atomic8_fetch_and __tsan_atomic8_fetch_or
        __tsan_atomic8_fetch_xor __tsan_atomic8_fetch_nand __tsan_atomic8_load __tsan_atomic8_store __tsan_atomic8_compare_exchange_val);
    arithmetic!(u16, 16: __tsan_atomic16_exchange __tsan_atomic16_fetch_add __tsan_atomic16_fetch_sub __tsan_atomic16_fetch_and __tsan_atomic16_fetch_or
        __tsan_atomic16_fetch_xor __tsan_atomic16_fetch_nand __tsan_atomic16_load __tsan_atomic16_store __tsan_atomic16_compare_exchange_val);
    arithmetic!(u32, 32: __tsan_atomic32_exchange __tsan_atomic32_fetch_add __tsan_atomic32_fetch_sub __tsan_atomic32_fetch_and __tsan_atomic32_fetch_or
        __tsan_atomic32_fetch_xor __tsan_atomic32_fetch_nand __tsan_atomic32_load __tsan_atomic32_store __tsan_atomic32_compare_exchange_val);
    arithmetic!(u64, 64: __tsan_atomic64_exchange __tsan_atomic64_fetch_add __tsan_atomic64_fetch_sub __tsan_atomic64_fetch_and __tsan_atomic64_fetch_or
        __tsan_atomic64_fetch_xor __tsan_atomic64_fetch_nand __tsan_atomic64_load __tsan_atomic64_store __tsan_atomic64_compare_exchange_val);
    arithmetic!(u128, 128: __tsan_atomic128_exchange __tsan_atomic128_fetch_add __tsan_atomic128_fetch_sub __tsan_atomic128_fetch_and __tsan_atomic128_fetch_or
        __tsan_atomic128_fetch_xor __tsan_atomic128_fetch_nand __tsan_atomic128_load __tsan_atomic128_store __tsan_atomic128_compare_exchange_val);
}

#[test]
fn what_is_found_is_written_back() {
    // SAFETY: the places are the test's own.
    unsafe {
        let (mut place, mut expected) = (5u32, 4u32);
        let compare = __tsan_atomic32_compare_exchange_strong;
        assert!(!compare(
            &raw mut place,
            &raw mut expected,
            6,
            ACQ_REL,
            ACQUIRE
        ));
        assert_eq!((place, expected), (5, 5));
        let compare = __tsan_atomic32_compare_exchange_weak;
        assert!(compare(
            &raw mut place,
            &raw mut expected,
            6,
            ACQ_REL,
            ACQUIRE
        ));
        assert_eq!((place, expected), (6, 5));
    }
}

/// The list by which the object's visible names are chosen has each function that is announced to, and each is there.
#[test]
fn exports_are_what_is_defined() {
    let exports: Vec<&str> = include_str!("../exports.txt").lines().collect();
    let mut sorted = exports.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), exports.len(), "each name once");
    let sources = [
        include_str!("../src/access.rs"),
        include_str!("../src/atomics.rs"),
        include_str!("../src/frames.rs"),
        include_str!("../src/descriptors.rs"),
    ];
    let defined = |name: &str| {
        let (call, short) = (format!("{name}("), format!("{name} = "));
        sources.iter().any(|source| {
            source.lines().any(|line| {
                let line = line
                    .trim_start()
                    .trim_start_matches("pub ")
                    .trim_start_matches("unsafe ");
                let line = line
                    .trim_start_matches("extern \"C\" ")
                    .trim_start_matches("extern \"C-unwind\" ");
                let line = line.trim_start_matches("fn ");
                line.starts_with(&call) || line.starts_with(&short)
            })
        })
    };
    for name in exports.iter().filter(|name| name.starts_with("__tsan_")) {
        assert!(defined(name), "{name}");
    }
    for source in sources {
        for word in source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if word.starts_with("__tsan_") {
                assert!(exports.contains(&word), "{word}");
            }
        }
    }
}
