//! Many threads' clocks driven by one thread of the operating system, for `benches/hand_over.rs`: what a hand-over costs the engine, without what
//! it costs the scheduler. Nothing else may use this: no such thread exists.

use std::sync::Arc;

use crate::clock::VectorClock;
use crate::sync::{SyncClock, SyncKind};
use crate::thread::record::{Origin, Record};
use crate::thread::registry;
use crate::thread::state::ThreadState;

static LOCK: SyncKind = SyncKind {
    name: "Mutex",
    release: "unlocked a Mutex",
    acquire: "locked it",
};

/// Threads that hand locks to each other.
pub struct HandOver {
    threads: Vec<ThreadState>,
    locks: Vec<SyncClock>,
}

impl std::fmt::Debug for HandOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandOver").finish_non_exhaustive()
    }
}

impl HandOver {
    /// Threads that know nothing of each other.
    pub fn new(threads: usize, locks: usize) -> HandOver {
        let thread = |_| {
            let (number, nobody) = (0, VectorClock::new());
            let record = Arc::new(Record::new(number, Origin::Tracked, None, None, None));
            let epoch = registry::take_slot(&nobody, &record);
            ThreadState::new(epoch, Arc::new(nobody), None, record)
        };
        HandOver {
            threads: (0..threads).map(thread).collect(),
            locks: (0..locks).map(|_| SyncClock::new()).collect(),
        }
    }

    /// A thread acquires a lock, and releases it.
    pub fn turn(&mut self, thread: usize, lock: usize) {
        let (thread, lock) = (&mut self.threads[thread], &mut self.locks[lock]);
        thread.acquire(lock, &LOCK, None);
        thread.release_into(lock, &LOCK, None);
    }
}

impl Drop for HandOver {
    /// The next ones' threads take over the slots, lowest first: a clock is as long as its highest slot.
    fn drop(&mut self) {
        for thread in self.threads.iter().rev() {
            registry::free_slot(thread.epoch(), 0);
        }
    }
}
