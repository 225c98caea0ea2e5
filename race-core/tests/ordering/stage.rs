//! The stage: steps, the threads that carry them out in turn, and what their reports must say.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use race_core::report::{Collector, Operation, Race};
use race_core::shadow::cell::{ShadowCell, Target};
use race_core::shadow::range;
pub(crate) use race_core::shadow::range::AccessKind as Kind;
use race_core::sync::atomic::{AtomicClock, fence};
use race_core::sync::rw::RwClock;
use race_core::sync::{SyncClock, SyncKind, SyncObject, keyed};
use race_core::thread::Handle;

pub(crate) static KIND: SyncKind = SyncKind {
    name: "test",
    release: "released",
    acquire: "acquired",
};

/// The index of a thread; or of a payload, an atomic, a lock, a channel, a sync object, a key.
pub(crate) type Index = usize;
pub(crate) const THREADS: usize = 3;
/// How many there are of everything else.
pub(crate) const PLACES: usize = 2;

pub(crate) const A: Index = 0;
pub(crate) const B: Index = 1;
pub(crate) const X: Index = 0;
pub(crate) const Y: Index = 1;

/// What a thread does in its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Read(Index),
    Write(Index),
    /// Exclusive access to a payload, by `&mut`.
    Adopt(Index),
    /// The same to an atomic.
    Own(Index),
    Store(Index, Ordering),
    Load(Index, Ordering),
    /// A read-modify-write that always writes.
    Rmw(Index, Ordering),
    /// A compare-exchange that succeeds: the ordering of success, and that of failure.
    Exchange(Index, Ordering, Ordering),
    /// A compare-exchange that fails.
    Fail(Index, Ordering, Ordering),
    Fence(Ordering),
    Lock(Index),
    Unlock(Index),
    /// Of a read-write lock.
    LockRead(Index),
    UnlockRead(Index),
    LockWrite(Index),
    UnlockWrite(Index),
    Downgrade(Index),
    /// Exclusive access to one.
    OwnLock(Index),
    Send(Index),
    Receive(Index),
    /// Adds to what a lock's clock holds, as an arrival at a barrier does, and takes it.
    Arrive(Index),
    Leave(Index),
    /// Into a [`SyncObject`], and out of it.
    Give(Index),
    Take(Index),
    /// The same by address.
    GiveKey(Index),
    TakeKey(Index),
    ForgetKey(Index),
    /// Of the thread with this index.
    Unpark(Index),
    Parked,
    /// To memory: the offset, the number of bytes, and how.
    Access(usize, usize, Kind),
    Free(usize, usize),
    Allocated(usize, usize),
}

pub(crate) use Step::{
    Access, Adopt, Allocated, Arrive, Downgrade, Exchange, Fail, Fence, ForgetKey, Free, Give,
    GiveKey, Leave, Load, Lock, LockRead, LockWrite, Own, OwnLock, Parked, Read, Receive, Rmw,
    Send, Store, Take, TakeKey, Unlock, UnlockRead, UnlockWrite, Unpark, Write,
};

pub(crate) type Schedule<'a> = &'a [(Index, Step)];

/// All that the steps of a schedule touch.
pub(crate) struct Stage {
    payloads: [Mutex<ShadowCell>; PLACES],
    atomics: [Mutex<AtomicClock>; PLACES],
    locks: [Mutex<SyncClock>; PLACES],
    rw_locks: [Mutex<RwClock>; PLACES],
    messages: [Mutex<VecDeque<SyncClock>>; PLACES],
    objects: [SyncObject; PLACES],
    handles: Vec<Handle>,
    /// Where its memory is, which nobody touches.
    base: usize,
}

impl Stage {
    pub(crate) fn new(handles: Vec<Handle>) -> Stage {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Stage {
            payloads: std::array::from_fn(|_| Mutex::new(ShadowCell::new(here()))),
            atomics: Default::default(),
            locks: Default::default(),
            rw_locks: Default::default(),
            messages: Default::default(),
            objects: Default::default(),
            handles,
            // Just below the end of a page: ranges reach into the next one.
            base: 0x10_0000_0000 + NEXT.fetch_add(1, Relaxed) * 0x4000 - 16,
        }
    }

