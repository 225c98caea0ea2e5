//! The sequence lock: writers among themselves, and what a reader finds by what it has read.

use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;

use super::super::seqlock::{Board, Orderings};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Verdict};

/// Two writers reach their plain memory without an order.
const WRITERS: Verdict = Verdict::Reported("a write is counted", "a write is counted");

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Sequence lock",
    sources: &[("tests/structures/seqlock.rs", include_str!("../seqlock.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("begin_write", Relaxed)],
            schedule: two_writers,
            verdict: WRITERS,
        },
        Case {
            weakened: &[("write_fence", Relaxed)],
            schedule: written_and_read,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("end_write", Relaxed)],
            schedule: two_writers,
            verdict: WRITERS,
        },
        Case {
            weakened: &[("write_fence", Relaxed), ("end_write", Relaxed)],
            schedule: written_and_read,
            verdict: Verdict::Reported("a notice is written", "a notice is read"),
        },
        Case {
            weakened: &[("begin_read", Relaxed)],
            schedule: written_and_read,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("read_fence", Relaxed)],
            schedule: written_and_read,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("begin_read", Relaxed), ("read_fence", Relaxed)],
            schedule: written_and_read,
            verdict: Verdict::Reported("a notice is written", "a notice is read"),
        },
    ],
};

fn contention(orders: Orderings) {
    const EACH: usize = 10;
    let board = Board::<{ 1 + 2 * EACH }>::new(orders);
    let notice = |index| 100 * index;
    // `std`'s: it orders nothing for racecheck.
    let start = &Barrier::new(4);
    thread::scope(|s| {
        for writer in 0..2 {
            let board = &board;
            s.spawn(move || {
                start.wait();
                for n in 0..EACH {
                    let index = 1 + writer * EACH + n;
                    board.publish(index, notice(index));
                }
            });
        }
        for _ in 0..2 {
            s.spawn(|| {
                start.wait();
                for _ in 0..EACH {
                    let (index, read) = board.latest();
                    assert_eq!(read, notice(index));
                }
            });
        }
    });
    assert_eq!(board.publish(0, 0), 2 * EACH);
}

fn two_writers(orders: Orderings) {
    let board = Board::<3>::new(orders);
    thread::scope(|s| {
        let one = Actor::new(s, || &board);
        let other = Actor::new(s, || &board);
        one.does(|board| assert_eq!(board.publish(1, 10), 0));
        other.does(|board| assert_eq!(board.publish(2, 20), 1));
    });
}

/// A read that a write gets into, one in the middle of a write, and one after it.
fn written_and_read(orders: Orderings) {
    let board = Board::<3>::new(orders);
    thread::scope(|s| {
        let writer = Actor::new(s, || &board);
        let reader = Actor::new(s, || &board);
        reader.does_until("a read has begun", |board| {
            assert_eq!(board.lock().try_read(), None);
        });
        writer.does_until("a word is written", |board| {
            assert_eq!(board.publish(1, 10), 0);
        });
        reader.finishes();
        reader.does(|board| assert_eq!(board.lock().try_read(), None));
        writer.finishes();
        reader.does(|board| assert_eq!(board.latest(), (1, 10)));
    });
}
