//! A program's races, as the engine has reported them and as the oracle has them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::{judge, program, run};

/// One side of a race: which thread accessed which variable how.
pub(crate) type Side = (usize, usize, bool);

/// Two sides, the smaller first.
pub(crate) fn pair(a: Side, b: Side) -> (Side, Side) {
    (a.min(b), a.max(b))
}

fn compare(numbers: &[u32]) -> Result<bool, String> {
    let program = program::from_numbers(numbers);
    let ran = run::run(&program);
    let wanted = judge::races(&ran.notes);
    let variables = |races: &BTreeSet<(Side, Side)>| -> BTreeSet<usize> {
        races
            .iter()
            .map(|((_, variable, _), _)| *variable)
            .collect()
    };
    let verdict = if let Some(wrong) = ran.races.difference(&wanted).next() {
        Err(format!("not a race: {wrong:?}"))
    } else if variables(&ran.races) != variables(&wanted) {
        Err("missed one".to_owned())
    } else {
        Ok(!wanted.is_empty())
    };
    verdict.map_err(|error| {
        format!(
            "{error}\nreported: {:?}\nraces: {wanted:?}\n{:#?}",
            ran.races, ran.notes
        )
    })
}

/// Tries as many programs as `RACE_PROGRAMS` says.
pub(crate) fn the_engine_agrees_with_the_definition() {
    let cases = std::env::var("RACE_PROGRAMS").map_or(150, |number| {
        number
            .parse()
            .expect("RACE_PROGRAMS is a number of programs")
    });
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    });
    let (racy, silent) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let verdict = runner.run(&prop::collection::vec(any::<u32>(), 20..150), |numbers| {
        // What happens depends on the schedule: a failing program has to fail again to be made smaller.
        for _ in 0..3 {
            let is_racy = compare(&numbers).map_err(TestCaseError::fail)?;
            let tally = if is_racy { &racy } else { &silent };
            tally.set(tally.get() + 1);
        }
        Ok(())
    });
    verdict.unwrap_or_else(|error| panic!("{error}"));
    println!("{} racy, {} silent", racy.get(), silent.get());
    assert!(racy.get() > cases / 10 && silent.get() > cases / 10);
}
