//! The verdicts of `#[racecheck::test]`, argument by argument. With `wrap` it gives the body of a test and no test, so that it can be called here.

#![cfg(feature = "race-check")]

#[path = "programs/unordered.rs"]
mod unordered;

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use racecheck::{Shared, label, thread};

use unordered::unordered;

/// A race on a value of this name.
macro_rules! race {
    ($name:literal) => {{
        let value = label!(Shared::new(0), $name);
        unordered(|| value.set(1), || value.set(2));
    }};
}

/// The message of the panic of `f`.
#[track_caller]
fn panic_of<T>(f: fn() -> T) -> String {
    let Err(panic) = catch_unwind(f) else {
        panic!("it passes");
    };
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// Counts the runs of one body on this thread.
fn run_number() -> u32 {
    thread_local! {
        static RUNS: Cell<u32> = const { Cell::new(0) };
    }
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[test]
fn no_race_is_expected() {
    #[racecheck::test(wrap)]
    fn silent() -> u8 {
        7
    }
    #[racecheck::test(wrap)]
    fn races() {
        race!("a");
    }
    assert_eq!(silent(), 7);
    assert_eq!(
        panic_of(races),
        "race detected during execution of test (1 found)"
    );
}

#[test]
fn any_race_is_expected() {
    #[racecheck::test(wrap, should_race)]
    fn races() {
        race!("a");
    }
    #[racecheck::test(wrap, should_race)]
    fn silent() {}
    races();
    assert_eq!(panic_of(silent), "no race in this test, which should race");
}

#[test]
fn one_race_is_expected() {
    #[racecheck::test(wrap, should_race = "Location is `b`")]
    fn races_on_both() {
        race!("a");
        race!("b");
    }
    #[racecheck::test(wrap, should_race = "Location is `b`")]
    fn races_on_the_other() {
        race!("a");
    }
    races_on_both();
    assert_eq!(
        panic_of(races_on_the_other),
        "no race with `Location is `b`` in its report in this test, which should race (1 found)"
    );
}

#[test]
fn an_expected_race_excuses_no_panic() {
    #[racecheck::test(wrap, should_race)]
    fn races_and_panics() {
        race!("a");
        panic!("on purpose");
    }
    assert_eq!(panic_of(races_and_panics), "on purpose");
}

/// The runs go on until one races.
#[test]
fn runs_until_it_races() {
    #[racecheck::test(wrap, runs = 5)]
    fn races_in_the_third_run() {
        if run_number() == 3 {
            race!("a");
        }
    }
    #[racecheck::test(wrap, should_race, runs = 5)]
    fn should_race_in_the_third_run() {
        if run_number() == 3 + 3 {
            race!("a");
        }
    }
    assert_eq!(
        panic_of(races_in_the_third_run),
        "race detected during execution of test (1 found, in run 3 of 5)"
    );
    should_race_in_the_third_run();
    assert_eq!(run_number(), 3 + 3 + 1);
}

#[test]
fn all_runs_are_made_if_nothing_happens() {
    #[racecheck::test(wrap, runs = 5)]
    fn silent() {
        run_number();
    }
    #[racecheck::test(wrap, should_race = "never", runs = 5)]
    fn should_race() {
        run_number();
        race!("a");
    }
    silent();
    assert_eq!(
        panic_of(should_race),
        "no race with `never` in its report in this test, which should race (1 found, in run 5 of 5)"
    );
    assert_eq!(run_number(), 5 + 5 + 1);
}

#[test]
fn a_run_that_fails_is_the_last() {
    #[racecheck::test(wrap, runs = 5)]
    fn returns_an_error() -> Result<(), u32> {
        match run_number() {
            2 => Err(2),
            _ => Ok(()),
        }
    }
    #[racecheck::test(wrap, runs = 5)]
    fn panics() {
        assert!(run_number() < 4, "on purpose");
    }
    #[racecheck::test(wrap, runs = 1)]
    fn returns_an_error_at_last() -> Result<(), &'static str> {
        Err("at last")
    }
    assert_eq!(panic_of(returns_an_error), "run 2 of 5 returned an error");
    assert_eq!(panic_of(panics), "on purpose");
    assert_eq!(returns_an_error_at_last(), Err("at last"));
}

#[test]
fn each_run_should_panic() {
    #[racecheck::test(wrap, runs = 3)]
    #[should_panic(expected = "on purpose")]
    fn panics() {
        run_number();
        panic!("on purpose");
    }
    #[racecheck::test(wrap, runs = 3)]
    #[should_panic(expected = "on purpose")]
    fn panics_otherwise() {
        run_number();
        panic!("by accident");
    }
    /// Without a panic of its own, which the harness misses.
    #[racecheck::test(wrap, runs = 3)]
    #[should_panic(expected = "on purpose")]
    fn races_in_the_second_run() {
        if run_number() == 3 + 1 + 2 {
            race!("a");
        }
        panic!("on purpose");
    }
    #[racecheck::test(wrap, should_race, runs = 3)]
    #[should_panic]
    fn should_race_too() {
        race!("a");
        panic!("on purpose");
    }
    assert_eq!(panic_of(panics), "on purpose");
    assert_eq!(panic_of(panics_otherwise), "by accident");
    races_in_the_second_run();
    assert_eq!(run_number(), 3 + 1 + 2 + 1);
    assert_eq!(panic_of(should_race_too), "on purpose");
}

/// A wake-up from another thread orders what was done before it.
#[test]
fn futures_are_driven() {
    #[racecheck::test(wrap, runs = 20)]
    async fn waits_for_a_thread() {
        let value = std::sync::Arc::new(Shared::new(0));
        let mut worker = None;
        poll_fn(|context| {
            if worker.is_some() {
                return Poll::Ready(());
            }
            let (waker, value) = (context.waker().clone(), value.clone());
            worker = Some(thread::spawn(move || {
                value.set(7);
                waker.wake();
            }));
            Poll::Pending
        })
        .await;
        assert_eq!(value.get(), 7);
    }
    #[racecheck::test(wrap, should_race)]
    async fn races() {
        race!("a");
    }
    waits_for_a_thread();
    races();
}

/// What another attribute drives: the runs are those of the future.
#[test]
fn futures_of_others_are_driven_by_them() {
    static POLLS: AtomicU32 = AtomicU32::new(0);

    async fn yields() {
        let mut ready = false;
        poll_fn(|context| {
            POLLS.fetch_add(1, Relaxed);
            context.waker().wake_by_ref();
            if std::mem::replace(&mut ready, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    // The compiler gives attributes of this tool to nobody: these have the name that counts, and do nothing.
    #[racecheck::test(runs = 3)]
    #[rust_analyzer::test]
    async fn silent() {
        #[racecheck::shared]
        let value = 0;
        yields().await;
        value.set(1);
    }
    #[racecheck::test(runs = 3)]
    #[rust_analyzer::test]
    async fn races() {
        #[racecheck::shared]
        let value = 0;
        yields().await;
        unordered(|| value.set(1), || value.set(2));
    }
    #[racecheck::test(should_race)]
    #[rust_analyzer::test]
    async fn panics() {
        yields().await;
        panic!("on purpose");
    }
    racecheck::__private::block_on(silent());
    assert_eq!(POLLS.load(Relaxed), 6);
    let driven = || racecheck::__private::block_on(races());
    assert_eq!(
        panic_of(driven),
        "race detected during execution of test (1 found, in run 1 of 3)"
    );
    assert_eq!(
        panic_of(|| racecheck::__private::block_on(panics())),
        "on purpose"
    );
}
