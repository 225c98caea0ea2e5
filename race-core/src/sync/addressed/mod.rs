//! Synchronisation by address: for code that has no room for a clock beside its locks, as C has none.
//!
//! - [`lock`] and what follows: locks, which stand among those that a thread holds, and in the order of locks.
//! - [`released`], [`acquired`]: whatever else one thread does for another.
//! - `barrier`: barriers, a generation at a time.
//! - `table`: what is known of an address.
//!
//! An address starts afresh when something is made there ([`made`]), or its memory is no longer what it was ([`forget`]). What is forgotten too late
//! can only add order. Each function is to be called where the real operation keeps others out: after a lock, before an unlock.

mod barrier;
mod table;

use crate::deadlock::{self, Mode, Patience};
use crate::fork::Lock;
use crate::stack::depot::HeldLock;
use crate::stack::position::Position;
use crate::sync::rw::RwClock;
use crate::sync::{Origin, SyncKind, SyncObject};
use crate::thread::local;
use crate::thread::state::ThreadState;
use table::Table;

pub use barrier::{Arrival, arrive, barrier_made};

/// A lock as it is known by its address.
#[derive(Default)]
struct Known {
    origin: Option<Origin>,
    clock: RwClock,
    /// How many threads read.
    readers: usize,
}

/// Its memory may go while somebody has it, and be another lock's: who has this one, by its address, has not that one.
impl Drop for Known {
    fn drop(&mut self) {
        self.clock.end(self.readers > 0);
    }
}

impl Known {
    fn origin(&mut self, site: Position) -> Origin {
        *self.origin.get_or_insert(Origin::FirstLocked(site))
    }
}

static LOCKS: Table<Lock<Known>> = Table::new();
static OBJECTS: Table<SyncObject> = Table::new();

/// A lock, or an object that orders, has just been made at `address`: it has nothing to do with what was there before.
pub fn made(address: usize, site: impl Into<Position>) {
    let origin = Some(Origin::Made(site.into()));
    local::enter_bare(|| {
        forget_inside(address, 1);
        LOCKS.at(address).lock().origin = origin;
    });
}

/// What is known of `size` bytes at `address` is forgotten: something was destroyed there, or the memory belongs to something else.
pub fn forget(address: usize, size: usize) {
    local::enter_bare(|| forget_inside(address, size));
}

/// [`forget`], inside the engine. Costs a few loads in a program that has none of these.
#[inline]
pub(crate) fn forget_inside(address: usize, size: usize) {
    LOCKS.forget(address, size);
    OBJECTS.forget(address, size);
    barrier::forget(address, size);
}

/// The calling thread has just got the real lock at `address`, and would have waited for it.
pub fn lock(address: usize, kind: &'static SyncKind, mode: Mode, site: impl Into<Position>) {
    locked(address, kind, mode, Patience::Endless, site.into());
}

/// As [`lock`], by a try, or with a timeout: it is part of no deadlock.
pub fn try_lock(address: usize, kind: &'static SyncKind, mode: Mode, site: impl Into<Position>) {
    locked(address, kind, mode, Patience::Limited, site.into());
}

fn locked(address: usize, kind: &'static SyncKind, mode: Mode, patience: Patience, site: Position) {
    local::enter(|thread| {
        let known = LOCKS.at(address);
        let mut known = known.lock();
        let origin = known.origin(site);
        let lock = HeldLock {
            kind,
            created: origin,
            locked: site,
        };
        if mode == Mode::Shared {
            known.readers += 1;
        }
        (known.clock).locked_by(thread, address, lock, mode, patience);
    });
}

/// A lock that the calling thread wants, and could not have at once.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Where it is.
    pub address: usize,
    /// What it is.
    pub kind: &'static SyncKind,
    /// Who holds it in a mode that excludes this one is waited for.
    pub mode: Mode,
    /// Where it is wanted.
    pub site: Position,
    /// What makes such a lock one that its owner may lock again, if anything does.
    pub recursive: Option<&'static str>,
}

