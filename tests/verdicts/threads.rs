//! Threads: spawn, join, scope, park; plain `std` threads; what orders nothing.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races, wait_for};

#[test]
fn what_precedes_a_spawn_happens_before_the_thread() {
    let program = |write_first: bool| {
        let value = Shared::new(0);
        thread::scope(|s| {
            let mut written = 0;
            if write_first {
                written = at!(value.set(1));
            }
            let child = s.spawn(|| at!(value.get()));
            while !child.is_finished() {
                thread::yield_now();
            }
            if !write_first {
                written = at!(value.set(1));
            }
            (written, child.join().unwrap())
        })
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    // A thread ends a moment later than `is_finished` says.
    let joined = race.help().starts_with("join thread");
    assert_eq!(joined, race.previous().thread().is_finished(), "{race}");
}

#[test]
fn a_thread_happens_before_what_follows_its_join() {
    let program = |join_first: bool| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        let child = thread::spawn(|| at!(value.set(1)));
        wait_for(&child);
        if join_first {
            let line = child.join().unwrap();
            (line, at!(value.get()))
        } else {
            let read = at!(value.get());
            (child.join().unwrap(), read)
        }
    };
    none(|| program(true));
    races(|| program(false));
}

#[test]
fn a_scope_happens_before_its_return_only() {
    none(|| {
        let value = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| value.set(1));
        });
        value.get();
    });
    races(|| {
        let value = Shared::new(0);
        thread::scope(|s| {
            let child = s.spawn(|| at!(value.set(1)));
            while !child.is_finished() {
                thread::yield_now();
            }
            let read = at!(value.get());
            (child.join().unwrap(), read)
        })
    });
}

#[test]
fn a_scope_whose_thread_panics_orders_all_the_same() {
    none(|| {
        let value = Shared::new(0);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            thread::scope(|s| {
                s.spawn(|| {
                    value.set(1);
                    panic!("on purpose");
                });
            });
        }));
        assert!(result.is_err());
        value.get();
    });
}

#[test]
fn unpark_happens_before_the_park_that_it_wakes() {
    let program = |with_unpark: bool| {
        let value = Shared::new(0);
        thread::scope(|s| {
            // Not a channel of `std`'s: its `recv` parks too, and would take the token.
            let go = std::sync::atomic::AtomicBool::new(false);
            let (value, go) = (&value, &*Box::leak(Box::new(go)));
            let waiter = s.spawn(move || {
                while !go.load(Relaxed) {
                    std::thread::yield_now();
                }
                if with_unpark {
                    thread::park();
                } else {
                    thread::park_timeout(Duration::ZERO);
                }
                at!(value.get())
            });
            let written = at!(value.set(1));
            if with_unpark {
                waiter.thread().unpark();
            }
            go.store(true, Relaxed);
            (written, waiter.join().unwrap())
        })
    };
    none(|| program(true));
    races(|| program(false));
}

#[test]
fn a_thread_can_be_unparked_through_current() {
    none(|| {
        let value = Shared::new(0);
        let main = thread::current();
        thread::scope(|s| {
            s.spawn(|| {
                value.set(1);
                main.unpark();
            });
            thread::park();
            value.get();
        });
    });
}

#[test]
fn sleeping_yielding_printing_and_time_order_nothing() {
    let between: [fn(); 4] = [
        || thread::sleep(Duration::from_millis(1)),
        thread::yield_now,
        std::hint::spin_loop,
        || println!("the lock of stdout"),
    ];
    for nothing in between {
        races(|| {
            let value = Shared::new(0);
            one_after_the_other(
                || {
                    let line = at!(value.set(1));
                    nothing();
                    line
                },
                || {
                    nothing();
                    at!(value.get())
                },
            )
        });
    }
}

#[test]
fn plain_std_threads_are_ordered_by_spawn_and_join() {
    let program = |join_first: bool| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        value.set(1);
        let child = std::thread::Builder::new()
            .name("plain".to_owned())
            .spawn(|| at!(value.update(|n| n + 1)))
            .unwrap();
        while !child.is_finished() {
            thread::yield_now();
        }
        if join_first {
            let line = child.join().unwrap();
            (line, at!(value.get()))
        } else {
            let read = at!(value.get());
            (child.join().unwrap(), read)
        }
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    let plain = race.previous().thread();
    assert_eq!(plain.name(), Some("plain"), "{race}");
    assert!(!plain.created_at().is_empty(), "{race}");
}

/// Threads as C starts, ends and joins them.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_c_started_may_end_by_pthread_exit_and_be_joined_in_every_way() {
    use std::ffi::{c_int, c_void};
    use std::ptr::null_mut;

    type Name = libc::pthread_t;
    type Value = *mut *mut c_void;

    extern "C-unwind" fn routine(value: *mut c_void) -> *mut c_void {
        // SAFETY: a leaked `Shared<i32>`, below.
        unsafe { &*value.cast::<Shared<i32>>() }.update(|n| n + 1);
        // SAFETY: nothing here needs dropping.
        unsafe { pthread_exit(value) }
    }
    unsafe extern "C-unwind" {
        fn pthread_exit(value: *mut c_void) -> !;
        fn pthread_tryjoin_np(thread: Name, value: Value) -> c_int;
        fn pthread_timedjoin_np(thread: Name, value: Value, until: *const libc::timespec) -> c_int;
        fn pthread_clockjoin_np(
            thread: Name,
            value: Value,
            clock: libc::clockid_t,
            until: *const libc::timespec,
        ) -> c_int;
    }
    const FAR_AWAY: libc::timespec = libc::timespec {
        tv_sec: 1 << 40,
        tv_nsec: 0,
    };
    #[expect(
        clippy::undocumented_unsafe_blocks,
        reason = "each joins the thread that `program` created and hands over"
    )]
    let joins: [fn(Name) -> c_int; 4] = [
        |thread| unsafe { libc::pthread_join(thread, null_mut()) },
        |thread| loop {
            match unsafe { pthread_tryjoin_np(thread, null_mut()) } {
                libc::EBUSY => thread::yield_now(),
                result => break result,
            }
        },
        |thread| unsafe { pthread_timedjoin_np(thread, null_mut(), &FAR_AWAY) },
        |thread| unsafe {
            pthread_clockjoin_np(thread, null_mut(), libc::CLOCK_MONOTONIC, &FAR_AWAY)
        },
    ];
    let program = |join: fn(Name) -> c_int| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        value.set(1);
        let mut thread = 0;
        // SAFETY: the same signature, but for what may unwind out of it; the argument lives for ever.
        let created = unsafe {
            let routine: extern "C" fn(*mut c_void) -> *mut c_void =
                std::mem::transmute(routine as extern "C-unwind" fn(*mut c_void) -> *mut c_void);
            libc::pthread_create(
                &mut thread,
                std::ptr::null(),
                routine,
                (&raw const *value).cast_mut().cast(),
            )
        };
        assert_eq!(created, 0);
        assert_eq!(join(thread), 0);
        assert_eq!(value.get(), 2);
    };
    for join in joins {
        none(|| program(join));
    }
}

