//! Replay: the engine's verdict on a [`trace`](crate::trace), without running anything.
//!
//! A [`Machine`] has threads, locks, variables and memory of its own. Each event does to them what the public calls of [`crate::thread`],
//! [`crate::sync`] and [`crate::shadow`] do for a live thread: the same clocks, the same memory-order rules, the same shadow state. What is left out is
//! what a trace has already: stacks, and the real operations.
//!
//! No rule of order or of races may be here, only what an event does in terms of the engine's own.

mod memory;
mod objects;
mod threads;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use crate::shadow::state::{Access as Recorded, Class, Conflicts};
use crate::stack::depot::ContextId;
use crate::sync::SyncKind;
use crate::thread::local;
use crate::trace::{Event, Id, Operation, Place};
use memory::Memory;
use objects::Objects;
use threads::Threads;

static REPLAYED: SyncKind = SyncKind {
    name: "sync object",
    release: "released it",
    acquire: "acquired it",
};

/// Where the engine believes that everything happens: a replay's places are [`Id`]s, which only contexts can hold.
fn here() -> &'static Location<'static> {
    Location::caller()
}

/// The class of an access, as far as it decides about races.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A plain load.
    Read,
    /// A plain store, or a free.
    Write,
    /// An atomic load.
    AtomicRead,
    /// An atomic store or read-modify-write.
    AtomicWrite,
}

impl From<Class> for Kind {
    fn from(class: Class) -> Kind {
        match class {
            Class::Read => Kind::Read,
            Class::Write => Kind::Write,
            Class::AtomicRead => Kind::AtomicRead,
            Class::AtomicWrite => Kind::AtomicWrite,
        }
    }
}

/// One side of a race.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// Who accessed.
    pub thread: Id,
    /// How.
    pub kind: Kind,
    /// Where in the program.
    pub site: Id,
}

/// Two accesses that nothing orders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Race {
    /// What both touch: for ranges, the span of their common bytes.
    pub place: Place,
    /// The access that was recorded.
    pub earlier: Access,
    /// The access that the event made.
    pub later: Access,
}

/// An event that can't follow those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A step of a thread after its end.
    Ended(Id),
    /// `fork` of a thread that has been forked, or has done something, before.
    Forked(Id),
    /// A thread that forks or joins itself.
    Itself(Id),
    /// `join` of a thread that has done nothing and that nobody has forked.
    Unknown(Id),
    /// `send` of a message that was sent before and not received since.
    SentTwice(Id),
    /// `receive` of a message that nobody has sent.
    NotSent(Id),
    /// `leave` of a barrier by a thread that hasn't arrived there.
    NotArrived(Id),
    /// A variable with this number is beyond what memory holds.
    TooMany(Id),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Ended(_) => f.write_str("the thread has ended before"),
            Error::Forked(_) => f.write_str("the forked thread has begun before"),
            Error::Itself(_) => f.write_str("a thread can't fork or join itself"),
            Error::Unknown(_) => f.write_str("the joined thread has never begun"),
            Error::SentTwice(_) => f.write_str("the message was sent before, and not received"),
            Error::NotSent(_) => f.write_str("the message was not sent before"),
            Error::NotArrived(_) => f.write_str("the thread has not arrived at the barrier"),
            Error::TooMany(_) => f.write_str("too many names"),
        }
    }
}

impl std::error::Error for Error {}

/// A run of the engine over events.
///
/// # Example
///
/// ```
/// use race_core::replay::{Kind, Machine};
/// use race_core::trace::{Event, Operation, Place};
///
/// let mut machine = Machine::new();
/// let mut step = |thread, operation, site| {
///     let races = machine.step(&Event { thread, operation, site }).unwrap();
///     races.first().copied()
/// };
/// let x = Place::Variable(0);
/// assert_eq!(step(0, Operation::Fork(1), 10), None);
/// assert_eq!(step(0, Operation::Write(x), 11), None);
/// let race = step(1, Operation::Read(x), 12).unwrap();
/// assert_eq!((race.earlier.kind, race.earlier.site), (Kind::Write, 11));
/// assert_eq!((race.later.kind, race.later.site), (Kind::Read, 12));
/// ```
pub struct Machine {
    threads: Threads,
    objects: Objects,
    memory: Memory,
    races: Vec<Race>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

impl Machine {
    /// A machine in which nothing has happened. Any thread may take the first step.
    pub fn new() -> Machine {
        let _kept = local::keep_epoch();
        Machine {
            threads: Threads::new(),
            objects: Objects::default(),
            memory: Memory::default(),
            races: Vec::new(),
        }
    }

