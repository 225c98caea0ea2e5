//! `std`'s locks, condition variables, barriers and lazy values, each with its edge and without.

use std::collections::VecDeque;
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, OnceLock, RwLock, TryLockError};
use std::thread;
use std::time::Duration;

use crate::support::{Meeting, Plain, in_turn};

crate::programs! {
    race: mutex_none_at_all, prim_05_unlocked_look, prim_06_one_phase_without, prim_06_no_second_wait, prim_12_no_permit, prim_12_too_many_permits,
        prim_20_static_without_its_lock;
    none: mutex_contended, rwlock_in_a_scope, prim_05_condvar_queue, prim_05_two_ends, prim_06_barrier, prim_12_semaphore, prim_12_pool, prim_20_statics;
}

fn mutex_contended(threads: usize) {
    let shared = Arc::new(Mutex::new((0u64, Vec::new())));
    let workers: Vec<_> = (0..threads as u64)
        .map(|number| {
            let shared = shared.clone();
            thread::spawn(move || {
                for round in 0..200 {
                    let mut guard = shared.lock().unwrap();
                    guard.0 += 1;
                    guard.1.push(number * round);
                    drop(guard);
                    match shared.try_lock() {
                        Ok(mut guard) => guard.0 -= 1,
                        Err(TryLockError::WouldBlock) => shared.lock().unwrap().0 -= 1,
                        Err(TryLockError::Poisoned(_)) => unreachable!(),
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let (sum, all) = Arc::into_inner(shared).unwrap().into_inner().unwrap();
    assert_eq!((sum, all.len()), (0, threads * 200));
}

fn mutex_none_at_all(threads: usize) {
    let shared = Arc::new(Plain::new(0u64));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                *shared.reach() += 1; // race: mutex_none_at_all
                shared
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

fn rwlock_in_a_scope(threads: usize) {
    let words = RwLock::new(vec![String::from("a")]);
    thread::scope(|s| {
        for number in 0..threads {
            let words = &words;
            s.spawn(move || {
                for round in 0..30 {
                    if (number + round) % 5 == 0 {
                        words.write().unwrap().push(round.to_string());
                    } else if let Ok(words) = words.try_read() {
                        assert_eq!(words[0], "a");
                    } else {
                        assert!(!words.read().unwrap().is_empty());
                    }
                }
            });
        }
    });
    assert!(words.into_inner().unwrap().len() > 1);
}

struct Queue {
    lock: Mutex<()>,
    items: Plain<Vec<usize>>,
    changed: Condvar,
}

const ITEMS: usize = 20;
const CAPACITY: usize = 2;

fn queue() -> Queue {
    Queue {
        lock: Mutex::new(()),
        items: Plain::new(Vec::with_capacity(CAPACITY)),
        changed: Condvar::new(),
    }
}

fn prim_05_condvar_queue(threads: usize) {
    let (queue, pairs) = (queue(), threads.div_ceil(2));
    thread::scope(|s| {
        for _ in 0..pairs {
            s.spawn(|| {
                for item in 0..ITEMS {
                    let mut guard = queue.lock.lock().unwrap();
                    while queue.items.reach().len() == CAPACITY {
                        let long = Duration::from_secs(1000);
                        guard = queue.changed.wait_timeout(guard, long).unwrap().0;
                    }
                    queue.items.reach().insert(0, item);
                    queue.changed.notify_all();
                }
            });
            s.spawn(|| {
                for _ in 0..ITEMS {
                    let is_empty = |_: &mut ()| queue.items.reach().is_empty();
                    let guard = queue.lock.lock().unwrap();
                    let _guard = queue.changed.wait_while(guard, is_empty).unwrap();
                    assert!(queue.items.reach().pop().is_some());
                    queue.changed.notify_all();
                }
            });
        }
    });
}

/// A condition for each end, and messages with something in them.
fn prim_05_two_ends(threads: usize) {
    let (items, filled, emptied) = (Mutex::new(VecDeque::new()), Condvar::new(), Condvar::new());
    let pairs = threads.div_ceil(2);
    thread::scope(|s| {
        for _ in 0..pairs {
            s.spawn(|| {
                for item in 0..50 {
                    let is_full = |items: &mut VecDeque<Box<usize>>| items.len() > 3;
                    let mut items = emptied.wait_while(items.lock().unwrap(), is_full).unwrap();
                    items.push_back(Box::new(item));
                    drop(items);
                    filled.notify_one();
                }
            });
            s.spawn(|| {
                for _ in 0..50 {
                    let is_empty = |items: &mut VecDeque<_>| items.is_empty();
                    let mut items = filled.wait_while(items.lock().unwrap(), is_empty).unwrap();
                    let mut item = items.pop_front().unwrap();
                    drop(items);
                    emptied.notify_one();
                    *item += 1;
                }
            });
        }
    });
}

fn prim_05_unlocked_look(_: usize) {
    let queue = queue();
    in_turn(
        || {
            let _guard = queue.lock.lock().unwrap();
            queue.items.reach().push(1); // race: prim_05_unlocked_look
        },
        || {
            let items = std::hint::black_box(queue.items.reach());
            let is_empty = items.is_empty(); // race: prim_05_unlocked_look
            assert!(!is_empty);
        },
    );
}

/// Each thread writes its cell, and reads its neighbour's after the barrier; in phase `without` they meet without one.
fn phases(threads: usize, without: Option<usize>) {
    let cells = [(); 2].map(|()| (0..threads).map(|_| Plain::new(0)).collect::<Vec<_>>());
    let (barrier, unordered) = (Barrier::new(threads), Meeting::of(threads));
    thread::scope(|s| {
        for me in 0..threads {
            let (cells, barrier, unordered) = (&cells, &barrier, &unordered);
            s.spawn(move || {
                for phase in 1..8 {
                    cells[phase % 2][me].set(phase); // race: prim_06_one_phase_without
                    if Some(phase) == without {
                        unordered.meet();
                    } else {
                        barrier.wait();
                    }
                    cells[phase % 2][(me + 1) % threads].get(); // race: prim_06_one_phase_without
                }
            });
        }
    });
}

fn prim_06_barrier(threads: usize) {
    phases(threads, None);
}

fn prim_06_one_phase_without(threads: usize) {
    phases(threads, Some(4));
}

/// Without a second wait the writes of the next round meet the reads of this one.
fn prim_06_no_second_wait(threads: usize) {
    let cells: Vec<_> = (0..threads).map(|_| Plain::new(0)).collect();
    let barrier = Barrier::new(threads);
    thread::scope(|s| {
        for me in 0..threads {
            let (cells, barrier) = (&cells, &barrier);
            s.spawn(move || {
                cells[me].set(1);
                barrier.wait();
                cells[(me + 1) % threads].get(); // race: prim_06_no_second_wait
                cells[me].set(2); // race: prim_06_no_second_wait
            });
        }
    });
}

struct Semaphore {
    permits: Mutex<usize>,
    released: Condvar,
}

impl Semaphore {
    fn new(permits: usize) -> Semaphore {
        Semaphore {
            permits: Mutex::new(permits),
            released: Condvar::new(),
        }
    }

    fn with_permit<T>(&self, access: impl FnOnce() -> T) -> T {
        let permits = self.permits.lock().unwrap();
        *self
            .released
            .wait_while(permits, |permits| *permits == 0)
            .unwrap() -= 1;
        let result = access();
        *self.permits.lock().unwrap() += 1;
        self.released.notify_one();
        result
    }
}

fn prim_12_semaphore(threads: usize) {
    let (semaphore, total) = (Semaphore::new(1), Plain::new(0));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for _ in 0..10 {
                    semaphore.with_permit(|| *total.reach() += 1);
                }
            });
        }
    });
    assert_eq!(total.get(), 10 * threads);
}

/// A pool of connections: a permit for each, and whoever has one takes any.
fn prim_12_pool(threads: usize) {
    let connections = (0..3).map(|_| Box::new(0)).collect::<Vec<_>>();
    let (permits, free) = (Semaphore::new(3), Mutex::new(connections));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for _ in 0..10 {
                    permits.with_permit(|| {
                        let mut connection = free.lock().unwrap().pop().unwrap();
                        *connection += 1;
                        free.lock().unwrap().push(connection);
                    });
                }
            });
        }
    });
    let uses = free
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|connection| *connection);
    assert_eq!(uses.sum::<usize>(), 10 * threads);
}

