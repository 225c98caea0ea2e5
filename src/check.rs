//! [`check`]: runs a piece of code and returns its races; and what `#[racecheck::test]` expands to.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use race_core::report::{Collected, Collector};

/// A finding, as data: see [`Race`](report::Race).
pub mod report {
    pub use race_core::report::deadlock::{
        Deadlock, DeadlockKind, DeadlockLock, Goal, Holding, Waiter,
    };
    pub use race_core::report::race::Place;
    pub use race_core::report::{Access, Frame, HeldLock, Operation, Race, Site, ThreadInfo};
}

use report::{Deadlock, Race};

/// What came of a [`check`].
#[must_use = "the findings are in here, and nowhere else"]
pub struct Outcome<T> {
    /// What the closure returned.
    pub value: T,
    races: Vec<Race>,
    deadlocks: Vec<Deadlock>,
}

impl<T> Outcome<T> {
    /// The races that were found, in the order in which they were found. Each pair of source lines is there once. Their `Display` is
    /// the report as it would have been printed.
    pub fn races(&self) -> &[Race] {
        &self.races
    }

    /// The deadlocks that could have been, and those of a thread with itself, in the order in which they were found.
    pub fn deadlocks(&self) -> &[Deadlock] {
        &self.deadlocks
    }
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    /// The value and the numbers of findings; a finding's own `Display` says the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("value", &self.value)
            .field("races", &self.races.len())
            .field("deadlocks", &self.deadlocks.len())
            .finish()
    }
}

/// Runs `f` and returns its races and deadlocks instead of printing them: those of this thread and of all threads started inside.
///
/// They don't count for the exit status. Threads that outlive the call report to the log from then on.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, check, thread};
///
/// let value = Shared::new(0);
/// let outcome = check(|| {
///     thread::scope(|s| {
///         s.spawn(|| value.set(1));
///         value.get() // not ordered after the write
///     })
/// });
/// for race in outcome.races() {
///     println!("{race}");
/// }
/// # assert_eq!(outcome.races().len(), usize::from(cfg!(feature = "race-check")));
/// ```
///
/// # Panics
///
/// If `f` does. The races found until then are printed.
pub fn check<T>(f: impl FnOnce() -> T) -> Outcome<T> {
    let collector = Collector::open();
    let value = f();
    let Collected { races, deadlocks } = collector.close_all();
    Outcome {
        value,
        races,
        deadlocks,
    }
}

/// Runs the body of a test; its findings are printed from the test's own thread, where the harness captures them.
fn run_body<T>(body: impl FnOnce() -> T) -> (std::thread::Result<T>, Option<String>) {
    if let Some(name) = std::thread::current().name() {
        race_core::thread::name_current(name);
    }
    let outcome = check(|| catch_unwind(AssertUnwindSafe(body)));
    for race in outcome.races() {
        eprint!("{race}");
    }
    for deadlock in outcome.deadlocks() {
        eprint!("{deadlock}");
    }
    let verdict = match (outcome.races().len(), outcome.deadlocks().len()) {
        (0, 0) => None,
        (0, found) => Some(format!(
            "deadlock detected during execution of test ({found} found)"
        )),
        // Whoever expects a race by its message gets the same one.
        (found, _) => Some(format!(
            "race detected during execution of test ({found} found)"
        )),
    };
    (outcome.value, verdict)
}

/// The body of a `#[racecheck::test]`.
#[track_caller]
pub fn run_test<T>(body: impl FnOnce() -> T) -> T {
    match run_body(body) {
        (Ok(value), None) => value,
        (Ok(_), Some(verdict)) => panic!("{verdict}"),
        (Err(panic), verdict) => {
            if let Some(verdict) = verdict {
                eprintln!("{verdict}");
            }
            resume_unwind(panic)
        }
    }
}

/// The body of a `#[racecheck::test]` with `#[should_panic]`, whose message is to contain `expected`.
///
/// A race must fail it, whatever panic is expected, and what fails such a test is to end without one. Only who expects the race by its
/// message gets it as a panic.
#[track_caller]
pub fn run_should_panic(expected: &str, body: impl FnOnce()) {
    match run_body(body) {
        (Ok(()), None) => {}
        (Err(panic), None) => resume_unwind(panic),
        (Ok(()), Some(verdict)) if !expected.is_empty() && verdict.contains(expected) => {
            panic!("{verdict}")
        }
        (_, Some(verdict)) => eprintln!("{verdict}; so it ends without the panic that it should"),
    }
}
