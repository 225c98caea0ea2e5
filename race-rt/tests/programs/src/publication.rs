//! Publication: one thread makes something, others find it. Flags, pointers, locks.

use std::ptr;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use std::sync::{LazyLock, Mutex, Once, OnceLock};
use std::thread;

use crate::support::{Plain, in_turn, take_turns};

crate::programs! {
    race: pub_01_plain_flag, pub_03_relaxed_store, pub_03_relaxed_load, pub_04_relaxed_pointer, pub_05_unlocked_get, pub_06_once_not_asked,
        pub_11_flag_before_the_value, pub_12_value_before_the_flag, pub_13_plain_store_and_atomic_load, pub_15_pair_of_words, pub_16_slice_header,
        pub_17_another_atomics_acquire;
    none: pub_02_release_flag, pub_04_atomic_pointer, pub_05_one_mutex, pub_06_lazy_values, pub_13_atomic_loads, pub_14_two_atomics, pub_15_locked_pair,
        pub_16_slice_header_by_pointer, pub_17_the_right_atomics_acquire;
}

#[derive(Clone, Copy)]
struct Config {
    workers: u32,
    retries: u32,
}

const NOTHING: Config = Config {
    workers: 0,
    retries: 0,
};
const CONFIG: Config = Config {
    workers: 4,
    retries: 3,
};

fn pub_01_plain_flag(_: usize) {
    static mut READY: bool = false;
    static mut SETTINGS: Config = NOTHING;
    in_turn(
        || unsafe {
            SETTINGS.workers = 4; // race: pub_01_plain_flag.config
            READY = true; // race: pub_01_plain_flag.flag
        },
        || unsafe {
            // Spins on it in real life.
            let ready = READY; // race: pub_01_plain_flag.flag
            assert!(ready);
            let workers = SETTINGS.workers; // race: pub_01_plain_flag.config
            assert_eq!(workers, 4);
        },
    );
}

/// A configuration, published by an atomic flag with these orderings; the readers spin.
fn by_flag(threads: usize, store: Ordering, load: Ordering) {
    let (config, ready) = (Plain::new(NOTHING), AtomicBool::new(false));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                while !ready.load(load) {
                    thread::yield_now();
                }
                assert_eq!(config.get().workers, CONFIG.workers); // race: pub_03_relaxed_store, pub_03_relaxed_load
            });
        }
        config.set(CONFIG); // race: pub_03_relaxed_store, pub_03_relaxed_load
        ready.store(true, store);
    });
}

fn pub_02_release_flag(threads: usize) {
    by_flag(threads, Release, Acquire);
}

fn pub_03_relaxed_store(threads: usize) {
    by_flag(threads, Relaxed, Acquire);
}

fn pub_03_relaxed_load(threads: usize) {
    by_flag(threads, Release, Relaxed);
}

/// A configuration behind an atomic pointer, made when it is published.
fn by_pointer(threads: usize, publish: Ordering) {
    let current = AtomicPtr::<Config>::new(ptr::null_mut());
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                let config = loop {
                    let config = current.load(Acquire);
                    if !config.is_null() {
                        break config;
                    }
                    thread::yield_now();
                };
                let retries = unsafe { (*config).retries }; // race: pub_04_relaxed_pointer
                assert_eq!(retries, CONFIG.retries);
            });
        }
        let config = Box::into_raw(Box::new(NOTHING));
        unsafe { *config = CONFIG }; // race: pub_04_relaxed_pointer
        current.store(config, publish);
    });
    drop(unsafe { Box::from_raw(current.into_inner()) });
}

fn pub_04_atomic_pointer(threads: usize) {
    by_pointer(threads, Release);
}

fn pub_04_relaxed_pointer(threads: usize) {
    by_pointer(threads, Relaxed);
}

struct Settings {
    lock: Mutex<()>,
    config: Plain<Option<Config>>,
}

static SETTINGS: Settings = Settings {
    lock: Mutex::new(()),
    config: Plain::new(None),
};

fn pub_05_one_mutex(threads: usize) {
    thread::scope(|s| {
        for number in 0..threads {
            s.spawn(move || {
                let _guard = SETTINGS.lock.lock().unwrap();
                if number % 2 == 0 {
                    SETTINGS.config.set(Some(CONFIG));
                } else {
                    SETTINGS.config.get();
                }
            });
        }
    });
}

fn pub_05_unlocked_get(_: usize) {
    in_turn(
        || {
            let _guard = SETTINGS.lock.lock().unwrap();
            SETTINGS.config.set(Some(CONFIG)); // race: pub_05_unlocked_get
        },
        || {
            SETTINGS.config.get(); // race: pub_05_unlocked_get
        },
    );
}

static ONCE: Once = Once::new();
static BY_ONCE: Plain<Config> = Plain::new(NOTHING);
static CELL: OnceLock<Box<Plain<Config>>> = OnceLock::new();
static LAZY: LazyLock<Vec<Config>> = LazyLock::new(|| vec![CONFIG; 3]);

fn pub_06_lazy_values(threads: usize) {
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                ONCE.call_once(|| BY_ONCE.set(CONFIG));
                assert_eq!(BY_ONCE.get().workers, CONFIG.workers);
                let made = CELL.get_or_init(|| {
                    let made = Box::new(Plain::new(NOTHING));
                    made.set(CONFIG);
                    made
                });
                assert_eq!(made.get().retries, CONFIG.retries);
                assert_eq!(LAZY[1].retries, CONFIG.retries);
                let local = OnceLock::new();
                assert!(local.set(7).is_ok() && local.set(8).is_err());
            });
        }
    });
}

