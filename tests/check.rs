//! `check`: what it collects, in the process that calls it.

#![cfg(feature = "race-check")]

#[path = "programs/unordered.rs"]
mod unordered;

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::report::{Race, Site};
use racecheck::sync::Mutex;
use racecheck::{Shared, check, thread};

use unordered::unordered;

#[inline(never)]
fn write(value: &Shared<u64>) {
    value.set(1);
    black_box(());
}

#[inline(never)]
fn read(value: &Shared<u64>) {
    black_box(value.get());
}

/// The functions of the two innermost frames, the current access's first.
fn functions(race: &Race) -> [&str; 2] {
    race.accesses().map(|access| access.stack()[0].function())
}

#[test]
fn races_come_once_each_in_the_order_in_which_they_were_found() {
    let values: Vec<_> = (0..3).map(|_| Shared::new(0)).collect();
    let outcome = check(|| {
        unordered(|| write(&values[0]), || read(&values[0]));
        // The same pair of lines, the other way round.
        unordered(|| read(&values[1]), || write(&values[1]));
        unordered(|| write(&values[2]), || write(&values[2]));
        7
    });
    assert_eq!(outcome.value, 7);
    let found: Vec<_> = outcome.races().iter().map(functions).collect();
    assert_eq!(
        found,
        [
            ["check::read", "check::write"],
            ["check::write", "check::write"]
        ]
    );
}

/// The inner one has what is found while it is open, the outer one the rest; and each has its own list of known pairs.
#[test]
fn nested() {
    let value = Shared::new(0);
    let race = || unordered(|| write(&value), || read(&value));
    let outer = check(|| {
        race();
        let inner = check(|| {
            race();
            unordered(|| read(&value), || value.set(2));
        });
        race();
        inner.races().len()
    });
    assert_eq!((outer.value, outer.races().len()), (2, 1));
}

#[test]
fn an_inner_one_that_panics_leaves_the_outer_one_open() {
    let (value, ordered) = (Shared::new(0), Shared::new(0));
    let outcome = check(|| {
        let panicked = catch_unwind(AssertUnwindSafe(|| check(|| panic!("inside")).value));
        assert!(panicked.is_err());
        write(&ordered);
        unordered(|| write(&value), || read(&value));
        read(&ordered);
    });
    assert_eq!(outcome.races().len(), 1);
}

/// All that is started inside belongs to it, however deep; what another thread does on its own does not.
#[test]
fn threads_of_threads_belong_to_it() {
    let value = Shared::new(0);
    let outcome = check(|| {
        thread::scope(|s| {
            s.spawn(|| unordered(|| write(&value), || read(&value)));
        });
    });
    assert_eq!(outcome.races().len(), 1);
}

#[test]
fn two_at_once_have_their_own_races() {
    let both = std::sync::Barrier::new(2);
    let collect = |races: usize| {
        let values: Vec<_> = (0..2).map(|_| Shared::new(0)).collect();
        let outcome = check(|| {
            both.wait();
            unordered(|| write(&values[0]), || read(&values[0]));
            if races == 2 {
                unordered(|| values[1].set(1), || values[1].set(2));
            }
            both.wait();
        });
        outcome.races().len()
    };
    let counts = thread::scope(|s| {
        let one = s.spawn(|| collect(1));
        (collect(2), one.join().unwrap())
    });
    assert_eq!(counts, (2, 1));
}

/// A pair of threads' accesses with a million others in between: both stacks are there, whatever was done since.
#[test]
fn a_million_calls_between_the_two_accesses() {
    #[inline(never)]
    fn long_ago(value: &Shared<u64>) {
        value.set(1);
        black_box(());
    }

    #[inline(never)]
    fn just_now(value: &Shared<u64>) {
        black_box(value.get());
    }

    #[inline(never)]
    fn something_else(other: &Shared<u64>) {
        other.update(|n| n + 1);
        black_box(());
    }

    let value = Shared::new(0);
    let outcome = check(|| {
        let first = || {
            let (lock, other) = (Mutex::new(0), Shared::new(0));
            long_ago(&value);
            for call in 0..1_000_000 {
                something_else(&other);
                // Now and then a new epoch, and another context to remember.
                if call % 100 == 0 {
                    *lock.lock().unwrap() += 1;
                }
            }
            assert_eq!(other.get(), 1_000_000);
        };
        unordered(first, || just_now(&value));
    });
    let [race] = outcome.races() else {
        panic!("{:#?}", outcome.races());
    };
    let named =
        |function: &str| format!("check::a_million_calls_between_the_two_accesses::{function}");
    assert_eq!(functions(race), [named("just_now"), named("long_ago")]);
    for access in race.accesses() {
        assert_eq!(access.site().map(Site::file), Some("tests/check.rs"));
    }
}
