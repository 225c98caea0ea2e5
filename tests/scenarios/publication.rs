//! Publication: one thread makes something, others find it. Flags, pointers, locks, channels.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool as StdBool, AtomicU64 as StdU64};

use racecheck::cell::UnsafeCell;
use racecheck::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use racecheck::sync::{LazyLock, Mutex, Once, OnceLock, mpsc};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says, several_races, until};

#[derive(Clone, Copy, Default)]
struct Config {
    workers: u32,
    retries: u32,
}

const CONFIG: Config = Config {
    workers: 4,
    retries: 3,
};

/// A configuration, published by an atomic flag with these orderings; the reader spins.
fn by_flag(store: Ordering, load: Ordering) -> (u32, u32) {
    let (config, ready) = (Shared::new(Config::default()), AtomicBool::new(false));
    thread::scope(|s| {
        let reader = s.spawn(|| {
            while !ready.load(load) {
                thread::yield_now();
            }
            at!(assert_eq!(config.get().workers, CONFIG.workers))
        });
        let written = at!(config.set(CONFIG));
        ready.store(true, store);
        (written, reader.join().unwrap())
    })
}

#[test]
fn pub_01_plain_flag() {
    let found = several_races(|| {
        let (config, ready) = (Shared::new(Config::default()), Shared::new(false));
        let ((config_written, raised), (seen, config_read)) = in_turn(
            || (at!(config.set(CONFIG)), at!(ready.set(true))),
            || (at!(while !ready.get() {}), at!(config.get())),
        );
        [(raised, seen), (config_written, config_read)]
    });
    for race in &found {
        says(
            race,
            "released nothing since its write",
            "make the value an atomic",
        );
    }
}

#[test]
fn pub_02_release_flag() {
    none(|| by_flag(Release, Acquire));
}

#[test]
fn pub_03_relaxed_flag() {
    let race = &races(|| by_flag(Relaxed, Acquire))[0];
    says(race, "the store is relaxed", "make the store Release");
    let race = &races(|| by_flag(Release, Relaxed))[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

/// A configuration behind an atomic pointer, and several readers.
fn by_pointer(publish: Ordering) -> (u32, u32) {
    let (config, current) = (Shared::new(Config::default()), AtomicPtr::default());
    thread::scope(|s| {
        let readers = [(); 3].map(|()| {
            s.spawn(|| {
                let config = loop {
                    let pointer: *mut Shared<Config> = current.load(Acquire);
                    if !pointer.is_null() {
                        break pointer;
                    }
                    thread::yield_now();
                };
                // SAFETY: `config` outlives the scope, and `Shared` is safe to share.
                let config = unsafe { &*config };
                at!(assert_eq!(config.get().retries, CONFIG.retries))
            })
        });
        let written = at!(config.set(CONFIG));
        current.store((&raw const config).cast_mut(), publish);
        let read = readers.map(|reader| reader.join().unwrap());
        (written, read[0])
    })
}

#[test]
fn pub_04_atomic_pointer() {
    none(|| by_pointer(Release));
    let race = &races(|| by_pointer(Relaxed))[0];
    says(race, "the store is relaxed", "make the store Release");
}

#[test]
fn pub_05_set_and_got_under_one_mutex() {
    struct Settings {
        lock: Mutex<()>,
        config: Shared<Option<Config>>,
    }
    let new = || Settings {
        lock: Mutex::new(()),
        config: Shared::new(None),
    };
    none(|| {
        let settings = new();
        thread::scope(|s| {
            s.spawn(|| {
                let _guard = settings.lock.lock().unwrap();
                settings.config.set(Some(CONFIG));
            });
            s.spawn(|| {
                let _guard = settings.lock.lock().unwrap();
                settings.config.get();
            });
        });
    });
    let race = &races(|| {
        let settings = new();
        in_turn(
            || at!(settings.config.set(Some(CONFIG))),
            || {
                let _guard = settings.lock.lock().unwrap();
                at!(settings.config.get())
            },
        )
    })[0];
    says(race, "released nothing", "hold the Mutex that is locked at");
}

#[test]
fn pub_06_lazy_value() {
    struct Lazies {
        once: Once,
        config: Shared<Config>,
        cell: OnceLock<Shared<Config>>,
    }
    static LAZIES: Lazies = Lazies {
        once: Once::new(),
        config: Shared::new(Config {
            workers: 0,
            retries: 0,
        }),
        cell: OnceLock::new(),
    };
    static LAZY: LazyLock<Shared<Config>> = LazyLock::new(make);
    fn make() -> Shared<Config> {
        let config = Shared::default();
        config.set(CONFIG);
        config
    }
    let by_once = || {
        LAZIES.once.call_once(|| LAZIES.config.set(CONFIG));
        LAZIES.config.get()
    };
    let uses: [fn() -> Config; 3] = [
        by_once,
        || LAZIES.cell.get_or_init(make).get(),
        || LAZY.get(),
    ];
    for lazily in uses {
        none(|| {
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| assert_eq!(lazily().workers, CONFIG.workers));
                }
            });
        });
    }
    let race = &races(|| {
        let (once, config) = (Once::new(), Shared::new(Config::default()));
        in_turn(
            || {
                let mut line = 0;
                once.call_once(|| line = at!(config.set(CONFIG)));
                line
            },
            || at!(config.get()),
        )
    })[0];
    says(race, "it completed a Once", "");
}

