//! Shared ownership: `Arc`, which `std` orders by a fence, and reference counts of one's own.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use crate::support::{Plain, in_turn, until};

crate::programs! {
    race: arc_used_after_it_was_let_go, letter_among_many, prim_19_no_fence, prim_19_relaxed_decrement;
    none: arc_dropped_by_the_last_owner, arc_taken_back, arc_of_a_trait, letters_among_many, prim_19_own_arc;
}

/// Reads and writes its value when it is dropped.
struct Log(Vec<u64>);

impl Drop for Log {
    fn drop(&mut self) {
        for entry in &mut self.0 {
            *entry += 1;
        }
    }
}

fn arc_dropped_by_the_last_owner(threads: usize) {
    for round in 0..20 {
        let log = Arc::new(Log((0..64).collect()));
        let weak: Weak<Log> = Arc::downgrade(&log);
        let users: Vec<_> = (0..threads)
            .map(|_| {
                let (log, weak) = (log.clone(), weak.clone());
                thread::spawn(move || {
                    let sum = log.0.iter().sum::<u64>() + round;
                    drop(log);
                    (sum, weak.upgrade().map(|log| log.0.len()))
                })
            })
            .collect();
        drop(log);
        for user in users {
            user.join().unwrap();
        }
    }
}

/// Whoever finds itself to be the only owner changes the value, or takes it out.
fn arc_taken_back(threads: usize) {
    for _ in 0..20 {
        let value = Arc::new(vec![1, 2, 3]);
        thread::scope(|s| {
            for number in 0..threads {
                let mut value = value.clone();
                s.spawn(move || {
                    assert_eq!(value[1], 2);
                    if number % 2 == 0 {
                        Arc::make_mut(&mut value).push(number);
                    } else if let Some(value) = Arc::get_mut(&mut value) {
                        value.push(number);
                    }
                    Arc::try_unwrap(value).map(|mut value| value.pop())
                });
            }
            drop(value);
        });
    }
}

/// More atomics than anybody likes to remember, each at an address of its own. Those that come after them are freed, and their addresses given out again.
#[expect(clippy::vec_box, reason = "a block for each")]
fn crowd() -> Vec<Box<AtomicBool>> {
    let crowd: Vec<_> = (0..40_000)
        .map(|_| Box::new(AtomicBool::new(false)))
        .collect();
    for one in &crowd {
        one.store(true, Release);
    }
    crowd
}

struct Letter {
    is_there: AtomicBool,
    text: Plain<u64>,
}

fn letters_among_many(threads: usize) {
    let crowd = crowd();
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                for number in 0..50 {
                    let letter = Arc::new(Letter {
                        is_there: AtomicBool::new(false),
                        text: Plain::new(0),
                    });
                    let sent = letter.clone();
                    let writer = s.spawn(move || {
                        sent.text.set(number);
                        sent.is_there.store(true, Release);
                    });
                    while !letter.is_there.load(Acquire) {
                        thread::yield_now();
                    }
                    assert_eq!(letter.text.get(), number);
                    drop(writer);
                }
            });
        }
    });
    assert!(crowd.iter().all(|one| one.load(Acquire)));
}

fn letter_among_many(_: usize) {
    let crowd = crowd();
    for one in &crowd[..20_000] {
        // Their addresses are given out again.
        drop(Box::new(AtomicBool::new(one.load(Acquire))));
    }
    let letter = Letter {
        is_there: AtomicBool::new(false),
        text: Plain::new(0),
    };
    // Before that the thread doesn't end: dropping its handle would order the two.
    let is_let_go = AtomicBool::new(false);
    thread::scope(|s| {
        // Whoever drops the handle last is ordered after the other one.
        let writer = s.spawn(|| {
            letter.text.set(1); // race: letter_among_many
            letter.is_there.store(true, Relaxed);
            until(&is_let_go);
        });
        is_let_go.store(true, Relaxed);
        while !letter.is_there.load(Acquire) {
            thread::yield_now();
        }
        assert_eq!(letter.text.get(), 1); // race: letter_among_many
        drop(writer);
    });
    drop(crowd);
}

