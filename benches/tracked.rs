//! The cost of tracking: every operation beside the same one of plain `std`, in one run.
//!
//! `plain` is `std`; the other rows are racecheck's types. One iteration is one operation, so divan's times are times per operation. Where
//! two threads work at once, starting them for one operation would cost more than the operation: there an iteration is [`BATCH`]
//! operations, and its µs are ns per operation.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use divan::Bencher;

/// Operations of one iteration, where two threads work at once.
const BATCH: usize = 1000;

fn main() {
    divan::main();
}

/// The same benchmark with `std`'s types and with racecheck's: the body says `lib::` where it would say `std::`.
macro_rules! beside_std {
    ($(#[$doc:meta])* $name:ident, |$bencher:ident, $lib:ident| $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            #[divan::bench]
            fn plain($bencher: Bencher<'_, '_>) {
                use std as $lib;
                $body
            }

            #[divan::bench]
            fn tracked($bencher: Bencher<'_, '_>) {
                use racecheck as $lib;
                $body
            }
        }
    };
}

/// One thread reads and writes one location.
#[divan::bench_group(sample_size = 10_000)]
mod read_and_write {
    use super::*;

    #[divan::bench]
    fn plain(bencher: Bencher<'_, '_>) {
        let cell = std::cell::UnsafeCell::new(0u64);
        bencher.bench_local(|| {
            let pointer = black_box(&cell).get();
            // SAFETY: no other thread, and no reference.
            let value = black_box(unsafe { *pointer });
            // SAFETY: as above.
            unsafe { *pointer = value + 1 };
        });
    }

    #[divan::bench]
    fn unsafe_cell(bencher: Bencher<'_, '_>) {
        let cell = racecheck::cell::UnsafeCell::new(0u64);
        bencher.bench_local(|| {
            let cell = black_box(&cell);
            // SAFETY: no other thread, and no reference.
            let value = black_box(cell.with(|pointer| unsafe { *pointer }));
            // SAFETY: as above.
            cell.with_mut(|pointer| unsafe { *pointer = value + 1 });
        });
    }

    #[divan::bench]
    fn shared_get_set(bencher: Bencher<'_, '_>) {
        let cell = racecheck::Shared::new(0u64);
        bencher.bench_local(|| {
            let cell = black_box(&cell);
            let value = black_box(cell.get());
            cell.set(value + 1);
        });
    }

    #[divan::bench]
    fn shared_update(bencher: Bencher<'_, '_>) {
        let cell = racecheck::Shared::new(0u64);
        bencher.bench_local(|| black_box(&cell).update(|value| black_box(value) + 1));
    }
}

/// Lock, increment, unlock. Every unlock starts a new epoch, so every increment is checked and recorded, with its stack.
mod lock_increment_unlock {
    use super::*;

    /// A value and its lock.
    trait Counter: Default + Sync {
        fn increment(&self);
    }

    #[derive(Default)]
    struct Plain(std::sync::Mutex<u64>);

    impl Counter for Plain {
        #[inline]
        fn increment(&self) {
            *self.0.lock().expect("nobody panics") += 1;
        }
    }

    #[derive(Default)]
    struct TrackedCell(racecheck::sync::Mutex<racecheck::cell::UnsafeCell<u64>>);

    impl Counter for TrackedCell {
        #[inline]
        fn increment(&self) {
            let guard = self.0.lock().expect("nobody panics");
            // SAFETY: the lock is held.
            guard.with_mut(|pointer| unsafe { *pointer += 1 });
        }
    }

    #[derive(Default)]
    struct TrackedShared(racecheck::sync::Mutex<()>, racecheck::Shared<u64>);

    impl Counter for TrackedShared {
        #[inline]
        fn increment(&self) {
            let _guard = self.0.lock().expect("nobody panics");
            self.1.update(|value| value + 1);
        }
    }

    #[divan::bench(types = [Plain, TrackedCell, TrackedShared], sample_size = 10_000)]
    fn one_thread<C: Counter>(bencher: Bencher<'_, '_>) {
        let counter = C::default();
        bencher.bench_local(|| black_box(&counter).increment());
    }

    /// Below 40 calls: each is one more frame of the stack that is recorded.
    #[divan::bench(types = [Plain, TrackedCell, TrackedShared], sample_size = 10_000)]
    fn one_thread_40_calls_deep<C: Counter>(bencher: Bencher<'_, '_>) {
        let counter = C::default();
        below(40, bencher, &|bencher| {
            bencher.bench_local(|| black_box(&counter).increment());
        });
    }

