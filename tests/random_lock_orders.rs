//! Random programs of locks and messages, beside a judge that keeps everything: whether a deadlock could have been.
//!
//! Threads do one step at a time, told by channels that racecheck doesn't see, and never one that would wait. The judge has a whole vector for each
//! thread, lock and message, keeps every request there ever was, and compares each with each.

#![cfg(feature = "race-check")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc as untracked;

use proptest::prelude::*;
use racecheck::sync::{Mutex, MutexGuard, mpsc};
use racecheck::{check, thread};

const THREADS: usize = 3;
const LOCKS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Lock(usize),
    TryLock(usize),
    /// The lock that was taken n-th, counted from the last.
    Unlock(usize),
    Send(usize),
    Receive,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..LOCKS).prop_map(Step::Lock),
        1 => (0..LOCKS).prop_map(Step::TryLock),
        6 => (0..2usize).prop_map(Step::Unlock),
        1 => (0..THREADS).prop_map(Step::Send),
        2 => Just(Step::Receive),
    ]
}

type Vector = [u64; THREADS];

fn join(mine: &mut Vector, theirs: &Vector) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine = (*mine).max(*theirs);
    }
}

struct Request {
    thread: usize,
    time: u64,
    held: BTreeSet<usize>,
    wanted: usize,
}

/// What happened, and what could have.
#[derive(Default)]
struct Judge {
    clocks: [Vector; THREADS],
    held: [Vec<usize>; THREADS],
    /// What its last unlock released.
    locks: [Vector; LOCKS],
    nests: [bool; LOCKS],
    messages: [VecDeque<Vector>; THREADS],
    requests: Vec<Request>,
    found: bool,
}

impl Judge {
    fn is_free(&self, lock: usize) -> bool {
        self.held.iter().all(|held| !held.contains(&lock))
    }

    /// The step that the thread can do of these, if any.
    fn possible(&self, thread: usize, step: Step) -> Option<Step> {
        match step {
            Step::Lock(lock) | Step::TryLock(lock) => self.is_free(lock).then_some(step),
            Step::Unlock(index) => {
                let held = self.held[thread].len();
                (held > 0).then(|| Step::Unlock(held - 1 - index.min(held - 1)))
            }
            Step::Send(_) => Some(step),
            Step::Receive => (!self.messages[thread].is_empty()).then_some(step),
        }
    }

    fn release(&mut self, thread: usize) -> Vector {
        let released = self.clocks[thread];
        self.clocks[thread][thread] += 1;
        released
    }

    fn perform(&mut self, thread: usize, step: Step) {
        match step {
            Step::Lock(lock) | Step::TryLock(lock) => {
                if matches!(step, Step::Lock(_)) && !self.held[thread].is_empty() {
                    self.request(thread, lock);
                }
                if !self.nests[lock] {
                    join(&mut self.clocks[thread], &self.locks[lock]);
                }
                self.held[thread].push(lock);
            }
            Step::Unlock(index) => {
                let lock = self.held[thread].remove(index);
                self.locks[lock] = self.release(thread);
            }
            Step::Send(to) => {
                let message = self.release(thread);
                self.messages[to].push_back(message);
            }
            Step::Receive => {
                let message = self.messages[thread].pop_front().unwrap();
                join(&mut self.clocks[thread], &message);
            }
        }
    }

    fn request(&mut self, thread: usize, wanted: usize) {
        self.nests[wanted] = true;
        for held in &self.held[thread] {
            self.nests[*held] = true;
        }
        let new = Request {
            thread,
            time: self.clocks[thread][thread],
            held: self.held[thread].iter().copied().collect(),
            wanted,
        };
        let clock = &self.clocks[thread];
        self.found |= self.requests.iter().any(|old| {
            old.thread != thread
                && old.held.contains(&new.wanted)
                && new.held.contains(&old.wanted)
                && old.held.is_disjoint(&new.held)
                && clock[old.thread] < old.time
        });
        self.requests.push(new);
    }
}

/// Does its steps, each when it is told to.
fn follow(
    told: &untracked::Receiver<Step>,
    done: &untracked::Sender<()>,
    locks: &[Mutex<()>],
    to: &[mpsc::Sender<()>],
    from: &mpsc::Receiver<()>,
) {
    let mut guards: Vec<MutexGuard<'_, ()>> = Vec::new();
    while let Ok(step) = told.recv() {
        match step {
            Step::Lock(lock) => guards.push(locks[lock].lock().unwrap()),
            Step::TryLock(lock) => guards.push(locks[lock].try_lock().unwrap()),
            Step::Unlock(index) => drop(guards.remove(index)),
            Step::Send(thread) => to[thread].send(()).unwrap(),
            Step::Receive => from.try_recv().unwrap(),
        }
        done.send(()).unwrap();
    }
}

/// Whether a ring of two was found, by racecheck and by the judge.
fn run(steps: &[(usize, Step)]) -> (bool, bool) {
    let mut judge = Judge::default();
    for (thread, clock) in judge.clocks.iter_mut().enumerate() {
        clock[thread] = 1;
    }
    let outcome = check(|| {
        let locks: Vec<Mutex<()>> = (0..LOCKS).map(|_| Mutex::new(())).collect();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel()).unzip();
        thread::scope(|s| {
            let (done, is_done) = untracked::channel();
            let mut tell = Vec::new();
            for from in receivers {
                let (teller, told) = untracked::channel();
                let (locks, to, done) = (&locks, senders.clone(), done.clone());
                s.spawn(move || follow(&told, &done, locks, &to, &from));
                tell.push(teller);
            }
            for (thread, step) in steps {
                if let Some(step) = judge.possible(*thread, *step) {
                    judge.perform(*thread, step);
                    tell[*thread].send(step).unwrap();
                    is_done.recv().unwrap();
                }
            }
        });
    });
    assert!(outcome.races().is_empty());
    let mut rings = outcome.deadlocks().iter();
    let found = rings.any(|deadlock| deadlock.waiters().len() == 2);
    (found, judge.found)
}

/// Finds some and not others, or it would say nothing.
#[test]
fn two_by_hand() {
    let nest = |thread, first, second| {
        [
            Step::Lock(first),
            Step::Lock(second),
            Step::Unlock(0),
            Step::Unlock(0),
        ]
        .map(|step| (thread, step))
    };
    let apart = [nest(0, 0, 1), nest(1, 1, 0)].concat();
    assert_eq!(run(&apart), (true, true));
    let told = [
        &nest(0, 0, 1)[..],
        &[(0, Step::Send(1)), (1, Step::Receive)],
        &nest(1, 1, 0),
    ];
    assert_eq!(run(&told.concat()), (false, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn racecheck_says_what_the_judge_says(steps in prop::collection::vec((0..THREADS, step()), 1..80)) {
        let (found, could_be) = run(&steps);
        prop_assert_eq!(found, could_be);
    }
}