    fn perform(&self, me: Index, step: Step) {
        let site = here();
        let target = || Target {
            address: self.base,
            size: 8,
            describe: || "payload".into(),
            label: None,
        };
        match step {
            Read(payload) => hold(&self.payloads[payload]).read(target, site),
            Write(payload) => hold(&self.payloads[payload]).write(target, site),
            Adopt(payload) => hold(&self.payloads[payload]).adopt(site),
            Own(atomic) => hold(&self.atomics[atomic]).exclusive(site),
            Store(atomic, order) => hold(&self.atomics[atomic]).store(order, site, |_| ()),
            Load(atomic, order) => hold(&self.atomics[atomic]).load(order, site, |_| ()),
            Rmw(atomic, order) => hold(&self.atomics[atomic]).rmw(order, site, |_| ()),
            Exchange(atomic, success, failure) => hold(&self.atomics[atomic])
                .compare_exchange(success, failure, site, |_| Ok::<(), ()>(()))
                .expect("the operation succeeds"),
            Fail(atomic, success, failure) => hold(&self.atomics[atomic])
                .compare_exchange(success, failure, site, |_| Err::<(), ()>(()))
                .expect_err("the operation fails"),
            Fence(order) => fence(order, site),
            Lock(index) => hold(&self.locks[index]).lock(&KIND, site, site),
            Unlock(index) => hold(&self.locks[index]).unlock(&KIND, site),
            LockRead(index) => hold(&self.rw_locks[index]).lock_read(&KIND, site, site),
            UnlockRead(index) => hold(&self.rw_locks[index]).unlock_read(&KIND, site),
            LockWrite(index) => hold(&self.rw_locks[index]).lock_write(&KIND, site, site),
            UnlockWrite(index) => hold(&self.rw_locks[index]).unlock_write(&KIND, site),
            Downgrade(index) => hold(&self.rw_locks[index]).downgrade(&KIND, site),
            OwnLock(index) => hold(&self.rw_locks[index]).exclusive(&KIND, site),
            Send(channel) => {
                let message = SyncClock::released(&KIND, site);
                hold(&self.messages[channel]).push_back(message);
            }
            Receive(channel) => {
                let message = hold(&self.messages[channel]).pop_front();
                message.expect("a message was sent").acquire(&KIND, site);
            }
            Arrive(index) => hold(&self.locks[index]).release_join(&KIND, site),
            Leave(index) => hold(&self.locks[index]).acquire(&KIND, site),
            Give(object) => self.objects[object].release(&KIND, site),
            Take(object) => self.objects[object].acquire(&KIND, site),
            GiveKey(key) => keyed::release(self.base + key, &KIND, site),
            TakeKey(key) => keyed::acquire(self.base + key, &KIND, site),
            ForgetKey(key) => keyed::forget(self.base + key),
            Unpark(thread) => self.handles[thread].unpark(site),
            Parked => self.handles[me].parked(site),
            Access(offset, size, kind) => range::access(self.base + offset, size, kind, Some(site)),
            Free(offset, size) => range::freed(self.base + offset, size, Some(site)),
            Allocated(offset, size) => range::forget(self.base + offset, size),
        }
    }
}

#[track_caller]
pub(crate) fn here() -> &'static Location<'static> {
    Location::caller()
}

pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no step panics")
}

pub(crate) type Order = Box<dyn FnOnce() + std::marker::Send>;

/// A thread that does what it is told to.
pub(crate) struct Actor {
    pub(crate) orders: Sender<Order>,
    pub(crate) handle: Handle,
    pub(crate) thread: JoinHandle<()>,
}

impl Actor {
    /// Created by the calling thread, and ordered after what that has done.
    pub(crate) fn new(name: &str) -> Actor {
        let (orders, receiver) = channel::<Order>();
        let handle = Handle::fork(Some(name), here());
        let child = handle.clone();
        handle.announce();
        let thread = thread::spawn(move || {
            child.start();
            receiver.into_iter().for_each(|order| order());
        });
        handle.withdraw();
        Actor {
            orders,
            handle,
            thread,
        }
    }