fn prim_12_no_permit(_: usize) {
    let (semaphore, total) = (Semaphore::new(1), Plain::new(0));
    in_turn(
        || {
            semaphore.with_permit(|| {
                *total.reach() += 1; // race: prim_12_no_permit
            });
        },
        || {
            total.get(); // race: prim_12_no_permit
        },
    );
}

/// Two at a time is one too many.
fn prim_12_too_many_permits(_: usize) {
    let (semaphore, total, both) = (Semaphore::new(2), Plain::new(0), Meeting::of(2));
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                semaphore.with_permit(|| {
                    both.meet();
                    *total.reach() += 1; // race: prim_12_too_many_permits
                });
            });
        }
    });
}

static LOCK: Mutex<u32> = Mutex::new(0);
static GUARDED: Plain<u32> = Plain::new(0);
static CONFIG: OnceLock<String> = OnceLock::new();
static NAMES: LazyLock<RwLock<VecDeque<String>>> = LazyLock::new(RwLock::default);

fn prim_20_statics(threads: usize) {
    let threads = (0..threads).map(|number| {
        thread::spawn(move || {
            let mut count = LOCK.lock().unwrap();
            GUARDED.set(GUARDED.get() + 1);
            *count += 1;
            drop(count);
            let name = CONFIG.get_or_init(|| number.to_string());
            NAMES.write().unwrap().push_back(name.clone());
            assert_eq!(NAMES.read().unwrap()[0], *name);
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*LOCK.lock().unwrap(), GUARDED.get());
}

fn prim_20_static_without_its_lock(_: usize) {
    in_turn(
        || {
            let _guard = LOCK.lock().unwrap();
            GUARDED.set(1); // race: prim_20_static_without_its_lock
        },
        || {
            GUARDED.get(); // race: prim_20_static_without_its_lock
        },
    );
}
