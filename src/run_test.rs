//! What `#[racecheck::test]` expands to: runs the body of a test and makes the verdict from how it ended and from what was found.
//!
//! A race that isn't expected must fail the test, whatever else does; it must never be lost in the panic of the body.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::process::{ExitCode, Termination};
use std::task::Poll;

use crate::engine::{self, Collected, Collector};

/// One run of a body.
pub struct Run<T> {
    value: std::thread::Result<T>,
    found: Collected,
}

impl Run<()> {
    /// Whether the body has panicked with a message that contains `expected`.
    fn has_panicked_with(&self, expected: &str) -> bool {
        let message = |panic: &Box<dyn Any + Send>| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            text.unwrap_or_default().contains(expected)
        };
        self.value.as_ref().is_err_and(message)
    }
}

/// Runs a body to its end. What it starts bears its test's name in reports.
pub fn observe<T>(body: impl FnOnce() -> T) -> Run<T> {
    name_thread();
    let collector = Collector::open();
    let value = catch_unwind(AssertUnwindSafe(body));
    Run {
        value,
        found: collector.close_all(),
    }
}

/// As [`observe`], where another attribute's runtime drives the body: on this thread from its beginning to its end.
pub async fn observe_async<T>(body: impl Future<Output = T>) -> Run<T> {
    name_thread();
    let collector = Collector::open();
    let mut body = pin!(body);
    let value =
        poll_fn(
            |context| match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
                Err(panic) => Poll::Ready(Err(panic)),
            },
        )
        .await;
    Run {
        value,
        found: collector.close_all(),
    }
}

fn name_thread() {
    if let Some(name) = std::thread::current().name() {
        engine::name_current(name);
    }
}

/// What a test expects, and how often it has run.
pub struct Test {
    /// A race whose report contains this; `""` for any.
    should_race: Option<&'static str>,
    runs: u32,
    run: u32,
}

impl Test {
    /// A test that has not run yet.
    pub const fn new(should_race: Option<&'static str>, runs: u32) -> Test {
        Test {
            should_race,
            runs,
            run: 1,
        }
    }

    /// What is wrong with the findings of a run. A deadlock is always.
    fn complaint(&self, found: &Collected) -> Option<String> {
        let Collected { races, deadlocks } = found;
        let which = if self.runs > 1 {
            format!(", in run {} of {}", self.run, self.runs)
        } else {
            String::new()
        };
        let found = races.len();
        match self.should_race {
            None if found > 0 => Some(format!(
                "race detected during execution of test ({found} found{which})"
            )),
            _ if !deadlocks.is_empty() => Some(format!(
                "deadlock detected during execution of test ({} found{which})",
                deadlocks.len()
            )),
            None => None,
            Some(text) if races.iter().any(|race| race.to_string().contains(text)) => None,
            Some("") => Some(format!("no race in this test, which should race{which}")),
            Some(text) => Some(format!(
                "no race with `{text}` in its report in this test, which should race ({found} found{which})"
            )),
        }
    }

    /// Whether no other run can change the verdict: these are what the test should not have, or what it should.
    fn is_decided_by(&self, found: &Collected) -> bool {
        !found.deadlocks.is_empty() || self.complaint(found).is_some() == self.should_race.is_none()
    }

    /// The verdict of the last run. Its races are printed from the test's own thread, where the harness captures them.
    #[track_caller]
    pub fn verdict<T>(&self, run: Run<T>) -> T {
        print(&run.found);
        match (run.value, self.complaint(&run.found)) {
            (Ok(value), None) => value,
            (Ok(_), Some(complaint)) => panic!("{complaint}"),
            (Err(panic), complaint) => {
                if let Some(complaint) = complaint {
                    eprintln!("{complaint}");
                }
                resume_unwind(panic)
            }
        }
    }

    /// The verdict of a run that decides, or `None` if the next one is to: what fails the test decides, and so does the race that it should have.
    #[track_caller]
    pub fn verdict_or_next<T: Termination>(&mut self, run: Run<T>) -> Option<T> {
        if run.value.is_err() || self.is_decided_by(&run.found) || self.run == self.runs {
            return Some(self.verdict(run));
        }
        if let Ok(value) = run.value
            && value.report() != ExitCode::SUCCESS
        {
            panic!("run {} of {} returned an error", self.run, self.runs);
        }
        self.run += 1;
        None
    }

    /// The verdict of the last run of a test with `#[should_panic]`, whose message is to contain `expected`.
    ///
    /// A race that isn't expected must fail it, whatever panic is expected, and what fails such a test is to end without one. Only who expects
    /// the race by its message gets it as a panic.
    #[track_caller]
    pub fn verdict_should_panic(&self, expected: &str, run: Run<()>) {
        print(&run.found);
        match (run.value, self.complaint(&run.found)) {
            (Ok(()), None) => {}
            (Err(panic), None) => resume_unwind(panic),
            (Ok(()), Some(complaint))
                if self.should_race.is_none()
                    && !expected.is_empty()
                    && complaint.contains(expected) =>
            {
                panic!("{complaint}")
            }
            (_, Some(complaint)) => {
                eprintln!("{complaint}; so it ends without the panic that it should");
            }
        }
    }

    /// As [`Test::verdict_or_next`] for a test with `#[should_panic]`: each run has to panic.
    #[track_caller]
    pub fn verdict_or_next_should_panic(&mut self, expected: &str, run: Run<()>) -> Option<()> {
        if run.has_panicked_with(expected)
            && !self.is_decided_by(&run.found)
            && self.run < self.runs
        {
            self.run += 1;
            return None;
        }
        self.verdict_should_panic(expected, run);
        Some(())
    }
}

fn print(found: &Collected) {
    for race in &found.races {
        eprint!("{race}");
    }
    for deadlock in &found.deadlocks {
        eprint!("{deadlock}");
    }
}
