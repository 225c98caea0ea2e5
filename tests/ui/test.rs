#[racecheck::test]
struct NotAFunction;

#[racecheck::test]
fn takes_two(threads: usize, rounds: usize) {
    let _ = (threads, rounds);
}

struct Counter;

impl Counter {
    #[racecheck::test]
    fn counts(&self) {}
}

#[racecheck::test(threads = 4)]
fn unknown() {}

#[racecheck::test(should_rase = "Stats.reqs")]
fn misspelt() {}

#[racecheck::test(runs = 2, runs = 3)]
fn repeated() {}

#[racecheck::test(runs)]
fn runs_without_a_number() {}

#[racecheck::test(runs = "many")]
fn runs_with_a_text() {}

#[racecheck::test(runs = 0)]
fn runs_never() {}

#[racecheck::test(should_race = 2)]
fn races_twice() {}

#[racecheck::test(should_panic(expects = "a panic"))]
fn panics() {}

#[racecheck::test(wrap, ignore = "slow")]
fn made_above() {}

#[racecheck::test("Stats.reqs")]
fn no_name() {}

fn main() {}
