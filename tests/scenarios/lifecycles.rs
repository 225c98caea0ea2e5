//! Lifecycles: what is opened, closed, filled, refreshed, and stopped, by more than one thread.

use std::ptr;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};

use racecheck::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use racecheck::sync::{Condvar, Mutex, Once, OnceLock};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

#[test]
fn life_01_closed_twice() {
    struct Handle {
        closed: Shared<bool>,
        resource: Shared<Option<u32>>,
    }
    impl Handle {
        fn close(&self) -> (u32, u32) {
            let mut written = 0;
            let read = line!() + 1;
            if !self.closed.get() {
                written = at!(self.closed.set(true));
                self.resource.take();
            }
            (read, written)
        }
    }
    let race = &races(|| {
        let handle = Handle {
            closed: Shared::new(false),
            resource: Shared::new(Some(3)),
        };
        let ((_, written), (read, _)) = in_turn(|| handle.close(), || handle.close());
        (written, read)
    })[0];
    says(
        race,
        "released nothing since its write",
        "make the value an atomic",
    );

    none(|| {
        let (closed, resource) = (AtomicBool::new(false), Shared::new(Some(3)));
        let close = || {
            let first = closed.compare_exchange(false, true, AcqRel, Relaxed);
            first.ok().and_then(|_| resource.take())
        };
        thread::scope(|s| {
            let released = [s.spawn(close), s.spawn(close)].map(|thread| thread.join().unwrap());
            assert_eq!(released.iter().flatten().count(), 1);
        });
    });
}

#[test]
fn life_02_stop_flag() {
    let race = &races(|| {
        let stop = Shared::new(false);
        in_turn(|| at!(stop.set(true)), || at!(while !stop.get() {}))
    })[0];
    says(
        race,
        "released nothing since its write",
        "make the value an atomic",
    );
    // Relaxed is enough: nothing but the flag itself is passed on.
    none(|| {
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(Relaxed) {
                    thread::yield_now();
                }
            });
            stop.store(true, Relaxed);
        });
    });
}

