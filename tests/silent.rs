//! Race-free programs that other tools report falsely: each stays silent, 1,000 times.
//!
//! ThreadSanitizer knows no fences and reports `Arc`'s drop; Helgrind knows no futex locks; all of them miss a wait that they can't see.

#![cfg(feature = "race-check")]

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use racecheck::cell::UnsafeCell;
use racecheck::sync::atomic::{AtomicBool, AtomicUsize, fence};
use racecheck::sync::{Mutex, mpsc};
use racecheck::{Shared, check, thread};

const RUNS: usize = 1000;

#[track_caller]
fn silent(runs: usize, mut program: impl FnMut()) {
    for run in 0..runs {
        let outcome = check(&mut program);
        if let Some(race) = outcome.races().first() {
            panic!("false report in run {run}:\n{race}");
        }
    }
}

#[test]
fn mutex_counter_contended_by_four_threads() {
    silent(RUNS, || {
        let (lock, counter) = (Mutex::new(()), Shared::new(0));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..20 {
                        let _guard = lock.lock().unwrap();
                        counter.update(|n| n + 1);
                    }
                });
            }
        });
        assert_eq!(counter.get(), 80);
    });
}

#[test]
fn mpsc_with_ten_thousand_messages() {
    struct Parcel {
        content: Shared<usize>,
    }
    // 10 million messages take a minute or more without optimisation.
    let runs = if cfg!(debug_assertions) {
        RUNS / 50
    } else {
        RUNS
    };
    silent(runs, || {
        let (tx, rx) = mpsc::channel();
        let sum = thread::scope(|s| {
            for sender in 0..4 {
                let tx = tx.clone();
                s.spawn(move || {
                    for message in 0..2500 {
                        let parcel = Parcel {
                            content: Shared::new(0),
                        };
                        parcel.content.set(sender + message);
                        tx.send(parcel).unwrap();
                    }
                });
            }
            drop(tx);
            rx.iter().map(|parcel| parcel.content.get()).sum::<usize>()
        });
        assert_eq!(sum, 4 * (0..2500).sum::<usize>() + 2500 * 6);
    });
}

#[test]
fn fence_published_data() {
    silent(RUNS, || {
        let (value, ready) = (Shared::new(0), AtomicBool::new(false));
        thread::scope(|s| {
            s.spawn(|| {
                value.set(7);
                fence(Release);
                ready.store(true, Relaxed);
            });
            while !ready.load(Relaxed) {
                thread::yield_now();
            }
            fence(Acquire);
            assert_eq!(value.get(), 7);
        });
    });
}

/// `std`'s `Arc` is outside our sight: its last owner drops the value through `&mut`, which is never checked.
#[test]
fn arc_dropped_by_the_last_of_four_threads() {
    struct Owned(UnsafeCell<usize>);
    // SAFETY: written before it is shared, read by all, dropped by the last owner.
    unsafe impl Sync for Owned {}
    impl Drop for Owned {
        fn drop(&mut self) {
            *self.0.get_mut() += 1;
        }
    }
    silent(RUNS, || {
        let owned = Arc::new(Owned(UnsafeCell::new(7)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let owned = owned.clone();
                // SAFETY: nobody writes while it is shared.
                thread::spawn(move || owned.0.with(|p| unsafe { *p }))
            })
            .collect();
        drop(owned);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 7);
        }
    });
}

#[test]
fn scope_orders_threads_that_nobody_joins() {
    silent(RUNS, || {
        let cells = [const { Shared::new(0) }; 4];
        thread::scope(|s| {
            for (i, cell) in cells.iter().enumerate() {
                s.spawn(move || cell.set(i));
            }
        });
        for (i, cell) in cells.iter().enumerate() {
            assert_eq!(cell.get(), i);
        }
    });
}

/// Nothing of the pool's threads is ours: their start and their joins are seen below `std`.
#[test]
fn plain_std_thread_pool() {
    type Job = Box<dyn FnOnce() + Send>;
    silent(RUNS, || {
        let results: Arc<Vec<Shared<usize>>> = Arc::new((0..16).map(|_| Shared::new(0)).collect());
        let (tx, rx) = mpsc::channel::<Job>();
        let rx = Arc::new(Mutex::new(rx));
        results[0].set(100);
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let (rx, results) = (rx.clone(), results.clone());
                std::thread::spawn(move || {
                    assert_eq!(results[0].get(), 100);
                    loop {
                        let job = rx.lock().unwrap().recv();
                        match job {
                            Ok(job) => job(),
                            Err(mpsc::RecvError) => break,
                        }
                    }
                })
            })
            .collect();
        for i in 1..16 {
            let results = results.clone();
            tx.send(Box::new(move || results[i].set(i))).unwrap();
        }
        drop(tx);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(
            results.iter().map(Shared::get).sum::<usize>(),
            100 + (1..16).sum::<usize>()
        );
    });
}

/// `std::thread::scope` waits for its threads by a counter that nobody sees.
#[test]
fn plain_std_scope() {
    silent(RUNS, || {
        let value = Shared::new(0);
        std::thread::scope(|s| {
            s.spawn(|| value.set(7));
        });
        assert_eq!(value.get(), 7);
    });
}

#[test]
fn reference_count_of_ones_own() {
    silent(RUNS, || {
        let (count, value) = (AtomicUsize::new(4), Shared::new(0));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    value.get();
                    if count.fetch_sub(1, Release) == 1 {
                        fence(Acquire);
                        value.set(1);
                    }
                });
            }
        });
    });
}

#[test]
fn parked_until_unparked() {
    silent(RUNS, || {
        let value = Shared::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            let waiter = s.spawn(|| {
                // Whoever sees `done` without having been woken is ordered after nothing.
                loop {
                    thread::park();
                    if done.load(Relaxed) {
                        break;
                    }
                }
                assert_eq!(value.get(), 7);
            });
            value.set(7);
            done.store(true, Relaxed);
            waiter.thread().unpark();
        });
    });
}

/// A send is a permit, a receive gives it back: with capacity 1, one thread at a time has it.
#[test]
fn bounded_channel_as_a_semaphore() {
    silent(RUNS, || {
        let (tx, rx) = mpsc::sync_channel(1);
        let rx = Mutex::new(rx);
        let value = Shared::new(0);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    for _ in 0..5 {
                        tx.send(()).unwrap();
                        value.update(|n| n + 1);
                        // The mutex is for the receiver, which is not `Sync`; it orders only those who give back.
                        rx.lock().unwrap().try_recv().unwrap();
                    }
                });
            }
        });
        assert_eq!(value.get(), 15);
    });
}

#[test]
fn rendezvous_both_ways() {
    silent(RUNS, || {
        let (tx, rx) = mpsc::sync_channel(0);
        let (request, response) = (Shared::new(0), Shared::new(0));
        thread::scope(|s| {
            let (request, response) = (&request, &response);
            s.spawn(move || {
                response.set(1);
                rx.recv().unwrap();
                assert_eq!(request.get(), 2);
            });
            request.set(2);
            tx.send(()).unwrap();
            assert_eq!(response.get(), 1);
        });
    });
}
