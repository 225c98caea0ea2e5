//! Kinds of memory, and of accesses to it: heap, globals, stacks, what was freed, bytes of words, C's functions, another crate's code.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use std::{ptr, thread};

use dependency::{Calls, Log};

use crate::support::{self, Meeting, Plain, in_turn, read, until};

crate::programs! {
    race: heap_block, global, stack_of_another_thread, stack_of_main, freed_after_use, used_after_free, used_after_free_small,
        used_twice_after_free, grown_elsewhere, kept_in_place, shrunk_in_place, used_after_resize, byte_of_a_word, unaligned_word, copied_to, copied_from,
        moved_within, filled, compared, c_memcpy, c_memset, volatile, in_a_dependency, in_a_generic_of_a_dependency, mapped;
    none: prim_22_reused_memory, prim_22_reused_stacks, allocator_all, bytes_side_by_side, copies_side_by_side, mapped_again;
}

/// Starts a thread that a report calls by its name. Its handle is kept: see `Meeting`.
fn named<'scope, 'env: 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    name: &str,
    run: impl FnOnce() + Send + 'scope,
) -> thread::ScopedJoinHandle<'scope, ()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn_scoped(scope, run)
        .unwrap()
}

#[inline(never)]
fn make_block() -> Box<[u64; 6]> {
    black_box(Box::new([1; 6]))
}

fn heap_block(_: usize) {
    let mut block = make_block();
    let word = Plain::new(&raw mut block[2]);
    let (both, written) = (Meeting::of(2), AtomicBool::new(false));
    thread::scope(|s| {
        let _writer = named(s, "writer", || {
            both.meet();
            unsafe { *word.get() = 7 }; // race: heap_block
            written.store(true, Relaxed);
        });
        let _reader = named(s, "reader", || {
            both.meet();
            until(&written);
            black_box(unsafe { *word.get() }); // race: heap_block
        });
    });
}

static mut REQUESTS: u32 = 0;

fn global(_: usize) {
    let (both, written) = (Meeting::of(2), AtomicBool::new(false));
    thread::scope(|s| {
        let _first = named(s, "first", || {
            both.meet();
            unsafe { REQUESTS = 1 }; // race: global
            written.store(true, Relaxed);
        });
        let _second = named(s, "second", || {
            both.meet();
            until(&written);
            unsafe { REQUESTS = 2 }; // race: global
        });
    });
}

/// A thread lends a variable of its own, and goes on using it.
fn stack_of_another_thread(_: usize) {
    let (lent, written) = (AtomicPtr::new(ptr::null_mut()), AtomicBool::new(false));
    thread::scope(|s| {
        let _owner = named(s, "owner", || {
            let mut local = 0u64;
            lent.store(&raw mut local, Release);
            until(&written);
            black_box(unsafe { *lent.load(Relaxed) }); // race: stack_of_another_thread
        });
        let _borrower = named(s, "borrower", || {
            let mut local = lent.load(Acquire);
            while local.is_null() {
                thread::yield_now();
                local = lent.load(Acquire);
            }
            unsafe { *local = 7 }; // race: stack_of_another_thread
            written.store(true, Relaxed);
        });
    });
}

fn stack_of_main(_: usize) {
    let mut local = [0u64; 4];
    let (element, both) = (Plain::new(&raw mut local[3]), Meeting::of(2));
    thread::scope(|s| {
        s.spawn(|| {
            both.meet();
            unsafe { *element.get() = 7 }; // race: stack_of_main
        });
        both.meet();
        unsafe { *element.get() = 8 }; // race: stack_of_main
    });
    black_box(local);
}

fn freed_after_use(_: usize) {
    let block = Plain::new(Box::into_raw(make_block()));
    let (both, used) = (Meeting::of(2), AtomicBool::new(false));
    thread::scope(|s| {
        let _user = named(s, "user", || {
            both.meet();
            unsafe { (*block.get())[1] = 7 }; // race: freed_after_use
            used.store(true, Relaxed);
        });
        let _owner = named(s, "owner", || {
            both.meet();
            until(&used);
            let block = unsafe { Box::from_raw(block.get()) };
            drop(block); // race: freed_after_use
        });
    });
}

#[inline(never)]
fn make_large_block() -> Box<[u64; 600]> {
    black_box(Box::new([1; 600]))
}

