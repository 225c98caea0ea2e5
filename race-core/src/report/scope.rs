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
use crate::report::race::{Pair, Race};
use crate::thread::local;

#[derive(Default)]
struct Found {
    /// The process whose races these are.
    generation: u32,
    closed: bool,
    seen: HashSet<Pair>,
    races: Vec<Race>,
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

/// What became of a race that was offered to a scope.
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
            found.races.clear();
        }
        found
    }

    /// Whether this pair would be news here.
    pub(crate) fn claim(&self, pair: &Pair) -> Offer {
        let mut found = self.lock();
        if found.closed {
            Offer::Closed
        } else if found.seen.insert(pair.clone()) {
            Offer::Taken
        } else {
            Offer::Duplicate
        }
    }

    /// Hands over a claimed race; gives it back if the scope has been closed meanwhile.
    pub(crate) fn give(&self, race: Race) -> Option<Race> {
        let mut found = self.lock();
        if found.closed {
            return Some(race);
        }
        found.races.push(race);
        None
    }

    fn close(&self) -> Vec<Race> {
        let mut found = self.lock();
        found.closed = true;
        // The records of its threads keep the scope for as long as the process lives.
        found.seen = HashSet::new();
        mem::take(&mut found.races)
    }
}

/// A scope as its threads keep it.
pub(crate) type SharedScope = Arc<Scope>;

global! {
    static OPEN: Lock<Vec<Weak<Scope>>> = Lock::new(Vec::new());
}

/// Closes every scope that is still open and takes its races: the process is ending under it.
pub(crate) fn close_all() -> Vec<Race> {
    let open = mem::take(&mut *OPEN.lock());
    open.iter()
        .filter_map(Weak::upgrade)
        .flat_map(|scope| scope.close())
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

    /// Stops collecting and returns what was found, in the order in which it was found. Call it on the thread that opened it.
    pub fn close(mut self) -> Vec<Race> {
        self.finish()
    }

    fn finish(&mut self) -> Vec<Race> {
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
            for race in self.finish() {
                crate::report::sink::deliver(race);
            }
        }
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
