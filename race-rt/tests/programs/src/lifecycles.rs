//! Lifecycles: what is opened, closed, filled, refreshed, and stopped, by more than one thread.

use std::panic;
use std::ptr;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::sync::{Condvar, Mutex, Once, OnceLock};
use std::thread;

use crate::support::{Meeting, Plain, in_turn};

crate::programs! {
    race: life_01_closed_twice, life_02_plain_stop, life_03_lazily_made, life_04_read_too_early, life_05_growable_buffer, life_06_captured_accumulator,
        life_08_refreshed_in_place, life_09_relaxed_take, life_10_after_the_gate;
    none: life_01_closed_once, life_02_atomic_stop, life_03_once, life_04_read_after_join, life_04_compare_exchange, life_05_locked_buffer, life_06_joined_parts,
        life_07_bank, life_08_rates, life_09_single_slot, life_10_latch_and_gate;
}

fn life_01_closed_twice(_: usize) {
    static mut CLOSED: bool = false;
    #[inline(never)]
    fn close() -> bool {
        let closed = unsafe { CLOSED }; // race: life_01_closed_twice
        if !closed {
            unsafe { CLOSED = true }; // race: life_01_closed_twice
        }
        closed
    }
    in_turn(|| assert!(!close()), || assert!(close()));
}

fn life_01_closed_once(threads: usize) {
    let (closed, resource) = (AtomicBool::new(false), Plain::new(Some(3)));
    let close = || {
        let first = closed.compare_exchange(false, true, AcqRel, Relaxed);
        first.ok().and_then(|_| resource.reach().take())
    };
    thread::scope(|s| {
        let threads: Vec<_> = (0..threads).map(|_| s.spawn(close)).collect();
        let released = threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap());
        assert_eq!(released.count(), 1);
    });
}

fn life_02_plain_stop(_: usize) {
    let stop = Plain::new(false);
    in_turn(
        || {
            stop.set(true); // race: life_02_plain_stop
        },
        || {
            // Spins on it in real life.
            let stop = stop.get(); // race: life_02_plain_stop
            assert!(stop);
        },
    );
}

/// Relaxed is enough: nothing but the flag itself is passed on.
fn life_02_atomic_stop(threads: usize) {
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                while !stop.load(Relaxed) {
                    thread::yield_now();
                }
            });
        }
        stop.store(true, Relaxed);
    });
}

static mut LOGGER: Option<&'static str> = None;

fn life_03_lazily_made(_: usize) {
    #[inline(never)]
    fn log() -> &'static str {
        let logger = unsafe { LOGGER }; // race: life_03_lazily_made
        logger.unwrap_or_else(|| {
            unsafe { LOGGER = Some("stderr") }; // race: life_03_lazily_made
            ""
        })
    }
    in_turn(|| assert_eq!(log(), ""), || assert_eq!(log(), "stderr"));
}

fn life_03_once(threads: usize) {
    static ONCE: Once = Once::new();
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                // SAFETY: `ONCE` orders it before all else.
                ONCE.call_once(|| unsafe { LOGGER = Some("stderr") });
                // SAFETY: as above.
                assert_eq!(unsafe { LOGGER }, Some("stderr"));
            });
        }
    });
}

/// The first error of several workers.
struct FirstError {
    once: OnceLock<()>,
    error: Plain<Option<usize>>,
}

impl FirstError {
    const fn new() -> FirstError {
        FirstError {
            once: OnceLock::new(),
            error: Plain::new(None),
        }
    }

    fn report(&self, error: usize) {
        self.once.get_or_init(|| {
            self.error.set(Some(error)); // race: life_04_read_too_early
        });
    }
}

fn life_04_read_too_early(_: usize) {
    let first = FirstError::new();
    in_turn(
        || first.report(1),
        || {
            first.error.get(); // race: life_04_read_too_early
        },
    );
}

fn life_04_read_after_join(threads: usize) {
    let first = FirstError::new();
    thread::scope(|s| {
        for error in 0..threads {
            let first = &first;
            s.spawn(move || first.report(error));
        }
    });
    assert!(first.error.get().is_some());
}

