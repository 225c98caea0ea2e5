//! Panics in the middle of an access or of a critical section, and tracked values used while unwinding.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use racecheck::sync::Mutex;
use racecheck::{Shared, check, thread};

use crate::unordered;

/// Panics inside `f`, and goes on.
fn panics<R>(f: impl FnOnce() -> R) {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("it panics");
    assert_eq!(payload.downcast_ref(), Some(&"the end"));
}

fn the_end<T>() -> T {
    panic_any("the end")
}

type Access = fn(&Shared<u32>);

/// Each ends by a panic, and whether it was a write.
const ACCESSES: [(Access, bool); 3] = [
    (|value| panics(|| value.with(|_| the_end::<()>())), false),
    (
        |value| {
            panics(|| {
                value.with_mut(|n| {
                    *n += 1;
                    the_end::<()>()
                })
            });
        },
        true,
    ),
    // The read was made, the write was not.
    (|value| panics(|| value.update(|_| the_end())), false),
];

#[test]
fn the_value_can_be_used_afterwards() {
    let value = Shared::new(1);
    let outcome = check(|| {
        for (access, _) in ACCESSES {
            access(&value);
            value.with_mut(|n| *n += 10);
            assert!(value.get() > 10);
            thread::scope(|s| {
                s.spawn(|| value.update(|n| n + 10));
            });
        }
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
    assert_eq!(value.get(), 62);
}

#[test]
fn an_access_that_panicked_races_as_any_other() {
    for (access, writes) in ACCESSES {
        let value = Shared::new(1);
        let reads = || {
            black_box(value.get());
        };
        assert_eq!(
            unordered(|| access(&value), reads).len(),
            usize::from(writes)
        );
        let value = Shared::new(1);
        assert_eq!(unordered(|| access(&value), || value.set(2)).len(), 1);
    }
}

/// Unlocking while unwinding is an unlock: it poisons, and it orders.
#[test]
fn a_guard_that_unwinds_orders_what_follows() {
    let (value, lock) = (Shared::new(1), Mutex::new(()));
    let locked = || {
        let _guard = lock.lock().unwrap();
        value.set(2);
        the_end::<()>();
    };
    let races = unordered(
        || panics(locked),
        || {
            let guard = lock.lock();
            assert!(guard.is_err() && lock.is_poisoned());
            value.set(3);
            drop(guard);
            lock.clear_poison();
        },
    );
    assert!(races.is_empty(), "{}", races[0]);
}

/// Its lock isn't among those held afterwards, either.
#[test]
fn a_guard_that_unwound_is_not_held_any_more() {
    let (value, lock) = (Shared::new(1), Mutex::new(()));
    let races = unordered(
        || {
            panics(|| {
                let _guard = lock.lock().unwrap();
                the_end::<()>();
            });
            value.set(2);
        },
        || value.set(3),
    );
    assert_eq!(races.len(), 1);
    assert!(races[0].previous().held().is_empty(), "{}", races[0]);
}

/// Does everything when it is dropped.
struct OnDrop<'a> {
    value: &'a Shared<u32>,
    lock: Option<&'a Mutex<()>>,
}

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        assert!(thread::panicking());
        let guard = self.lock.map(|lock| lock.lock().unwrap());
        self.value.update(|n| n + 1);
        self.value.with_mut(|n| *n += 1);
        drop(guard);
        let other = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| other.set(1));
        });
        assert_eq!(other.get(), 1);
    }
}

#[test]
fn values_used_while_unwinding_race_unless_they_are_ordered() {
    for ordered in [true, false] {
        let (value, lock) = (Shared::new(1), Mutex::new(()));
        let lock = ordered.then_some(&lock);
        let unwinds = || {
            panics(|| {
                let _on_drop = OnDrop {
                    value: &value,
                    lock,
                };
                the_end::<()>();
            });
        };
        let races = unordered(unwinds, || {
            let guard =
                lock.map(|lock| lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
            black_box(value.get());
            drop(guard);
        });
        assert_eq!(races.is_empty(), ordered, "{}", races.len());
        assert_eq!(value.get(), 3);
    }
}

/// A thread that ends by a panic ends as any other.
#[test]
fn the_join_of_a_thread_that_panicked_orders() {
    let value: &Shared<u32> = Box::leak(Box::new(Shared::new(1)));
    let outcome = check(|| {
        let other = thread::spawn(|| {
            value.set(2);
            the_end::<()>();
        });
        assert!(other.join().is_err());
        value.set(3);
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
}
