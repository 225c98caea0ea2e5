//! A global allocator that uses tracked types, in the way that the first argument names.

mod unordered;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic as real;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use racecheck::sync::atomic::{AtomicBool, AtomicU64};
use racecheck::sync::{Mutex, RwLock};
use racecheck::{Shared, thread};

use unordered::unordered;

const PLAIN: u8 = 0;
const COUNTERS: u8 = 1;
const MUTEX: u8 = 2;
const RW_LOCK: u8 = 3;
const SPIN_LOCK: u8 = 4;
const RELAXED: u8 = 5;

struct Allocator {
    mode: real::AtomicU8,
    calls: AtomicU64,
    largest: AtomicU64,
    sum: Mutex<u64>,
    last: RwLock<u64>,
    lock: AtomicBool,
    guarded: Shared<u64>,
}

impl Allocator {
    fn count(&self, size: u64) {
        match self.mode.load(Relaxed) {
            COUNTERS => {
                self.calls.fetch_add(1, AcqRel);
                let mut largest = self.largest.load(Acquire);
                while largest < size {
                    match self
                        .largest
                        .compare_exchange_weak(largest, size, AcqRel, Acquire)
                    {
                        Ok(_) => break,
                        Err(now) => largest = now,
                    }
                }
            }
            // Orders nothing, so it hides no race.
            RELAXED => {
                self.calls.fetch_add(1, Relaxed);
            }
            MUTEX => *self.sum.lock().unwrap() += size,
            RW_LOCK => *self.last.write().unwrap() = size,
            SPIN_LOCK => {
                while self
                    .lock
                    .compare_exchange(false, true, Acquire, Relaxed)
                    .is_err()
                {
                    std::hint::spin_loop();
                }
                self.guarded.set(size);
                self.lock.store(false, Release);
            }
            _ => {}
        }
    }
}

// SAFETY: the system's allocator does it.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size() as u64);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.count(0);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator {
    mode: real::AtomicU8::new(PLAIN),
    calls: AtomicU64::new(0),
    largest: AtomicU64::new(0),
    sum: Mutex::new(0),
    last: RwLock::new(0),
    lock: AtomicBool::new(false),
    guarded: Shared::new(0),
};

static VALUE: Shared<u64> = Shared::new(0);

fn work() {
    let total = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for size in 0..1000 {
                    *total.lock().unwrap() += black_box(vec![1u8; size]).len();
                }
            });
        }
    });
}

fn main() {
    let how = std::env::args().nth(1);
    let mode = match how.as_deref() {
        Some("counters") => COUNTERS,
        Some("racy") => RELAXED,
        Some("mutex") => MUTEX,
        Some("rw-lock") => RW_LOCK,
        Some("spin-lock") => SPIN_LOCK,
        other => panic!("unknown way {other:?}"),
    };
    ALLOCATOR.mode.store(mode, Relaxed);
    work();
    if how.as_deref() == Some("racy") {
        unordered(
            || VALUE.set(1),
            || {
                black_box(VALUE.get());
            },
        );
    }
    println!("done");
}
