//! The MCS lock: a lock that was free, one that is handed over, and a successor that is late to link itself.

use std::sync::Barrier;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::super::mcs::{McsLock, Orderings};
use super::lib::thread;
use super::schedule::{Actor, at};
use crate::orderings::{Case, Suite, Verdict};

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "MCS lock",
    sources: &[("tests/structures/mcs.rs", include_str!("../mcs.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("enqueue", Relaxed)],
            schedule: found_free,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
        Case {
            weakened: &[("enqueue", Release)],
            schedule: found_free,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
        Case {
            weakened: &[("enqueue", Acquire)],
            schedule: handed_over,
            verdict: Verdict::Reported("a node is made", "a node is reached"),
        },
        Case {
            weakened: &[("link", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("a node is made", "a node is reached"),
        },
        Case {
            weakened: &[("see_next", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("a node is made", "a node is reached"),
        },
        Case {
            weakened: &[("await_next", Relaxed)],
            schedule: linked_late,
            verdict: Verdict::Reported("a node is made", "a node is reached"),
        },
        Case {
            weakened: &[("pass_on", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
        Case {
            weakened: &[("await_turn", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
        Case {
            weakened: &[("leave_free", Relaxed)],
            schedule: found_free,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
    ],
};

fn contention(orders: Orderings) {
    const EACH: usize = 10;
    let lock = McsLock::new(0, orders);
    // `std`'s: it orders nothing for racecheck.
    let start = Barrier::new(3);
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let mut me = lock.locker();
                start.wait();
                (0..EACH).for_each(|_| me.locked(|count| *count += 1));
            });
        }
    });
    assert_eq!(lock.locker().locked(|count| *count), 3 * EACH);
}

fn found_free(orders: Orderings) {
    let lock = McsLock::new(0, orders);
    thread::scope(|s| {
        let one = Actor::new(s, || lock.locker());
        let other = Actor::new(s, || lock.locker());
        one.does(|me| me.locked(|count| *count += 1));
        other.does(|me| me.locked(|count| assert_eq!(*count, 1)));
    });
}

/// The second one waits, linked, while the first one holds the lock.
fn handed_over(orders: Orderings) {
    let lock = McsLock::new(0, orders);
    thread::scope(|s| {
        let one = Actor::new(s, || lock.locker());
        let other = Actor::new(s, || lock.locker());
        one.does_until("it holds the lock", |me| me.locked(hold));
        other.does_until("it is linked", |me| {
            me.locked(|count| assert_eq!(*count, 1))
        });
        one.finishes();
        other.finishes();
    });
}

/// The second one is in the queue and not yet linked when the first one wants to leave.
fn linked_late(orders: Orderings) {
    let lock = McsLock::new(0, orders);
    thread::scope(|s| {
        let one = Actor::new(s, || lock.locker());
        let other = Actor::new(s, || lock.locker());
        one.does_until("it holds the lock", |me| me.locked(hold));
        other.does_until("it is in the queue", |me| {
            me.locked(|count| assert_eq!(*count, 1));
        });
        one.goes_on_until("somebody comes");
        other.goes_on_until("it is linked");
        one.finishes();
        other.finishes();
    });
}

fn hold(count: &mut usize) {
    at("it holds the lock");
    *count += 1;
}
