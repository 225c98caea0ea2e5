//! `#[racecheck::test]` in its forms. What is ignored is to fail when it is asked for.

use annotated::one_after_the_other;
use racecheck::Shared;
use racecheck::sync::Mutex;

fn race() {
    let value = Shared::new(0);
    one_after_the_other(|| value.set(1), || value.set(2));
}

#[racecheck::test]
fn does_not_race() {
    let (value, lock) = (Shared::new(0), Mutex::new(()));
    let set = |to| {
        let _guard = lock.lock().unwrap();
        value.set(to);
    };
    one_after_the_other(|| set(1), || set(2));
}

#[racecheck::test]
#[ignore = "fails"]
fn races() {
    race();
}

#[racecheck::test(should_race)]
fn should_race_and_does() {
    race();
}

#[racecheck::test(should_race = "variable `hits`", runs = 3)]
fn should_race_by_name() {
    #[racecheck::shared]
    let hits: u64 = 0;
    one_after_the_other(|| hits.set(1), || hits.set(2));
}

#[racecheck::test(should_race)]
#[ignore = "fails"]
fn should_race_and_does_not() {}

#[racecheck::test(runs = 3)]
async fn asynchronous() {
    let value = Shared::new(0);
    std::future::ready(()).await;
    value.set(1);
}

#[cfg(feature = "race-check")]
#[racecheck::test(should_panic = "race detected")]
fn panics_for_a_race() {
    race();
}
