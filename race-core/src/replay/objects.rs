//! The synchronisation of a replay: locks, fences, messages, barriers.

use std::collections::HashMap;

use super::{Error, REPLAYED, here};
use crate::sync::SyncClock;
use crate::sync::atomic::fence_by;
use crate::thread::state::ThreadState;
use crate::trace::{Id, Operation};

/// A mutex, or a read-write lock.
#[derive(Default)]
struct Lock {
    /// Who has it for writing.
    owner: Option<Id>,
    /// The last unlock after writing.
    writes: SyncClock,
    /// The unlocks after reading since then.
    reads: SyncClock,
}

/// A barrier: who arrives goes into the newest generation, which is closed when the first of its threads leaves.
#[derive(Default)]
struct Barrier {
    newest: u64,
    /// The arrivals of the generations that somebody still has to leave, and how many have to.
    arrivals: HashMap<u64, (SyncClock, usize)>,
    /// Who is in which.
    inside: HashMap<Id, u64>,
}

/// All objects of a replay, by their numbers.
#[derive(Default)]
pub(super) struct Objects {
    locks: Vec<Lock>,
    messages: HashMap<Id, SyncClock>,
    barriers: HashMap<Id, Barrier>,
}

impl Objects {
    #[inline]
    pub(super) fn step(
        &mut self,
        thread: Id,
        state: &mut ThreadState,
        operation: Operation,
    ) -> Result<(), Error> {
        let site = Some(here().into());
        match operation {
            Operation::Acquire(lock) => {
                let lock = self.lock(lock);
                state.acquire(&lock.writes, &REPLAYED, site);
                state.acquire(&lock.reads, &REPLAYED, site);
                lock.owner = Some(thread);
            }
            Operation::Release(lock) => {
                let lock = self.lock(lock);
                if lock.owner.take() == Some(thread) {
                    // All that was released into it is known to its owner.
                    state.release_into(&mut lock.writes, &REPLAYED, site);
                    lock.reads = SyncClock::new();
                } else {
                    state.release_join(&mut lock.writes, &REPLAYED, site);
                }
            }
            Operation::ReadAcquire(lock) => {
                let lock = self.lock(lock);
                state.acquire(&lock.writes, &REPLAYED, site);
            }
            Operation::ReadRelease(lock) => {
                let lock = self.lock(lock);
                state.release_join(&mut lock.reads, &REPLAYED, site);
            }
            Operation::Fence(order) => fence_by(state, order, here()),
            Operation::Send(message) => {
                if self.messages.contains_key(&message) {
                    return Err(Error::SentTwice(message));
                }
                let clock = state.release(&REPLAYED, site);
                self.messages.insert(message, clock);
            }
            Operation::Receive(message) => {
                let clock = self.messages.remove(&message);
                let clock = clock.ok_or(Error::NotSent(message))?;
                state.acquire(&clock, &REPLAYED, site);
            }
            Operation::Arrive(barrier) => {
                let barrier = self.barriers.entry(barrier).or_default();
                let (clock, inside) = barrier.arrivals.entry(barrier.newest).or_default();
                state.release_join(clock, &REPLAYED, site);
                *inside += 1;
                barrier.inside.insert(thread, barrier.newest);
            }
            Operation::Leave(barrier) => {
                let known = self.barriers.get_mut(&barrier);
                known
                    .and_then(|barrier| barrier.leave(thread, state))
                    .ok_or(Error::NotArrived(barrier))?;
            }
            Operation::Begin
            | Operation::End
            | Operation::Fork(_)
            | Operation::Join(_)
            | Operation::Read(_)
            | Operation::Write(_)
            | Operation::Load(..)
            | Operation::Store(..)
            | Operation::ReadModifyWrite(..)
            | Operation::Allocate(_)
            | Operation::Free(_) => unreachable!("not an operation on an object: {operation:?}"),
        }
        Ok(())
    }

    #[inline]
    fn lock(&mut self, lock: Id) -> &mut Lock {
        let index = lock as usize;
        if self.locks.len() <= index {
            self.locks.resize_with(index + 1, Lock::default);
        }
        &mut self.locks[index]
    }
}

impl Barrier {
    fn leave(&mut self, thread: Id, state: &mut ThreadState) -> Option<()> {
        let generation = self.inside.remove(&thread)?;
        if generation == self.newest {
            self.newest += 1;
        }
        let (clock, inside) = self.arrivals.get_mut(&generation)?;
        state.acquire(clock, &REPLAYED, Some(here().into()));
        *inside -= 1;
        if *inside == 0 {
            self.arrivals.remove(&generation);
        }
        Some(())
    }
}