fn life_04_compare_exchange(threads: usize) {
    let first: AtomicPtr<String> = AtomicPtr::new(ptr::null_mut());
    thread::scope(|s| {
        for error in 0..threads {
            let first = &first;
            s.spawn(move || {
                let mine = Box::into_raw(Box::new(error.to_string()));
                if first
                    .compare_exchange(ptr::null_mut(), mine, Release, Relaxed)
                    .is_err()
                {
                    // SAFETY: nobody else knows it.
                    drop(unsafe { Box::from_raw(mine) });
                }
                // SAFETY: it lives until all have ended.
                assert!(!unsafe { &*first.load(Acquire) }.is_empty());
            });
        }
    });
    // SAFETY: all have ended.
    drop(unsafe { Box::from_raw(first.into_inner()) });
}

fn life_05_growable_buffer(_: usize) {
    let lines = Plain::new(vec!["GET /"]);
    in_turn(
        || {
            lines.reach().push("GET /a"); // race: life_05_growable_buffer
        },
        || {
            let last = *lines.reach().last().unwrap(); // race: life_05_growable_buffer
            assert_eq!(last, "GET /a");
        },
    );
}

fn life_05_locked_buffer(threads: usize) {
    let lines = Mutex::new(Vec::new());
    thread::scope(|s| {
        for number in 0..threads {
            let lines = &lines;
            s.spawn(move || {
                for _ in 0..50 {
                    lines.lock().unwrap().push(number.to_string());
                    assert!(!lines.lock().unwrap()[0].is_empty());
                }
            });
        }
    });
    assert_eq!(lines.into_inner().unwrap().len(), 50 * threads);
}

fn life_06_captured_accumulator(threads: usize) {
    let (sum, all) = (Plain::new(0), Meeting::of(threads));
    thread::scope(|s| {
        for part in 0..threads {
            let (sum, all) = (&sum, &all);
            s.spawn(move || {
                all.meet();
                *sum.reach() += part + 1; // race: life_06_captured_accumulator
            });
        }
    });
}

fn life_06_joined_parts(threads: usize) {
    let mut sum = 0;
    thread::scope(|s| {
        let threads: Vec<_> = (0..threads).map(|part| s.spawn(move || part)).collect();
        for thread in threads {
            sum += thread.join().unwrap();
        }
    });
    assert_eq!(sum, (0..threads).sum());
}

struct Bank {
    ledger: Mutex<()>,
    balances: [Plain<i64>; 2],
}

impl Bank {
    fn transfer(&self, amount: i64) -> Result<(), &'static str> {
        let _guard = self.ledger.lock().map_err(|_| "poisoned")?;
        let [from, to] = &self.balances;
        if amount < 0 {
            panic::resume_unwind(Box::new("a careless transfer"));
        }
        if from.get() < amount {
            return Err("overdrawn");
        }
        from.set(from.get() - amount);
        to.set(to.get() + amount);
        Ok(())
    }
}

/// An early return unlocks, and a panic unlocks and poisons.
fn life_07_bank(threads: usize) {
    let bank = Bank {
        ledger: Mutex::new(()),
        balances: [Plain::new(100), Plain::new(0)],
    };
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for _ in 0..20 {
                    let _ = bank.transfer(5);
                }
            });
        }
    });
    assert_eq!(bank.transfer(5), Err("overdrawn"));
    thread::scope(|s| assert!(s.spawn(|| bank.transfer(-5)).join().is_err()));
    assert_eq!(bank.transfer(0), Err("poisoned"));
    bank.ledger.clear_poison();
    assert_eq!(bank.transfer(0), Ok(()));
    assert_eq!(bank.balances.each_ref().map(Plain::get), [0, 100]);
}

const ROUNDS: usize = 20;

