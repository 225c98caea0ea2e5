//! Programs with a known verdict whose global allocator isn't `malloc`, as the others are judged. The allocator serves two sizes that nobody else wants; everything else
//! comes from the system.
//!
//! What the allocator does to order the threads, a detector sees or doesn't: one that is written in Rust ([`ORDERED`]), and one that might be C's ([`UNSEEN`]), here in
//! assembly. Either may also write to its free blocks ([`POISONING`]). One has a lock that orders nothing ([`UNORDERED`]).

mod entries;
#[allow(dead_code, reason = "each executable needs a part of it")]
mod support;

use std::alloc::{GlobalAlloc, Layout, System, alloc, alloc_zeroed, dealloc, realloc};
use std::arch::asm;
use std::hint::{black_box, spin_loop};
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc;
use std::thread;

use entries::programs;
use support::{Plain, in_turn, read};

programs! {
    race: pool_heap_block, pool_freed_after_use, pool_used_after_free, pool_resized_after_use, pool_used_after_resize,
        unseen_heap_block, unseen_freed_after_use, unseen_used_after_free, unseen_resized_after_use, unseen_used_after_resize, unseen_zeroed, racy_allocator;
    none: system_reused, pool_reused, poisoned_pool_reused, unseen_reused, poisoned_unseen_reused, pool_beside_system;
}

fn main() -> ExitCode {
    entries::run(&[PROGRAMS])
}

const ORDERED: usize = 1;
const UNORDERED: usize = 2;
const UNSEEN: usize = 3;
const POISONING: usize = 4;

/// What kind of allocator it is: 0 as long as no program has said so.
static KIND: AtomicUsize = AtomicUsize::new(0);

/// The sizes that it serves.
const SIZES: [usize; 2] = [328, 488];
const BLOCK: usize = 512;

#[repr(align(512))]
struct Arena(Plain<[u8; 512 * BLOCK]>);

static ARENA: Arena = Arena(Plain::new([0; 512 * BLOCK]));
static LOCK: AtomicBool = AtomicBool::new(false);
/// The first free block, which begins with the address of the next.
static FREE: Plain<usize> = Plain::new(0);
/// Bytes of the arena that were used.
static USED: Plain<usize> = Plain::new(0);

fn is_unseen() -> bool {
    KIND.load(Relaxed) & !POISONING == UNSEEN
}

fn lock() {
    if is_unseen() {
        // SAFETY: a byte, which nobody accesses in another way as long as the kind is this one.
        unsafe {
            asm!(
                "2:", "mov {new}, 1", "xchg byte ptr [{lock}], {new}", "test {new}, {new}", "jz 3f", "pause", "jmp 2b", "3:",
                new = out(reg_byte) _, lock = in(reg) &raw const LOCK,
            );
        }
        return;
    }
    let order = if KIND.load(Relaxed) & UNORDERED != 0 {
        Relaxed
    } else {
        Acquire
    };
    while LOCK.compare_exchange(false, true, order, Relaxed).is_err() {
        spin_loop();
    }
}

fn unlock() {
    if is_unseen() {
        // SAFETY: as above.
        unsafe { asm!("mov byte ptr [{}], 0", in(reg) &raw const LOCK) };
    } else if KIND.load(Relaxed) & UNORDERED != 0 {
        LOCK.store(false, Relaxed);
    } else {
        LOCK.store(false, Release);
    }
}

#[inline(never)]
fn load(place: *const usize) -> usize {
    if is_unseen() {
        let value;
        // SAFETY: a word of the allocator's own.
        unsafe { asm!("mov {}, [{}]", out(reg) value, in(reg) place) };
        return value;
    }
    unsafe { *place } // race: racy_allocator
}

#[inline(never)]
fn store(place: *mut usize, value: usize) {
    if is_unseen() {
        // SAFETY: a word of the allocator's own.
        unsafe { asm!("mov [{}], {}", in(reg) place, in(reg) value) };
        return;
    }
    unsafe { *place = value }; // race: racy_allocator, racy_allocator.both
}

struct Pool;

#[global_allocator]
static POOL: Pool = Pool;

impl Pool {
    fn serves(layout: Layout) -> bool {
        KIND.load(Relaxed) != 0 && SIZES.contains(&layout.size())
    }

