//! The stack: publication, and links that are followed after somebody else has popped.

use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::{Barrier, mpsc};

use super::super::treiber::{Orderings, Stack};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Table, Verdict};

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Treiber stack",
    sources: &[("tests/structures/treiber.rs", include_str!("../treiber.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("push", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("a node is linked", "a link is followed"),
        },
        Case {
            weakened: &[("pop", AcqRel)],
            schedule: below_another,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("pop", Relaxed)],
            schedule: below_another,
            verdict: Verdict::NotSeen,
        },
    ],
};

/// Four threads push and pop; together they get out what they put in.
fn contention(orders: Orderings) {
    const EACH: usize = 10;
    let stack = &Stack::new(orders, Table::RIGHT);
    let (results, popped) = mpsc::channel();
    // `std`'s: it orders nothing for racecheck.
    let start = &Barrier::new(4);
    thread::scope(|s| {
        for number in 0..4 {
            let results = results.clone();
            s.spawn(move || {
                let mut me = stack.user();
                let mut mine = Vec::new();
                start.wait();
                for n in 0..EACH {
                    me.push(number * EACH + n);
                    if n % 2 == 1 {
                        mine.extend((0..2).map(|_| me.pop().unwrap()));
                    }
                }
                results.send(mine).unwrap();
            });
        }
    });
    assert_eq!(stack.user().pop(), None);
    let mut all = popped.try_iter().collect::<Vec<_>>().concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..4 * EACH));
}

fn handed_over(orders: Orderings) {
    let stack = Stack::new(orders, Table::RIGHT);
    thread::scope(|s| {
        let one = Actor::new(s, || stack.user());
        let other = Actor::new(s, || stack.user());
        one.does(|me| me.push(1));
        other.does(|me| assert_eq!(me.pop(), Some(1)));
    });
}

/// Two threads pop what two others pushed: the lower of the two nodes is found by the head that somebody else's pop left.
fn below_another(orders: Orderings) {
    let stack = Stack::new(orders, Table::RIGHT);
    thread::scope(|s| {
        let [bottom, top, one, other] = [(); 4].map(|()| Actor::new(s, || stack.user()));
        bottom.does(|me| me.push(1));
        top.does(|me| me.push(2));
        one.does(|me| assert_eq!(me.pop(), Some(2)));
        other.does(|me| assert_eq!(me.pop(), Some(1)));
        one.does(|me| assert_eq!(me.pop(), None));
    });
}