fn life_08_rates(threads: usize) {
    let snapshots = [const { Plain::new(1.0) }; ROUNDS];
    let current = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                for _ in 0..ROUNDS {
                    let round = current.load(Acquire);
                    assert!(snapshots[round].get() == 1.0 + round as f64);
                }
            });
        }
        for (round, snapshot) in snapshots.iter().enumerate().skip(1) {
            snapshot.set(1.0 + round as f64);
            current.store(round, Release);
        }
    });
}

/// The version orders the first one only.
fn life_08_refreshed_in_place(_: usize) {
    let (rate, version) = (Plain::new(1.0), AtomicUsize::new(0));
    in_turn(
        || {
            rate.set(1.1);
            version.store(1, Release);
            rate.set(1.2); // race: life_08_refreshed_in_place
        },
        || {
            assert_eq!(version.load(Acquire), 1);
            rate.get(); // race: life_08_refreshed_in_place
        },
    );
}

const EMPTY: usize = 0;
const BUSY: usize = 1;
const FULL: usize = 2;

/// A worker with room for one job. Who submits and who takes claims the slot by a compare-exchange.
struct Slot {
    state: AtomicUsize,
    job: Plain<usize>,
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            state: AtomicUsize::new(EMPTY),
            job: Plain::new(0),
        }
    }

    /// Waits until the slot is in the state `from`, and calls `access` before it is in the state `to`.
    fn claim<T>(
        &self,
        from: usize,
        to: usize,
        order: Ordering,
        access: impl FnOnce(&Plain<usize>) -> T,
    ) -> T {
        while self
            .state
            .compare_exchange_weak(from, BUSY, order, Relaxed)
            .is_err()
        {
            thread::yield_now();
        }
        let result = access(&self.job);
        self.state.store(to, Release);
        result
    }
}

fn life_09_single_slot(threads: usize) {
    let (slot, pairs) = (Slot::new(), threads.div_ceil(2));
    thread::scope(|s| {
        for _ in 0..pairs {
            s.spawn(|| {
                (0..20).for_each(|job| slot.claim(EMPTY, FULL, Acquire, |slot| slot.set(job)))
            });
            s.spawn(|| {
                (0..20)
                    .map(|_| slot.claim(FULL, EMPTY, Acquire, Plain::get))
                    .sum::<usize>()
            });
        }
    });
}

fn life_09_relaxed_take(_: usize) {
    let slot = Slot::new();
    in_turn(
        || {
            slot.claim(EMPTY, FULL, Acquire, |slot| {
                slot.set(7); // race: life_09_relaxed_take
            });
        },
        || {
            slot.claim(FULL, EMPTY, Relaxed, |slot| {
                slot.get(); // race: life_09_relaxed_take
            });
        },
    );
}

/// Set once; many wait.
struct Latch {
    is_open: Mutex<bool>,
    opened: Condvar,
    value: Plain<usize>,
}

impl Latch {
    const fn new() -> Latch {
        Latch {
            is_open: Mutex::new(false),
            opened: Condvar::new(),
            value: Plain::new(0),
        }
    }

    /// Whether this was the first.
    fn set(&self, value: usize) -> bool {
        let mut is_open = self.is_open.lock().unwrap();
        let first = !*is_open;
        if first {
            self.value.set(value);
            *is_open = true;
            self.opened.notify_all();
        }
        first
    }

    fn wait(&self) -> usize {
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
        self.value.get()
    }
}

fn life_10_latch_and_gate(threads: usize) {
    let (latch, gate, before_the_gate) = (Latch::new(), Latch::new(), Plain::new(0));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                gate.wait();
                assert_eq!(before_the_gate.get() + latch.wait(), 8);
            });
        }
        assert!(latch.set(7));
        assert!(!latch.set(8), "a second `set` does nothing");
        before_the_gate.set(1);
        assert!(gate.set(0));
    });
}

/// What is done after the gate was opened isn't before those who went through.
fn life_10_after_the_gate(_: usize) {
    let (gate, value) = (Latch::new(), Plain::new(0));
    in_turn(
        || {
            gate.set(0);
            value.set(1); // race: life_10_after_the_gate
        },
        || {
            gate.wait();
            value.get(); // race: life_10_after_the_gate
        },
    );
}