    #[inline(never)]
    fn below(calls: usize, bencher: Bencher<'_, '_>, f: &dyn Fn(Bencher<'_, '_>)) {
        if calls == 0 {
            f(bencher);
        } else {
            below(calls - 1, bencher, f);
        }
        // Not a tail call: the frame stays.
        black_box(calls);
    }

    /// Two threads take turns, so each lock learns what the other thread released. An iteration is one turn of each, with the way to the
    /// other processor and back.
    #[divan::bench(types = [Plain, TrackedCell, TrackedShared], sample_size = 1_000)]
    fn two_threads_in_turn<C: Counter>(bencher: Bencher<'_, '_>) {
        const MINE: usize = 0;
        const THEIRS: usize = 1;
        const OVER: usize = 2;
        let counter = C::default();
        // `std`'s, and relaxed: the turn orders nothing, only the lock does.
        let turn = AtomicUsize::new(MINE);
        racecheck::thread::scope(|s| {
            s.spawn(|| {
                loop {
                    match turn.load(Ordering::Relaxed) {
                        THEIRS => {
                            counter.increment();
                            turn.store(MINE, Ordering::Relaxed);
                        }
                        OVER => break,
                        _ => spin_loop(),
                    }
                }
            });
            bencher.bench_local(|| {
                counter.increment();
                turn.store(THEIRS, Ordering::Relaxed);
                while turn.load(Ordering::Relaxed) != MINE {
                    spin_loop();
                }
            });
            turn.store(OVER, Ordering::Relaxed);
        });
    }

    /// Two threads, each as fast as it can. An iteration is [`BATCH`] of one thread.
    #[divan::bench(types = [Plain, TrackedCell, TrackedShared])]
    fn two_threads_contending_x1000<C: Counter>(bencher: Bencher<'_, '_>) {
        let counter = C::default();
        let over = AtomicBool::new(false);
        racecheck::thread::scope(|s| {
            s.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    counter.increment();
                }
            });
            bencher.bench_local(|| {
                for _ in 0..BATCH {
                    counter.increment();
                }
            });
            over.store(true, Ordering::Relaxed);
        });
    }
}

/// One thread, one atomic.
#[divan::bench_group(sample_size = 10_000)]
mod atomic {
    use super::*;

    beside_std!(
        /// Nobody has released anything with the value.
        load_acquire,
        |bencher, lib| {
            let value = lib::sync::atomic::AtomicUsize::new(0);
            bencher.bench_local(|| black_box(&value).load(Ordering::Acquire));
        }
    );

    beside_std!(
        /// Another thread stored the value and has been joined since: there is a clock to compare, and nothing to learn.
        load_acquire_known,
        |bencher, lib| {
            let value = lib::sync::atomic::AtomicUsize::new(0);
            lib::thread::scope(|s| {
                s.spawn(|| value.store(1, Ordering::Release));
            });
            bencher.bench_local(|| black_box(&value).load(Ordering::Acquire));
        }
    );

    beside_std!(
        /// In memory that isn't an atomic's own: the clock is that of the address.
        load_acquire_from_ptr,
        |bencher, lib| {
            let memory = std::cell::UnsafeCell::new(0);
            // SAFETY: aligned and valid, and used in no other way.
            let value = unsafe { lib::sync::atomic::AtomicUsize::from_ptr(memory.get()) };
            bencher.bench_local(|| black_box(value).load(Ordering::Acquire));
        }
    );

    beside_std!(
        /// As above, and made anew each time: the address is looked up.
        from_ptr_and_load_acquire,
        |bencher, lib| {
            let memory = std::cell::UnsafeCell::new(0);
            bencher.bench_local(|| {
                // SAFETY: aligned and valid, and used in no other way.
                let value =
                    unsafe { lib::sync::atomic::AtomicUsize::from_ptr(black_box(&memory).get()) };
                value.load(Ordering::Acquire)
            });
        }
    );

    beside_std!(load_relaxed, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&value).load(Ordering::Relaxed));
    });

    beside_std!(store_relaxed, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&value).store(1, Ordering::Relaxed));
    });

    beside_std!(store_release, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&value).store(1, Ordering::Release));
    });

    beside_std!(fetch_add_relaxed, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&value).fetch_add(1, Ordering::Relaxed));
    });

    beside_std!(fetch_add_acq_rel, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&value).fetch_add(1, Ordering::AcqRel));
    });

    beside_std!(compare_exchange_acq_rel, |bencher, lib| {
        let value = lib::sync::atomic::AtomicUsize::new(0);
        bencher.bench_local(|| {
            black_box(&value).compare_exchange(0, 0, Ordering::AcqRel, Ordering::Acquire)
        });
    });
}

