//! Random programs, judged by the oracle and by the engine's replay.
//!
//! - A race is reported at a step if the oracle finds there the first race on some byte.
//! - Every reported pair is one of the oracle's, and so are the first and the last byte of the place reported.
//! - Of the earlier accesses that race with that step, each is reported, or one that it happens before, or one in the same epoch of its thread.
//!
//! `RACE_ORACLE_EVENTS` is how many events to try. A program that fails is made smaller, and printed.

use std::cell::RefCell;
use std::collections::HashSet;
use std::env;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use race_core::replay::{Machine, Race};
use race_core::trace::{Event, Operation, Place};
use race_oracle::Oracle;
use race_oracle::accesses::Pair;
use race_oracle::program::{self, Action, MAX_THREADS, Step, VARIABLES};

/// What the test has seen, to say that it saw both racy and silent programs.
#[derive(Default, Debug)]
struct Tally {
    events: u64,
    programs: u64,
    racy: u64,
    /// Steps at which a race was reported.
    races: u64,
}

fn place(place: program::Place) -> Place {
    if place.start >= VARIABLES {
        Place::Variable(((place.start - VARIABLES) / 8) as u32)
    } else {
        Place::Range {
            address: 0x7000 + place.start,
            size: place.size as u32,
        }
    }
}

fn bytes(place: Place) -> (u64, u64) {
    match place {
        Place::Variable(variable) => {
            let place = program::variable(variable.into());
            (place.start, place.end() - 1)
        }
        Place::Range { address, size } => {
            (address - 0x7000, address - 0x7000 + u64::from(size) - 1)
        }
    }
}

fn event(number: usize, step: &Step) -> Event {
    let operation = match step.action {
        Action::Read(at) => Operation::Read(place(at)),
        Action::Write(at) => Operation::Write(place(at)),
        Action::Load(at, order) => Operation::Load(place(at), order),
        Action::Store(at, order) => Operation::Store(place(at), order),
        Action::ReadModifyWrite(at, order) => Operation::ReadModifyWrite(place(at), order),
        Action::Fence(order) => Operation::Fence(order),
        Action::Lock(lock) => Operation::Acquire(lock as u32),
        Action::Unlock(lock) => Operation::Release(lock as u32),
        Action::ReadLock(lock) => Operation::ReadAcquire(lock as u32),
        Action::ReadUnlock(lock) => Operation::ReadRelease(lock as u32),
        Action::Send(message) => Operation::Send(message as u32),
        Action::Receive(message) => Operation::Receive(message as u32),
        Action::Arrive(barrier) => Operation::Arrive(barrier as u32),
        Action::Leave(barrier) => Operation::Leave(barrier as u32),
        Action::Fork(thread) => Operation::Fork(thread as u32),
        Action::Join(thread) => Operation::Join(thread as u32),
        Action::End => Operation::End,
        Action::Allocate(at) => Operation::Allocate(place(at)),
        Action::Free(at) => Operation::Free(place(at)),
    };
    Event {
        thread: step.thread as u32,
        operation,
        // Every step is a place of its own, so a report says which steps it is about.
        site: number as u32,
    }
}

/// One step's verdicts, compared. `raced` are the bytes on which there was a race before.
fn compare(
    oracle: &Oracle,
    wanted: &[Pair],
    found: &[Race],
    raced: &mut HashSet<u64>,
) -> Result<(), String> {
    for race in found {
        let pair = wanted
            .iter()
            .find(|pair| pair.earlier == race.earlier.site as usize)
            .ok_or_else(|| format!("not a race: {race:?}"))?;
        let sides = [(race.earlier, pair.earlier), (race.later, pair.later)];
        if sides
            .iter()
            .any(|(side, event)| side.thread as usize != oracle.thread(*event))
        {
            return Err(format!("not who it was: {race:?}, {pair:?}"));
        }
        let (first, last) = bytes(race.place);
        for byte in [first, last] {
            if !wanted.iter().any(|pair| pair.bytes.contains(&byte)) {
                return Err(format!("no race on byte {byte}: {race:?}"));
            }
        }
    }
    for pair in wanted {
        if pair.bytes.iter().all(|byte| raced.contains(byte)) {
            continue;
        }
        // A later access of the same thread that races, too, stands for it.
        let stands_for = |race: &Race| {
            let other = race.earlier.site as usize;
            oracle.thread(other) == oracle.thread(pair.earlier)
                || oracle.happens_before(pair.earlier, other)
        };
        if !found.iter().any(stands_for) {
            return Err(format!("missed: {pair:?}, found {found:?}"));
        }
    }
    raced.extend(wanted.iter().flat_map(|pair| &pair.bytes));
    Ok(())
}

fn judge(steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    let mut oracle = Oracle::new(MAX_THREADS);
    let mut machine = Machine::new();
    let mut raced = HashSet::new();
    for (number, step) in steps.iter().enumerate() {
        let wanted = oracle.step(step);
        let found = machine
            .step(&event(number, step))
            .map_err(|error| format!("step {number}: {error}"))?;
        compare(&oracle, &wanted, found, &mut raced)
            .map_err(|difference| format!("step {number}: {difference}"))?;
        tally.races += u64::from(!found.is_empty());
        if let Action::Allocate(place) = step.action {
            raced.retain(|byte| !place.contains(*byte));
        }
    }
    tally.events += steps.len() as u64;
    tally.programs += 1;
    tally.racy += u64::from(!raced.is_empty());
    Ok(())
}

fn listing(steps: &[Step]) -> String {
    let line = |(number, step): (usize, &Step)| {
        format!("{number:4} thread {}: {:?}\n", step.thread, step.action)
    };
    steps.iter().enumerate().map(line).collect()
}

fn try_programs(wanted: u64, tally: &mut Tally) {
    let mut config = Config {
        cases: 500,
        failure_persistence: None,
        ..Config::default()
    };
    // Who runs this for the verdict only sets it to 0.
    if env::var_os("PROPTEST_MAX_SHRINK_ITERS").is_none() {
        config.max_shrink_iters = 100_000;
    }
    while tally.events < wanted {
        // A runner runs its cases once.
        let mut runner = TestRunner::new(config.clone());
        let counted = RefCell::new(&mut *tally);
        let numbers = prop::collection::vec(any::<u32>(), 10..400);
        let verdict = runner.run(&numbers, |numbers| {
            let steps = program::from_numbers(&numbers);
            judge(&steps, &mut counted.borrow_mut()).map_err(|difference| {
                TestCaseError::fail(format!("{difference}\n{}", listing(&steps)))
            })
        });
        verdict.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Tries as many events as `RACE_ORACLE_EVENTS` says.
pub(crate) fn the_engine_agrees_with_the_definition() {
    let wanted: u64 = env::var("RACE_ORACLE_EVENTS").map_or(200_000, |number| {
        number
            .replace('_', "")
            .parse()
            .expect("RACE_ORACLE_EVENTS is a number of events")
    });
    let mut tally = Tally::default();
    try_programs(wanted, &mut tally);
    println!("{tally:?}");
    // Of both kinds enough to mean something.
    assert!(tally.racy > tally.programs / 20 && tally.racy < tally.programs * 19 / 20);
}
