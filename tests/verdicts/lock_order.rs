//! Locks taken in different orders: what could deadlock, and what looks as if it could.
//!
//! No program here waits for a lock: the orders alone are judged.

use std::sync::mpsc as untracked;

use racecheck::report::{Deadlock, DeadlockKind, Goal};
use racecheck::sync::atomic::{AtomicBool, Ordering};
use racecheck::sync::{Barrier, Condvar, Mutex, Once, RwLock, mpsc};
use racecheck::{check, thread};

use crate::one_after_the_other;

/// The one deadlock that could have been.
#[track_caller]
fn deadlock(program: impl FnOnce()) -> Deadlock {
    let outcome = check(program);
    let found = outcome.deadlocks();
    assert_eq!(found.len(), 1, "{:#?}", texts(found));
    assert!(outcome.races().is_empty());
    assert_eq!(found[0].kind(), DeadlockKind::LockOrder);
    found[0].clone()
}

#[track_caller]
fn none(program: impl FnOnce()) {
    let outcome = check(program);
    if let Some(deadlock) = outcome.deadlocks().first() {
        panic!("{deadlock}");
    }
    if let Some(race) = outcome.races().first() {
        panic!("{race}");
    }
}

fn texts(found: &[Deadlock]) -> Vec<String> {
    found.iter().map(Deadlock::to_string).collect()
}

/// Locks the first, then the second while it holds the first.
fn nest(first: &Mutex<i32>, second: &Mutex<i32>) {
    let _first = first.lock().unwrap();
    let _second = second.lock().unwrap();
}

/// Runs both in threads of their own, the second when the first is done, with no order between them but their own.
fn in_turn(first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    let (done, is_done) = untracked::channel::<()>();
    let (quit, may_quit) = untracked::channel::<()>();
    thread::scope(|s| {
        s.spawn(move || {
            first();
            drop(done);
            let _ = may_quit.recv();
        });
        let _ = is_done.recv();
        s.spawn(move || {
            second();
            drop(quit);
        });
    });
}

#[test]
fn two_locks_in_both_orders() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    let found = deadlock(|| in_turn(|| nest(&a, &b), || nest(&b, &a)));
    let [now, then] = found.waiters() else {
        panic!("{found}");
    };
    assert_ne!(now.thread().number(), then.thread().number());
    let goals = [now, then].map(|waiter| match waiter.goal() {
        Goal::Lock { lock, shared } => (lock.number(), *shared),
        goal => panic!("{goal:?}"),
    });
    assert_eq!(goals, [(1, false), (2, false)]);
    for (waiter, other) in [(now, 2), (then, 1)] {
        let [held] = waiter.held() else {
            panic!("{found}");
        };
        assert_eq!(held.lock().number(), other);
        // The site of the outer lock is on the line before that of the inner one.
        let inner = waiter.site().unwrap();
        assert!(inner.file().ends_with("lock_order.rs"), "{found}");
        assert_eq!(held.locked_at().line() + 1, inner.line());
    }
}

#[test]
fn it_does_not_matter_how_often_or_that_the_first_thread_has_ended() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    deadlock(|| {
        let ends = one_after_the_other(
            || (0..10).for_each(|_| nest(&a, &b)),
            || (0..10).for_each(|_| nest(&b, &a)),
        );
        assert_eq!(ends, ((), ()));
    });
}

#[test]
fn one_order() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    none(|| in_turn(|| nest(&a, &b), || nest(&a, &b)));
}

#[test]
fn one_thread_in_both_orders() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    none(|| {
        nest(&a, &b);
        nest(&b, &a);
    });
}

#[test]
fn a_gate_keeps_them_apart() {
    let (gate, a, b) = (Mutex::new(0), Mutex::new(1), Mutex::new(2));
    let guarded = |first: &Mutex<i32>, second: &Mutex<i32>| {
        let _gate = gate.lock().unwrap();
        nest(first, second);
    };
    none(|| in_turn(|| guarded(&a, &b), || guarded(&b, &a)));
    // Held by one of them only, it keeps nobody out.
    deadlock(|| in_turn(|| guarded(&a, &b), || nest(&b, &a)));
}

#[test]
fn a_gate_that_both_only_read_is_none() {
    let (gate, a, b) = (RwLock::new(0), Mutex::new(1), Mutex::new(2));
    let reading = |first: &Mutex<i32>, second: &Mutex<i32>| {
        let _gate = gate.read().unwrap();
        nest(first, second);
    };
    let writing = |first: &Mutex<i32>, second: &Mutex<i32>| {
        let _gate = gate.write().unwrap();
        nest(first, second);
    };
    none(|| in_turn(|| reading(&a, &b), || writing(&b, &a)));
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    deadlock(|| in_turn(|| reading(&a, &b), || reading(&b, &a)));
}

