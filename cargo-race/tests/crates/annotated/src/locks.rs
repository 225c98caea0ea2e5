//! Programs about locks: which ones a thread holds, in which order it takes them, and who waits for whom.
//!
//! With the feature the locks are the library's, and told of. Those that are about deadlocks make no sense without it: nobody knows a lock of `std`'s as one.

use std::sync::Barrier;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use annotated::one_after_the_other;
use racecheck::sync::{Condvar, Mutex, RwLock};
use racecheck::{Shared, hb, thread};

/// Each thread has locked something, but not the same.
pub fn held() {
    let (value, ours, theirs) = (Shared::new(0), Mutex::new(()), RwLock::new(()));
    one_after_the_other(
        || {
            let _guard = ours.lock().unwrap();
            value.set(1);
        },
        || {
            let _guard = theirs.read().unwrap();
            value.set(2);
        },
    );
}

fn lock_both(first: &Mutex<()>, second: &Mutex<()>) {
    let _first = first.lock().unwrap();
    let _second = second.lock().unwrap();
}

/// Two orders, one after the other: nobody ever waits. A gate keeps them apart.
pub fn orders(guarded: bool) {
    let (a, b, gate) = (Mutex::new(()), Mutex::new(()), Mutex::new(()));
    let lock = |first, second| {
        // Each is used alone, too: what that orders is no order between the two threads either.
        drop(a.lock());
        drop(b.lock());
        let _gate = guarded.then(|| gate.lock().unwrap());
        lock_both(first, second);
    };
    one_after_the_other(|| lock(&a, &b), || lock(&b, &a));
}

/// Readers keep no readers out.
pub fn readers(both_read: bool) {
    let (table, log) = (RwLock::new(()), RwLock::new(()));
    one_after_the_other(
        || {
            let _table = table.read().unwrap();
            let _log = (both_read).then(|| log.read().unwrap());
            let _log = (!both_read).then(|| log.write().unwrap());
        },
        || {
            let _log = log.read().unwrap();
            let _table = (both_read).then(|| table.read().unwrap());
            let _table = (!both_read).then(|| table.write().unwrap());
        },
    );
}

/// The second thread takes them the other way round because it was told that the first one is done.
pub fn handed_over() {
    let (done, told, other) = (Mutex::new(false), Condvar::new(), Mutex::new(()));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _other = other.lock().unwrap();
            *done.lock().unwrap() = true;
            told.notify_one();
        });
        scope.spawn(|| {
            let done = done.lock().unwrap();
            let _done = told.wait_while(done, |done| !*done).unwrap();
            let _other = other.lock().unwrap();
        });
    });
}

/// Each has one of the two before any of them waits for the other's.
pub fn ring(backs_off: bool) {
    let (both, locks) = (Barrier::new(2), [(); 2].map(|()| Mutex::new(())));
    let lock = |own: usize| {
        let _own = locks[own].lock().unwrap();
        both.wait();
        if backs_off {
            assert!(locks[1 - own].try_lock().is_err());
            both.wait();
        } else {
            let _other = locks[1 - own].lock().unwrap();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| lock(0));
        scope.spawn(|| lock(1));
    });
}

/// The thread wants what its joiner holds.
pub fn joined(lets_go: bool) {
    static LOCK: Mutex<()> = Mutex::new(());
    let held = LOCK.lock().unwrap();
    let worker = thread::spawn(|| drop(LOCK.lock().unwrap()));
    if lets_go {
        drop(held);
        worker.join().unwrap();
    } else {
        worker.join().unwrap();
        drop(held);
    }
}

/// By the same thread.
pub fn twice(tries: bool) {
    let lock = Mutex::new(());
    let _held = lock.lock().unwrap();
    if tries {
        assert!(lock.try_lock().is_err());
    } else {
        drop(lock.lock());
    }
}

/// What a lock is made of is memory, as all else: whoever frees it has to come after who unlocks it.
pub fn freed(annotated: bool) {
    let key = 0u8;
    let place = AtomicPtr::new(Box::into_raw(Box::new(Mutex::new(0))));
    let lock = || place.load(Relaxed);
    one_after_the_other(
        || {
            // SAFETY: it is freed later, by the baton.
            *unsafe { &*lock() }.lock().unwrap() += 1;
            if annotated {
                hb::release(&key);
            }
        },
        || {
            if annotated {
                hb::acquire(&key);
            }
            // SAFETY: made of a box, and used for the last time.
            drop(unsafe { Box::from_raw(lock()) });
        },
    );
}