    fn poison(block: *mut u8, byte: u8, layout: Layout) {
        if KIND.load(Relaxed) & POISONING != 0 {
            // SAFETY: nobody has the block, or who has it is told only then.
            unsafe { block.add(8).write_bytes(byte, black_box(layout.size() - 8)) };
        }
    }
}

// SAFETY: a block is in the list, or given out, or neither yet; all have the size of the largest that is served.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Pool::serves(layout) {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        }
        lock();
        let mut block = load(FREE.pointer());
        if block != 0 {
            store(FREE.pointer(), load(ptr::with_exposed_provenance(block)));
        } else {
            let used = load(USED.pointer());
            store(USED.pointer(), used + BLOCK);
            block = ARENA.0.pointer().expose_provenance() + used;
            assert!(used + BLOCK <= size_of::<Arena>());
        }
        unlock();
        let block = ptr::with_exposed_provenance_mut(block);
        Pool::poison(block, 0xaa, layout);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let arena = ARENA.0.pointer().addr();
        if !(arena..arena + size_of::<Arena>()).contains(&block.addr()) {
            // SAFETY: the caller's promise.
            return unsafe { System.dealloc(block, layout) };
        }
        Pool::poison(block, 0xdd, layout);
        lock();
        store(block.cast(), load(FREE.pointer()));
        store(FREE.pointer(), block.expose_provenance());
        unlock();
    }
}

const SMALL: Layout = Layout::new::<[u64; SIZES[0] / 8]>();
const LARGE: Layout = Layout::new::<[u64; SIZES[1] / 8]>();

fn make_block() -> Plain<*mut u64> {
    // SAFETY: it has a size.
    Plain::new(unsafe { alloc_zeroed(SMALL) }.cast())
}

/// Two threads that have the same block, one after the other. No two closures may be the same code: they would become one, of one line.
fn in_block(
    kind: usize,
    first: impl FnOnce(*mut u64) + Send,
    second: impl FnOnce(*mut u64) + Send,
) {
    KIND.store(kind, Relaxed);
    let block = make_block();
    in_turn(|| first(block.get()), || second(block.get()));
}

fn heap_block(kind: usize) {
    in_block(
        kind,
        |block| unsafe { *block.add(20) = 7 }, // race: pool_heap_block, unseen_heap_block
        |block| {
            read(unsafe { block.add(20) }); // race: pool_heap_block, unseen_heap_block
        },
    );
}

fn freed_after_use(kind: usize) {
    in_block(
        kind,
        |block| {
            read(unsafe { block.add(21) }); // race: pool_freed_after_use, unseen_freed_after_use
        },
        |block| {
            unsafe { dealloc(block.cast(), SMALL) }; // race: pool_freed_after_use, unseen_freed_after_use
        },
    );
}

/// What the allocator itself has written is in the first word.
fn used_after_free(kind: usize) {
    let block_of = |block: *mut u64| unsafe { Box::from_raw(block.cast::<[u64; SIZES[0] / 8]>()) };
    in_block(
        kind,
        |block| {
            drop(block_of(block)); // race: pool_used_after_free, unseen_used_after_free
        },
        |block| unsafe { *block.add(22) = 7 }, // race: pool_used_after_free, unseen_used_after_free
    );
}

fn resized_after_use(kind: usize) {
    in_block(
        kind,
        |block| unsafe { *block.add(40) = 7 }, // race: pool_resized_after_use, unseen_resized_after_use
        |block| {
            let larger = unsafe { realloc(block.cast(), SMALL, SIZES[1]) }; // race: pool_resized_after_use, unseen_resized_after_use
            assert_ne!(larger, block.cast());
        },
    );
}

fn used_after_resize(kind: usize) {
    in_block(
        kind,
        |block| {
            let larger = unsafe { realloc(block.cast(), SMALL, SIZES[1]) }; // race: pool_used_after_resize, unseen_used_after_resize
            assert!(!larger.is_null());
        },
        |block| {
            read(unsafe { block.add(23) }); // race: pool_used_after_resize, unseen_used_after_resize
        },
    );
}

fn pool_heap_block(_: usize) {
    heap_block(ORDERED);
}

fn pool_freed_after_use(_: usize) {
    freed_after_use(ORDERED);
}

fn pool_used_after_free(_: usize) {
    used_after_free(ORDERED);
}

