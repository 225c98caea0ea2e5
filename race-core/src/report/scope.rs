//! Scopes: whose races these are.
//!
//! A scope is opened around a piece of the program, a test's body for one; every thread started inside belongs to it. Its races are
//! handed to whoever opened it instead of being printed. A scope that is closed takes no more: what is found later goes to the log.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::mem;
use std::ptr;
use std::sync::{Arc, Weak};

use crate::fork::{self, Lock, Locked};
use crate::primitive::global;
use crate::report::Finding;
use crate::report::deadlock::Deadlock;
use crate::report::race::{Key, Race};
use crate::thread::local;

#[derive(Default)]
struct Found {
    /// The process whose races these are.
    generation: u32,
    closed: bool,
    seen: HashSet<Key>,
    collected: Collected,
}

/// What a [`Collector`] found, each in the order in which it was found.
#[derive(Clone, Default, Debug)]
pub struct Collected {
    /// The races.
    pub races: Vec<Race>,
    /// The deadlocks that could have been, and those of a thread with itself.
    pub deadlocks: Vec<Deadlock>,
}

impl Collected {
    fn into_findings(self) -> impl Iterator<Item = Finding> {
        let races = self.races.into_iter().map(Box::new).map(Finding::Race);
        let deadlocks = self.deadlocks.into_iter().map(Box::new);
        races.chain(deadlocks.map(Finding::Deadlock))
    }
}

/// The races of one piece of the program.
#[derive(Default)]
pub(crate) struct Scope {
    found: Lock<Found>,
}

/// Each is only like itself.
impl PartialEq for Scope {
    fn eq(&self, other: &Scope) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for Scope {}

/// What became of a finding that was offered to a scope.
pub(crate) enum Offer {
    Taken,
    Duplicate,
    Closed,
}

impl Scope {
    /// After a `fork`, the child goes on with its copy of the scope, but the races in there are the parent's.
    fn lock(&self) -> Locked<'_, Found> {
        let mut found = self.found.lock();
        let generation = fork::generation();
        if found.generation != generation {
            found.generation = generation;
            found.seen.clear();
            found.collected = Collected::default();
        }
        found
    }

    /// Whether this would be news here.
    pub(crate) fn claim(&self, key: &Key) -> Offer {
        let mut found = self.lock();
        if found.closed {
            Offer::Closed
        } else if found.seen.insert(key.clone()) {
            Offer::Taken
        } else {
            Offer::Duplicate
        }
    }

    /// Hands over what was claimed; gives it back if the scope has been closed meanwhile.
    pub(crate) fn give(&self, finding: Finding) -> Option<Finding> {
        let mut found = self.lock();
        if found.closed {
            return Some(finding);
        }
        match finding {
            Finding::Race(race) => found.collected.races.push(*race),
            Finding::Deadlock(deadlock) => found.collected.deadlocks.push(*deadlock),
        }
        None
    }

    fn close(&self) -> Collected {
        let mut found = self.lock();
        found.closed = true;
        // The records of its threads keep the scope for as long as the process lives.
        found.seen = HashSet::new();
        mem::take(&mut found.collected)
    }
}

/// A scope as its threads keep it.
pub(crate) type SharedScope = Arc<Scope>;

global! {
    static OPEN: Lock<Vec<Weak<Scope>>> = Lock::new(Vec::new());
}

/// Closes every scope that is still open and takes what it found: the process is ending under it.
pub(crate) fn close_all() -> Vec<Finding> {
    let open = mem::take(&mut *OPEN.lock());
    open.iter()
        .filter_map(Weak::upgrade)
        .flat_map(|scope| scope.close().into_findings())
        .collect()
}

/// Collects the races of the calling thread, and of all threads that it starts, from [`Collector::open`] to [`Collector::close`].
///
/// Collectors nest: the innermost has the race. Dropping one without closing it, as an unwind does, sends its races to the log.
///
/// # Example
///
/// ```
/// use race_core::report::Collector;
///
/// let collector = Collector::open();
/// // … run something …
/// assert!(collector.close().is_empty());
/// ```
pub struct Collector {
    scope: Arc<Scope>,
    outer: Option<Arc<Scope>>,
    closed: bool,
    /// It belongs to the thread that opened it, as a guard does.
    _not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// Starts collecting on the calling thread.
    pub fn open() -> Collector {
        let scope = Arc::new(Scope::default());
        let outer = local::enter(|thread| {
            let mut open = OPEN.lock();
            open.push(Arc::downgrade(&scope));
            thread.scope.replace(scope.clone())
        });
        Collector {
            scope,
            outer: outer.flatten(),
            closed: false,
            _not_send: PhantomData,
        }
    }

    /// Stops collecting and returns the races, in the order in which they were found. Call it on the thread that opened it. Deadlocks go to the
    /// log.
    pub fn close(mut self) -> Vec<Race> {
        let mut collected = self.finish();
        let races = mem::take(&mut collected.races);
        log(collected);
        races
    }

    /// Stops collecting and returns all that was found. Call it on the thread that opened it.
    pub fn close_all(mut self) -> Collected {
        self.finish()
    }

    fn finish(&mut self) -> Collected {
        self.closed = true;
        let outer = self.outer.take();
        local::enter(|thread| {
            thread.scope = outer;
            let mut open = OPEN.lock();
            open.retain(|scope| !ptr::eq(scope.as_ptr(), Arc::as_ptr(&self.scope)));
            drop(open);
            self.scope.close()
        })
        .unwrap_or_default()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if !self.closed {
            log(self.finish());
        }
    }
}

fn log(collected: Collected) {
    for finding in collected.into_findings() {
        crate::report::sink::deliver(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads keep their scope for as long as the process lives; what is looked through at each `close` must not grow with them.
    #[test]
    fn a_closed_scope_is_forgotten_while_its_threads_remember_it() {
        let collector = Collector::open();
        let kept = collector.scope.clone();
        let is_open = || {
            let open = OPEN.lock();
            open.iter()
                .any(|scope| ptr::eq(scope.as_ptr(), Arc::as_ptr(&kept)))
        };
        assert!(is_open());
        assert!(collector.close().is_empty());
        assert!(!is_open());
    }
}
