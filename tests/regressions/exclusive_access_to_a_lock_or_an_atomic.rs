//! `&mut` and ownership say that everybody else is done: what they released into the lock or the atomic happens before. `std`'s `Arc`, by which
//! it is so here, is out of sight.

use std::sync::Arc;
use std::sync::atomic::Ordering::Release;

use racecheck::sync::Mutex;
use racecheck::sync::atomic::AtomicU32;
use racecheck::{Shared, thread};

/// Runs `other` with one handle in a thread that goes on living, and gives back the value when that handle is gone.
fn alone<T: Send + Sync + 'static>(value: T, other: impl FnOnce(&T) + Send + 'static) -> T {
    let mine = Arc::new(value);
    let theirs = mine.clone();
    thread::spawn(move || {
        other(&theirs);
        drop(theirs);
        std::thread::park();
    });
    let mut shared = mine;
    loop {
        match Arc::try_unwrap(shared) {
            Ok(value) => return value,
            Err(still_shared) => shared = still_shared,
        }
        thread::yield_now();
    }
}

fn leaked() -> &'static Shared<u32> {
    Box::leak(Box::new(Shared::new(0)))
}

#[test]
fn mutex() {
    let set_under_lock = |value: &'static Shared<u32>| {
        move |lock: &Mutex<()>| {
            let _guard = lock.lock().unwrap();
            value.set(1);
        }
    };
    crate::expect(0, || {
        let value = leaked();
        let mut lock = alone(Mutex::new(()), set_under_lock(value));
        lock.get_mut().unwrap();
        value.get();
    });
    crate::expect(0, || {
        let value = leaked();
        alone(Mutex::new(()), set_under_lock(value))
            .into_inner()
            .unwrap();
        value.get();
    });
    // The twin: without the exclusive access there is no order.
    crate::expect(1, || {
        let value = leaked();
        let _lock = alone(Mutex::new(()), set_under_lock(value));
        value.get();
    });
}

#[test]
fn atomic() {
    let set_and_store = |value: &'static Shared<u32>| {
        move |flag: &AtomicU32| {
            value.set(1);
            flag.store(1, Release);
        }
    };
    crate::expect(0, || {
        let value = leaked();
        let mut flag = alone(AtomicU32::new(0), set_and_store(value));
        assert_eq!(*flag.get_mut(), 1);
        value.get();
    });
    crate::expect(0, || {
        let value = leaked();
        assert_eq!(
            alone(AtomicU32::new(0), set_and_store(value)).into_inner(),
            1
        );
        value.get();
    });
}