#[test]
fn life_03_lazily_made_logger() {
    struct Logging {
        once: Once,
        logger: Shared<Option<&'static str>>,
    }
    let new = || Logging {
        once: Once::new(),
        logger: Shared::new(None),
    };
    let race = &races(|| {
        let logging = new();
        let log = || {
            let (mut made, looked) = (0, line!() + 1);
            if logging.logger.get().is_none() {
                made = at!(logging.logger.set(Some("stderr")));
            }
            (made, looked)
        };
        let ((made, _), (_, looked)) = in_turn(log, log);
        (made, looked)
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
    none(|| {
        let logging = new();
        let log = || {
            logging
                .once
                .call_once(|| logging.logger.set(Some("stderr")));
            assert_eq!(logging.logger.get(), Some("stderr"));
        };
        thread::scope(|s| {
            s.spawn(log);
            s.spawn(log);
        });
    });
}

/// The first error of several workers.
#[derive(Default)]
struct FirstError {
    once: OnceLock<()>,
    error: Shared<Option<u32>>,
}

impl FirstError {
    fn report(&self, error: u32) -> u32 {
        let mut line = 0;
        self.once
            .get_or_init(|| line = at!(self.error.set(Some(error))));
        line
    }
}

#[test]
fn life_04_first_error_read_too_early() {
    let race = &races(|| {
        let first = FirstError::default();
        in_turn(|| first.report(1), || at!(first.error.get()))
    })[0];
    says(
        race,
        "released something since its write",
        "hold the same lock",
    );
    says(race, "has acquired none of it", "");
    none(|| {
        let first = FirstError::default();
        thread::scope(|s| {
            for error in 1..4 {
                let first = &first;
                s.spawn(move || first.report(error));
            }
        });
        assert!(first.error.get().is_some());
    });
}

#[test]
fn life_04_first_error_by_compare_exchange() {
    none(|| {
        let errors = [Shared::new(0), Shared::new(0), Shared::new(0)];
        let first: AtomicPtr<Shared<usize>> = AtomicPtr::new(ptr::null_mut());
        // SAFETY: null, or one of `errors`, which outlives the threads and is safe to share.
        let found = || unsafe { first.load(Acquire).as_ref() }.map(Shared::get);
        thread::scope(|s| {
            for (code, error) in errors.iter().enumerate() {
                let (first, found) = (&first, &found);
                s.spawn(move || {
                    error.set(code);
                    let mine = ptr::from_ref(error).cast_mut();
                    let _ = first.compare_exchange(ptr::null_mut(), mine, Release, Relaxed);
                    assert!(found().is_some());
                });
            }
            found();
        });
    });
}

#[test]
fn life_05_growable_buffer() {
    let race = &races(|| {
        let lines = Shared::new(Vec::new());
        in_turn(
            || at!(lines.with_mut(|lines| lines.push("GET /"))),
            || at!(lines.with(Vec::len)),
        )
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock at both places",
    );
    none(|| {
        let lines = Mutex::new(Shared::new(Vec::new()));
        thread::scope(|s| {
            s.spawn(|| {
                for _ in 0..100 {
                    let lines = lines.lock().unwrap();
                    lines.with_mut(|lines| lines.push("GET /"));
                }
            });
            for _ in 0..100 {
                lines.lock().unwrap().with(Vec::len);
            }
        });
    });
}

#[test]
fn life_06_captured_accumulator() {
    const PARTS: [u32; 3] = [1, 2, 3];
    let race = &races(|| {
        let sum = Shared::new(0);
        let line = thread::scope(|s| {
            let (mut threads, sum) = (Vec::new(), &sum);
            for part in PARTS {
                threads.push(s.spawn(move || at!(sum.update(|sum| sum + part))));
            }
            let lines = threads.into_iter().map(|thread| thread.join().unwrap());
            lines.last().unwrap()
        });
        (line, line)
    })[0];
    says(race, "nothing orders the two", "make the value an atomic");
    none(|| {
        let sum = Shared::new(0);
        thread::scope(|s| {
            let threads = PARTS.map(|part| s.spawn(move || part));
            for thread in threads {
                let part = thread.join().unwrap();
                sum.update(|sum| sum + part);
            }
        });
        assert_eq!(sum.get(), 6);
    });
}

/// The example `bank` is the whole story.
#[test]
fn life_07_bank_transfer() {
    struct Bank {
        ledger: Mutex<()>,
        balances: [Shared<i64>; 2],
    }
    impl Bank {
        fn transfer(&self, amount: i64) -> Result<(), &'static str> {
            let _guard = self.ledger.lock().map_err(|_| "poisoned")?;
            let [from, to] = &self.balances;
            assert!(amount >= 0, "a careless transfer");
            if from.get() < amount {
                return Err("overdrawn");
            }
            from.update(|balance| balance - amount);
            to.update(|balance| balance + amount);
            Ok(())
        }
    }
    none(|| {
        let bank = Bank {
            ledger: Mutex::new(()),
            balances: [Shared::new(100), Shared::new(0)],
        };
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    for _ in 0..20 {
                        let _ = bank.transfer(5);
                    }
                });
            }
        });
        assert_eq!(
            bank.transfer(5),
            Err("overdrawn"),
            "an early return has unlocked"
        );
        thread::scope(|s| assert!(s.spawn(|| bank.transfer(-5)).join().is_err()));
        assert!(bank.ledger.is_poisoned());
        assert_eq!(bank.transfer(0), Err("poisoned"));
        bank.ledger.clear_poison();
        assert_eq!(bank.transfer(0), Ok(()));
        assert_eq!(bank.balances.each_ref().map(Shared::get), [0, 100]);
    });
}

