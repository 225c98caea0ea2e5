//! Order that is not there: what looks like synchronisation, most of all to who looks at the clock.

use std::hint;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Meeting, Plain, in_turn, until};

crate::programs! {
    race: fake_01_sleep, fake_02_yield, fake_02_spin, fake_03_printing, fake_04_is_finished, fake_05_failed_try_lock, fake_06_notification, fake_07_reader_locks,
        fake_08_earlier_by_the_clock;
    none: fake_03_printed_by_all, fake_04_joined, fake_05_try_lock, fake_06_flag_under_the_mutex, fake_07_writer_lock, fake_08_joined;
}

static mut RESULT: u64 = 0;

#[inline(never)]
fn write_result() {
    unsafe { RESULT = 42 }; // race: fake_01_sleep, fake_02_yield, fake_02_spin, fake_04_is_finished
}

#[inline(never)]
fn read_result() {
    let result = unsafe { RESULT }; // race: fake_01_sleep, fake_02_yield, fake_02_spin, fake_04_is_finished
    hint::black_box(result);
}

/// A result that another thread writes, `wait`ed for and read.
fn read_after(wait: impl Fn()) {
    thread::scope(|s| {
        let _worker = s.spawn(write_result);
        wait();
        read_result();
    });
}

fn fake_01_sleep(_: usize) {
    // The sleep is the point. However long it is, and whichever access comes first, the verdict is the same.
    read_after(|| thread::sleep(Duration::from_millis(5)));
}

fn fake_02_yield(_: usize) {
    read_after(|| (0..100).for_each(|_| thread::yield_now()));
}

fn fake_02_spin(_: usize) {
    read_after(|| (0..1000).for_each(|_| hint::spin_loop()));
}

/// The reader prints before the writer does. In the other order, `std`'s lock of stdout would happen to order them.
fn fake_03_printing(_: usize) {
    let (result, printed, written) = (
        Plain::new(0),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    thread::scope(|s| {
        s.spawn(|| {
            until(&printed);
            result.set(42); // race: fake_03_printing
            println!("written");
            written.store(true, Relaxed);
        });
        s.spawn(|| {
            println!("about to read");
            printed.store(true, Relaxed);
            until(&written);
            result.get(); // race: fake_03_printing
        });
    });
}

fn fake_03_printed_by_all(threads: usize) {
    thread::scope(|s| {
        for number in 0..threads {
            s.spawn(move || {
                for line in 0..20 {
                    println!("{number}: {line}");
                    print!("{number}, {line}; ");
                }
            });
        }
    });
}

fn fake_04_is_finished(_: usize) {
    let worker = thread::spawn(write_result);
    while !worker.is_finished() {
        thread::yield_now();
    }
    read_result();
    worker.join().unwrap();
}

fn fake_04_joined(_: usize) {
    let worker = thread::spawn(write_result);
    while !worker.is_finished() {
        thread::yield_now();
    }
    worker.join().unwrap();
    read_result();
}

fn read_after_try_lock(free: bool) {
    let (lock, result) = (Mutex::new(()), Plain::new(0));
    let (written, tried) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        s.spawn(|| {
            let guard = lock.lock().unwrap();
            result.set(42); // race: fake_05_failed_try_lock
            if free {
                drop(guard);
                written.store(true, Relaxed);
            } else {
                written.store(true, Relaxed);
                until(&tried);
            }
        });
        until(&written);
        let guard = lock.try_lock();
        assert_eq!(guard.is_ok(), free);
        result.get(); // race: fake_05_failed_try_lock
        tried.store(true, Relaxed);
    });
}

fn fake_05_failed_try_lock(_: usize) {
    read_after_try_lock(false);
}

fn fake_05_try_lock(_: usize) {
    read_after_try_lock(true);
}

/// The flag is beside the mutex, so the waiting thread may take the lock before the notifying one, or not at all after it.
fn fake_06_notification(_: usize) {
    let (lock, changed, result) = (Mutex::new(()), Condvar::new(), Plain::new(0));
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        let _worker = s.spawn(|| {
            result.set(42); // race: fake_06_notification
            done.store(true, Relaxed);
            changed.notify_one();
        });
        let mut guard = lock.lock().unwrap();
        while !done.load(Relaxed) {
            // The notification may have come before.
            guard = changed
                .wait_timeout(guard, Duration::from_millis(1))
                .unwrap()
                .0;
        }
        result.get(); // race: fake_06_notification
    });
}

fn fake_06_flag_under_the_mutex(threads: usize) {
    let (done, changed, result) = (Mutex::new(false), Condvar::new(), Plain::new(0));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                let guard = changed.wait_while(done.lock().unwrap(), |done| !*done);
                assert_eq!(result.get(), 42);
                drop(guard);
            });
        }
        result.set(42);
        *done.lock().unwrap() = true;
        changed.notify_all();
    });
}

/// Both hold the lock at once: in `std`'s, a reader who unlocks comes before one who locks later.
fn fake_07_reader_locks(_: usize) {
    let (lock, hits, both) = (RwLock::new(()), Plain::new(0), Meeting::of(2));
    thread::scope(|s| {
        s.spawn(|| {
            let _guard = lock.read().unwrap();
            both.meet();
            hits.get(); // race: fake_07_reader_locks
        });
        s.spawn(|| {
            let _guard = lock.read().unwrap();
            both.meet();
            hits.set(1); // race: fake_07_reader_locks
        });
    });
}

fn fake_07_writer_lock(threads: usize) {
    let (lock, hits) = (RwLock::new(()), Plain::new(0));
    thread::scope(|s| {
        for number in 0..threads {
            let (lock, hits) = (&lock, &hits);
            s.spawn(move || {
                for round in 0..20 {
                    if (number + round) % 3 == 0 {
                        let _guard = lock.write().unwrap();
                        *hits.reach() += 1;
                    } else {
                        let _guard = lock.read().unwrap();
                        hits.get();
                    }
                }
            });
        }
    });
}

fn fake_08_earlier_by_the_clock(_: usize) {
    let result = Plain::new(0);
    let begin = Instant::now();
    in_turn(
        || {
            result.set(42); // race: fake_08_earlier_by_the_clock
            assert!(begin.elapsed() < Duration::from_secs(60));
        },
        || {
            assert!(begin.elapsed() > Duration::ZERO);
            result.get(); // race: fake_08_earlier_by_the_clock
        },
    );
}

fn fake_08_joined(_: usize) {
    let result = Plain::new(0);
    thread::scope(|s| {
        s.spawn(|| result.set(42)).join().unwrap();
        s.spawn(|| result.get());
    });
}
