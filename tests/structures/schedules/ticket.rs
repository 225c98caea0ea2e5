//! The ticket lock: each edge of a handover.

use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;

use super::super::ticket::{Orderings, TicketLock};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Verdict};

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Ticket lock",
    sources: &[("tests/structures/ticket.rs", include_str!("../ticket.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("pass_on", Relaxed)],
            schedule: one_then_the_other,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
        Case {
            weakened: &[("see_called", Relaxed)],
            schedule: one_then_the_other,
            verdict: Verdict::Reported("the value is used", "the value is used"),
        },
    ],
};

fn contention(orders: Orderings) {
    const EACH: usize = 10;
    let lock = TicketLock::new(0, orders);
    // `std`'s: it orders nothing for racecheck.
    let start = Barrier::new(3);
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                start.wait();
                (0..EACH).for_each(|_| lock.locked(|count| *count += 1));
            });
        }
    });
    assert_eq!(lock.locked(|count| *count), 3 * EACH);
}

fn one_then_the_other(orders: Orderings) {
    let lock = TicketLock::new(0, orders);
    thread::scope(|s| {
        let one = Actor::new(s, || &lock);
        let other = Actor::new(s, || &lock);
        one.does(|lock| lock.locked(|count| *count += 1));
        other.does(|lock| assert_eq!(lock.locked(|count| *count), 1));
    });
}
