//! [`check`]: runs a piece of code and returns its races.

use std::fmt;

use crate::engine::{Collected, Collector};

pub use crate::engine::report;

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