fn arc_of_a_trait(threads: usize) {
    type Task = dyn Fn(usize) -> usize + Send + Sync;
    let tasks: Mutex<Vec<Arc<Task>>> = Mutex::new(Vec::new());
    thread::scope(|s| {
        for number in 0..threads {
            let tasks = &tasks;
            s.spawn(move || {
                let summands: Vec<_> = (number..number + 3).collect();
                tasks
                    .lock()
                    .unwrap()
                    .push(Arc::new(move |n| n + summands[0]));
                let task = tasks.lock().unwrap()[0].clone();
                assert!(task(1) <= threads);
                if number % 2 == 0 {
                    tasks.lock().unwrap().pop();
                    let nothing: Arc<Task> = Arc::new(|n| n);
                    tasks.lock().unwrap().push(nothing);
                }
            });
        }
    });
}

/// One owner lets go and looks once more; the other finds itself alone and changes the value.
fn arc_used_after_it_was_let_go(_: usize) {
    let first = Arc::new(Plain::new(1));
    let mut second = first.clone();
    in_turn(
        move || {
            let kept = Arc::as_ptr(&first);
            drop(first);
            let value = unsafe { &*kept };
            value.get(); // race: arc_used_after_it_was_let_go
        },
        move || {
            let alone = Arc::get_mut(&mut second).unwrap();
            alone.set(2); // race: arc_used_after_it_was_let_go
            std::mem::forget(second);
        },
    );
}

/// An `Arc` of one's own, with these orderings. Its value is dropped by the last owner.
struct MyArc {
    inner: *mut Inner,
    decrement: Ordering,
    fence: bool,
}

struct Inner {
    owners: AtomicUsize,
    value: Plain<u64>,
}

// SAFETY: owners share the value, and any of them may be the one that drops it.
unsafe impl Send for MyArc {}

impl MyArc {
    fn shared(owners: usize, decrement: Ordering, fence: bool) -> Vec<MyArc> {
        let inner = Box::into_raw(Box::new(Inner {
            owners: AtomicUsize::new(owners),
            value: Plain::new(7),
        }));
        let owner = |_| MyArc {
            inner,
            decrement,
            fence,
        };
        (0..owners).map(owner).collect()
    }

    fn inner(&self) -> &Inner {
        // SAFETY: it lives as long as there are owners.
        unsafe { &*self.inner }
    }

    fn look(&self) {
        self.inner().value.get(); // race: prim_19_no_fence, prim_19_relaxed_decrement
    }

    /// Whether this was the last owner. Then the memory is left to whoever asks.
    fn release(&self) -> bool {
        let inner = self.inner();
        if inner.owners.fetch_sub(1, self.decrement) != 1 {
            return false;
        }
        if self.fence {
            std::sync::atomic::fence(Acquire);
        }
        inner.value.set(0); // race: prim_19_no_fence, prim_19_relaxed_decrement
        true
    }
}

fn prim_19_own_arc(threads: usize) {
    thread::scope(|s| {
        for owner in MyArc::shared(threads, Release, true) {
            s.spawn(move || {
                owner.look();
                if owner.release() {
                    // SAFETY: it came from a box, and this was the last owner.
                    drop(unsafe { Box::from_raw(owner.inner) });
                }
            });
        }
    });
}

fn two_owners(decrement: Ordering, fence: bool) {
    let mut owners = MyArc::shared(2, decrement, fence);
    let (first, last) = (owners.remove(0), owners.remove(0));
    in_turn(
        move || {
            let first = first;
            first.look();
            assert!(!first.release());
        },
        move || {
            let last = last;
            assert!(last.release());
        },
    );
}

fn prim_19_no_fence(_: usize) {
    two_owners(Release, false);
}

fn prim_19_relaxed_decrement(_: usize) {
    two_owners(Relaxed, true);
}