struct Request {
    id: Shared<u64>,
    path: Shared<&'static str>,
}

#[test]
fn pub_07_pointer_through_a_channel() {
    none(|| {
        let (tx, rx) = mpsc::channel::<Box<Request>>();
        thread::scope(|s| {
            s.spawn(move || {
                for request in rx {
                    assert_eq!((request.id.get(), request.path.get()), (7, "/"));
                }
            });
            for _ in 0..3 {
                let request = Box::new(Request {
                    id: Shared::new(0),
                    path: Shared::new(""),
                });
                request.id.set(7);
                request.path.set("/");
                tx.send(request).unwrap();
            }
            drop(tx);
        });
    });
}

#[test]
fn pub_08_changed_after_the_send() {
    let race = &races(|| {
        let request = Request {
            id: Shared::new(7),
            path: Shared::new(""),
        };
        let (tx, rx) = mpsc::channel();
        let rx = std::sync::Mutex::new(rx);
        in_turn(
            || {
                request.path.set("/");
                tx.send(&request).unwrap();
                at!(request.id.set(8))
            },
            || {
                let request = rx.lock().unwrap().recv().unwrap();
                assert_eq!(request.path.get(), "/");
                at!(request.id.get())
            },
        )
    })[0];
    says(
        race,
        "has released nothing since its write",
        "hold the same lock at both places",
    );
    says(race, "sent a message", "");
}

/// A result, and a channel to each of several waiting threads that is closed before or after it is written.
fn by_close(write_first: bool) -> (u32, u32) {
    let (result, closed) = (Shared::new(0), StdBool::new(false));
    let (done, waiting): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel::<()>()).unzip();
    thread::scope(|s| {
        let (result, closed) = (&result, &closed);
        let wait = |done: mpsc::Receiver<()>| {
            s.spawn(move || {
                assert!(done.recv().is_err());
                until(closed);
                at!(result.get())
            })
        };
        let readers: Vec<_> = waiting.into_iter().map(wait).collect();
        let written = if write_first {
            let line = at!(result.set(42));
            drop(done);
            line
        } else {
            drop(done);
            at!(result.set(42))
        };
        closed.store(true, Relaxed);
        let read = readers.into_iter().map(|reader| reader.join().unwrap());
        (written, read.last().unwrap())
    })
}

#[test]
#[cfg_attr(racecheck_runtime, ignore = "std's channels don't order by their end")]
fn pub_09_written_then_closed() {
    none(|| by_close(true));
}

#[test]
fn pub_10_closed_then_written() {
    let race = &races(|| by_close(false))[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock at both places",
    );
    says(
        race,
        "dropped its end of the channel made at (tests/scenarios/publication.rs:",
        "",
    );
}

#[test]
fn pub_11_flag_stored_before_the_value() {
    let race = &races(|| {
        let (config, ready) = (Shared::new(Config::default()), AtomicBool::new(false));
        in_turn(
            || {
                ready.store(true, Release);
                at!(config.set(CONFIG))
            },
            || {
                assert!(ready.load(Acquire));
                at!(config.get())
            },
        )
    })[0];
    says(race, "released nothing since its write", "");
    says(race, "stored to an atomic", "");
}

#[test]
fn pub_12_value_read_before_the_flag() {
    let race = &races(|| {
        let (config, ready) = (Shared::new(Config::default()), AtomicBool::new(false));
        in_turn(
            || {
                let line = at!(config.set(CONFIG));
                ready.store(true, Release);
                line
            },
            || {
                let line = at!(config.get());
                assert!(ready.load(Acquire));
                line
            },
        )
    })[0];
    says(race, "released something since its write", "");
    says(race, "has acquired none of it", "");
}

/// A counter that its users load as an atomic and its owner resets as plain memory.
struct Counter(UnsafeCell<StdU64>);