/// The owner stays until the end: what a thread has freed may be given to others when it ends.
fn used_after_free(_: usize) {
    let block = Plain::new(Box::into_raw(make_large_block()));
    let (both, freed, used) = (
        Meeting::of(2),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    thread::scope(|s| {
        let _owner = named(s, "owner", || {
            both.meet();
            let block = unsafe { Box::from_raw(block.get()) };
            drop(block); // race: used_after_free
            freed.store(true, Relaxed);
            until(&used);
        });
        let _user = named(s, "user", || {
            both.meet();
            until(&freed);
            black_box(unsafe { (*block.get())[300] }); // race: used_after_free
            used.store(true, Relaxed);
        });
    });
}

/// There are many of that size, and a detector wants some, too.
fn used_after_free_small(_: usize) {
    let block = Plain::new(Box::into_raw(make_block()));
    in_turn(
        || {
            let block = unsafe { Box::from_raw(block.get()) };
            drop(block); // race: used_after_free_small
        },
        || {
            black_box(unsafe { (*block.get())[5] }); // race: used_after_free_small
        },
    );
}

/// The block moves while another thread has looked at the old one.
fn grown_elsewhere(_: usize) {
    let layout = Layout::new::<[u64; 8]>();
    let block = Plain::new(unsafe { alloc_zeroed(layout) }.cast::<u64>());
    in_turn(
        || {
            black_box(unsafe { *block.get().add(3) }); // race: grown_elsewhere
        },
        || {
            let old = block.get().cast::<u8>();
            let larger = unsafe { realloc(old, layout, 100_000) }; // race: grown_elsewhere
            black_box(larger);
        },
    );
}

/// Neither of the two accesses is the free. The owner's is another one because of the release between.
fn used_twice_after_free(_: usize) {
    let block = Plain::new(Box::into_raw(make_large_block()));
    let (both, used) = (Meeting::of(2), AtomicBool::new(false));
    thread::scope(|s| {
        let _owner = named(s, "owner", || {
            both.meet();
            drop(unsafe { Box::from_raw(block.get()) });
            used.store(false, Release);
            unsafe { (*block.get())[300] = 7 }; // race: used_twice_after_free
            used.store(true, Relaxed);
        });
        let _user = named(s, "user", || {
            both.meet();
            until(&used);
            black_box(unsafe { (*block.get())[300] }); // race: used_twice_after_free
        });
    });
}

/// `malloc` gives 104 bytes to who wants 100: the block stays, and what becomes of it is another one all the same.
fn kept_in_place(_: usize) {
    let layout = Layout::from_size_align(100, 1).unwrap();
    let block = Plain::new(unsafe { alloc_zeroed(layout) });
    in_turn(
        || {
            read(unsafe { block.get().add(70) }); // race: kept_in_place
        },
        || {
            let larger = unsafe { realloc(block.get(), layout, 104) }; // race: kept_in_place
            assert_eq!(larger, block.get());
        },
    );
}

/// Of what is left over, somebody else still has a pointer.
fn shrunk_in_place(_: usize) {
    let layout = Layout::from_size_align(4000, 1).unwrap();
    let block = Plain::new(unsafe { alloc_zeroed(layout) });
    in_turn(
        || {
            read(unsafe { block.get().add(3500) }); // race: shrunk_in_place
        },
        || {
            let smaller = unsafe { realloc(block.get(), layout, 2000) }; // race: shrunk_in_place
            assert_eq!(smaller, block.get());
        },
    );
}

fn used_after_resize(_: usize) {
    let layout = Layout::from_size_align(4000, 1).unwrap();
    let block = Plain::new(unsafe { alloc_zeroed(layout) });
    in_turn(
        || {
            let smaller = unsafe { realloc(block.get(), layout, 2000) }; // race: used_after_resize
            assert_eq!(smaller, block.get());
        },
        || {
            read(unsafe { block.get().add(1500) }); // race: used_after_resize
        },
    );
}

fn byte_of_a_word(_: usize) {
    let word = Plain::new(0u64);
    in_turn(
        || {
            word.set(u64::MAX); // race: byte_of_a_word
        },
        || {
            let fifth = unsafe { word.pointer().cast::<u8>().add(5) };
            read(fifth); // race: byte_of_a_word
        },
    );
}

fn unaligned_word(_: usize) {
    let bytes = Plain::new([0u64; 3]);
    let bytes = &Plain::new(bytes.pointer().cast::<u8>());
    in_turn(
        || {
            let word = unsafe { bytes.get().add(5) }.cast::<u64>();
            unsafe { word.write_unaligned(7) }; // race: unaligned_word
        },
        || {
            let last = unsafe { bytes.get().add(12) };
            unsafe { *last = 1 }; // race: unaligned_word
        },
    );
}

/// Each thread has a byte of the same words.
fn bytes_side_by_side(threads: usize) {
    let bytes = Plain::new([0u64; 8]);
    thread::scope(|s| {
        for number in 0..threads {
            let bytes = &bytes;
            s.spawn(move || {
                for round in 0..20u8 {
                    for word in 0..8 {
                        let byte = bytes
                            .pointer()
                            .cast::<u8>()
                            .wrapping_add(8 * word + number % 8);
                        // SAFETY: each thread has bytes of its own.
                        unsafe { *black_box(byte) += round };
                    }
                }
            });
            if number == 7 {
                // There are eight bytes in a word.
                break;
            }
        }
    });
    assert_eq!(bytes.get()[0].to_le_bytes()[0], 190);
}

const LENGTH: usize = 100;

struct Buffer(Plain<[u8; LENGTH]>);

static BUFFER: Buffer = Buffer(Plain::new([0; LENGTH]));

impl Buffer {
    fn at(&self, index: usize) -> *mut u8 {
        self.0.pointer().cast::<u8>().wrapping_add(index)
    }

    /// So many bytes that the compiler doesn't know it.
    fn length(&self) -> usize {
        black_box(LENGTH)
    }
}

fn copied_to(_: usize) {
    let source = [7u8; LENGTH];
    in_turn(
        || {
            unsafe { ptr::copy_nonoverlapping(source.as_ptr(), BUFFER.at(0), BUFFER.length()) }; // race: copied_to
        },
        || {
            black_box(unsafe { *BUFFER.at(99) }); // race: copied_to
        },
    );
}

fn copied_from(_: usize) {
    in_turn(
        || {
            let copy = &mut [0u8; LENGTH];
            unsafe { ptr::copy_nonoverlapping(BUFFER.at(0), copy.as_mut_ptr(), BUFFER.length()) }; // race: copied_from
            black_box(copy);
        },
        || {
            unsafe { *BUFFER.at(41) = 1 }; // race: copied_from
        },
    );
}

fn moved_within(_: usize) {
    in_turn(
        || {
            unsafe { ptr::copy(BUFFER.at(0), BUFFER.at(10), BUFFER.length() - 10) }; // race: moved_within
        },
        || {
            unsafe { *BUFFER.at(5) = 1 }; // race: moved_within
        },
    );
}

fn filled(_: usize) {
    in_turn(
        || {
            unsafe { BUFFER.at(3).write_bytes(9, BUFFER.length() - 3) }; // race: filled
        },
        || {
            black_box(unsafe { *BUFFER.at(3) }); // race: filled
        },
    );
}

fn compared(_: usize) {
    in_turn(
        || {
            unsafe { *BUFFER.at(0) = 1 }; // race: compared
        },
        || {
            let all = unsafe { std::slice::from_raw_parts(BUFFER.at(0), BUFFER.length()) };
            black_box(all.iter().position(|byte| *byte == 1)); // race: compared
        },
    );
}

fn copies_side_by_side(threads: usize) {
    let all = Plain::new(vec![0u8; LENGTH * threads]);
    let (first, source) = (Plain::new(all.reach().as_mut_ptr()), [7u8; LENGTH]);
    thread::scope(|s| {
        for number in 0..threads {
            let (first, source) = (&first, &source);
            s.spawn(move || {
                let mine = first.get().wrapping_add(LENGTH * number);
                // SAFETY: each thread has a part of its own.
                unsafe { ptr::copy_nonoverlapping(source.as_ptr(), mine, black_box(LENGTH)) };
                // SAFETY: as above.
                unsafe { mine.write_bytes(8, black_box(LENGTH)) };
            });
        }
    });
    assert!(all.reach().iter().all(|byte| *byte == 8));
}

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        length: usize,
        protection: i32,
        flags: i32,
        file: i32,
        offset: i64,
    ) -> *mut c_void;
    fn munmap(at: *mut c_void, length: usize) -> i32;
}

