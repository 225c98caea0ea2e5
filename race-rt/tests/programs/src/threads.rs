//! Threads: spawn, join, scopes, `park`, threads that nobody joins, and what a thread does when it ends.

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Meeting, Plain, until};

crate::programs! {
    race: prim_01_written_after_spawn, prim_02_read_before_join, prim_03_read_inside_the_scope, prim_04_no_unpark, prim_04_written_after_unpark, detached,
        destructor_of_a_thread_local;
    none: prim_01_written_before_spawn, prim_02_read_after_join, prim_03_read_after_the_scope, prim_04_park, prim_04_to_and_fro, detached_and_acquired,
        destructors_of_thread_locals, prim_23_generations;
}

fn spawn(threads: usize, configure_first: bool) {
    let (retries, read) = (Plain::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        if configure_first {
            retries.set(3);
        }
        let reader = || {
            retries.get(); // race: prim_01_written_after_spawn
            read.store(true, Relaxed);
        };
        let _readers: Vec<_> = (1..threads).map(|_| s.spawn(reader)).collect();
        if !configure_first {
            until(&read);
            retries.set(3); // race: prim_01_written_after_spawn
        }
    });
}

fn prim_01_written_before_spawn(threads: usize) {
    spawn(threads, true);
}

fn prim_01_written_after_spawn(_: usize) {
    spawn(2, false);
}

fn join(threads: usize, join_first: bool) {
    let results: Arc<Vec<Plain<usize>>> = Arc::new((0..threads).map(Plain::new).collect());
    let workers = (0..threads).map(|number| {
        let results = results.clone();
        thread::spawn(move || {
            results[number].set(42); // race: prim_02_read_before_join
            results
        })
    });
    for (number, worker) in workers.collect::<Vec<_>>().into_iter().enumerate() {
        if join_first {
            worker.join().unwrap();
            results[number].get();
        } else {
            results[number].get(); // race: prim_02_read_before_join
            worker.join().unwrap();
        }
    }
}

fn prim_02_read_after_join(threads: usize) {
    join(threads, true);
}

/// Of one thread: who has been joined could have ordered the others.
fn prim_02_read_before_join(_: usize) {
    join(1, false);
}

fn prim_03_read_after_the_scope(threads: usize) {
    let words: Vec<_> = (0..threads)
        .map(|number| (number.to_string(), Plain::new(0)))
        .collect();
    thread::scope(|s| {
        for (word, length) in &words {
            s.spawn(|| length.set(word.len()));
        }
    });
    assert_eq!(
        words.iter().map(|(_, length)| length.get()).sum::<usize>(),
        threads
    );
}

fn prim_03_read_inside_the_scope(_: usize) {
    let length = Plain::new(0);
    thread::scope(|s| {
        let counter = s.spawn(|| {
            length.set(1); // race: prim_03_read_inside_the_scope
        });
        while !counter.is_finished() {
            thread::yield_now();
        }
        length.get(); // race: prim_03_read_inside_the_scope
    });
}

fn park(threads: usize, unpark: bool) {
    let (work, there) = (Plain::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        let workers: Vec<_> = (1..threads)
            .map(|_| {
                s.spawn(|| {
                    // Wakes when there is work, or, as a `park` may, without a reason: then nobody else tells it that there is.
                    if unpark {
                        thread::park();
                    }
                    until(&there);
                    work.get(); // race: prim_04_no_unpark
                })
            })
            .collect();
        work.set(1); // race: prim_04_no_unpark
        if unpark {
            for worker in workers {
                worker.thread().unpark();
            }
        }
        there.store(true, Relaxed);
    });
}

fn prim_04_park(threads: usize) {
    park(threads, true);
}

fn prim_04_no_unpark(threads: usize) {
    park(threads, false);
}

/// A value goes to and fro, and so do `park` and `unpark`.
fn prim_04_to_and_fro(_: usize) {
    let (value, is_mine) = (Plain::new(0), AtomicBool::new(true));
    let main = thread::current();
    thread::scope(|s| {
        let other = s.spawn(|| {
            for _ in 0..50 {
                thread::park();
                while is_mine.load(Acquire) {
                    thread::park();
                }
                *value.reach() += 1;
                is_mine.store(true, Release);
                main.unpark();
            }
        });
        for round in 0..50 {
            assert_eq!(value.get(), 2 * round);
            *value.reach() += 1;
            is_mine.store(false, Release);
            loop {
                other.thread().unpark();
                thread::park();
                if is_mine.load(Acquire) {
                    break;
                }
            }
        }
    });
}

