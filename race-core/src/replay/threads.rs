//! The threads of a replay: a [`ThreadState`] each, in the registry's slots like those of live threads.
//!
//! All descend from a root that does nothing else. It starts out knowing the roots of earlier replays, and joins every thread at the end: so the
//! slots of one replay are those of the next, and clocks don't grow from one to the other.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::{Error, here};
use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::sync::SyncClock;
use crate::thread::Handle;
use crate::thread::lifecycle::{self, END};
use crate::thread::record::Origin;
use crate::thread::registry;
use crate::thread::state::ThreadState;
use crate::trace::Id;

/// What the roots of all replays that are over have known in the end.
static OVER: Mutex<VectorClock> = Mutex::new(VectorClock::new());

fn over() -> MutexGuard<'static, VectorClock> {
    OVER.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Thread {
    Running(Box<ThreadState>, Handle),
    /// What its end released: everybody who joins it acquires that.
    Ended(SyncClock),
}

pub(super) struct Threads {
    root: ThreadState,
    threads: Vec<Option<Thread>>,
    /// The engine's numbers of the threads.
    ids: HashMap<u32, Id, RandomState>,
}

impl Threads {
    pub(super) fn new() -> Threads {
        let root = Handle::root(over().clone());
        Threads {
            root,
            threads: Vec::new(),
            ids: HashMap::default(),
        }
    }

    /// The state of a thread that isn't over. One that nobody has forked begins here.
    #[inline]
    pub(super) fn running(&mut self, thread: Id) -> Result<&mut ThreadState, Error> {
        let index = thread as usize;
        if !matches!(self.threads.get(index), Some(Some(_))) {
            let child = fork(&mut self.root);
            self.insert(thread, child);
        }
        match &mut self.threads[index] {
            Some(Thread::Running(state, _)) => Ok(state),
            _ => Err(Error::Ended(thread)),
        }
    }

    pub(super) fn fork(&mut self, thread: Id, child: Id) -> Result<(), Error> {
        if thread == child {
            return Err(Error::Itself(thread));
        }
        if self.get(child).is_some() {
            return Err(Error::Forked(child));
        }
        let forked = fork(self.running(thread)?);
        self.insert(child, forked);
        Ok(())
    }

    pub(super) fn end(&mut self, thread: Id) -> Result<(), Error> {
        self.running(thread)?;
        self.finish(thread);
        Ok(())
    }

    pub(super) fn join(&mut self, thread: Id, child: Id) -> Result<(), Error> {
        if thread == child {
            return Err(Error::Itself(thread));
        }
        if self.get(child).is_none() {
            return Err(Error::Unknown(child));
        }
        self.running(thread)?;
        let end = self.finish(child);
        let state = self.running(thread)?;
        state.acquire(&end, &END, Some(here().into()));
        Ok(())
    }

    /// Who was in `epoch`.
    pub(super) fn who(&self, epoch: Epoch) -> Id {
        let record = registry::record_of(epoch).expect("somebody was in a recorded epoch");
        self.ids[&record.number]
    }

    fn get(&self, thread: Id) -> Option<&Thread> {
        self.threads.get(thread as usize)?.as_ref()
    }

    #[cold]
    fn insert(&mut self, thread: Id, (state, handle): (ThreadState, Handle)) {
        let index = thread as usize;
        if self.threads.len() <= index {
            self.threads.resize_with(index + 1, || None);
        }
        self.ids.insert(state.record.number, thread);
        self.threads[index] = Some(Thread::Running(Box::new(state), handle));
    }

    /// Ends the thread, if it is running. What its end released, now or before.
    fn finish(&mut self, thread: Id) -> SyncClock {
        let slot = &mut self.threads[thread as usize];
        let end = match slot.take() {
            Some(Thread::Running(state, handle)) => {
                lifecycle::finish(state);
                handle.take_end()
            }
            Some(Thread::Ended(end)) => end,
            None => SyncClock::new(),
        };
        *slot = Some(Thread::Ended(end.clone()));
        end
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for index in 0..self.threads.len() {
            if self.threads[index].is_some() {
                let end = self.finish(index as Id);
                self.root.acquire(&end, &END, None);
            }
        }
        let last = self.root.epoch();
        registry::free_slot(last, last.clock());
        let mut over = over();
        over.join(self.root.base());
        over.raise(last);
    }
}

fn fork(parent: &mut ThreadState) -> (ThreadState, Handle) {
    let handle = Handle::fork_by(parent, Origin::Tracked, None, Some(here().into()));
    let state = handle.take_state();
    (state.expect("nobody else has asked"), handle)
}