// SAFETY: where it is reset, the other thread is done or hasn't begun; only the order is missing, which is what is tested.
unsafe impl Sync for Counter {}

impl Counter {
    fn reset(&self) -> u32 {
        // SAFETY: nobody else is at it now.
        let write = |count: *mut StdU64| unsafe { count.write(StdU64::new(0)) };
        at!(self.0.with_mut(write))
    }

    fn load(&self) -> u32 {
        // SAFETY: nobody is resetting it now.
        let load = |count: *const StdU64| unsafe { (*count).load(Acquire) };
        at!(self.0.with(load))
    }
}

#[test]
fn pub_13_plain_store_and_atomic_load() {
    let new = || Counter(UnsafeCell::new(StdU64::new(7)));
    let race = &races(|| {
        let counter = new();
        in_turn(|| counter.reset(), || counter.load())
    })[0];
    says(
        race,
        "released nothing since its write",
        "make the value an atomic",
    );
    none(|| {
        let counter = new();
        in_turn(|| counter.load(), || counter.load())
    });
}

#[test]
fn pub_14_two_atomics_seen_at_different_times() {
    // No data race: every access is atomic. That the reader sees the new one and not yet the other is a logical race, if it is one at all.
    none(|| {
        let (done, total) = (AtomicU64::new(0), AtomicU64::new(0));
        let (half_way, go_on) = (StdBool::new(false), StdBool::new(false));
        thread::scope(|s| {
            s.spawn(|| {
                done.store(1, Relaxed);
                half_way.store(true, Relaxed);
                until(&go_on);
                total.store(1, Relaxed);
            });
            until(&half_way);
            assert_eq!((done.load(Relaxed), total.load(Relaxed)), (1, 0));
            go_on.store(true, Relaxed);
        });
    });
}

#[test]
fn pub_15_pair_of_plain_words() {
    let program = |locked: bool| {
        let (lock, range) = (Mutex::new(()), Shared::new((0u64, 0u64)));
        let lock = || locked.then(|| lock.lock().unwrap());
        in_turn(
            || {
                let _guard = lock();
                at!(range.set((10, 20)))
            },
            || {
                let _guard = lock();
                at!(range.get())
            },
        )
    };
    let race = &races(|| program(false))[0];
    assert_eq!(race.location().size(), 16);
    assert_eq!(race.help(), "hold the same lock at both places.");
    none(|| program(true));
}

#[test]
fn pub_16_slice_header() {
    const WORDS: &[&str] = &["pointer", "and", "length"];
    let race = &races(|| {
        let words: Shared<&[&str]> = Shared::new(&[]);
        in_turn(|| at!(words.set(WORDS)), || at!(words.get().len()))
    })[0];
    assert_eq!(race.location().size(), size_of::<&[&str]>());
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
    none(|| {
        let words: Shared<&[&str]> = Shared::new(&[]);
        let current = AtomicPtr::default();
        thread::scope(|s| {
            s.spawn(|| {
                words.set(WORDS);
                current.store((&raw const words).cast_mut(), Release);
            });
            s.spawn(|| {
                let header: *mut Shared<&[&str]> = current.load(Acquire);
                // SAFETY: null or `words`, which outlives the scope and is safe to share.
                unsafe { header.as_ref() }.map_or(0, |words| words.get().len())
            });
        });
    });
    none(|| {
        let (tx, rx) = mpsc::channel();
        thread::scope(|s| {
            s.spawn(move || {
                let words: Shared<&[&str]> = Shared::new(&[]);
                words.set(WORDS);
                tx.send(words).unwrap();
            });
            s.spawn(move || assert_eq!(rx.recv().unwrap().get(), WORDS));
        });
    });
}

/// Two parts of a program, each ready at its own time; the reader asks for the wrong one.
#[test]
fn pub_17_another_atomics_acquire() {
    let program = |ask_for_the_right_one: bool| {
        let (config, cache) = (Shared::new(Config::default()), Shared::new(0));
        let (config_ready, cache_ready) = (AtomicBool::new(false), AtomicBool::new(false));
        let (written, ((), read)) = in_turn(
            || {
                let line = at!(config.set(CONFIG));
                config_ready.store(true, Release);
                line
            },
            || {
                in_turn(
                    || {
                        cache.set(1);
                        cache_ready.store(true, Release);
                    },
                    || {
                        assert!(cache_ready.load(Acquire));
                        if ask_for_the_right_one {
                            assert!(config_ready.load(Acquire));
                        }
                        cache.get();
                        at!(config.get())
                    },
                )
            },
        );
        (written, read)
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(
        race,
        "released something since its write",
        "hold the same lock",
    );
    says(race, "has acquired none of it", "");
}