/// Waits for a real lock: `try_lock` and `refuse` never wait, `lock` does.
///
/// If the wait closes a ring of threads that wait for each other, that is reported, and the process ends. So it does if the thread itself holds the lock, unless
/// `refuse` has something to say to that: the result of a lock that notices. `lock` must not unwind, since the wait would be in the books for ever.
#[cold]
pub fn wait<R>(
    wanted: Wanted,
    try_lock: impl FnMut() -> Option<R>,
    refuse: impl FnOnce() -> Option<R>,
    lock: impl FnOnce() -> R,
) -> R {
    let Wanted {
        address,
        kind,
        mode,
        site,
        recursive,
    } = wanted;
    let is_held = |thread: &mut ThreadState| thread.held.mode(address).is_some();
    let early = match local::enter_unordered(is_held) {
        Some(true) => refuse(),
        _ => deadlock::try_for_a_moment(try_lock),
    };
    early.unwrap_or_else(|| {
        let info = local::enter_unordered(|_| HeldLock {
            kind,
            created: LOCKS.at(address).lock().origin(site),
            locked: site,
        });
        let _waiting = info.map(|info| deadlock::wait_for_lock(address, mode, info, recursive));
        lock()
    })
}

/// The calling thread is about to unlock the lock at `address`, whichever way it has it.
pub fn unlock(address: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let site = site.into();
    local::enter(|thread| {
        let known = LOCKS.at(address);
        unlock_by(thread, &mut known.lock(), address, kind, site);
    });
}

fn unlock_by(
    thread: &mut ThreadState,
    known: &mut Known,
    address: usize,
    kind: &'static SyncKind,
    site: Position,
) {
    let Known { clock, readers, .. } = known;
    thread.held.forget_before(address, clock.number());
    match thread.held.mode(address) {
        Some(Mode::Shared) => {
            *readers = readers.saturating_sub(1);
            clock.unlocked_read_by(thread, address, kind, site);
        }
        Some(Mode::Exclusive) => clock.unlocked_write_by(thread, address, kind, site),
        // Locked by another thread, or by ways that nobody sees. What was released before stays with what is released now.
        None => {
            clock.exclusive_by(thread, kind, site);
            clock.unlocked_write_by(thread, address, kind, site);
        }
    }
}

/// The lock at `address`, which the calling thread holds, is used with a condition variable: see [`crate::sync::SyncClock::hand_over`].
pub fn hand_over(address: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let site = site.into();
    local::enter(|thread| {
        LOCKS
            .at(address)
            .lock()
            .clock
            .hand_over_by(thread, kind, site)
    });
}

/// The thread ends, and leaves locks behind that others may be given all the same: robust ones.
pub(crate) fn abandon(thread: &mut ThreadState) {
    if thread.held.is_empty() {
        return;
    }
    let held: Vec<_> = (thread.held.keys().iter().copied())
        .zip(thread.held.locks().iter().copied())
        .collect();
    for (key, lock) in held {
        let Some(known) = LOCKS.find(key.address) else {
            continue;
        };
        let mut known = known.lock();
        // Or another lock is there by now, which is none of this thread's.
        if known.clock.number() == key.number() {
            unlock_by(thread, &mut known, key.address, lock.kind, lock.locked);
        }
    }
}

/// Adds what the calling thread has done to what [`acquired`] will see.
pub fn released(address: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let site = site.into();
    local::enter(|thread| OBJECTS.at(address).released_by(thread, kind, site));
}

/// Orders everything [`released`] at `address` so far before what the calling thread does next.
pub fn acquired(address: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let site = site.into();
    local::enter(|thread| {
        if let Some(object) = OBJECTS.find(address) {
            object.acquired_by(thread, kind, site, true);
        }
    });
}