fn pub_06_once_not_asked(_: usize) {
    in_turn(
        || {
            ONCE.call_once(|| {
                BY_ONCE.set(CONFIG); // race: pub_06_once_not_asked
            });
        },
        || {
            BY_ONCE.get(); // race: pub_06_once_not_asked
        },
    );
}

fn pub_11_flag_before_the_value(_: usize) {
    let (config, ready) = (Plain::new(NOTHING), AtomicBool::new(false));
    in_turn(
        || {
            ready.store(true, Release);
            config.set(CONFIG); // race: pub_11_flag_before_the_value
        },
        || {
            assert!(ready.load(Acquire));
            config.get(); // race: pub_11_flag_before_the_value
        },
    );
}

fn pub_12_value_before_the_flag(_: usize) {
    let (config, ready) = (Plain::new(NOTHING), AtomicBool::new(false));
    in_turn(
        || {
            config.set(CONFIG); // race: pub_12_value_before_the_flag
            ready.store(true, Release);
        },
        || {
            config.get(); // race: pub_12_value_before_the_flag
            assert!(ready.load(Acquire));
        },
    );
}

/// A counter that its users load as an atomic and its owner resets as plain memory.
static COUNTER: AtomicU64 = AtomicU64::new(7);

fn pub_13_plain_store_and_atomic_load(_: usize) {
    in_turn(
        || {
            let reset = COUNTER.as_ptr();
            unsafe { *reset = 0 }; // race: pub_13_plain_store_and_atomic_load
        },
        || {
            COUNTER.load(Acquire); // race: pub_13_plain_store_and_atomic_load
        },
    );
}

fn pub_13_atomic_loads(threads: usize) {
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| COUNTER.load(Acquire));
            // Plain, but a read.
            s.spawn(|| std::hint::black_box(unsafe { *COUNTER.as_ptr() }));
        }
    });
}

fn pub_14_two_atomics(_: usize) {
    // No data race: every access is atomic. That the reader sees the new one and not yet the other is a logical race, if it is one at all.
    let (done, total) = (AtomicU64::new(0), AtomicU64::new(0));
    take_turns(vec![
        Box::new(|| done.store(1, Relaxed)),
        Box::new(|| assert_eq!((done.load(Relaxed), total.load(Relaxed)), (1, 0))),
        Box::new(|| total.store(1, Relaxed)),
    ]);
}

fn pub_15_pair_of_words(_: usize) {
    let range = Plain::new((0u64, 0u64));
    in_turn(
        || {
            range.set((10, 20)); // race: pub_15_pair_of_words
        },
        || {
            range.get(); // race: pub_15_pair_of_words
        },
    );
}

fn pub_15_locked_pair(threads: usize) {
    let (lock, range) = (Mutex::new(()), Plain::new((0, 0)));
    thread::scope(|s| {
        for number in 0..threads {
            let (lock, range) = (&lock, &range);
            s.spawn(move || {
                let _guard = lock.lock().unwrap();
                range.set((number, number));
                let (from, to) = range.get();
                assert_eq!(from, to);
            });
        }
    });
}

const WORDS: &[&str] = &["pointer", "and", "length"];

fn pub_16_slice_header(_: usize) {
    let words: Plain<&[&str]> = Plain::new(&[]);
    in_turn(
        || {
            words.set(WORDS); // race: pub_16_slice_header
        },
        || {
            let words = words.get(); // race: pub_16_slice_header
            assert_eq!(words.len(), 3);
        },
    );
}

fn pub_16_slice_header_by_pointer(threads: usize) {
    let words: Plain<&[&str]> = Plain::new(&[]);
    let current = AtomicPtr::<Plain<&[&str]>>::new(ptr::null_mut());
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                // SAFETY: null or `words`, which outlives the scope.
                let found = unsafe { current.load(Acquire).as_ref() };
                assert!(found.is_none_or(|words| words.get().len() == 3));
            });
        }
        words.set(WORDS);
        current.store((&raw const words).cast_mut(), Release);
    });
}

/// Two parts of a program, each ready at its own time; the reader asks for the wrong one, or for both.
fn parts(ask_for_the_right_one: bool) {
    let (config, cache) = (Plain::new(NOTHING), Plain::new(0));
    let (config_ready, cache_ready) = (AtomicBool::new(false), AtomicBool::new(false));
    take_turns(vec![
        Box::new(|| {
            config.set(CONFIG); // race: pub_17_another_atomics_acquire
            config_ready.store(true, Release);
        }),
        Box::new(|| {
            cache.set(1);
            cache_ready.store(true, Release);
        }),
        Box::new(|| {
            assert!(cache_ready.load(Acquire));
            if ask_for_the_right_one {
                assert!(config_ready.load(Acquire));
            }
            cache.get();
            config.get(); // race: pub_17_another_atomics_acquire
        }),
    ]);
}

fn pub_17_another_atomics_acquire(_: usize) {
    parts(false);
}

fn pub_17_the_right_atomics_acquire(_: usize) {
    parts(true);
}