#[test]
fn life_08_rates() {
    const ROUNDS: usize = 20;
    none(|| {
        let snapshots = [const { Shared::new(1.0) }; ROUNDS];
        let current = AtomicUsize::new(0);
        thread::scope(|s| {
            s.spawn(|| {
                for (round, snapshot) in snapshots.iter().enumerate().skip(1) {
                    snapshot.set(1.0 + round as f64);
                    current.store(round, Release);
                }
            });
            for _ in 0..3 {
                s.spawn(|| {
                    for _ in 0..ROUNDS {
                        let round = current.load(Acquire);
                        assert!(snapshots[round].get() == 1.0 + round as f64);
                    }
                });
            }
        });
    });
    // Refreshed in place: the version orders the first one only.
    let race = &races(|| {
        let (rate, version) = (Shared::new(1.0), AtomicUsize::new(0));
        in_turn(
            || {
                rate.set(1.1);
                version.store(1, Release);
                at!(rate.set(1.2))
            },
            || {
                assert_eq!(version.load(Acquire), 1);
                at!(rate.get())
            },
        )
    })[0];
    says(race, "released nothing since its write", "");
    says(race, "stored to an atomic", "");
}

const EMPTY: usize = 0;
const BUSY: usize = 1;
const FULL: usize = 2;

/// A worker with room for one job. Who submits and who takes claims the slot by a compare-exchange.
struct Slot {
    state: AtomicUsize,
    job: Shared<u32>,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            state: AtomicUsize::new(EMPTY),
            job: Shared::new(0),
        }
    }

    /// Calls `access` in between, if the slot is in the state `from`.
    fn claim(
        &self,
        from: usize,
        to: usize,
        claim: Ordering,
        access: impl FnOnce(&Shared<u32>) -> u32,
    ) -> Option<u32> {
        self.state
            .compare_exchange(from, BUSY, claim, Relaxed)
            .ok()?;
        let result = access(&self.job);
        self.state.store(to, Release);
        Some(result)
    }
}

#[test]
fn life_09_single_slot_worker() {
    const JOBS: u32 = 20;
    none(|| {
        let slot = Slot::new();
        thread::scope(|s| {
            s.spawn(|| {
                for job in 0..JOBS {
                    let submit = |slot: &Shared<u32>| at!(slot.set(job));
                    while slot.claim(EMPTY, FULL, Acquire, submit).is_none() {
                        thread::yield_now();
                    }
                }
            });
            for job in 0..JOBS {
                let taken = loop {
                    if let Some(taken) = slot.claim(FULL, EMPTY, Acquire, Shared::get) {
                        break taken;
                    }
                    thread::yield_now();
                };
                assert_eq!(taken, job);
            }
        });
    });
    let race = &races(|| {
        let slot = Slot::new();
        let (submitted, taken) = in_turn(
            || slot.claim(EMPTY, FULL, Acquire, |slot| at!(slot.set(7))),
            || slot.claim(FULL, EMPTY, Relaxed, |slot| at!(slot.get())),
        );
        (submitted.unwrap(), taken.unwrap())
    })[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

/// Set once; many wait.
#[derive(Default)]
struct Latch {
    is_open: Mutex<bool>,
    opened: Condvar,
    value: Shared<u32>,
}

impl Latch {
    /// Whether this was the first.
    fn set(&self, value: u32) -> bool {
        let mut is_open = self.is_open.lock().unwrap();
        let first = !*is_open;
        if first {
            self.value.set(value);
            *is_open = true;
            self.opened.notify_all();
        }
        first
    }

    fn wait(&self) -> u32 {
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
        self.value.get()
    }
}

#[test]
fn life_10_latch_and_gate() {
    none(|| {
        let (latch, gate, before_the_gate) = (Latch::default(), Latch::default(), Shared::new(0));
        thread::scope(|s| {
            let waiters = [(); 4].map(|()| {
                s.spawn(|| {
                    gate.wait();
                    before_the_gate.get() + latch.wait()
                })
            });
            assert!(latch.set(7));
            assert!(!latch.set(8), "a second `set` does nothing");
            before_the_gate.set(1);
            assert!(gate.set(0));
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), 8);
            }
        });
    });
    // What is done after the gate was opened isn't before those who went through.
    let race = &races(|| {
        let (gate, value) = (Latch::default(), Shared::new(0));
        in_turn(
            || {
                gate.set(0);
                at!(value.set(1))
            },
            || {
                gate.wait();
                at!(value.get())
            },
        )
    })[0];
    says(race, "released nothing since its write", "");
    says(race, "unlocked a Mutex", "");
}
