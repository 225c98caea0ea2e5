//! The ring: publication, and slots that are used again.

use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;

use super::super::ring::{Orderings, Ring};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Verdict};

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Single-producer ring",
    sources: &[("tests/structures/ring.rs", include_str!("../ring.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("publish", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("a slot is filled", "a slot is emptied"),
        },
        Case {
            weakened: &[("see_published", Relaxed)],
            schedule: handed_over,
            verdict: Verdict::Reported("a slot is filled", "a slot is emptied"),
        },
        Case {
            weakened: &[("release_slot", Relaxed)],
            schedule: used_again,
            verdict: Verdict::Reported("a slot is emptied", "a slot is filled"),
        },
        Case {
            weakened: &[("see_released", Relaxed)],
            schedule: used_again,
            verdict: Verdict::Reported("a slot is emptied", "a slot is filled"),
        },
    ],
};

fn contention(orders: Orderings) {
    const ALL: u64 = 50;
    let mut ring = Ring::<u64, 4>::new(orders);
    let (mut producer, mut consumer) = ring.split();
    // `std`'s: it orders nothing for racecheck.
    let start = &Barrier::new(2);
    thread::scope(|s| {
        s.spawn(move || {
            start.wait();
            for value in 0..ALL {
                while producer.push(value).is_err() {
                    thread::yield_now();
                }
            }
        });
        s.spawn(move || {
            start.wait();
            for value in 0..ALL {
                let taken = loop {
                    match consumer.pop() {
                        Some(taken) => break taken,
                        None => thread::yield_now(),
                    }
                };
                assert_eq!(taken, value);
            }
            assert_eq!(consumer.pop(), None);
        });
    });
}

fn handed_over(orders: Orderings) {
    let mut ring = Ring::<u64, 1>::new(orders);
    let (producer, consumer) = ring.split();
    thread::scope(|s| {
        let producer = Actor::new(s, move || producer);
        let consumer = Actor::new(s, move || consumer);
        producer.does(|ring| ring.push(1).unwrap());
        consumer.does(|ring| assert_eq!(ring.pop(), Some(1)));
    });
}

fn used_again(orders: Orderings) {
    let mut ring = Ring::<u64, 1>::new(orders);
    let (producer, consumer) = ring.split();
    thread::scope(|s| {
        let producer = Actor::new(s, move || producer);
        let consumer = Actor::new(s, move || consumer);
        producer.does(|ring| ring.push(1).unwrap());
        producer.does(|ring| assert_eq!(ring.push(2), Err(2)));
        consumer.does(|ring| assert_eq!(ring.pop(), Some(1)));
        producer.does(|ring| ring.push(2).unwrap());
    });
}