#[test]
fn the_report_names_both_threads_and_where_they_were_created() {
    let race = &races(|| {
        let value = Shared::new(0);
        thread::scope(|s| {
            let named = |name: &str| thread::Builder::new().name(name.to_owned());
            let writer = named("the writer with a long name")
                .spawn_scoped(s, || at!(value.set(1)))
                .unwrap();
            while !writer.is_finished() {
                thread::yield_now();
            }
            let reader = named("reader")
                .spawn_scoped(s, || at!(value.get()))
                .unwrap();
            (writer.join().unwrap(), reader.join().unwrap())
        })
    })[0];
    let [current, previous] = race.accesses().map(racecheck::report::Access::thread);
    assert_eq!(current.name(), Some("reader"));
    assert_eq!(previous.name(), Some("the writer with a long name"));
    assert!(!current.is_finished());
    for thread in [current, previous] {
        let created = thread.created_at()[0].site().unwrap();
        assert!(
            created.file().ends_with("tests/verdicts/threads.rs"),
            "{race}"
        );
    }
    assert_eq!(current.created_by(), previous.created_by());
    assert!(race.why()[1].contains("spawned thread"), "{race}");
}

/// `std`'s own destructors of thread-locals run before the end that a join waits for.
#[test]
fn destructors_of_thread_locals_happen_before_the_join() {
    struct Writes(&'static Shared<i32>);
    impl Drop for Writes {
        fn drop(&mut self) {
            self.0.set(2);
        }
    }
    thread_local! {
        static LOCAL: std::cell::RefCell<Option<Writes>> = const { std::cell::RefCell::new(None) };
    }
    none(|| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        thread::spawn(move || LOCAL.set(Some(Writes(value))))
            .join()
            .unwrap();
        assert_eq!(value.get(), 2);
    });
}

/// What a thread-local holds is dropped by its thread, like all that the thread has.
#[test]
fn an_arc_in_a_thread_local_is_dropped_by_its_thread() {
    use racecheck::sync::Arc;
    use std::sync::mpsc;

    const WRITTEN: u32 = line!() + 12;
    struct AtEnd {
        arc: Option<Arc<u8>>,
        value: &'static Shared<i32>,
        drop_first: bool,
        done: mpsc::Sender<()>,
    }
    impl Drop for AtEnd {
        fn drop(&mut self) {
            if self.drop_first {
                self.arc = None;
            }
            self.value.set(1);
            self.arc = None;
            self.done.send(()).unwrap();
        }
    }
    racecheck::thread_local! {
        static LOCAL: std::cell::RefCell<Option<AtEnd>> = const { std::cell::RefCell::new(None) };
    }
    let program = |drop_first: bool| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        let arc = Arc::new(0);
        let (done, wait) = mpsc::channel();
        let local = AtEnd {
            arc: Some(arc.clone()),
            value,
            drop_first,
            done,
        };
        let thread = thread::spawn(move || LOCAL.set(Some(local)));
        wait.recv().unwrap();
        assert_eq!(Arc::into_inner(arc), Some(0));
        let read = at!(value.get());
        thread.join().unwrap();
        (WRITTEN, read)
    };
    none(|| program(false));
    races(|| program(true));
}

/// A handle that was given away as its POSIX name.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_happens_before_what_follows_its_pthread_join() {
    use std::os::unix::thread::JoinHandleExt;

    let program = |join_first: bool| {
        let value: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        let written = line!() + 1;
        let thread = thread::spawn(|| value.set(1));
        wait_for(&thread);
        let name = thread.into_pthread_t();
        // SAFETY: the name is ours, and used once.
        let join = || unsafe { libc::pthread_join(name, std::ptr::null_mut()) };
        let mut joined = None;
        if join_first {
            joined = Some(join());
        }
        let read = at!(value.get());
        assert_eq!(joined.unwrap_or_else(join), 0);
        (written, read)
    };
    none(|| program(true));
    races(|| program(false));
}

/// Scenario fake-02: hints say how to wait, not for what.
#[test]
fn hints_order_nothing() {
    races(|| {
        let value = Shared::new(0);
        let written = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|s| {
            let writer = s.spawn(|| {
                let line = at!(value.set(1));
                written.store(true, Relaxed);
                line
            });
            while !written.load(Relaxed) {
                racecheck::hint::spin_loop();
            }
            let read = at!(racecheck::hint::black_box(value.get()));
            (writer.join().unwrap(), read)
        })
    });
}
