//! The Michael-Scott queue: what passes from producer to consumer, from producer to producer, and through those who help.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Barrier, mpsc};

use super::super::msqueue::{Orderings, Queue};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Verdict};

/// Reports in which a node is reached by who doesn't know that it was made.
const UNMADE: Verdict = Verdict::Reported("a node is made", "a node is reached");

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Michael-Scott queue",
    sources: &[("tests/structures/msqueue.rs", include_str!("../msqueue.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("see_tail", Relaxed)],
            schedule: behind_each_other,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("see_next_to_help", Relaxed)],
            schedule: helped_by_a_producer,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("link", Relaxed)],
            schedule: handed_over,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("move_tail", Relaxed)],
            schedule: behind_each_other,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("help_from_enqueue", Relaxed)],
            schedule: helped_by_a_producer,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("help_from_dequeue", Relaxed)],
            schedule: helped_by_a_consumer,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("see_head", Relaxed)],
            schedule: after_another_consumer,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("see_next", Relaxed)],
            schedule: handed_over,
            verdict: UNMADE,
        },
        Case {
            weakened: &[("move_head", Relaxed)],
            schedule: after_another_consumer,
            verdict: UNMADE,
        },
    ],
};

fn contention(orders: Orderings) {
    const EACH: usize = 10;
    let queue = Queue::new(orders);
    let (results, taken) = mpsc::channel();
    // `std`'s: it orders nothing for racecheck.
    let start = &Barrier::new(4);
    thread::scope(|s| {
        for producer in 0..2 {
            let queue = &queue;
            s.spawn(move || {
                start.wait();
                (0..EACH).for_each(|n| queue.enqueue((producer, n)));
            });
        }
        for _ in 0..2 {
            let (queue, results) = (&queue, results.clone());
            s.spawn(move || {
                let mut mine = Vec::new();
                start.wait();
                while mine.len() < EACH {
                    match queue.dequeue() {
                        Some(value) => mine.push(value),
                        None => thread::yield_now(),
                    }
                }
                results.send(mine).unwrap();
            });
        }
    });
    assert_eq!(queue.dequeue(), None);
    let taken: Vec<_> = taken.try_iter().collect();
    for mine in &taken {
        // First in, first out, as far as one producer and one consumer can tell.
        for producer in 0..2 {
            let from_it = mine.iter().filter(|(by, _)| *by == producer);
            assert!(from_it.is_sorted());
        }
    }
    let mut all = taken.concat();
    all.sort_unstable();
    let expected: Vec<_> = (0..2)
        .flat_map(|p| (0..EACH).map(move |n| (p, n)))
        .collect();
    assert_eq!(all, expected);
}

fn handed_over(orders: Orderings) {
    let queue = Queue::new(orders);
    thread::scope(|s| {
        let producer = Actor::new(s, || &queue);
        let consumer = Actor::new(s, || &queue);
        producer.does(|queue| queue.enqueue(1));
        consumer.does(|queue| assert_eq!(queue.dequeue(), Some(1)));
        consumer.does(|queue| assert_eq!(queue.dequeue(), None));
    });
}

fn behind_each_other(orders: Orderings) {
    let queue = Queue::new(orders);
    thread::scope(|s| {
        let one = Actor::new(s, || &queue);
        let other = Actor::new(s, || &queue);
        one.does(|queue| queue.enqueue(1));
        other.does(|queue| queue.enqueue(2));
        one.does(|queue| assert_eq!(queue.dequeue(), Some(1)));
        one.does(|queue| assert_eq!(queue.dequeue(), Some(2)));
    });
}

/// The first producer has linked its node and not moved `tail`; the second one does that for it, and stops.
fn helped_by_a_producer(orders: Orderings) {
    let queue = Queue::new(orders);
    thread::scope(|s| {
        let slow = Actor::new(s, || &queue);
        let helper = Actor::new(s, || &queue);
        let third = Actor::new(s, || &queue);
        slow.does_until("the node is linked", |queue| queue.enqueue(1));
        helper.does_until("the tail is helped on", |queue| queue.enqueue(3));
        third.does(|queue| queue.enqueue(2));
        helper.finishes();
        slow.finishes();
        for value in 1..=3 {
            slow.does(move |queue| assert_eq!(queue.dequeue(), Some(value)));
        }
    });
}

/// The same with a consumer that helps.
fn helped_by_a_consumer(orders: Orderings) {
    let queue = Queue::new(orders);
    thread::scope(|s| {
        let slow = Actor::new(s, || &queue);
        let helper = Actor::new(s, || &queue);
        let third = Actor::new(s, || &queue);
        slow.does_until("the node is linked", |queue| queue.enqueue(1));
        helper.does(|queue| assert_eq!(queue.dequeue(), Some(1)));
        third.does(|queue| queue.enqueue(2));
        slow.finishes();
        slow.does(|queue| assert_eq!(queue.dequeue(), Some(2)));
    });
}

/// The second consumer reaches the first node by what the first consumer left in `head`.
fn after_another_consumer(orders: Orderings) {
    let queue = Queue::new(orders);
    thread::scope(|s| {
        let producer = Actor::new(s, || &queue);
        let one = Actor::new(s, || &queue);
        let other = Actor::new(s, || &queue);
        producer.does(|queue| queue.enqueue(1));
        one.does(|queue| assert_eq!(queue.dequeue(), Some(1)));
        other.does(|queue| assert_eq!(queue.dequeue(), None));
    });
}
