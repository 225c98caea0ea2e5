//! Hazard pointers, under the stack: when a node may be freed that another thread has read.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Barrier, mpsc};

use super::super::hazard::Orderings;
use super::super::treiber::Stack;
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Table, Verdict};

/// A node is freed that a reader may still read.
const FREED: Verdict = Verdict::Reported("a link is followed", "a node is freed");

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Hazard pointers",
    sources: &[
        ("tests/structures/hazard.rs", include_str!("../hazard.rs")),
        ("tests/structures/treiber.rs", include_str!("../treiber.rs")),
    ],
    contention,
    cases: &[
        Case {
            weakened: &[("announce", Relaxed)],
            schedule: reader_moves_on,
            verdict: FREED,
        },
        Case {
            weakened: &[("announce", Release)],
            schedule: reader_moves_on,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("look_again", Relaxed)],
            schedule: reader_stops,
            verdict: Verdict::Reported("a node is linked", "a link is followed"),
        },
        Case {
            weakened: &[("look_again", Acquire)],
            schedule: reader_stops,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("done", Relaxed)],
            schedule: reader_stops,
            verdict: FREED,
        },
        Case {
            weakened: &[("scan", Relaxed)],
            schedule: reader_stops,
            verdict: FREED,
        },
        Case {
            weakened: &[("scan", Acquire)],
            schedule: reader_stops,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("take_place", Relaxed)],
            schedule: place_changes_hands,
            verdict: Verdict::Reported("retired nodes are used", "retired nodes are used"),
        },
        Case {
            weakened: &[("leave_place", Relaxed)],
            schedule: place_changes_hands,
            verdict: Verdict::Reported("retired nodes are used", "retired nodes are used"),
        },
    ],
};

/// Four threads push two and pop two, and take another place each time.
fn contention(orders: Orderings) {
    const ROUNDS: usize = 5;
    let stack = &Stack::new(Table::RIGHT, orders);
    let (results, popped) = mpsc::channel();
    // `std`'s: it orders nothing for racecheck.
    let start = &Barrier::new(4);
    thread::scope(|s| {
        for number in 0..4 {
            let results = results.clone();
            s.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let mut me = stack.user();
                    let first = 2 * (number * ROUNDS + round);
                    me.push(first);
                    me.push(first + 1);
                    results.send([(); 2].map(|()| me.pop().unwrap())).unwrap();
                }
            });
        }
    });
    assert_eq!(stack.user().pop(), None);
    let mut all = popped.try_iter().collect::<Vec<_>>().concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..4 * 2 * ROUNDS));
}

/// A reader has followed the link of a node that is popped, and is done with it.
fn reader_stops(orders: Orderings) {
    let stack = Stack::new(Table::RIGHT, orders);
    thread::scope(|s| {
        let reader = Actor::new(s, || stack.user());
        let other = Actor::new(s, || stack.user());
        other.does(|me| me.push(1));
        reader.does_until("a link is followed", |me| assert_eq!(me.pop(), None));
        other.does(|me| assert_eq!(me.pop(), Some(1)));
        reader.finishes();
        other.does(|me| me.push(2));
        other.does(|me| assert_eq!(me.pop(), Some(2)));
    });
}

/// The same, and the reader already announces another node when the first one is freed.
fn reader_moves_on(orders: Orderings) {
    let stack = Stack::new(Table::RIGHT, orders);
    thread::scope(|s| {
        let reader = Actor::new(s, || stack.user());
        let other = Actor::new(s, || stack.user());
        other.does(|me| me.push(1));
        reader.does_until("a link is followed", |me| assert_eq!(me.pop(), None));
        other.does(|me| assert_eq!(me.pop(), Some(1)));
        other.does(|me| me.push(2));
        reader.goes_on_until("a node is announced");
        other.does(|me| assert_eq!(me.pop(), Some(2)));
        reader.finishes();
    });
}

/// A thread takes the place that another one has left.
fn place_changes_hands(orders: Orderings) {
    let stack = Stack::new(Table::RIGHT, orders);
    thread::scope(|s| {
        let one = Actor::new(s, || ());
        let other = Actor::new(s, || ());
        let used = || {
            let mut me = stack.user();
            me.push(1);
            assert_eq!(me.pop(), Some(1));
        };
        one.does(move |()| used());
        other.does(move |()| used());
    });
}
