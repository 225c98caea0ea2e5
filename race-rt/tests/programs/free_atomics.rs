//! Atomics of all sizes and operations: a spin lock, a stack of Treiber's that leaks, counters, flags.

use std::cell::UnsafeCell;
use std::sync::atomic::*;
use std::{hint, ptr, thread};

struct SpinLock {
    locked: AtomicBool,
    value: UnsafeCell<[u64; 3]>,
}

unsafe impl Sync for SpinLock {}

impl SpinLock {
    fn with(&self, change: impl FnOnce(&mut [u64; 3])) {
        while self.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            hint::spin_loop();
            thread::yield_now();
        }
        change(unsafe { &mut *self.value.get() });
        self.locked.store(false, Ordering::Release);
    }
}

struct Node {
    value: u64,
    next: *mut Node,
}

static LOCK: SpinLock = SpinLock { locked: AtomicBool::new(false), value: UnsafeCell::new([0; 3]) };
static TOP: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());
static SMALL: AtomicU8 = AtomicU8::new(0);
static SIGNED: AtomicI16 = AtomicI16::new(0);
static BITS: AtomicU32 = AtomicU32::new(0);
static SUM: AtomicU64 = AtomicU64::new(0);

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn work(number: u64) {
    for round in 0..100 {
        LOCK.with(|value| value[round as usize % 3] += 1);
        let node = Box::into_raw(Box::new(Node { value: round, next: ptr::null_mut() }));
        let mut top = TOP.load(Ordering::Relaxed);
        loop {
            unsafe { (*node).next = top };
            match TOP.compare_exchange_weak(top, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => top = now,
            }
        }
        let mut next = TOP.load(Ordering::Acquire);
        for _ in 0..3 {
            let Some(node) = (unsafe { next.as_ref() }) else { break };
            SUM.fetch_add(node.value, Ordering::Relaxed);
            next = node.next;
        }
        SMALL.fetch_sub(1, Ordering::SeqCst);
        SIGNED.fetch_max(round as i16, Ordering::AcqRel);
        BITS.fetch_xor(1 << (number % 32), Ordering::Relaxed);
        BITS.fetch_or(1 << 31, Ordering::Release);
        BITS.fetch_nand(0, Ordering::Acquire);
        SUM.swap(round, Ordering::AcqRel);
    }
}

fn main() {
    thread::scope(|scope| {
        for number in 0..threads() as u64 {
            scope.spawn(move || work(number));
        }
    });
    assert_eq!(unsafe { &*LOCK.value.get() }.iter().sum::<u64>(), 100 * threads() as u64);
    assert_eq!(SIGNED.load(Ordering::Relaxed), 99);
}