#[test]
fn spawn_and_join_order() {
    let (a, b) = (&Mutex::new(1), &Mutex::new(2));
    none(|| {
        nest(a, b);
        thread::scope(|s| {
            s.spawn(|| nest(b, a)).join().unwrap();
            nest(a, b);
        });
        thread::scope(|s| {
            s.spawn(|| nest(b, a));
        });
        nest(a, b);
    });
    // What was ordered once is not for ever.
    deadlock(|| {
        thread::scope(|s| {
            let (done, is_done) = untracked::channel::<()>();
            nest(a, b);
            s.spawn(move || {
                nest(b, a);
                drop(done);
            });
            let _ = is_done.recv();
            nest(a, b);
        });
    });
}

#[test]
fn a_channel_orders() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    none(|| {
        let (tx, rx) = mpsc::channel();
        in_turn(
            || {
                nest(&a, &b);
                tx.send(()).unwrap();
            },
            {
                let (a, b) = (&a, &b);
                move || {
                    rx.recv().unwrap();
                    nest(b, a);
                }
            },
        );
    });
}

#[test]
fn an_atomic_orders_if_it_is_strong_enough() {
    let program = |store, load| {
        let (a, b, done) = (Mutex::new(1), Mutex::new(2), AtomicBool::new(false));
        in_turn(
            || {
                nest(&a, &b);
                done.store(true, store);
            },
            || {
                assert!(done.load(load));
                nest(&b, &a);
            },
        );
    };
    none(|| program(Ordering::Release, Ordering::Acquire));
    deadlock(|| program(Ordering::Relaxed, Ordering::Relaxed));
}

/// The thread knows of the other's store by a lock that nests before it loads it: the load is an order all the same.
#[test]
fn an_atomic_orders_what_is_known_already() {
    let (a, b, done) = (Mutex::new(1), Mutex::new(2), AtomicBool::new(false));
    none(|| {
        in_turn(
            || {
                nest(&a, &b);
                done.store(true, Ordering::Release);
                drop(a.lock());
            },
            || {
                drop(a.lock());
                assert!(done.load(Ordering::Acquire));
                nest(&b, &a);
            },
        );
    });
}

#[test]
fn a_barrier_and_a_once_order() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    none(|| {
        let barrier = Barrier::new(2);
        thread::scope(|s| {
            s.spawn(|| {
                nest(&a, &b);
                barrier.wait();
            });
            barrier.wait();
            nest(&b, &a);
        });
    });
    none(|| {
        let once = Once::new();
        in_turn(
            || once.call_once(|| nest(&a, &b)),
            || {
                assert!(once.is_completed());
                nest(&b, &a);
            },
        );
    });
}

#[test]
fn park_orders() {
    let (a, b) = (&Mutex::new(1), &Mutex::new(2));
    none(|| {
        let main = thread::current();
        thread::scope(|s| {
            s.spawn(move || {
                nest(a, b);
                main.unpark();
            });
            thread::park();
            nest(b, a);
        });
    });
}

#[test]
fn a_lock_of_its_own_with_a_condvar_orders() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    none(|| {
        let (done, changed) = (Mutex::new(false), Condvar::new());
        thread::scope(|s| {
            s.spawn(|| {
                nest(&a, &b);
                *done.lock().unwrap() = true;
                changed.notify_one();
            });
            drop(changed.wait_while(done.lock().unwrap(), |done| !*done));
            nest(&b, &a);
        });
    });
}

/// As above, with one of the two locks; whether the second thread has to wait or not.
#[test]
fn one_of_the_locks_with_a_condvar_orders() {
    for waits in [false, true] {
        let (a, b, changed) = (Mutex::new(1), Mutex::new(2), Condvar::new());
        let first = || {
            nest(&a, &b);
            *a.lock().unwrap() = 7;
            changed.notify_one();
        };
        let second = || {
            drop(changed.wait_while(a.lock().unwrap(), |a| *a != 7));
            nest(&b, &a);
        };
        none(|| {
            thread::scope(|s| {
                let handle = s.spawn(first);
                if !waits {
                    crate::wait_for_scoped(&handle);
                }
                second();
            });
        });
    }
}

/// Data handed over by a lock that nests with nothing of these.
#[test]
fn a_leaf_lock_orders() {
    let (a, b, leaf) = (Mutex::new(1), Mutex::new(2), Mutex::new(false));
    none(|| {
        in_turn(
            || {
                nest(&a, &b);
                *leaf.lock().unwrap() = true;
            },
            || {
                assert!(*leaf.lock().unwrap());
                nest(&b, &a);
            },
        );
    });
}

#[test]
fn two_readers_do_not_wait_for_each_other() {
    let (a, b) = (RwLock::new(1), RwLock::new(2));
    let read = |first: &RwLock<i32>, second: &RwLock<i32>| {
        let _first = first.read().unwrap();
        let _second = second.read().unwrap();
    };
    let write = |first: &RwLock<i32>, second: &RwLock<i32>| {
        let _first = first.write().unwrap();
        let _second = second.write().unwrap();
    };
    none(|| in_turn(|| read(&a, &b), || read(&b, &a)));
    let (a, b) = (RwLock::new(1), RwLock::new(2));
    let found = deadlock(|| in_turn(|| read(&a, &b), || write(&b, &a)));
    let Goal::Lock { shared, .. } = found.waiters()[1].goal() else {
        panic!("{found}");
    };
    assert!(*shared && found.waiters()[1].held()[0].is_shared());
}