fn pool_resized_after_use(_: usize) {
    resized_after_use(ORDERED);
}

fn pool_used_after_resize(_: usize) {
    used_after_resize(ORDERED);
}

fn unseen_heap_block(_: usize) {
    heap_block(UNSEEN);
}

fn unseen_freed_after_use(_: usize) {
    freed_after_use(UNSEEN);
}

fn unseen_used_after_free(_: usize) {
    used_after_free(UNSEEN);
}

fn unseen_resized_after_use(_: usize) {
    resized_after_use(UNSEEN);
}

fn unseen_used_after_resize(_: usize) {
    used_after_resize(UNSEEN);
}

/// Blocks that others had, and were given anew, are watched as any other.
fn unseen_zeroed(_: usize) {
    KIND.store(UNSEEN, Relaxed);
    use_memory(3);
    let block = make_block();
    in_turn(
        || unsafe { *block.get().add(1) = 7 }, // race: unseen_zeroed
        || unsafe { *block.get().add(1) = 8 }, // race: unseen_zeroed
    );
}

/// Its lock is relaxed: so two threads race for the allocator's own variables.
fn racy_allocator(_: usize) {
    KIND.store(UNORDERED, Relaxed);
    let allocate = || {
        // SAFETY: it has a size.
        black_box(unsafe { alloc(SMALL) });
    };
    in_turn(allocate, allocate);
}

/// Blocks in all ways, each this thread's as long as it has it.
fn use_memory(number: usize) {
    for round in 0..10 {
        // SAFETY: the layouts are those of the blocks.
        unsafe {
            let first = alloc(SMALL);
            first.write_bytes(number as u8, SMALL.size());
            let second = alloc_zeroed(LARGE);
            assert!((0..LARGE.size()).all(|at| *second.add(at) == 0));
            let larger = realloc(first, SMALL, LARGE.size());
            assert_eq!(*larger.add(SMALL.size() - 1), number as u8);
            larger.write_bytes(round, LARGE.size());
            dealloc(second, LARGE);
            let smaller = realloc(larger, LARGE, SMALL.size());
            assert_eq!(*smaller, round);
            dealloc(smaller, SMALL);
        }
    }
}

/// Threads one after the other, with no order between them; then at the same time; then blocks that others free.
fn reuse(kind: usize, threads: usize) {
    KIND.store(kind, Relaxed);
    for number in 0..2 * threads {
        let user = thread::spawn(move || use_memory(number));
        while !user.is_finished() {
            thread::yield_now();
        }
        std::mem::forget(user);
    }
    thread::scope(|s| {
        for number in 0..threads {
            s.spawn(move || use_memory(number));
        }
    });
    thread::scope(|s| {
        let (sender, receiver) = mpsc::channel::<Box<[usize; SMALL.size() / 8]>>();
        for number in 0..threads {
            let sender = sender.clone();
            s.spawn(move || {
                for _ in 0..20 {
                    sender.send(Box::new([number; _])).unwrap();
                }
            });
        }
        drop(sender);
        let sum: usize = receiver.iter().map(|block| block[7]).sum();
        assert_eq!(sum, 20 * (0..threads).sum::<usize>());
    });
}

fn system_reused(threads: usize) {
    reuse(0, threads);
}

fn pool_reused(threads: usize) {
    reuse(ORDERED, threads);
}

fn poisoned_pool_reused(threads: usize) {
    reuse(ORDERED | POISONING, threads);
}

fn unseen_reused(threads: usize) {
    reuse(UNSEEN, threads);
}

fn poisoned_unseen_reused(threads: usize) {
    reuse(UNSEEN | POISONING, threads);
}

/// Somebody asks the system itself, past the global allocator.
fn pool_beside_system(threads: usize) {
    KIND.store(UNSEEN, Relaxed);
    for number in 0..2 * threads {
        let user = thread::spawn(move || {
            use_memory(number);
            // SAFETY: the layout is the block's.
            unsafe {
                let block = System.alloc(SMALL);
                block.write_bytes(number as u8, SMALL.size());
                let block = System.realloc(block, SMALL, LARGE.size());
                assert_eq!(*black_box(block), number as u8);
                System.dealloc(block, LARGE);
            }
        });
        while !user.is_finished() {
            thread::yield_now();
        }
        std::mem::forget(user);
    }
}
