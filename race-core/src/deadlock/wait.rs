//! Who waits for whom.
//!
//! A thread that is about to wait for a lock, a thread or a scope's threads says so, with the locks that it holds. What it holds can't change
//! until its wait is over. So if the thread that it waits for waits too, for one that waits, and so on back to itself, then none of them will ever go
//! on. Whoever closes such a ring sees all of it: there is no watching from outside, and no time in it.
//!
//! Only such rings are known for sure. A reader that waits because a writer is queued isn't in one, and neither is who waits for a message, a
//! condition or `unpark`: anybody may come to the rescue.
//!
//! Nothing here is on the path of a thread that needn't wait.

use std::fmt;
use std::panic::Location;

use smallvec::SmallVec;

use super::{Claim, Claims, Goal, Mode, Party, Unlocking};
use crate::fork::{Lock, PerProcess};
use crate::primitive::sync::Arc;
use crate::reentry;
use crate::report;
use crate::runtime;
use crate::stack::depot::{Detail, HeldLock};
use crate::sync::{Origin, SyncKind, lock_id};
use crate::thread::Handle;
use crate::thread::local;
use crate::thread::state::{Site, ThreadState};

struct Waiter {
    party: Party,
    /// The numbers of the locks that it holds.
    numbers: SmallVec<[u64; 2]>,
    /// The scope for whose threads it waits, if it does.
    scope: usize,
}

static WAITERS: PerProcess<Lock<Vec<Arc<Waiter>>>> = PerProcess::new();

/// The calling thread waits, or may, until this is dropped.
#[must_use = "the wait ends when it is dropped"]
pub struct Waiting(Option<Arc<Waiter>>);

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mine) = self.0.take() {
            local::enter_bare(|| {
                (WAITERS.get().lock()).retain(|waiter| !Arc::ptr_eq(waiter, &mine));
            });
        }
    }
}

/// How often a thread looks again before it tells of its wait, and how long it looks away in between.
const LOOKS: u32 = 20;
const SPINS: u32 = 8;

/// Looks for a moment whether the lock can be had: most waits are over so soon, and cost more to tell of than to spend.
pub(crate) fn try_for_a_moment<G>(mut try_lock: impl FnMut() -> Option<G>) -> Option<G> {
    for _ in 0..LOOKS {
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
        let locked = try_lock();
        if locked.is_some() {
            return locked;
        }
    }
    None
}

/// A lock that the calling thread wants, and could not have at once.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The address of its clock: a [`SyncClock`](crate::sync::SyncClock) or an [`RwClock`](crate::sync::rw::RwClock).
    pub address: usize,
    /// Who holds it in a mode that excludes this one is waited for.
    pub mode: Mode,
    /// What it is.
    pub kind: &'static SyncKind,
    /// Where it was made.
    pub created: Origin,
    /// Where it is wanted.
    pub site: &'static Location<'static>,
}

impl Wanted {
    /// Waits for the real lock: `try_lock` never waits, `lock` does.
    ///
    /// In a global allocator that the engine itself has called, the wait may be in vain; then the process ends with a line that says so. If the wait
    /// closes a ring of threads that wait for each other, that is reported, and the process ends.
    ///
    /// # Panics
    ///
    /// If the thread itself holds the lock, in a mode that excludes this one. That is reported first; the wait would have no end.
    #[cold]
    #[track_caller]
    pub fn wait<G>(self, try_lock: impl Fn() -> Option<G>, lock: impl FnOnce() -> G) -> G {
        let locked = try_for_a_moment(&try_lock)
            .or_else(|| reentry::wait(self.kind.name, self.created, &try_lock));
        if let Some(locked) = locked {
            return locked;
        }
        match self.begin() {
            Ok(_waiting) => lock(),
            Err(own) => panic!("racecheck: {own}"),
        }
    }

    /// Tells of the wait, for who waits by itself. If it closes a ring of threads that wait for each other, that is reported, and the process ends.
    ///
    /// # Errors
    ///
    /// If the thread itself holds the lock, in a mode that excludes this one. That has been reported; the wait would have no end.
    pub fn begin(self) -> Result<Waiting, OwnLock> {
        let info = HeldLock {
            kind: self.kind,
            created: self.created,
            locked: self.site.into(),
        };
        let goal = Goal::Lock(Claim {
            lock: self.address as u64,
            mode: self.mode,
            info,
        });
        enter(|thread| {
            thread.held.forget(lock_id::is_disowned);
            let mine = thread.held.keys().iter().zip(thread.held.locks());
            let own = mine
                .filter(|(key, _)| key.address == self.address && key.mode().excludes(self.mode))
                .map(|(_, lock)| *lock)
                .next();
            let me = party(thread, goal, Some(self.site.into()));
            match own {
                Some(lock) => {
                    report::self_deadlock(thread, &me);
                    Err(OwnLock(lock))
                }
                None => Ok(begin(thread, me, 0)),
            }
        })
        .unwrap_or(Ok(Waiting(None)))
    }
}