/// A message: sent and received.
mod channel {
    use super::*;

    /// Sends [`BATCH`] messages from a thread of their own whenever one is asked for, and receives them: all at once when the last one is sent, so that
    /// nobody waits for a message, or one by one as they come.
    macro_rules! between_two_threads {
        ($bencher:ident, $lib:ident, $channel:expr, in_bulk: $in_bulk:expr) => {
            let (tx, rx) = $channel;
            // `std`'s, and relaxed: only the channel orders anything.
            let (asked, sent) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let over = AtomicBool::new(false);
            let (asked, sent, over) = (&asked, &sent, &over);
            $lib::thread::scope(|s| {
                s.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        if sent.load(Ordering::Relaxed) < asked.load(Ordering::Relaxed) {
                            for message in 0..BATCH {
                                tx.send(message).expect("the receiver is here");
                            }
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                        spin_loop();
                    }
                });
                $bencher.bench_local(|| {
                    let batch = asked.fetch_add(1, Ordering::Relaxed) + 1;
                    while $in_bulk && sent.load(Ordering::Relaxed) < batch {
                        spin_loop();
                    }
                    for _ in 0..BATCH {
                        black_box(rx.recv().expect("the sender is here"));
                    }
                });
                over.store(true, Ordering::Relaxed);
            });
        };
    }

    #[divan::bench_group(sample_size = 10_000)]
    mod one_thread {
        use super::*;

        beside_std!(unbounded, |bencher, lib| {
            let (tx, rx) = lib::sync::mpsc::channel();
            bencher.bench_local(|| {
                tx.send(black_box(1usize)).expect("the receiver is here");
                rx.recv().expect("a message is here")
            });
        });

        beside_std!(bound_1024, |bencher, lib| {
            let (tx, rx) = lib::sync::mpsc::sync_channel(1024);
            bencher.bench_local(|| {
                tx.send(black_box(1usize)).expect("the receiver is here");
                rx.recv().expect("a message is here")
            });
        });
    }

    /// First the one thread sends, then the other one receives. An iteration is [`BATCH`] messages.
    mod two_threads_in_bulk_x1000 {
        use super::*;

        beside_std!(unbounded, |bencher, lib| {
            between_two_threads!(bencher, lib, lib::sync::mpsc::channel(), in_bulk: true);
        });

        beside_std!(bound_1024, |bencher, lib| {
            between_two_threads!(bencher, lib, lib::sync::mpsc::sync_channel(1024), in_bulk: true);
        });
    }

    /// Both at once, and either may have to wait for the other: the operating system's part is in it. An iteration is [`BATCH`]
    /// messages.
    mod two_threads_at_once_x1000 {
        use super::*;

        beside_std!(unbounded, |bencher, lib| {
            between_two_threads!(bencher, lib, lib::sync::mpsc::channel(), in_bulk: false);
        });

        beside_std!(bound_1024, |bencher, lib| {
            between_two_threads!(bencher, lib, lib::sync::mpsc::sync_channel(1024), in_bulk: false);
        });
    }
}

/// crossbeam's channels, beside the tracked ones: a message by one thread.
#[cfg(feature = "crossbeam")]
#[divan::bench_group(sample_size = 10_000)]
mod crossbeam_one_thread {
    use super::*;

    macro_rules! message {
        ($name:ident, $channel:expr) => {
            #[divan::bench]
            fn $name(bencher: Bencher<'_, '_>) {
                let (tx, rx) = $channel;
                bencher.bench_local(|| {
                    tx.send(black_box(1usize)).expect("the receiver is here");
                    rx.recv().expect("a message is here")
                });
            }
        };
    }

    message!(unbounded_plain, crossbeam_channel::unbounded());
    message!(unbounded_tracked, racecheck::channel::unbounded());
    message!(bounded_1024_plain, crossbeam_channel::bounded(1024));
    message!(bounded_1024_tracked, racecheck::channel::bounded(1024));
}

#[divan::bench_group(sample_size = 10)]
mod thread {
    use super::*;

    beside_std!(
        /// `plain` isn't quite: the engine sees that thread too. What it costs without the engine is in the benchmark `untouched`.
        spawn_and_join,
        |bencher, lib| {
            bencher.bench_local(|| {
                lib::thread::spawn(|| ())
                    .join()
                    .expect("the thread does nothing");
            });
        }
    );
}