fn c_memcpy(_: usize) {
    let source = [7u8; LENGTH];
    in_turn(
        || {
            support::c_memcpy(BUFFER.at(0), source.as_ptr(), LENGTH); // race: c_memcpy
        },
        || {
            unsafe { *BUFFER.at(50) = 1 }; // race: c_memcpy
        },
    );
}

fn c_memset(_: usize) {
    in_turn(
        || {
            unsafe { *BUFFER.at(60) = 1 }; // race: c_memset
        },
        || {
            support::c_memset(BUFFER.at(0), 3, LENGTH); // race: c_memset
        },
    );
}

/// Volatile orders nothing.
fn volatile(_: usize) {
    static mut READY: bool = false;
    in_turn(
        || {
            unsafe { (&raw mut READY).write_volatile(true) }; // race: volatile
        },
        || {
            let ready = unsafe { (&raw const READY).read_volatile() }; // race: volatile
            assert!(ready);
        },
    );
}

static CALLS: Calls = Calls::new();
static ENTRIES: Log<u64> = Log::new();

fn in_a_dependency(threads: usize) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                all.meet();
                CALLS.count();
            });
        }
    });
}

fn in_a_generic_of_a_dependency(_: usize) {
    in_turn(|| ENTRIES.add(1), || assert!(ENTRIES.last().is_some()));
}

