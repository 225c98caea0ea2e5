//! Primitives, each with its edge and without: threads, condition variables, barriers, channels, statics, moved values.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as StdBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use racecheck::sync::{Barrier, Condvar, Mutex, OnceLock, mpsc};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says, says_join, until, wait_for_scoped};

#[test]
fn prim_01_spawn() {
    let program = |configure_first: bool| {
        let (retries, read) = (Shared::new(0), StdBool::new(false));
        thread::scope(|s| {
            let configure = || at!(retries.set(3));
            let early = configure_first.then(configure);
            let worker = s.spawn(|| {
                let line = at!(retries.get());
                read.store(true, Relaxed);
                line
            });
            until(&read);
            (early.unwrap_or_else(configure), worker.join().unwrap())
        })
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(race, "spawned thread", "");
    says(race, "before this write", "");
}

#[test]
fn prim_02_join() {
    let program = |join_first: bool| {
        let result = Arc::new(Shared::new(0));
        let worker = thread::spawn({
            let result = result.clone();
            move || at!(result.set(42))
        });
        crate::wait_for(&worker);
        if join_first {
            let written = worker.join().unwrap();
            (written, at!(result.get()))
        } else {
            let read = at!(result.get());
            (worker.join().unwrap(), read)
        }
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says_join(race);
}

#[test]
fn prim_03_scope() {
    none(|| {
        let words = ["a", "b", "c"].map(|word| (word, Shared::new(0)));
        thread::scope(|s| {
            for (word, length) in &words {
                s.spawn(|| length.set(word.len()));
            }
        });
        assert_eq!(
            words.iter().map(|(_, length)| length.get()).sum::<usize>(),
            3
        );
    });
    let race = &races(|| {
        let length = Shared::new(0);
        thread::scope(|s| {
            let counter = s.spawn(|| at!(length.set(1)));
            wait_for_scoped(&counter);
            let line = at!(length.get());
            (counter.join().unwrap(), line)
        })
    })[0];
    says(race, "(last, it ended", "");
}

#[test]
fn prim_04_park() {
    let program = |unpark: bool| {
        let (work, there) = (Shared::new(0), StdBool::new(false));
        thread::scope(|s| {
            let worker = s.spawn(|| {
                // Wakes when there is work, or, as a `park` may, without a reason: then nobody else tells it that there is.
                if unpark {
                    thread::park();
                }
                until(&there);
                at!(work.get())
            });
            let line = at!(work.set(1));
            if unpark {
                worker.thread().unpark();
            }
            there.store(true, Relaxed);
            (line, worker.join().unwrap())
        })
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
}

#[test]
fn prim_05_condvar_queue() {
    const ITEMS: usize = 20;
    const CAPACITY: usize = 2;
    struct Queue {
        lock: Mutex<()>,
        items: Shared<Vec<usize>>,
        changed: Condvar,
    }
    none(|| {
        let queue = Queue {
            lock: Mutex::new(()),
            items: Shared::new(Vec::new()),
            changed: Condvar::new(),
        };
        thread::scope(|s| {
            s.spawn(|| {
                for item in 0..ITEMS {
                    let mut guard = queue.lock.lock().unwrap();
                    while queue.items.with(Vec::len) == CAPACITY {
                        let long = Duration::from_secs(1000);
                        guard = queue.changed.wait_timeout(guard, long).unwrap().0;
                    }
                    queue.items.with_mut(|items| items.insert(0, item));
                    queue.changed.notify_all();
                }
            });
            for item in 0..ITEMS {
                let is_empty = |_: &mut ()| queue.items.with(Vec::is_empty);
                let guard = queue.lock.lock().unwrap();
                let _guard = queue.changed.wait_while(guard, is_empty).unwrap();
                assert_eq!(queue.items.with_mut(Vec::pop), Some(item));
                queue.changed.notify_all();
            }
        });
    });
    let race = &races(|| {
        let (lock, items) = (Mutex::new(()), Shared::new(vec![0]));
        in_turn(
            || {
                let _guard = lock.lock().unwrap();
                at!(items.with_mut(|items| items.push(1)))
            },
            || at!(items.with(Vec::is_empty)),
        )
    })[0];
    says(
        race,
        "it unlocked a Mutex",
        "hold the Mutex that is locked at",
    );
}

/// Each thread writes its cell and reads its neighbour's of the phase before; after phase `without` nobody waits.
fn phases(threads: usize, without: Option<usize>) -> (u32, u32) {
    let cells = [(); 2].map(|()| (0..threads).map(|_| Shared::new(0)).collect::<Vec<_>>());
    let barrier = Barrier::new(threads);
    let work = |me: usize| {
        let (mut written, mut read) = (0, 0);
        for phase in 1..8 {
            written = at!(cells[phase % 2][me].set(phase));
            if Some(phase) != without {
                barrier.wait();
            }
            read = at!(cells[phase % 2][(me + 1) % threads].get());
        }
        (written, read)
    };
    thread::scope(|s| {
        let threads: Vec<_> = (0..threads).map(|me| s.spawn(move || work(me))).collect();
        let lines = threads.into_iter().map(|thread| thread.join().unwrap());
        lines.last().unwrap()
    })
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "std's barrier is a mutex, which who leaves locks once more"
)]
fn prim_06_barrier() {
    none(|| phases(4, None));
    let race = &races(|| phases(2, Some(4)))[0];
    says(race, "nothing orders the two", "");
    says(race, "came to a Barrier", "");
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "who waits for a message in std's channel may be known to who sends it"
)]
fn prim_08_rendezvous() {
    let program = |capacity: usize| {
        let (answer, (ask, asked)) = (Shared::new(0), mpsc::sync_channel(capacity));
        let asked = std::sync::Mutex::new(asked);
        let received = StdBool::new(false);
        thread::scope(|s| {
            let expert = s.spawn(|| {
                let line = at!(answer.set(42));
                asked.lock().unwrap().recv().unwrap();
                received.store(true, Relaxed);
                line
            });
            ask.send("what is it?").unwrap();
            until(&received);
            let line = at!(answer.get());
            (expert.join().unwrap(), line)
        })
    };
    none(|| program(0));
    let race = &races(|| program(1))[0];
    says(race, "nothing orders the two", "");
}

/// A semaphore made of a channel: a permit is a message in it. The second one in with C = 1 comes after the first one out.
#[test]
fn prim_09_channel_of_capacity() {
    let program = |capacity: usize| {
        let (total, (acquire, release)) = (Shared::new(0), mpsc::sync_channel(capacity));
        let release = std::sync::Mutex::new(release);
        let work = || {
            acquire.clone().send(()).unwrap();
            let line = at!(total.update(|n| n + 1));
            release.lock().unwrap().recv().unwrap();
            line
        };
        in_turn(work, work)
    };
    none(|| program(1));
    let race = &races(|| program(2))[0];
    says(
        race,
        "released something since its write (last, it received from a full channel",
        "hold the same lock",
    );
}

#[test]
fn prim_11_unbounded_queue() {
    let program = |messages: usize| {
        let (entry, (log, logged)) = (Shared::new(0), mpsc::channel());
        let logged = std::sync::Mutex::new(logged);
        let (first, second) = (log.clone(), log);
        let ((), (written, read)) = in_turn(
            move || first.send(1).unwrap(),
            || {
                in_turn(
                    || {
                        let line = at!(entry.set(2));
                        second.send(2).unwrap();
                        line
                    },
                    || {
                        for message in 1..=messages {
                            assert_eq!(logged.lock().unwrap().recv(), Ok(message));
                        }
                        at!(entry.get())
                    },
                )
            },
        );
        (written, read)
    };
    none(|| program(2));
    let race = &races(|| program(1))[0];
    says(
        race,
        "released something since its write (last, it sent a message",
        "",
    );
    says(race, "has acquired none of it", "");
}

#[test]
fn prim_20_statics() {
    static LOCK: Mutex<u32> = Mutex::new(0);
    static TOTAL: Shared<u32> = Shared::new(0);
    static CONFIG: OnceLock<Shared<u32>> = OnceLock::new();
    /// Adds itself up when its thread ends.
    struct Local(Shared<u32>);
    impl Drop for Local {
        fn drop(&mut self) {
            let _guard = LOCK.lock().unwrap();
            TOTAL.update(|total| total + self.0.get());
        }
    }
    thread_local! {
        static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
    }
    none(|| {
        let threads = [(); 4].map(|()| {
            thread::spawn(|| {
                let step = CONFIG.get_or_init(|| {
                    let step = Shared::new(0);
                    step.set(5);
                    step
                });
                *LOCK.lock().unwrap() += 1;
                LOCAL.set(Some(Local(Shared::new(0))));
                LOCAL.with_borrow(|local| local.as_ref().unwrap().0.set(step.get()));
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((TOTAL.get(), *LOCK.lock().unwrap()), (20, 4));
    });
    let race = &races(|| {
        in_turn(
            || {
                let _guard = LOCK.lock().unwrap();
                at!(TOTAL.set(0))
            },
            || at!(TOTAL.get()),
        )
    })[0];
    says(
        race,
        "it unlocked a Mutex",
        "hold the Mutex that is locked at",
    );
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "std's channel, by which a value is moved out of sight, is seen"
)]
fn prim_21_moved_values() {
    none(|| {
        let (tx, rx) = mpsc::channel();
        let collector = thread::spawn(move || {
            let mut values: Vec<Shared<usize>> = Vec::new();
            for value in rx {
                // Grows, and moves them all.
                values.push(value);
                values.last().unwrap().update(|n| n + 1);
            }
            let (first, rest) = values.split_first_mut().unwrap();
            mem::swap(first, &mut rest[0]);
            values
        });
        for i in 0..20 {
            let value = Shared::new(0);
            value.set(i);
            let boxed = Box::new(value);
            boxed.update(|n| n + 1);
            tx.send(*boxed).unwrap();
        }
        drop(tx);
        let mut values = collector.join().unwrap();
        values[0].update(|n| n + 1);
        let shared = Arc::new(values.swap_remove(0));
        let reader = thread::spawn({
            let shared = shared.clone();
            move || shared.get()
        });
        assert_eq!((reader.join().unwrap(), shared.get()), (4, 4));
        let owned = Arc::into_inner(shared).unwrap();
        assert_eq!(owned.into_inner(), 4);
    });
    // What came before a move isn't forgotten: it is the same value.
    let race = &races(|| {
        let value = Shared::new(0);
        let (tx, rx) = std::sync::mpsc::channel();
        let rx = std::sync::Mutex::new(rx);
        in_turn(
            move || {
                let line = at!(value.set(1));
                tx.send(Box::new(value)).unwrap();
                line
            },
            || at!(rx.lock().unwrap().recv().unwrap().get()),
        )
    })[0];
    says(race, "released nothing since its write", "");
}

/// A pool of one slot: values come and go, each a new one, at one address.
#[test]
fn prim_22_reused_memory() {
    none(|| {
        let slot: std::sync::Mutex<Option<Shared<usize>>> = std::sync::Mutex::new(None);
        let address_used_by = |user: usize| {
            // A lock that racecheck can't see, as an allocator's.
            let mut slot = slot.lock().unwrap();
            let value = slot.insert(Shared::new(0));
            value.set(user);
            let address = std::ptr::from_ref(value).addr();
            *slot = None;
            address
        };
        let (first, second) = in_turn(|| address_used_by(1), || address_used_by(2));
        assert_eq!(first, second);
    });
    // Reused without being made anew, it is the same value.
    let race = &races(|| {
        let slot = Shared::new(0);
        in_turn(|| at!(slot.set(1)), || at!(slot.set(2)))
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
}

/// Threads that racecheck didn't start.
#[test]
fn prim_23_plain_std_threads() {
    let program = |join_first: bool| {
        let request = Arc::new((Shared::new(0), Shared::new(0)));
        request.0.set(7);
        let worker = std::thread::spawn({
            let request = request.clone();
            move || at!(request.1.set(request.0.get()))
        });
        while !worker.is_finished() {
            std::thread::yield_now();
        }
        if join_first {
            let written = worker.join().unwrap();
            (written, at!(request.1.get()))
        } else {
            let read = at!(request.1.get());
            (worker.join().unwrap(), read)
        }
    };
    none(|| program(true));
    // Seen where a plain thread's creation and join are.
    if cfg!(target_os = "linux") {
        let race = &races(|| program(false))[0];
        says_join(race);
    }
}
