//! The tests of a crate outside the workspace. Lines are looked up by the comments at their end.

use std::sync::Barrier;

use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

#[racecheck::test]
fn racy() {
    let value = Shared::new(0);
    thread::scope(|s| {
        s.spawn(|| value.set(1)); // racy: write
        value.get(); // racy: read
    });
}

#[racecheck::test]
fn fixed() {
    let (lock, value) = (Mutex::new(()), Shared::new(0));
    thread::scope(|s| {
        s.spawn(|| {
            let _guard = lock.lock().unwrap();
            value.set(1);
        });
        let _guard = lock.lock().unwrap();
        value.get();
    });
    assert_eq!(value.get(), 1);
}

/// The test's own thread touches nothing.
#[racecheck::test]
fn children_race_with_each_other() {
    let value = Shared::new(0);
    thread::scope(|s| {
        s.spawn(|| value.set(1)); // children: one
        s.spawn(|| value.set(2)); // children: other
    });
}

#[racecheck::test]
fn returns_ok_and_races() -> Result<(), String> {
    let value = Shared::new(0);
    thread::scope(|s| {
        s.spawn(|| value.set(1)); // ok: write
        value.get(); // ok: read
    });
    Ok(())
}

#[racecheck::test]
fn returns_ok() -> Result<(), String> {
    let number: i32 = "7".parse().map_err(|error| format!("{error}"))?;
    assert_eq!(number, 7);
    Ok(())
}

/// Races with itself on the same two lines from several tests: what one test has reported is news to the next.
fn race_here() {
    let value = Shared::new(0);
    thread::scope(|s| {
        s.spawn(|| value.set(1)); // at once: write
        value.get(); // at once: read
    });
}

/// Waits until the other of the two tests is here too. Under nextest each has a process to itself, and nobody else comes.
fn meet() {
    static BOTH: Barrier = Barrier::new(2);
    if std::env::var_os("NEXTEST").is_none() {
        BOTH.wait();
    }
}

#[racecheck::test]
fn at_once_with_the_other() {
    meet();
    race_here();
    meet();
}

#[racecheck::test]
fn at_once_with_the_one() {
    meet();
    race_here();
    meet();
}

#[racecheck::test]
#[should_panic(expected = "the body's own panic")]
fn its_own_panic_is_expected() {
    panic!("the body's own panic");
}

#[racecheck::test(should_panic = "the body's own panic")]
fn its_own_panic_is_expected_by_an_argument() {
    panic!("the body's own panic");
}

#[racecheck::test(ignore = "not now")]
fn ignored() {
    panic!("not now");
}

#[racecheck::test(should_race)]
fn should_race_and_does() {
    race_here();
}

#[racecheck::test]
async fn is_driven() -> Result<(), String> {
    let number = std::future::ready(7).await;
    if number == 7 { Ok(()) } else { Err(number.to_string()) }
}

/// What can pass, or can only fail in the right way, where races are looked for.
#[cfg(feature = "race-check")]
mod checked {
    use racecheck::{Shared, thread};

    #[racecheck::test]
    #[should_panic(expected = "race detected")]
    fn its_race_is_expected() {
        super::race_here();
    }

    #[racecheck::test(should_race)]
    fn should_race_and_does_not() {}

    #[racecheck::test]
    #[test]
    fn made_a_test_below() {
        super::race_here();
    }

    #[racecheck::test]
    fn panics() {
        panic!("the body's own panic");
    }

    #[racecheck::test]
    fn panics_and_races() {
        let value = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| value.set(1)); // panics: write
            value.get(); // panics: read
        });
        panic!("the body's own panic");
    }

    /// The expected panic doesn't hide the race.
    #[racecheck::test]
    #[should_panic(expected = "the body's own panic")]
    fn races_and_its_own_panic_is_expected() {
        let value = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| value.set(1)); // expected: write
            value.get(); // expected: read
        });
        panic!("the body's own panic");
    }

    /// A race is no panic that anybody expects without saying so.
    #[racecheck::test]
    #[should_panic]
    fn races_and_any_panic_is_expected() {
        let value = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| value.set(1)); // any: write
            value.get(); // any: read
        });
    }

    #[racecheck::test]
    fn returns_an_error() -> Result<(), String> {
        Err("the body's own error".into())
    }
}