    /// Takes one step. Returns the races of its access with earlier ones, each earlier access that can still race once.
    ///
    /// A thread that nobody has forked is ordered after nothing.
    ///
    /// # Errors
    ///
    /// If the event can't follow those before it. It has done nothing then.
    #[inline]
    pub fn step(&mut self, event: &Event) -> Result<&[Race], Error> {
        let _kept = local::keep_epoch();
        self.races.clear();
        let Event {
            thread,
            operation,
            site,
        } = *event;
        match operation {
            Operation::Read(place) => self.access(thread, Class::Read, place, site)?,
            Operation::Write(place) | Operation::Free(place) => {
                self.access(thread, Class::Write, place, site)?;
            }
            // What an access synchronises with is before it, and who synchronises with it is after it.
            Operation::Load(place, order) => {
                self.load(thread, place, order)?;
                self.access(thread, Class::AtomicRead, place, site)?;
            }
            Operation::Store(place, order) => {
                self.access(thread, Class::AtomicWrite, place, site)?;
                let state = self.threads.running(thread)?;
                let atomic = self.memory.atomic(place)?;
                atomic.store_by(state, order, here(), |_| ());
            }
            Operation::ReadModifyWrite(place, order) => {
                self.load(thread, place, order)?;
                self.access(thread, Class::AtomicWrite, place, site)?;
                let state = self.threads.running(thread)?;
                let atomic = self.memory.atomic(place)?;
                atomic.rmw_by(state, order, here(), |_| ());
            }
            Operation::Fork(child) => self.threads.fork(thread, child)?,
            Operation::Join(child) => self.threads.join(thread, child)?,
            Operation::Begin => {
                self.threads.running(thread)?;
            }
            Operation::End => self.threads.end(thread)?,
            Operation::Allocate(place) => {
                self.threads.running(thread)?;
                self.memory.forget(place);
            }
            synchronisation => {
                let state = self.threads.running(thread)?;
                self.objects.step(thread, state, synchronisation)?;
            }
        }
        Ok(&self.races)
    }

    fn load(&mut self, thread: Id, place: Place, order: Ordering) -> Result<(), Error> {
        let state = self.threads.running(thread)?;
        let atomic = self.memory.atomic(place)?;
        atomic.load_by(state, order, here(), |_| ());
        Ok(())
    }

    #[inline]
    fn access(&mut self, thread: Id, class: Class, place: Place, site: Id) -> Result<(), Error> {
        let state = self.threads.running(thread)?;
        // Numbered from 1: 0 is no context.
        let context = ContextId::from_bits(site + 1).ok_or(Error::TooMany(site))?;
        let (place, conflicts) = match place {
            Place::Variable(variable) => {
                let conflicts = self.memory.access(variable, state, class, context)?;
                (place, conflicts)
            }
            Place::Range { address, size } => self
                .memory
                .access_range(address, size, state, class, context),
        };
        if !conflicts.is_empty() {
            self.found(thread, class, place, site, &conflicts);
        }
        Ok(())
    }

    #[cold]
    fn found(&mut self, thread: Id, class: Class, place: Place, site: Id, conflicts: &Conflicts) {
        let later = Access {
            thread,
            kind: class.into(),
            site,
        };
        let side = |earlier: &Recorded| Access {
            thread: self.threads.who(earlier.epoch),
            kind: earlier.class.into(),
            site: ContextId::bits(earlier.context) - 1,
        };
        let earlier: SmallVec<[Access; 4]> = conflicts.iter().map(side).collect();
        let race = |earlier| Race {
            place,
            earlier,
            later,
        };
        self.races.extend(earlier.into_iter().map(race));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLE: Place = Place::Variable(0);
    const RANGE: Place = Place::Range {
        address: 64,
        size: 8,
    };

    /// The sites of the races that a step makes, the earlier one first.
    fn step(machine: &mut Machine, thread: Id, operation: Operation, site: Id) -> Vec<(Id, Id)> {
        let event = Event {
            thread,
            operation,
            site,
        };
        let races = machine.step(&event).unwrap().iter();
        races
            .map(|race| (race.earlier.site, race.later.site))
            .collect()
    }

    #[test]
    fn of_accesses_in_one_epoch_the_first_is_reported_and_once() {
        for place in [VARIABLE, RANGE] {
            for first in [Operation::Read(place), Operation::Write(place)] {
                let mut machine = Machine::new();
                let mut step =
                    |thread, operation, site| step(&mut machine, thread, operation, site);
                step(0, Operation::Fork(1), 1);
                step(0, first, 2);
                step(0, first, 3);
                assert_eq!(step(1, Operation::Write(place), 4), [(2, 4)]);
                assert_eq!(step(1, Operation::Write(place), 5), []);
            }
        }
    }

    #[test]
    fn among_several_readers_too() {
        let mut machine = Machine::new();
        let mut step = |thread, operation, site| step(&mut machine, thread, operation, site);
        step(0, Operation::Fork(1), 1);
        step(0, Operation::Fork(2), 2);
        for (reader, site) in [(1, 3), (2, 4), (1, 5), (2, 6)] {
            step(reader, Operation::Read(VARIABLE), site);
        }
        assert_eq!(step(0, Operation::Write(VARIABLE), 7), [(3, 7), (4, 7)]);
    }
}
