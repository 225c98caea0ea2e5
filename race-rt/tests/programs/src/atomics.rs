//! Atomics of all sizes and operations, and the same memory used as an atomic and as plain memory.

use std::hint::black_box;
use std::ptr;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize,
};
use std::thread;

use crate::support::{Meeting, Plain, in_turn, read};

crate::programs! {
    race: mixed_sizes, mixed_increment, mixed_compare_exchange, mixed_failed_compare_exchange, mixed_read, mixed_half, made_and_not_published;
    none: all_operations, mixed_reads, mixed_and_ordered, made_and_published, sixteen_bytes;
}

fn mixed_sizes(_: usize) {
    static BYTE: AtomicU8 = AtomicU8::new(0);
    static HALF: AtomicU16 = AtomicU16::new(0);
    static WORD: AtomicU32 = AtomicU32::new(0);
    static LONG: AtomicU64 = AtomicU64::new(0);
    static POINTER: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
    in_turn(
        || {
            BYTE.store(1, SeqCst); // race: mixed_sizes.byte
            HALF.store(1, SeqCst); // race: mixed_sizes.half
            WORD.store(1, SeqCst); // race: mixed_sizes.word
            LONG.store(1, SeqCst); // race: mixed_sizes.long
            POINTER.store(ptr::dangling_mut(), SeqCst); // race: mixed_sizes.pointer
        },
        || {
            black_box(unsafe { *BYTE.as_ptr() }); // race: mixed_sizes.byte
            black_box(unsafe { *HALF.as_ptr() }); // race: mixed_sizes.half
            black_box(unsafe { *WORD.as_ptr() }); // race: mixed_sizes.word
            black_box(unsafe { *LONG.as_ptr() }); // race: mixed_sizes.long
            black_box(unsafe { *POINTER.as_ptr() }); // race: mixed_sizes.pointer
        },
    );
}

fn mixed_increment(threads: usize) {
    let (hits, all) = (AtomicU64::new(0), Meeting::of(threads));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                all.meet();
                hits.fetch_add(1, SeqCst); // race: mixed_increment
            });
        }
        all.meet();
        unsafe { hits.as_ptr().write(7) }; // race: mixed_increment
    });
}

fn exchange(expected: u32) {
    let state = AtomicU32::new(1);
    in_turn(
        || {
            unsafe { *state.as_ptr() = 2 }; // race: mixed_compare_exchange, mixed_failed_compare_exchange
        },
        || {
            let _ = black_box(state.compare_exchange(expected, 3, AcqRel, Acquire)); // race: mixed_compare_exchange, mixed_failed_compare_exchange
        },
    );
}

fn mixed_compare_exchange(_: usize) {
    exchange(2);
}

/// It is a read all the same.
fn mixed_failed_compare_exchange(_: usize) {
    exchange(7);
}

fn mixed_read(_: usize) {
    let hits = AtomicUsize::new(0);
    in_turn(
        || {
            read(hits.as_ptr()); // race: mixed_read
        },
        || {
            hits.store(1, Release); // race: mixed_read
        },
    );
}

/// Only half of the word is atomic.
fn mixed_half(_: usize) {
    let word = Plain::new(0u64);
    in_turn(
        || {
            let half = unsafe { AtomicU32::from_ptr(word.pointer().cast::<u32>().add(1)) };
            half.fetch_or(1, AcqRel); // race: mixed_half
        },
        || {
            word.get(); // race: mixed_half
        },
    );
}

/// Reads don't race, whatever they are: nor does an exchange that fails.
fn mixed_reads(threads: usize) {
    let hits = AtomicU64::new(7);
    thread::scope(|s| {
        for number in 0..threads {
            let hits = &hits;
            s.spawn(move || {
                if number % 2 == 0 {
                    assert_eq!(hits.load(Relaxed), 7);
                    assert!(hits.compare_exchange(8, 9, SeqCst, Relaxed).is_err());
                } else {
                    // SAFETY: nobody writes.
                    assert_eq!(black_box(unsafe { *hits.as_ptr() }), 7);
                }
            });
        }
    });
}