/// The calling thread is about to wait for a lock that is known by its address. If it holds that itself, there is nobody to panic: that is a ring, too.
pub(crate) fn wait_for_lock(
    address: usize,
    mode: Mode,
    info: HeldLock,
    recursive: Option<&'static str>,
) -> Waiting {
    let goal = Goal::Lock(Claim {
        lock: address as u64,
        mode,
        info,
    });
    enter(|thread| {
        let me = party(thread, goal, Some(info.locked));
        let unlocking = Unlocking::Call { recursive };
        begin(thread, Party { unlocking, ..me }, 0)
    })
    .unwrap_or(Waiting(None))
}

/// The lock that a thread holds and waits for.
#[derive(Debug)]
pub struct OwnLock(HeldLock);

impl fmt::Display for OwnLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HeldLock {
            kind,
            created,
            locked,
        } = &self.0;
        write!(
            f,
            "this thread waits for itself: it holds the {} ({created}) since {locked:?}",
            kind.name
        )
    }
}

/// The calling thread is about to join another.
pub fn wait_for_thread(handle: &Handle, site: &'static Location<'static>) -> Waiting {
    wait_for_end(handle, Some(site.into()))
}

/// As [`wait_for_thread`], wherever that is.
pub(crate) fn wait_for_end(handle: &Handle, site: Site) -> Waiting {
    if handle.0.is_finished() {
        return Waiting(None);
    }
    let goal = Goal::Thread(handle.0.clone());
    enter(|thread| {
        // That is an error, and no wait.
        let is_own = thread.record.number == handle.0.number;
        (!is_own).then(|| {
            let me = party(thread, goal, site);
            begin(thread, me, 0)
        })
    })
    .flatten()
    .unwrap_or(Waiting(None))
}

/// The calling thread is about to wait for all threads of a scope that are left. Each of them has told of it by [`Handle::start_in_scope`].
pub fn wait_for_scope(scope: usize, site: &'static Location<'static>) -> Waiting {
    enter(|thread| {
        let me = party(thread, Goal::Scope, Some(site.into()));
        begin(thread, me, scope)
    })
    .unwrap_or(Waiting(None))
}

fn enter<R>(f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    if !runtime::options().deadlocks {
        return None;
    }
    local::enter_unordered(f)
}

fn party(thread: &mut ThreadState, goal: Goal, site: Site) -> Party {
    let context = thread.context(site, Detail::Plain);
    let held: Claims = (thread.held.keys().iter())
        .zip(thread.held.locks())
        .map(|(key, info)| Claim {
            lock: key.address as u64,
            mode: key.mode(),
            info: *info,
        })
        .collect();
    Party {
        record: thread.record.clone(),
        context,
        goal,
        unlocking: Unlocking::Guard,
        held,
    }
}

fn begin(thread: &ThreadState, party: Party, scope: usize) -> Waiting {
    let mine = waiter(thread, party, scope);
    let mut ring = vec![mine.clone()];
    let is_ring = {
        let mut waiters = WAITERS.get().lock();
        waiters.push(mine.clone());
        close_ring(&waiters, &mut ring)
    };
    if is_ring {
        let parties: Vec<&Party> = ring.iter().map(|waiter| &waiter.party).collect();
        report::deadlock(&parties);
    }
    Waiting(Some(mine))
}

fn waiter(thread: &ThreadState, party: Party, scope: usize) -> Arc<Waiter> {
    let keys = thread.held.keys().iter();
    Arc::new(Waiter {
        party,
        numbers: keys.map(|key| key.number()).collect(),
        scope,
    })
}

/// Extends the chain of waiters, each waiting for the next, until the last one waits for the first.
fn close_ring(waiters: &[Arc<Waiter>], chain: &mut Vec<Arc<Waiter>>) -> bool {
    let Some(last) = chain.last().cloned() else {
        return false;
    };
    for next in waiters.iter().filter(|next| last.waits_for(next)) {
        if Arc::ptr_eq(next, &chain[0]) {
            return true;
        }
        if chain.iter().any(|seen| Arc::ptr_eq(seen, next)) {
            continue;
        }
        chain.push(next.clone());
        if close_ring(waiters, chain) {
            return true;
        }
        chain.pop();
    }
    false
}