const PAGES: usize = 1 << 16;

fn map() -> *mut u8 {
    // SAFETY: new, private and anonymous, to be read and written.
    let memory = unsafe { mmap(ptr::null_mut(), PAGES, 3, 0x22, -1, 0) };
    assert!(memory.addr() != usize::MAX);
    memory.cast()
}

fn mapped(_: usize) {
    let memory = Plain::new(map());
    in_turn(
        || {
            unsafe { *memory.get().add(5000) = 1 }; // race: mapped
        },
        || {
            black_box(unsafe { *memory.get().add(5000) }); // race: mapped
        },
    );
    unsafe { munmap(memory.get().cast(), PAGES) };
}

/// Mapped and unmapped by one thread after the other, mostly at the same address.
fn mapped_again(threads: usize) {
    let address = AtomicU64::new(0);
    for _ in 0..2 * threads {
        let again = thread::spawn(|| {
            let memory = map();
            for page in 0..PAGES / 4096 {
                // SAFETY: nobody else has it.
                unsafe { *memory.add(4096 * page) = 1 };
            }
            // SAFETY: as above.
            unsafe { munmap(memory.cast(), PAGES) };
            memory.addr()
        });
        // Ended, and nothing orders that before the next one.
        while !again.is_finished() {
            thread::yield_now();
        }
        std::mem::forget(again);
        address.fetch_add(1, Relaxed);
    }
    assert_eq!(address.into_inner() as usize, 2 * threads);
}

/// Blocks that a thread has freed are given to another. Only the allocator's own lock, or nothing that the program does, orders the two.
fn prim_22_reused_memory(threads: usize) {
    for size in [24usize, 1000, 100_000, 1_000_000] {
        for number in 0..threads {
            let user = thread::spawn(move || {
                let layout = Layout::from_size_align(size, 8).unwrap();
                // SAFETY: the block is this thread's from here to there.
                unsafe {
                    let block = alloc(layout);
                    block.write_bytes(number as u8, size);
                    assert_eq!(*black_box(block).add(size / 2), number as u8);
                    dealloc(block, layout);
                }
            });
            while !user.is_finished() {
                thread::yield_now();
            }
            std::mem::forget(user);
        }
    }
}

/// A thread's stack is given to the next thread.
fn prim_22_reused_stacks(threads: usize) {
    for number in 0..2 * threads {
        let user = thread::spawn(move || {
            let mut locals = [number; 1000];
            black_box(&mut locals)[number] += 1;
            assert_eq!(locals[number], number + 1);
        });
        while !user.is_finished() {
            thread::yield_now();
        }
        std::mem::forget(user);
    }
}

fn allocator_all(threads: usize) {
    let sum = AtomicU64::new(0);
    let use_memory = || {
        for size in [24usize, 100, 1000, 5000, 200_000] {
            for round in 0..10u8 {
                let layout = Layout::from_size_align(size, 8).unwrap();
                // SAFETY: the block is this thread's from here to there.
                unsafe {
                    let block = if round % 2 == 0 {
                        alloc(layout)
                    } else {
                        alloc_zeroed(layout)
                    };
                    block.write_bytes(round, size);
                    let larger = realloc(block, layout, 2 * size);
                    larger.add(size).write_bytes(round, size);
                    sum.fetch_add(u64::from(*larger.add(size / 2)), Relaxed);
                    dealloc(larger, Layout::from_size_align(2 * size, 8).unwrap());
                }
            }
        }
    };
    for _ in 0..3 {
        thread::scope(|s| {
            for _ in 0..threads {
                s.spawn(use_memory);
            }
        });
    }
    assert_eq!(sum.into_inner() as usize, 3 * threads * 5 * 45);
}