#[cfg(all(test, not(loom)))]
pub(crate) mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::epoch::Epoch;

    pub(crate) static KIND: SyncKind = SyncKind {
        name: "lock",
        release: "unlocked",
        acquire: "locked",
    };

    pub(crate) fn site() -> Position {
        Position::of_code(1)
    }

    fn epoch() -> Epoch {
        local::enter(|thread| thread.epoch()).unwrap()
    }

    pub(crate) fn knows(epoch: Epoch) -> bool {
        local::enter(|thread| thread.knows(epoch)).unwrap()
    }

    /// In another thread, whose end nobody waits for; and the epoch that it was in.
    fn elsewhere(f: impl FnOnce() + Send + 'static) -> Epoch {
        let (tx, rx) = channel();
        thread::spawn(move || {
            let before = epoch();
            f();
            tx.send(before)
        });
        rx.recv().unwrap()
    }

    fn use_once(address: usize, mode: Mode) {
        lock(address, &KIND, mode, site());
        unlock(address, &KIND, site());
    }

    #[test]
    fn an_unlock_is_before_the_next_lock_there_and_nowhere_else() {
        let theirs = elsewhere(|| use_once(0x1000, Mode::Exclusive));
        use_once(0x1008, Mode::Exclusive);
        assert!(!knows(theirs));
        try_lock(0x1000, &KIND, Mode::Exclusive, site());
        assert!(knows(theirs));
        unlock(0x1000, &KIND, site());
        forget(0x1000, 16);
    }

    #[test]
    fn readers_do_not_order_readers() {
        let reader = elsewhere(|| use_once(0x2000, Mode::Shared));
        use_once(0x2000, Mode::Shared);
        assert!(!knows(reader));
        use_once(0x2000, Mode::Exclusive);
        assert!(knows(reader));
        forget(0x2000, 1);
    }

    #[test]
    fn one_that_another_thread_unlocks_passes_on_what_both_did() {
        lock(0x3000, &KIND, Mode::Exclusive, site());
        let before = elsewhere(|| use_once(0x3000, Mode::Exclusive));
        let unlocker = elsewhere(|| unlock(0x3000, &KIND, site()));
        use_once(0x3000, Mode::Exclusive);
        assert!(knows(before) && knows(unlocker));
        unlock(0x3000, &KIND, site());
        forget(0x3000, 1);
    }

    #[test]
    fn one_that_is_locked_twice_is_held_until_it_is_unlocked_twice() {
        let held = || local::enter(|thread| thread.held.keys().len()).unwrap();
        lock(0x4000, &KIND, Mode::Exclusive, site());
        lock(0x4000, &KIND, Mode::Exclusive, site());
        unlock(0x4000, &KIND, site());
        assert_eq!(held(), 1);
        unlock(0x4000, &KIND, site());
        assert_eq!(held(), 0);
        forget(0x4000, 1);
    }

    #[test]
    fn what_is_made_anew_has_no_past() {
        for start_afresh in [
            (|| forget(0x5000, 1)) as fn(),
            || made(0x5000, site()),
            || barrier_made(0x5000, 1),
            || crate::shadow::handed_out::handed_out(0x4ff0, 64),
        ] {
            let theirs = elsewhere(|| {
                use_once(0x5000, Mode::Exclusive);
                released(0x5000, &KIND, site());
            });
            // Whether memory that is handed out is looked at is found out at the first access by address.
            crate::shadow::range::access(
                0x5000,
                1,
                crate::shadow::range::AccessKind::Read,
                Some(site()),
            );
            start_afresh();
            use_once(0x5000, Mode::Exclusive);
            acquired(0x5000, &KIND, site());
            assert!(!knows(theirs));
            forget(0x5000, 1);
        }
    }

    #[test]
    fn a_thread_that_ends_leaves_its_locks_to_others() {
        let (tell, told) = channel();
        let heir = thread::spawn(move || {
            let owner = told.recv().unwrap();
            assert!(!knows(owner));
            use_once(0x6000, Mode::Exclusive);
            assert!(knows(owner));
        });
        let owner = thread::spawn(|| {
            lock(0x6000, &KIND, Mode::Exclusive, site());
            epoch()
        });
        tell.send(owner.join().unwrap()).unwrap();
        heir.join().unwrap();
        forget(0x6000, 1);
    }

    /// C may free a lock that is locked, and make another one there.
    #[test]
    fn a_lock_says_nothing_of_one_that_was_there_before() {
        let end: fn() = || ();
        for (then, passes_it_on) in [(end, false), (|| unlock(0x6800, &KIND, site()), true)] {
            let (tell, told) = channel();
            let heir = thread::spawn(move || {
                let [former, theirs] = told.recv().unwrap();
                use_once(0x6800, Mode::Exclusive);
                assert_eq!((knows(former), knows(theirs)), (passes_it_on, true));
            });
            let (begin, begun) = channel();
            let (go_on, until) = channel::<()>();
            let former = thread::spawn(move || {
                lock(0x6800, &KIND, Mode::Exclusive, site());
                forget(0x6800, 1);
                begin.send(epoch()).unwrap();
                until.recv().unwrap();
                then();
            });
            let epochs = [
                begun.recv().unwrap(),
                elsewhere(|| use_once(0x6800, Mode::Exclusive)),
            ];
            go_on.send(()).unwrap();
            former.join().unwrap();
            tell.send(epochs).unwrap();
            heir.join().unwrap();
            forget(0x6800, 1);
        }
    }

    #[test]
    fn what_is_released_is_acquired() {
        let theirs = [(); 2].map(|()| elsewhere(|| released(0x7000, &KIND, site())));
        acquired(0x7000, &KIND, site());
        assert!(theirs.iter().all(|epoch| knows(*epoch)));
        forget(0x7000, 1);
    }
}
