//! Programs that use racecheck, in pairs of which one races. The first argument says which one to run.

mod locks;

use annotated::{Baton, one_after_the_other};
use racecheck::cell::UnsafeCell;
use racecheck::sync::{Arc, Mutex, Semaphore};
use racecheck::{Shared, hb, label, ptr};

#[racecheck::main]
fn main() {
    let name = std::env::args().nth(1).expect("a program's name");
    match &*name {
        "label.racy" => labelled(false),
        "label.fine" => labelled(true),
        "with.racy" => with(false),
        "with.fine" => with(true),
        "hb.racy" => annotations(false),
        "hb.fine" => annotations(true),
        "cell.racy" => cell(false),
        "cell.fine" => cell(true),
        "range.racy" => range(false),
        "range.fine" => range(true),
        "reads.fine" => reads(),
        "moved.fine" => moved(),
        "semaphore.fine" => semaphore(),
        "channel.fine" => channel(),
        "collected.fine" => collected(),
        "instrumented.racy" => {
            one_after_the_other(|| instrumented::set(1), || instrumented::set(2))
        }
        "instrumented.fine" => one_after_the_other(instrumented::count, instrumented::count),
        "names.racy" => names(),
        "held.racy" => locks::held(),
        "orders.racy" => locks::orders(false),
        "orders.fine" => locks::orders(true),
        "readers.racy" => locks::readers(false),
        "readers.fine" => locks::readers(true),
        "handed.fine" => locks::handed_over(),
        "ring.racy" => locks::ring(false),
        "ring.fine" => locks::ring(true),
        "joined.racy" => locks::joined(false),
        "joined.fine" => locks::joined(true),
        "twice.racy" => locks::twice(false),
        "twice.fine" => locks::twice(true),
        "freed_lock.racy" => locks::freed(false),
        "freed_lock.fine" => locks::freed(true),
        _ => panic!("no program {name}"),
    }
}

static TOTAL: Shared<u64> = label!(Shared::new(0), "the total");

fn labelled(locks: bool) {
    let ledger = Mutex::new(());
    let add = |amount| {
        let _guard = locks.then(|| ledger.lock().unwrap());
        TOTAL.update(|total| total + amount);
    };
    one_after_the_other(|| add(1), || add(2));
}

/// What is inside has memory of its own, which races with it.
fn with(locks: bool) {
    let ledger = racecheck::parking_lot::Mutex::new(());
    let list = label!(Shared::new(vec![0]), "the list");
    let push = |item| {
        let _guard = locks.then(|| ledger.lock());
        list.with_mut(|list| list[0] = item);
    };
    one_after_the_other(|| push(1), || push(2));
}

fn annotations(annotated: bool) {
    let (value, baton) = (Shared::new(0), Baton::new());
    let done = Baton::new();
    racecheck::thread::scope(|scope| {
        scope.spawn(|| {
            value.set(7);
            if annotated {
                hb::release(&baton);
            }
            baton.pass();
            done.wait();
        });
        scope.spawn(|| {
            baton.wait();
            if annotated {
                hb::acquire(&baton);
            }
            assert_eq!(value.get(), 7);
            done.pass();
        });
    });
    hb::forget(&baton);
}

struct Slot(UnsafeCell<u64>);

// SAFETY: it isn't, which is what is to be found.
unsafe impl Sync for Slot {}

fn cell(annotated: bool) {
    let (slot, key) = (Slot(UnsafeCell::new(0)), 0u8);
    let slot = &slot;
    // SAFETY: one thread at a time, by the baton.
    let write = |value| slot.0.with_mut(|place| unsafe { *place = value });
    one_after_the_other(
        || {
            write(1);
            if annotated {
                hb::release(&key);
            }
        },
        || {
            if annotated {
                hb::acquire(&key);
            }
            write(2);
        },
    );
}

/// Memory that code in another language is said to write.
fn range(annotated: bool) {
    static BUFFER: [u8; 16] = [0; 16];
    let start = || BUFFER.as_ptr().cast_mut();
    one_after_the_other(
        || {
            ptr::write_range(start(), 8);
            if annotated {
                hb::release(start());
            }
        },
        || {
            if annotated {
                hb::acquire(start());
            }
            ptr::read_range(start(), 16);
        },
    );
}

fn reads() {
    let value = Shared::new(1);
    one_after_the_other(|| assert_eq!(value.get(), 1), || assert_eq!(value.get(), 1));
}

/// The new place has nothing to do with what was there, and the old one's owner knows all that was done to it.
fn moved() {
    for round in 0..8 {
        let value = Arc::new(Shared::new(round));
        let theirs = Arc::clone(&value);
        racecheck::thread::spawn(move || theirs.update(|n| n + 1))
            .join()
            .unwrap();
        let mut value = Arc::into_inner(value).unwrap();
        *value.get_mut() += 1;
        let boxed = Box::new(value);
        racecheck::thread::spawn(move || assert_eq!(boxed.get(), round + 2))
            .join()
            .unwrap();
    }
}

fn semaphore() {
    let (total, one_at_a_time) = (Shared::new(0), Semaphore::new(1));
    racecheck::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let _permit = one_at_a_time.acquire().unwrap();
                total.update(|n| n + 1);
            });
        }
    });
    assert_eq!(total.get(), 4);
}

fn channel() {
    let (value, (tx, rx)) = (Shared::new(0), racecheck::channel::bounded(0));
    racecheck::thread::scope(|scope| {
        let value = &value;
        scope.spawn(move || {
            value.set(7);
            tx.send(()).unwrap();
        });
        rx.recv().unwrap();
        assert_eq!(value.get(), 7);
    });
}

/// What a `check` returns isn't printed, and doesn't count.
fn collected() {
    let outcome = racecheck::check(|| {
        labelled(false);
        "done"
    });
    assert_eq!(outcome.value, "done");
    assert!(outcome.deadlocks().is_empty());
    let [race] = outcome.races() else {
        panic!("{} races", outcome.races().len());
    };
    let place = race.location();
    assert_eq!((place.label(), place.size()), (Some("the total"), 8));
    assert_eq!(place.name(), Some("Shared<u64>"));
    assert!(
        place
            .created_at()
            .is_some_and(|site| site.file().ends_with("main.rs"))
    );
    let line = race.current().site().unwrap().line();
    assert!(race.is_between(("main.rs", line), ("main.rs", line)));
    assert_ne!(
        race.current().thread().number(),
        race.previous().thread().number()
    );
    assert!(
        race.to_string()
            .contains("Location is `the total` (8 bytes)")
    );
    assert!(racecheck::check(|| labelled(true)).races().is_empty());
}

#[racecheck::instrument]
mod instrumented {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static mut TOTAL: u64 = 0;
    static COUNT: AtomicU64 = AtomicU64::new(0);

    pub fn set(amount: u64) {
        // SAFETY: there is none, which is what is to be found.
        unsafe { TOTAL = amount }
    }

    pub fn count() {
        COUNT.fetch_add(1, Relaxed);
    }
}

#[racecheck::shared]
struct Stats {
    reqs: u64,
}

static STATS: Stats = Stats::new(0);

#[racecheck::shared]
fn names() {
    #[racecheck::shared]
    let hits: u64 = 0;
    one_after_the_other(|| hits.set(1), || hits.set(2));
    one_after_the_other(|| STATS.set_reqs(1), || STATS.set_reqs(2));
}