    /// Waits until the thread has done it, which the engine doesn't see.
    pub(crate) fn run<R: std::marker::Send + 'static>(
        &self,
        order: impl FnOnce() -> R + std::marker::Send + 'static,
    ) -> R {
        let (done, result) = channel();
        let order = move || done.send(order()).expect("the result is waited for");
        self.orders
            .send(Box::new(order))
            .expect("the actor is there");
        result.recv().expect("the actor carries out its order")
    }

    /// Waits for the thread's end, which the engine sees.
    pub(crate) fn join(self) {
        drop(self.orders);
        self.thread
            .join()
            .expect("the actor carries out its orders");
        self.handle.join(here());
    }
}

/// Runs a schedule on fresh threads.
pub(crate) fn play(schedule: Schedule<'_>) -> Vec<Race> {
    let collector = Collector::open();
    let actors: Vec<Actor> = (0..THREADS).map(|i| Actor::new(&i.to_string())).collect();
    let handles = actors.iter().map(|actor| actor.handle.clone()).collect();
    let stage = Arc::new(Stage::new(handles));
    for &(me, step) in schedule {
        let stage = stage.clone();
        actors[me].run(move || stage.perform(me, step));
    }
    actors.into_iter().for_each(Actor::join);
    collector.close()
}

/// What a report calls a step that is an access, and the bytes it is to: payloads are told apart by their index.
pub(crate) fn access(step: Step) -> Option<(Operation, std::ops::Range<usize>)> {
    let (operation, start, size) = match step {
        Read(payload) => (Operation::Read, payload, 1),
        Write(payload) | Adopt(payload) => (Operation::Write, payload, 1),
        Access(offset, size, kind) => {
            let operation = match kind {
                Kind::Read => Operation::Read,
                Kind::Write => Operation::Write,
                Kind::AtomicRead => Operation::AtomicRead,
                Kind::AtomicWrite => Operation::AtomicWrite,
                Kind::VolatileRead => Operation::VolatileRead,
                Kind::VolatileWrite => Operation::VolatileWrite,
            };
            (operation, offset, size)
        }
        Free(offset, size) => (Operation::Free, offset, size),
        _ => return None,
    };
    Some((operation, start..start + size))
}

pub(crate) type Reported = (String, Operation);

/// What the report of a schedule's race must say: the last access, and the one before it to any of the same bytes by `other`.
pub(crate) fn expected(schedule: Schedule<'_>, other: Option<Index>) -> [Reported; 2] {
    let mut accesses = schedule
        .iter()
        .filter_map(|&(thread, step)| Some((thread, access(step)?)))
        .rev();
    let (thread, (operation, bytes)) = accesses.next().expect("a schedule has accesses");
    let (earlier, (previous, _)) = accesses
        .find(|(earlier, (_, range))| {
            let is_other = other.map_or(*earlier != thread, |other| *earlier == other);
            is_other && range.start < bytes.end && bytes.start < range.end
        })
        .expect("a race has two accesses");
    [
        (thread.to_string(), operation),
        (earlier.to_string(), previous),
    ]
}

pub(crate) fn reported(race: &Race) -> [Reported; 2] {
    race.accesses().map(|access| {
        let name = access.thread().name().unwrap_or_default();
        (name.to_owned(), access.operation())
    })
}

/// The last access of `race` races with the last one before it of any other thread; nothing in `none` does.
#[track_caller]
pub(crate) fn pair(race: Schedule<'_>, none: Schedule<'_>) {
    races_with(None, race);
    silent(none);
}

/// As [`pair`]; the earlier access is `other`'s.
#[track_caller]
pub(crate) fn pair_with(other: Index, race: Schedule<'_>, none: Schedule<'_>) {
    races_with(Some(other), race);
    silent(none);
}

#[track_caller]
pub(crate) fn races_with(other: Option<Index>, schedule: Schedule<'_>) {
    let races = play(schedule);
    let found: Vec<_> = races.iter().map(reported).collect();
    assert_eq!(found, [expected(schedule, other)], "{schedule:?}");
}

#[track_caller]
pub(crate) fn silent(schedule: Schedule<'_>) {
    if let Some(race) = play(schedule).first() {
        panic!("a false report: {schedule:?}\n{race}");
    }
}