#[test]
fn a_try_lock_waits_for_nobody() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    let trying = |first: &Mutex<i32>, second: &Mutex<i32>| {
        let _first = first.lock().unwrap();
        let _second = second.try_lock().unwrap();
    };
    none(|| in_turn(|| trying(&a, &b), || nest(&b, &a)));
    // But who waits for what it has locked may wait for ever.
    let tried = |first: &Mutex<i32>, second: &Mutex<i32>| {
        let _first = first.try_lock().unwrap();
        let _second = second.lock().unwrap();
    };
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    deadlock(|| in_turn(|| tried(&a, &b), || tried(&b, &a)));
}

#[test]
fn three_in_a_ring() {
    let locks = [0, 1, 2].map(Mutex::new);
    let found = deadlock(|| {
        thread::scope(|s| {
            for first in 0..3 {
                let (done, is_done) = untracked::channel::<()>();
                let locks = &locks;
                s.spawn(move || {
                    nest(&locks[first], &locks[(first + 1) % 3]);
                    drop(done);
                });
                let _ = is_done.recv();
            }
        });
    });
    assert_eq!(found.waiters().len(), 3, "{found}");
    // The last one takes them the other way round than the ring goes.
    let locks = [0, 1, 2].map(Mutex::new);
    none(|| {
        thread::scope(|s| {
            for (first, second) in [(0, 1), (1, 2), (0, 2)] {
                let (done, is_done) = untracked::channel::<()>();
                let locks = &locks;
                s.spawn(move || {
                    nest(&locks[first], &locks[second]);
                    drop(done);
                });
                let _ = is_done.recv();
            }
        });
    });
}

/// Two of the three are ordered: they can't wait at the same time.
#[test]
fn three_in_a_ring_two_of_them_in_order() {
    let locks = [0, 1, 2].map(Mutex::new);
    let locks = &locks;
    none(|| {
        thread::scope(|s| {
            s.spawn(|| nest(&locks[0], &locks[1])).join().unwrap();
            let (done, is_done) = untracked::channel::<()>();
            s.spawn(move || {
                nest(&locks[1], &locks[2]);
                drop(done);
            });
            let _ = is_done.recv();
            s.spawn(|| nest(&locks[2], &locks[0]));
        });
    });
}

#[test]
fn a_lock_leaves_nothing_to_the_next_at_its_address() {
    let a = Mutex::new(1);
    // Dropped and made anew at the same place; and moved, with another in its place.
    let mut slot = Some(Box::new(Mutex::new(2)));
    none(|| {
        thread::scope(|s| {
            let b = slot.as_deref().unwrap();
            s.spawn(|| nest(&a, b));
        });
        let address =
            |slot: &Option<Box<Mutex<i32>>>| std::ptr::from_ref(&**slot.as_ref().unwrap()).addr();
        let before = address(&slot);
        *slot.as_deref_mut().unwrap() = Mutex::new(3);
        assert_eq!(address(&slot), before);
    });
    let mut pair = [Mutex::new(4), Mutex::new(5)];
    let (quit, may_quit) = untracked::channel::<()>();
    deadlock(|| {
        let (a, b) = (std::sync::Arc::new(a), std::sync::Arc::new(slot.unwrap()));
        let (done, is_done) = untracked::channel::<()>();
        let other = {
            let (a, b) = (a.clone(), b.clone());
            thread::spawn(move || {
                nest(&b, &a);
                drop((a, b));
                drop(done);
                let _ = may_quit.recv();
            })
        };
        let _ = is_done.recv();
        // Moved out of where they were, both are who they were.
        let a = std::sync::Arc::into_inner(a).unwrap();
        let b = std::sync::Arc::into_inner(b).unwrap();
        pair[0] = a;
        pair[1] = *b;
        nest(&pair[0], &pair[1]);
        drop(quit);
        other.join().unwrap();
    });
}

#[test]
fn four_guards_let_go_in_any_order() {
    let locks = [0, 1, 2, 3].map(Mutex::new);
    none(|| {
        let all = || {
            let mut guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
            drop(guards.swap_remove(1));
            drop(guards.swap_remove(0));
        };
        in_turn(all, all);
    });
    // 3 is let go before 0 is locked.
    none(|| {
        in_turn(
            || nest(&locks[0], &locks[3]),
            || {
                let three = locks[3].lock().unwrap();
                let two = locks[2].try_lock().unwrap();
                drop(three);
                drop(locks[0].lock().unwrap());
                drop(two);
            },
        );
    });
}
