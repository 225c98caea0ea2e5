//! The definition of a data race, written down naively: what the engine is checked against.
//!
//! - [`order`]: events, what each is directly ordered after, and the full vector clock of every one.
//! - [`atomics`]: the C++20 rules for release sequences and fences, as the standard states them.
//! - [`objects`]: threads, locks, messages, barriers.
//! - [`accesses`]: every access is kept, every pair is compared, byte by byte.
//! - [`program`]: random programs that are valid by construction, as lists of steps.
//! - [`Oracle`]: a program's steps, judged.
//!
//! It must never share code with `race-core`, forget an event, or take a shortcut: clarity is all that it is for.

pub mod accesses;
pub mod atomics;
pub mod objects;
pub mod order;
pub mod program;

use accesses::{Accesses, Pair};
use atomics::Atomics;
use objects::Objects;
use order::{EventId, Order};
use program::{Action, Step};

/// Judges a program, step by step.
///
/// # Example
///
/// ```
/// use race_oracle::Oracle;
/// use race_oracle::program::{Action, Place, Step};
///
/// let x = Place { start: 0, size: 8 };
/// let mut oracle = Oracle::new(2);
/// let mut judge = |thread, action| oracle.step(&Step { thread, action }).len();
/// assert_eq!(judge(0, Action::Fork(1)), 0);
/// assert_eq!(judge(0, Action::Write(x)), 0);
/// assert_eq!(judge(1, Action::Read(x)), 1);
/// ```
#[derive(Debug)]
pub struct Oracle {
    order: Order,
    atomics: Atomics,
    objects: Objects,
    accesses: Accesses,
}

impl Oracle {
    /// Nothing has happened; there will be at most this many threads.
    pub fn new(threads: usize) -> Oracle {
        Oracle {
            order: Order::new(threads),
            atomics: Atomics::new(threads),
            objects: Objects::default(),
            accesses: Accesses::default(),
        }
    }

    /// Judges the next step: its races with all earlier ones. The events of the pairs are the steps, counted from 0.
    pub fn step(&mut self, step: &Step) -> Vec<Pair> {
        let Step { thread, action } = *step;
        let order = &mut self.order;
        match action {
            Action::Load(place, ordering) => {
                let from = self.atomics.last(place);
                let event = self.atomics.load(order, thread, ordering, from);
                return self.access(event, step);
            }
            Action::Store(place, ordering) => {
                let event = self.atomics.store(order, thread, ordering);
                self.atomics.set_last(place, event);
                return self.access(event, step);
            }
            Action::ReadModifyWrite(place, ordering) => {
                let from = self.atomics.last(place);
                let event = self
                    .atomics
                    .read_modify_write(order, thread, ordering, from);
                self.atomics.set_last(place, event);
                return self.access(event, step);
            }
            Action::Fence(ordering) => {
                self.atomics.fence(order, thread, ordering);
            }
            Action::Read(_) | Action::Write(_) | Action::Free(_) => {
                let event = order.event(thread, &[]);
                return self.access(event, step);
            }
            Action::Allocate(place) => {
                order.event(thread, &[]);
                self.accesses.forget(place);
                self.atomics.forget(place);
            }
            Action::Fork(_)
            | Action::Join(_)
            | Action::End
            | Action::Lock(_)
            | Action::Unlock(_)
            | Action::ReadLock(_)
            | Action::ReadUnlock(_)
            | Action::Send(_)
            | Action::Receive(_)
            | Action::Arrive(_)
            | Action::Leave(_) => {
                self.objects.step(order, step);
            }
        }
        Vec::new()
    }

    /// Whether `earlier` happens before `later`.
    pub fn happens_before(&self, earlier: EventId, later: EventId) -> bool {
        self.order.happens_before(earlier, later)
    }

    /// Whose step an event is.
    pub fn thread(&self, event: EventId) -> usize {
        self.order.thread(event)
    }

    fn access(&mut self, event: EventId, step: &Step) -> Vec<Pair> {
        let (place, kind) = step.action.access().expect("only called for accesses");
        self.accesses.access(&self.order, event, place, kind)
    }
}
