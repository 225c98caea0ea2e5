//! The deque: a job that is stolen, an array that is outgrown under a thief, a place that is used again, the last job.

use std::sync::atomic::AtomicIsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::{Barrier, mpsc};

use super::super::deque::{Deque, Orderings, Steal, Worker};
use super::lib::thread;
use super::schedule::Actor;
use crate::orderings::{Case, Suite, Verdict};

pub(crate) const SUITE: Suite<Orderings> = Suite {
    title: "Chase-Lev deque",
    sources: &[("tests/structures/deque.rs", include_str!("../deque.rs"))],
    contention,
    cases: &[
        Case {
            weakened: &[("push_top", Relaxed)],
            schedule: place_used_again,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("push_fence", Relaxed)],
            schedule: place_used_again,
            verdict: Verdict::Reported("a job is made", "a job is taken"),
        },
        Case {
            weakened: &[("publish_array", Relaxed)],
            schedule: outgrown,
            verdict: Verdict::Reported("an array is made", "an array is reached"),
        },
        Case {
            weakened: &[("take_fence", AcqRel)],
            schedule: last_job,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("take_fence", Relaxed)],
            schedule: last_job,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("take_exchange", Relaxed)],
            schedule: last_job,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("steal_top", Relaxed)],
            schedule: place_used_again,
            verdict: Verdict::Harmless,
        },
        Case {
            weakened: &[("steal_fence", AcqRel)],
            schedule: last_job,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("steal_fence", Relaxed)],
            schedule: last_job,
            verdict: Verdict::NotSeen,
        },
        Case {
            weakened: &[("steal_bottom", Relaxed)],
            schedule: place_used_again,
            verdict: Verdict::Reported("a job is made", "a job is taken"),
        },
        Case {
            weakened: &[("steal_array", Relaxed)],
            schedule: outgrown,
            verdict: Verdict::Reported("an array is made", "an array is reached"),
        },
        Case {
            weakened: &[("steal_exchange", Relaxed)],
            schedule: place_used_again,
            verdict: Verdict::NotSeen,
        },
    ],
};

fn contention(orders: Orderings) {
    const ALL: usize = 30;
    let mut deque = Deque::new(2, orders);
    let (mut worker, thief) = deque.split();
    let (results, got) = mpsc::channel();
    // `std`'s: they must order nothing for racecheck.
    let (left, start) = (&AtomicIsize::new(ALL as isize), &Barrier::new(3));
    thread::scope(|s| {
        for _ in 0..2 {
            let (thief, results) = (thief.clone(), results.clone());
            s.spawn(move || {
                start.wait();
                while left.load(Relaxed) > 0 {
                    if let Steal::Stolen(job) = thief.steal() {
                        results.send(job).unwrap();
                        left.fetch_sub(1, Relaxed);
                    } else {
                        thread::yield_now();
                    }
                }
            });
        }
        s.spawn(move || {
            start.wait();
            let take = |worker: &mut Worker<'_, usize>| {
                let job = worker.take();
                if let Some(job) = job {
                    results.send(job).unwrap();
                    left.fetch_sub(1, Relaxed);
                }
                job.is_some()
            };
            for job in 0..ALL {
                worker.push(job);
                if job % 3 == 0 {
                    take(&mut worker);
                }
            }
            while take(&mut worker) {}
        });
    });
    let mut all: Vec<usize> = got.try_iter().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..ALL));
}

/// Two thieves; the second job lies where the first one was.
fn place_used_again(orders: Orderings) {
    let mut deque = Deque::new(1, orders);
    let (worker, thief) = deque.split();
    thread::scope(|s| {
        let worker = Actor::new(s, move || worker);
        let [one, other] = [thief.clone(), thief].map(|thief| Actor::new(s, move || thief));
        worker.does(|deque| deque.push(1));
        one.does(|deque| assert_eq!(deque.steal(), Steal::Stolen(1)));
        worker.does(|deque| deque.push(2));
        other.does(|deque| assert_eq!(deque.steal(), Steal::Stolen(2)));
        one.does(|deque| assert_eq!(deque.steal(), Steal::Empty));
    });
}

/// A thief has seen a job in the old array, and finds the new one.
fn outgrown(orders: Orderings) {
    let mut deque = Deque::new(1, orders);
    let (worker, thief) = deque.split();
    thread::scope(|s| {
        let worker = Actor::new(s, move || worker);
        let thief = Actor::new(s, move || thief);
        worker.does(|deque| deque.push(1));
        thief.does_until("there is a job", |deque| {
            assert_eq!(deque.steal(), Steal::Stolen(1));
        });
        worker.does(|deque| deque.push(2));
        thief.finishes();
        worker.does(|deque| assert_eq!(deque.take(), Some(2)));
        worker.does(|deque| assert_eq!(deque.take(), None));
    });
}

/// The last job: claimed by the owner before the thief looks; found by the thief, and taken by the owner; stolen under the owner's hands.
fn last_job(orders: Orderings) {
    let mut deque = Deque::new(1, orders);
    let (worker, thief) = deque.split();
    thread::scope(|s| {
        let worker = Actor::new(s, move || worker);
        let thief = Actor::new(s, move || thief);
        worker.does(|deque| deque.push(1));
        worker.does_until("the last job is left", |deque| {
            assert_eq!(deque.take(), Some(1));
        });
        thief.does(|deque| assert_eq!(deque.steal(), Steal::Empty));
        worker.finishes();
        worker.does(|deque| deque.push(2));
        thief.does_until("a job is found", |deque| {
            assert_eq!(deque.steal(), Steal::Lost);
        });
        worker.does(|deque| assert_eq!(deque.take(), Some(2)));
        thief.finishes();
        worker.does(|deque| deque.push(3));
        thief.does_until("a job is found", |deque| {
            assert_eq!(deque.steal(), Steal::Stolen(3));
        });
        worker.does_until("the last job is left", |deque| {
            assert_eq!(deque.take(), None)
        });
        thief.finishes();
        worker.finishes();
    });
}
