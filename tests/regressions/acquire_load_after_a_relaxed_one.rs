//! A relaxed load noted its near miss with a store, and an acquire load of the same store passed it by.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use racecheck::sync::atomic::{AtomicBool, AtomicU32};
use racecheck::{Shared, thread};

#[test]
fn of_the_same_store() {
    let (value, flag) = (Shared::new(0), AtomicBool::new(false));
    crate::expect(0, || {
        thread::scope(|s| {
            s.spawn(|| {
                value.set(1);
                flag.store(true, Release);
            });
            while !flag.load(Relaxed) {
                thread::yield_now();
            }
            assert!(flag.load(Acquire));
            value.get();
        });
    });
}

#[test]
fn of_another_store_in_the_same_epoch() {
    let (value, hint, flag) = (Shared::new(0), AtomicU32::new(0), AtomicBool::new(false));
    crate::expect(0, || {
        thread::scope(|s| {
            s.spawn(|| {
                value.set(1);
                hint.store(1, Relaxed);
                flag.store(true, Release);
            });
            while hint.load(Relaxed) == 0 {
                thread::yield_now();
            }
            while !flag.load(Acquire) {
                thread::yield_now();
            }
            value.get();
        });
    });
}