fn prim_04_written_after_unpark(threads: usize) {
    let (work, all) = (Plain::new(0), Meeting::of(threads));
    thread::scope(|s| {
        let workers: Vec<_> = (1..threads)
            .map(|_| {
                s.spawn(|| {
                    thread::park();
                    work.get(); // race: prim_04_written_after_unpark
                    all.meet();
                })
            })
            .collect();
        for worker in workers {
            worker.thread().unpark();
        }
        work.set(1); // race: prim_04_written_after_unpark
        all.meet();
    });
}

static LET_GO: AtomicBool = AtomicBool::new(false);
static DONE: AtomicBool = AtomicBool::new(false);
static RESULT: Plain<u64> = Plain::new(0);

/// Nobody joins the thread.
fn detached(_: usize) {
    drop(thread::spawn(|| {
        until(&LET_GO);
        RESULT.set(42); // race: detached
        DONE.store(true, Relaxed);
    }));
    LET_GO.store(true, Relaxed);
    until(&DONE);
    RESULT.get(); // race: detached
}

fn detached_and_acquired(_: usize) {
    drop(thread::spawn(|| {
        RESULT.set(42);
        DONE.store(true, Release);
    }));
    while !DONE.load(Acquire) {
        thread::yield_now();
    }
    assert_eq!(RESULT.get(), 42);
}

static ENDED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

struct Local {
    values: Vec<u64>,
    shared: Option<Arc<Vec<u64>>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        let sum = self
            .shared
            .as_ref()
            .map_or(0, |shared| shared.iter().sum::<u64>());
        self.values.push(sum);
        ENDED.lock().unwrap().extend(&self.values);
        // Lives on, or is made anew, while locals are dropped.
        let _ = OTHER.try_with(|other| other.borrow_mut().push('x'));
    }
}

thread_local! {
    static LOCAL: RefCell<Local> = const { RefCell::new(Local { values: Vec::new(), shared: None }) };
    static OTHER: RefCell<String> = const { RefCell::new(String::new()) };
}

fn destructors_of_thread_locals(threads: usize) {
    for round in 0..5 {
        let shared = Arc::new(vec![round; 16]);
        let all: Vec<_> = (0..threads)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    LOCAL.with_borrow_mut(|local| {
                        local.values.push(1);
                        local.shared = Some(shared);
                    });
                    OTHER.with_borrow_mut(|other| other.push('y'));
                })
            })
            .collect();
        drop(shared);
        for thread in all {
            thread.join().unwrap();
        }
    }
    assert_eq!(ENDED.lock().unwrap().len(), 10 * threads);
}

static mut COUNT: u64 = 0;

struct Counts;

impl Drop for Counts {
    fn drop(&mut self) {
        unsafe { COUNT += 1 }; // race: destructor_of_a_thread_local
    }
}

thread_local! {
    static COUNTS: Counts = const { Counts };
}

fn destructor_of_a_thread_local(threads: usize) {
    let all = Arc::new(Meeting::of(threads));
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let all = all.clone();
            thread::spawn(move || {
                COUNTS.with(|_| all.meet());
                all
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Threads that are made and joined by threads, again and again: stacks and numbers are used again.
fn prim_23_generations(threads: usize) {
    let value = Plain::new(0usize);
    let count = |depth: usize| count_down(&value, depth);
    for _ in 0..threads {
        count(4);
    }
    assert_eq!(value.get(), 5 * threads);
}

fn count_down(value: &Plain<usize>, depth: usize) {
    let mut on_the_stack = [depth; 50];
    thread::scope(|s| {
        s.spawn(|| {
            std::hint::black_box(&mut on_the_stack)[depth] += 1;
            *value.reach() += 1;
            if depth > 0 {
                count_down(value, depth - 1);
            }
        });
    });
    assert_eq!(on_the_stack[depth], depth + 1);
}
