//! Algorithms of one's own: a wait group, cancellation, double-checked initialisation, a sequence lock.

use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, fence};
use std::thread;

use crate::support::{Plain, Word, in_turn};

crate::programs! {
    race: prim_07_not_waited, prim_07_relaxed_done, prim_13_relaxed_check, prim_15_relaxed_load, prim_15_plain_pointer, prim_17_plain_words;
    none: prim_07_wait_group, prim_13_cancellation, prim_15_double_checked, prim_17_seqlock;
}

/// Counts workers that are still at it.
struct WaitGroup(AtomicUsize);

impl WaitGroup {
    fn done(&self, order: Ordering) {
        self.0.fetch_sub(1, order);
    }

    fn wait(&self) {
        while self.0.load(Acquire) != 0 {
            thread::yield_now();
        }
    }
}

fn prim_07_wait_group(threads: usize) {
    let results: Vec<_> = (0..threads).map(|_| Plain::new(0)).collect();
    let group = WaitGroup(AtomicUsize::new(threads));
    thread::scope(|s| {
        for (number, result) in results.iter().enumerate() {
            let group = &group;
            s.spawn(move || {
                result.set(number);
                group.done(Release);
            });
        }
        group.wait();
        assert_eq!(
            results.iter().map(Plain::get).sum::<usize>(),
            (0..threads).sum()
        );
    });
}

fn one_worker(wait_first: bool, order: Ordering) {
    let (result, group) = (Plain::new(0), WaitGroup(AtomicUsize::new(1)));
    in_turn(
        || {
            result.set(42); // race: prim_07_not_waited, prim_07_relaxed_done
            group.done(order);
        },
        || {
            if wait_first {
                group.wait();
            }
            result.get(); // race: prim_07_not_waited, prim_07_relaxed_done
            group.wait();
        },
    );
}

fn prim_07_not_waited(_: usize) {
    one_worker(false, Release);
}

fn prim_07_relaxed_done(_: usize) {
    one_worker(true, Relaxed);
}

/// Asked from time to time whether to stop, and why.
fn cancellation(threads: usize, check: Ordering) {
    let (reason, cancelled) = (Plain::new(""), AtomicBool::new(false));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                while !cancelled.load(check) {
                    thread::yield_now();
                }
                let reason = reason.get(); // race: prim_13_relaxed_check
                assert_eq!(reason, "enough");
            });
        }
        reason.set("enough"); // race: prim_13_relaxed_check
        cancelled.store(true, Release);
    });
}

fn prim_13_cancellation(threads: usize) {
    cancellation(threads, Acquire);
}

fn prim_13_relaxed_check(threads: usize) {
    cancellation(threads, Relaxed);
}

/// A configuration that is made when it is first asked for.
struct Lazy {
    made: AtomicPtr<Plain<u32>>,
    making: Mutex<()>,
    value: Plain<u32>,
}

impl Lazy {
    const fn new() -> Lazy {
        Lazy {
            made: AtomicPtr::new(ptr::null_mut()),
            making: Mutex::new(()),
            value: Plain::new(0),
        }
    }

    fn get(&self, load: Ordering) -> u32 {
        let mut made = self.made.load(load);
        if made.is_null() {
            let _guard = self.making.lock().unwrap();
            made = self.made.load(Relaxed);
            if made.is_null() {
                self.value.set(7); // race: prim_15_relaxed_load
                made = ptr::from_ref(&self.value).cast_mut();
                self.made.store(made, Release);
            }
        }
        // SAFETY: `self.value`.
        let value = unsafe { &*made };
        value.get() // race: prim_15_relaxed_load
    }
}

fn prim_15_double_checked(threads: usize) {
    let lazy = Lazy::new();
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| assert_eq!(lazy.get(Acquire), 7));
        }
    });
}

fn prim_15_relaxed_load(_: usize) {
    let lazy = Lazy::new();
    in_turn(
        || assert_eq!(lazy.get(Relaxed), 7),
        || assert_eq!(lazy.get(Relaxed), 7),
    );
}

fn prim_15_plain_pointer(_: usize) {
    let (made, making, value) = (Plain::new(ptr::null()), Mutex::new(()), Plain::new(0));
    let get = || {
        let mut found: *const Plain<u32> = made.get(); // race: prim_15_plain_pointer.pointer
        if found.is_null() {
            let _guard = making.lock().unwrap();
            value.set(7); // race: prim_15_plain_pointer.value
            found = &raw const value;
            made.set(found); // race: prim_15_plain_pointer.pointer
        }
        let value = unsafe { &*found };
        value.get() // race: prim_15_plain_pointer.value
    };
    in_turn(|| assert_eq!(get(), 7), || assert_eq!(get(), 7));
}

/// Readers look at both words and then whether a writer was there meanwhile.
struct SeqLock<W> {
    first: W,
    sequence: AtomicU64,
    second: W,
}

impl<W: Word> SeqLock<W> {
    fn new(zero: impl Fn() -> W) -> SeqLock<W> {
        SeqLock {
            first: zero(),
            sequence: AtomicU64::new(0),
            second: zero(),
        }
    }

    /// For one writer.
    fn write(&self, first: u64, second: u64) {
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence + 1, Relaxed);
        fence(Release);
        self.first.write(first); // race: prim_17_plain_words.first
        self.second.write(second); // race: prim_17_plain_words.second
        self.sequence.store(sequence + 2, Release);
    }

    fn read(&self) -> Option<(u64, u64)> {
        let before = self.sequence.load(Acquire);
        let first = self.first.read(); // race: prim_17_plain_words.first
        let second = self.second.read(); // race: prim_17_plain_words.second
        fence(Acquire);
        let undisturbed = before.is_multiple_of(2) && self.sequence.load(Relaxed) == before;
        undisturbed.then_some((first, second))
    }
}

fn prim_17_seqlock(threads: usize) {
    let lock = SeqLock::new(|| AtomicU64::new(0));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                for _ in 0..50 {
                    if let Some((first, second)) = lock.read() {
                        assert_eq!(second, 2 * first);
                    }
                }
            });
        }
        for number in 0..50 {
            lock.write(number, 2 * number);
        }
    });
}

/// Nothing orders a read before the next write. (A read after a write it does order.)
fn prim_17_plain_words(_: usize) {
    let lock = SeqLock::new(|| Plain::new(0));
    in_turn(
        || assert_eq!(lock.read(), Some((0, 0))),
        || lock.write(1, 2),
    );
}