impl Waiter {
    fn waits_for(&self, other: &Waiter) -> bool {
        // One that was cancelled in a wait has never told of its end.
        !other.party.record.is_finished() && self.wants_of(other)
    }

    fn wants_of(&self, other: &Waiter) -> bool {
        match &self.party.goal {
            Goal::Lock(wanted) => {
                (other.party.held.iter())
                    .zip(&other.numbers)
                    .any(|(held, number)| {
                        held.lock == wanted.lock
                        && held.mode.excludes(wanted.mode)
                        // C may have unlocked it in another thread, or made another lock there.
                        && !lock_id::is_disowned(*number)
                    })
            }
            Goal::Thread(record) => record.number == other.party.record.number,
            Goal::Scope => other.party.record.is_in_std_scope(self.scope),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::sync::addressed;
    use crate::sync::addressed::tests::{KIND, site};

    fn info() -> HeldLock {
        HeldLock {
            kind: &KIND,
            created: Origin::Made(site()),
            locked: site(),
        }
    }

    fn lock(address: usize) {
        lock_as(address, Mode::Exclusive);
    }

    fn lock_as(address: usize, mode: Mode) {
        addressed::lock(address, &KIND, mode, site());
    }

    fn unlock(address: usize) {
        addressed::unlock(address, &KIND, site());
    }

    /// Whether a wait for the lock at `address`, by the calling thread, would close a ring.
    fn would_close_a_ring(address: usize) -> bool {
        let goal = Goal::Lock(Claim {
            lock: address as u64,
            mode: Mode::Exclusive,
            info: info(),
        });
        local::enter(|thread| {
            let party = party(thread, goal, Some(site()));
            let mine = waiter(thread, party, 0);
            let mut waiters = WAITERS.get().lock().clone();
            waiters.push(mine.clone());
            close_ring(&waiters, &mut vec![mine])
        })
        .unwrap()
    }

    /// Its owner waits for a lock of ours meanwhile.
    fn it_is_no_ring_once(let_go: fn(usize), mode: Mode, [mine, theirs]: [usize; 2]) {
        lock(mine);
        let (tell, told) = channel();
        let (end, until_end) = channel::<()>();
        let owner = thread::spawn(move || {
            lock_as(theirs, mode);
            let _waiting = wait_for_lock(mine, Mode::Exclusive, info(), None);
            tell.send(()).unwrap();
            let _ = until_end.recv();
        });
        told.recv().unwrap();
        assert!(would_close_a_ring(theirs));
        let_go(theirs);
        assert!(!would_close_a_ring(theirs));
        // It would end the process.
        drop(wait_for_lock(theirs, Mode::Exclusive, info(), None));
        drop(end);
        owner.join().unwrap();
        unlock(mine);
        for address in [mine, theirs] {
            addressed::forget(address, 1);
        }
    }

    #[test]
    fn nobody_waits_for_who_has_a_lock_no_more_that_another_has_unlocked() {
        it_is_no_ring_once(unlock, Mode::Exclusive, [0x8000, 0x8010]);
        it_is_no_ring_once(unlock, Mode::Shared, [0x8000, 0x8010]);
    }

    /// C may free a lock that is locked, and make another one there.
    #[test]
    fn nobody_waits_for_who_had_a_lock_in_whose_place_another_is() {
        let made = |address| addressed::made(address, site());
        let forgotten = |address| addressed::forget(address, 1);
        it_is_no_ring_once(made, Mode::Exclusive, [0x8100, 0x8110]);
        it_is_no_ring_once(forgotten, Mode::Shared, [0x8100, 0x8110]);
    }

    #[test]
    fn nobody_waits_for_who_has_waited() {
        let (mine, theirs) = (0x8200, 0x8210);
        lock(mine);
        let (tell, told) = channel();
        let (end, until_end) = channel::<()>();
        let owner = thread::spawn(move || {
            lock(theirs);
            drop(wait_for_lock(mine, Mode::Exclusive, info(), None));
            tell.send(()).unwrap();
            let _ = until_end.recv();
            unlock(theirs);
        });
        told.recv().unwrap();
        assert!(!would_close_a_ring(theirs));
        // Who waits for itself is a ring.
        assert!(would_close_a_ring(mine));
        drop(end);
        owner.join().unwrap();
        unlock(mine);
        for address in [mine, theirs] {
            addressed::forget(address, 1);
        }
    }
}