/// Plain before the others begin and after they have ended.
fn mixed_and_ordered(threads: usize) {
    let mut hits = AtomicU64::new(0);
    *hits.get_mut() = 1;
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| hits.fetch_add(1, Relaxed));
        }
    });
    *hits.get_mut() += 1;
    assert_eq!(*hits.get_mut() as usize, threads + 2);
}

/// To make an atomic is a plain write.
fn publish(order: Ordering) {
    let shared = AtomicPtr::<AtomicU64>::new(ptr::null_mut());
    in_turn(
        || {
            let made = black_box(Box::into_raw(Box::<AtomicU64>::new_uninit())).cast::<AtomicU64>();
            unsafe { made.write(AtomicU64::new(5)) }; // race: made_and_not_published
            shared.store(made, order);
        },
        || {
            let found = unsafe { &*shared.load(Acquire) };
            black_box(found.load(SeqCst)); // race: made_and_not_published
        },
    );
}

fn made_and_not_published(_: usize) {
    publish(Relaxed);
}

fn made_and_published(_: usize) {
    publish(Release);
}

static BOOL: AtomicBool = AtomicBool::new(false);
static I8: AtomicI8 = AtomicI8::new(0);
static I16: AtomicI16 = AtomicI16::new(0);
static I64: AtomicI64 = AtomicI64::new(0);
static U32: AtomicU32 = AtomicU32::new(0);

/// Every read-modify-write, in several sizes and orders. Every access is atomic, so none races.
fn all_operations(threads: usize) {
    thread::scope(|s| {
        for number in 0..threads {
            s.spawn(move || {
                for round in 0..20u8 {
                    BOOL.fetch_xor(true, AcqRel);
                    BOOL.fetch_not(Relaxed);
                    BOOL.fetch_and(round > 3, Release);
                    I8.fetch_sub(1, SeqCst);
                    I8.fetch_min(round as i8, Acquire);
                    I16.fetch_max(i16::from(round), AcqRel);
                    I16.swap(i16::from(round), Release);
                    I64.fetch_add(i64::from(round), Relaxed);
                    I64.fetch_nand(-1, SeqCst);
                    U32.fetch_or(1 << (number % 32), Relaxed);
                    U32.fetch_xor(1 << 31, Release);
                    U32.fetch_and(!2, Acquire);
                    let _ = U32.compare_exchange_weak(0, 5, AcqRel, Relaxed);
                    let _ = I64.fetch_update(Release, Acquire, |n| (n > 0).then_some(n - 1));
                    let _ = (BOOL.load(SeqCst), I8.load(Acquire), I16.load(Relaxed));
                }
            });
        }
    });
}

/// A value and its version, in sixteen bytes that are exchanged at once.
#[cfg(target_arch = "x86_64")]
#[repr(align(16))]
struct Versioned(Plain<u128>);

#[cfg(target_arch = "x86_64")]
impl Versioned {
    /// What was there: `old`, if it has been exchanged.
    #[target_feature(enable = "cmpxchg16b")]
    fn exchange(&self, old: u128, new: u128) -> u128 {
        // SAFETY: it is aligned, and always valid.
        unsafe { std::arch::x86_64::cmpxchg16b(self.0.pointer(), old, new, AcqRel, Acquire) }
    }
}

/// It orders what is behind the pointer, too.
#[cfg(target_arch = "x86_64")]
fn sixteen_bytes(threads: usize) {
    assert!(is_x86_feature_detected!("cmpxchg16b"));
    let (versioned, values) = (
        Versioned(Plain::new(0)),
        (0..threads).map(|_| Plain::new(0)).collect::<Vec<_>>(),
    );
    thread::scope(|s| {
        for number in 0..threads {
            let (versioned, values) = (&versioned, &values);
            s.spawn(move || {
                values[number].set(7);
                let mut old = 0;
                loop {
                    let new = ((old >> 64) + 1) << 64 | number as u128;
                    // SAFETY: the processor has it.
                    let found = unsafe { versioned.exchange(old, new) };
                    if found == old {
                        break;
                    }
                    old = found;
                }
                if old != 0 {
                    assert_eq!(values[old as u64 as usize].get(), 7);
                }
            });
        }
    });
    assert_eq!((versioned.0.get() >> 64) as usize, threads);
}

#[cfg(not(target_arch = "x86_64"))]
fn sixteen_bytes(_: usize) {
    // `std` has no such atomics on stable yet.
}
