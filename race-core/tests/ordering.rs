//! Litmus tests of the engine through its public face: the happens-before table and the memory-order rules, row by row.
//!
//! A row is a schedule: steps of three threads, carried out one after another in the order of the table. Real threads run them. They hand on
//! the turn by plain channels, which the engine doesn't see, so only the steps themselves can order anything. The two schedules of a pair
//! differ in as little as possible: in the first the last access races with an earlier one, in its twin nothing does.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use race_core::report::{Collector, Operation, Race};
use race_core::shadow::cell::{ShadowCell, Target};
use race_core::shadow::range::{self, AccessKind};
use race_core::sync::atomic::{AtomicClock, fence};
use race_core::sync::{SyncClock, SyncKind, SyncObject, keyed};
use race_core::thread::Handle;

static KIND: SyncKind = SyncKind {
    name: "test",
    release: "released",
    acquire: "acquired",
};

/// The index of a thread; or of a payload, an atomic, a lock, a channel, a sync object, a key.
type Index = usize;
const THREADS: usize = 3;
/// How many there are of everything else.
const PLACES: usize = 2;

const A: Index = 0;
const B: Index = 1;
const X: Index = 0;
const Y: Index = 1;

/// What a thread does in its turn.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(Index),
    Write(Index),
    /// Exclusive access to a payload, by `&mut`.
    Adopt(Index),
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
    Send(Index),
    Receive(Index),
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
    Access(usize, usize, AccessKind),
    Free(usize, usize),
    Allocated(usize, usize),
}

use AccessKind as Kind;
use Step::{
    Access, Adopt, Allocated, Exchange, Fail, Fence, ForgetKey, Free, Give, GiveKey, Load, Lock,
    Parked, Read, Receive, Rmw, Send, Store, Take, TakeKey, Unlock, Unpark, Write,
};

type Schedule<'a> = &'a [(Index, Step)];

/// All that the steps of a schedule touch.
struct Stage {
    payloads: [Mutex<ShadowCell>; PLACES],
    atomics: [AtomicClock; PLACES],
    locks: [Mutex<SyncClock>; PLACES],
    messages: [Mutex<VecDeque<SyncClock>>; PLACES],
    objects: [SyncObject; PLACES],
    handles: Vec<Handle>,
    /// Where its memory is, which nobody touches.
    base: usize,
}

impl Stage {
    fn new(handles: Vec<Handle>) -> Stage {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Stage {
            payloads: std::array::from_fn(|_| Mutex::new(ShadowCell::new(here()))),
            atomics: Default::default(),
            locks: Default::default(),
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
        };
        match step {
            Read(payload) => hold(&self.payloads[payload]).read(target, site),
            Write(payload) => hold(&self.payloads[payload]).write(target, site),
            Adopt(payload) => hold(&self.payloads[payload]).adopt(site),
            Store(atomic, order) => self.atomics[atomic].store(order, site, || ()),
            Load(atomic, order) => self.atomics[atomic].load(order, site, || ()),
            Rmw(atomic, order) => self.atomics[atomic].rmw(order, site, || ()),
            Exchange(atomic, success, failure) => self.atomics[atomic]
                .compare_exchange(success, failure, site, || Ok::<(), ()>(()))
                .expect("the operation succeeds"),
            Fail(atomic, success, failure) => self.atomics[atomic]
                .compare_exchange(success, failure, site, || Err::<(), ()>(()))
                .expect_err("the operation fails"),
            Fence(order) => fence(order, site),
            Lock(index) => hold(&self.locks[index]).lock(&KIND, site, site),
            Unlock(index) => hold(&self.locks[index]).unlock(&KIND, site),
            Send(channel) => {
                let message = SyncClock::released(&KIND, site);
                hold(&self.messages[channel]).push_back(message);
            }
            Receive(channel) => {
                let message = hold(&self.messages[channel]).pop_front();
                message.expect("a message was sent").acquire(&KIND, site);
            }
            Give(object) => self.objects[object].release(&KIND, site),
            Take(object) => self.objects[object].acquire(&KIND, site),
            GiveKey(key) => keyed::release(self.base + key, &KIND, site),
            TakeKey(key) => keyed::acquire(self.base + key, &KIND, site),
            ForgetKey(key) => keyed::forget(self.base + key),
            Unpark(thread) => self.handles[thread].unpark(site),
            Parked => self.handles[me].parked(site),
            Access(offset, size, kind) => range::access(self.base + offset, size, kind, Some(site)),
            Free(offset, size) => range::freed(self.base + offset, size, Some(site)),
            Allocated(offset, size) => range::allocated(self.base + offset, size),
        }
    }
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no step panics")
}

type Order = Box<dyn FnOnce() + std::marker::Send>;

/// A thread that does what it is told to.
struct Actor {
    orders: Sender<Order>,
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Actor {
    /// Created by the calling thread, and ordered after what that has done.
    fn new(name: &str) -> Actor {
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
    fn run<R: std::marker::Send + 'static>(
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
    fn join(self) {
        drop(self.orders);
        self.thread
            .join()
            .expect("the actor carries out its orders");
        self.handle.join(here());
    }
}

/// Runs a schedule on fresh threads.
fn play(schedule: Schedule<'_>) -> Vec<Race> {
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
fn access(step: Step) -> Option<(Operation, std::ops::Range<usize>)> {
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

type Reported = (String, Operation);

/// What the report of a schedule's race must say: the last access, and the one before it to any of the same bytes by `other`.
fn expected(schedule: Schedule<'_>, other: Option<Index>) -> [Reported; 2] {
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

fn reported(race: &Race) -> [Reported; 2] {
    race.accesses().map(|access| {
        let name = access.thread().name().unwrap_or_default();
        (name.to_owned(), access.operation())
    })
}

/// The last access of `race` races with the last one before it of any other thread; nothing in `none` does.
#[track_caller]
fn pair(race: Schedule<'_>, none: Schedule<'_>) {
    races_with(None, race);
    silent(none);
}

/// As [`pair`]; the earlier access is `other`'s.
#[track_caller]
fn pair_with(other: Index, race: Schedule<'_>, none: Schedule<'_>) {
    races_with(Some(other), race);
    silent(none);
}

#[track_caller]
fn races_with(other: Option<Index>, schedule: Schedule<'_>) {
    let races = play(schedule);
    let found: Vec<_> = races.iter().map(reported).collect();
    assert_eq!(found, [expected(schedule, other)], "{schedule:?}");
}

#[track_caller]
fn silent(schedule: Schedule<'_>) {
    if let Some(race) = play(schedule).first() {
        panic!("a false report: {schedule:?}\n{race}");
    }
}

#[test]
#[rustfmt::skip]
fn release_and_acquire() {
    // Both sides are needed.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Whatever the accesses are.
    pair(&[(0, Read(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Write(X))],
         &[(0, Read(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Write(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X))]);
    pair(&[(0, Write(X)), (1, Read(X))],
         &[(0, Read(X)), (1, Read(X))]);
    // `SeqCst` is both sides, and nothing else: it orders nothing that isn't read from.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, SeqCst)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(B, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, SeqCst)), (1, Read(X))]);
    pair(&[(1, Load(A, SeqCst)), (0, Write(X)), (0, Store(A, SeqCst)), (1, Store(A, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, SeqCst)), (1, Store(A, SeqCst)), (1, Read(X))]);
    // A release is of what came before, an acquire for what comes after.
    pair(&[(0, Store(A, Release)), (0, Write(X)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (0, Write(X)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(1, Load(A, Acquire)), (0, Write(X)), (0, Store(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(1, Read(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (0, Write(X))],
         &[(1, Read(X)), (1, Store(A, Release)), (0, Load(A, Acquire)), (0, Write(X))]);
    // All earlier readers count, not only the latest.
    pair_with(0,
         &[(0, Read(X)), (0, Store(A, Relaxed)), (2, Read(X)), (2, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Write(X))],
         &[(0, Read(X)), (0, Store(A, Release)), (2, Read(X)), (2, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Write(X))]);
}

/// A load must acquire however often, and wherever, its thread has seen that epoch unordered before.
#[test]
#[rustfmt::skip]
fn a_relaxed_load_before_the_acquire() {
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (0, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Relaxed)), (0, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fail(A, SeqCst, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fail(A, SeqCst, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Rmw(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Rmw(A, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn read_modify_writes() {
    // As the release side.
    pair(&[(0, Write(X)), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, AcqRel)), (1, Load(A, Acquire)), (1, Read(X))]);
    // As the acquire side.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, AcqRel)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, SeqCst)), (1, Rmw(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, SeqCst)), (1, Rmw(A, SeqCst)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn compare_exchanges() {
    // Success has its own ordering, whatever that of failure is.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Exchange(A, Relaxed, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Exchange(A, Acquire, Relaxed)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Exchange(A, Acquire, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Exchange(A, Release, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Failure is a load with the ordering of failure.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, AcqRel, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, AcqRel, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, Relaxed, SeqCst)), (1, Read(X))]);
    // A load releases nothing.
    pair(&[(0, Write(X)), (0, Fail(A, AcqRel, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Exchange(A, AcqRel, Acquire)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A relaxed one can be completed by a fence.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fence(Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fence(Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn release_sequences() {
    // A read-modify-write of anybody continues one, a store of anybody ends it: the same thread's too, since C++20.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Release)), (2, Store(A, Relaxed)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Rmw(A, Relaxed)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A compare-exchange is one or the other.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Exchange(A, Relaxed, Relaxed)), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Exchange(A, Relaxed, Relaxed)), (2, Fail(A, Relaxed, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Whoever continues it isn't ordered by that.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (2, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Acquire)), (1, Load(A, Acquire)), (2, Read(X))]);
    // The value carries all of its releasers' clocks: the first's and the last's.
    pair_with(0,
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(Y)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(Y)), (1, Read(X))]);
    pair_with(2,
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X)), (1, Read(Y))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X)), (1, Read(Y))]);
    // What one of them did after its release isn't in it, until it adds another.
    pair_with(0,
         &[(0, Rmw(A, Release)), (2, Rmw(A, Release)), (0, Write(X)), (0, Rmw(A, Relaxed)), (1, Rmw(A, AcqRel)), (1, Read(X))],
         &[(0, Rmw(A, Release)), (2, Rmw(A, Release)), (0, Write(X)), (0, Rmw(A, Release)), (1, Rmw(A, AcqRel)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn fences() {
    const REL: Step = Fence(Release);
    const ACQ: Step = Fence(Acquire);
    // Each of the two is needed.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    // Either may be an ordering of the operation instead.
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    // Of the right kind.
    pair(&[(0, Write(X)), (0, ACQ), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, Fence(AcqRel)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, REL), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Fence(SeqCst)), (1, Read(X))]);
    // In the right order.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (0, REL), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, ACQ), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, REL), (0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A fence lasts for all the stores after it, and for all the loads before it, of any atomic.
    pair(&[(0, Write(X)), (0, Store(B, Relaxed)), (0, REL), (0, Store(A, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(B, Relaxed)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(B, Relaxed)), (1, ACQ), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(B, Relaxed)), (1, ACQ), (1, Read(X))]);
    // A relaxed store carries its own thread's last fence, and nothing of the value before.
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (2, REL), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (2, REL), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Relaxed)), (0, REL), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Also where a release store had been.
    pair(&[(0, REL), (0, Write(X)), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Two sequentially consistent fences order nothing without a store that is read from.
    pair(&[(0, Write(X)), (0, Fence(SeqCst)), (1, Fence(SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Fence(SeqCst)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Fence(SeqCst)), (1, Read(X))]);
    // A fence that is both acquires first: what it takes it passes on.
    pair_with(0,
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, REL), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, Fence(AcqRel)), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair_with(0,
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, REL), (2, ACQ), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, ACQ), (2, REL), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn chains() {
    // From thread to thread, each link by both sides, and in the right order.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Acquire)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(B, Release)), (2, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Acquire)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))]);
    // Through different primitives.
    pair(&[(0, Write(X)), (0, Send(A)), (2, Receive(A)), (2, Store(B, Release)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Send(A)), (2, Receive(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    // Back and forth.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X)), (1, Store(A, Relaxed)), (0, Load(A, Acquire)), (0, Write(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X)), (1, Store(A, Release)), (0, Load(A, Acquire)), (0, Write(X))]);
    // Who has acquired an epoch knows what was known there, not what was learned after it.
    pair(&[(2, Store(A, Release)), (0, Write(X)), (0, Store(B, Release)), (2, Load(B, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(B, Release)), (2, Load(B, Acquire)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn locks_messages_objects_and_keys() {
    pair(&[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    pair(&[(0, Lock(A)), (0, Unlock(A)), (0, Write(X)), (1, Lock(A)), (1, Read(X))],
         &[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Lock(A)), (0, Unlock(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Lock(A)), (0, Unlock(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    // Each message has its own clock.
    pair(&[(0, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Read(X))],
         &[(0, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Receive(A)), (1, Read(X))]);
    pair(&[(2, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Read(X))],
         &[(0, Write(X)), (0, Send(A)), (2, Send(A)), (1, Receive(A)), (1, Read(X))]);
    // Releases into an object add up; before an acquire, not after.
    pair(&[(0, Write(X)), (0, Give(A)), (2, Give(A)), (1, Take(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Give(A)), (2, Give(A)), (1, Take(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (1, Take(A)), (0, Give(A)), (1, Read(X))],
         &[(0, Write(X)), (0, Give(A)), (1, Take(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, GiveKey(A)), (2, GiveKey(A)), (1, TakeKey(B)), (1, Read(X))],
         &[(0, Write(X)), (0, GiveKey(A)), (2, GiveKey(A)), (1, TakeKey(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, GiveKey(A)), (2, ForgetKey(A)), (1, TakeKey(A)), (1, Read(X))],
         &[(0, Write(X)), (0, GiveKey(A)), (2, ForgetKey(B)), (1, TakeKey(A)), (1, Read(X))]);
    // An `unpark` is for one thread.
    pair(&[(0, Write(X)), (0, Unpark(2)), (1, Parked), (1, Read(X))],
         &[(0, Write(X)), (0, Unpark(1)), (1, Parked), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn exclusive_access() {
    // Whatever came before is over; what comes after is checked against it.
    pair(&[(0, Write(X)), (1, Write(X))],
         &[(0, Write(X)), (1, Adopt(X)), (1, Write(X))]);
    pair(&[(0, Write(X)), (1, Adopt(X)), (2, Read(X))],
         &[(0, Write(X)), (1, Adopt(X)), (1, Store(A, Release)), (2, Load(A, Acquire)), (2, Read(X))]);
    pair(&[(0, Read(X)), (2, Read(X)), (1, Adopt(X)), (0, Read(X))],
         &[(0, Read(X)), (2, Read(X)), (1, Adopt(X)), (1, Send(A)), (0, Receive(A)), (0, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn ranges_of_different_sizes_and_offsets() {
    use Kind::{Read, Write};
    let write = |offset, size| Access(offset, size, Write);
    let read = |offset, size| Access(offset, size, Read);
    // Neighbours within a granule, and across one, and across a page.
    pair(&[(0, write(0, 4)), (1, write(3, 4))],
         &[(0, write(0, 4)), (1, write(4, 4))]);
    pair(&[(0, write(0, 8)), (1, read(7, 1))],
         &[(0, write(0, 7)), (1, read(7, 1))]);
    pair(&[(0, write(6, 4)), (1, read(9, 2))],
         &[(0, write(6, 4)), (1, read(10, 2))]);
    pair(&[(0, write(12, 8)), (1, read(19, 1))],
         &[(0, write(12, 8)), (1, read(20, 1))]);
    pair(&[(0, write(3, 2)), (1, read(0, 64))],
         &[(0, read(3, 2)), (1, read(0, 64))]);
    pair(&[(0, write(0, 64)), (1, read(33, 1))],
         &[(0, write(0, 64)), (1, read(64, 1))]);
    // Each byte has its own history.
    pair_with(0,
         &[(0, write(0, 8)), (0, Send(A)), (2, Receive(A)), (2, write(2, 2)), (2, Send(B)), (0, write(6, 1)), (1, Receive(B)), (1, read(0, 8))],
         &[(0, write(0, 8)), (0, Send(A)), (2, Receive(A)), (2, write(2, 2)), (2, Send(B)), (0, read(6, 1)), (1, Receive(B)), (1, read(0, 8))]);
    pair(&[(0, write(0, 4)), (0, write(4, 4)), (1, read(0, 8))],
         &[(0, read(0, 4)), (0, read(4, 4)), (1, read(0, 8))]);
    pair(&[(0, read(0, 1)), (1, read(0, 8)), (2, write(4, 1))],
         &[(0, read(0, 1)), (1, read(1, 7)), (2, write(8, 1))]);
    // Order is the same as for a value.
    pair(&[(0, write(1, 6)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, write(5, 9))],
         &[(0, write(1, 6)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, write(5, 9))]);
    // No bytes, no access.
    pair(&[(0, write(0, 8)), (1, read(4, 1))],
         &[(0, write(0, 8)), (1, read(4, 0))]);
}

#[test]
#[rustfmt::skip]
fn atomic_plain_and_volatile_accesses() {
    use Kind::{AtomicRead, AtomicWrite, Read, VolatileRead, VolatileWrite, Write};
    // Atomics race with plain accesses only, in either order, wherever they overlap.
    pair(&[(0, Access(0, 8, Write)), (1, Access(0, 8, AtomicRead))],
         &[(0, Access(0, 8, AtomicWrite)), (1, Access(0, 8, AtomicRead))]);
    pair(&[(0, Access(0, 8, AtomicWrite)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, Read))]);
    pair(&[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, Write))],
         &[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, AtomicWrite))]);
    pair(&[(0, Access(0, 8, Read)), (1, Access(0, 8, AtomicWrite))],
         &[(0, Access(0, 8, Read)), (1, Access(0, 8, AtomicRead))]);
    pair(&[(0, Access(0, 4, AtomicWrite)), (1, Access(2, 4, Write))],
         &[(0, Access(0, 4, AtomicWrite)), (1, Access(2, 4, AtomicWrite))]);
    // A later atomic of another thread doesn't hide an earlier one.
    pair_with(0,
         &[(0, Access(0, 8, AtomicWrite)), (2, Access(0, 8, AtomicWrite)), (2, Send(A)), (1, Receive(A)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, AtomicWrite)), (0, Send(A)), (2, Receive(A)), (2, Access(0, 8, AtomicWrite)), (2, Send(B)), (1, Receive(B)), (1, Access(0, 8, Read))]);
    // An atomic access isn't the plain one that the same thread made before it, nor the other way round.
    pair(&[(0, Access(0, 8, AtomicRead)), (0, Access(0, 8, Read)), (1, Access(0, 8, AtomicWrite))],
         &[(0, Access(0, 8, AtomicRead)), (0, Access(0, 8, AtomicRead)), (1, Access(0, 8, AtomicWrite))]);
    // A volatile access is a plain one with a name.
    pair(&[(0, Access(0, 4, VolatileWrite)), (1, Access(0, 4, VolatileRead))],
         &[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, VolatileRead))]);
    pair(&[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, AtomicWrite))],
         &[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, AtomicRead))]);
}

#[test]
#[rustfmt::skip]
fn freeing_and_allocating() {
    use Kind::{AtomicWrite, Read, Write};
    // A free is a write to all of the memory.
    pair(&[(0, Access(24, 4, Read)), (1, Free(0, 32))],
         &[(0, Access(32, 4, Read)), (1, Free(0, 32))]);
    pair(&[(0, Access(0, 4, AtomicWrite)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Free(0, 32))],
         &[(0, Access(0, 4, AtomicWrite)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Free(0, 32))]);
    // So a use after it races, unless the memory was allocated again: then nothing is left of the past.
    pair(&[(0, Free(0, 32)), (1, Access(8, 8, Read))],
         &[(0, Free(0, 32)), (1, Allocated(0, 32)), (1, Access(8, 8, Read))]);
    pair(&[(0, Access(0, 8, Write)), (0, Free(0, 8)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, Write)), (0, Free(0, 8)), (1, Allocated(0, 8)), (1, Access(0, 8, Read))]);
    pair(&[(0, Free(0, 32)), (1, Free(0, 32))],
         &[(0, Free(0, 32)), (1, Allocated(0, 32)), (1, Free(0, 32))]);
    // Of that memory only, to the byte.
    pair(&[(0, Access(0, 8, Write)), (1, Allocated(0, 4)), (1, Access(4, 1, Read))],
         &[(0, Access(0, 8, Write)), (1, Allocated(4, 4)), (1, Access(4, 1, Read))]);
    pair(&[(0, Access(0, 32, Write)), (1, Allocated(3, 26)), (1, Access(0, 32, Read))],
         &[(0, Access(0, 32, Write)), (1, Allocated(3, 26)), (1, Access(3, 26, Read))]);
    // Allocating orders nothing.
    pair(&[(1, Allocated(0, 8)), (0, Access(0, 8, Write)), (1, Access(0, 8, Read))],
         &[(1, Allocated(0, 8)), (0, Access(0, 8, Read)), (1, Access(0, 8, Read))]);
}

/// A payload and what a test does with it on several threads.
fn payload() -> (
    Arc<ShadowCell>,
    impl Fn(&Arc<ShadowCell>, bool) + Copy + std::marker::Send,
) {
    let access = |cell: &Arc<ShadowCell>, write| {
        let target = || Target {
            address: 8,
            size: 8,
            describe: || "payload".into(),
        };
        if write {
            cell.write(target, here());
        } else {
            cell.read(target, here());
        }
    };
    (Arc::new(ShadowCell::new(here())), access)
}

/// The races of `test`: how many, of what.
fn races_of(test: impl FnOnce()) -> Vec<[Operation; 2]> {
    let collector = Collector::open();
    test();
    let races = collector.close();
    let operations = |race: &Race| race.accesses().map(race_core::report::Access::operation);
    races.iter().map(operations).collect()
}

#[test]
fn a_thread_is_ordered_after_its_creation() {
    let run = |write_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            if write_before {
                access(&cell, true);
            }
            let child = Actor::new("child");
            if !write_before {
                access(&cell, true);
            }
            child.run(move || access(&cell, false));
            child.join();
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}

#[test]
fn whoever_joins_a_thread_is_ordered_after_its_end() {
    let run = |join_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            let (child, other) = (Actor::new("child"), Actor::new("other"));
            let used = cell.clone();
            child.run(move || access(&used, true));
            // Seeing that it has finished orders nothing.
            drop(child.orders);
            while !child.thread.is_finished() {
                thread::yield_now();
            }
            let (thread, handle) = (child.thread, child.handle);
            let join = move || {
                thread.join().expect("it doesn't panic");
                handle.join(here());
            };
            if join_before {
                other.run(move || {
                    join();
                    access(&cell, true);
                });
            } else {
                other.run(move || {
                    access(&cell, true);
                    join();
                });
            }
            other.join();
        })
    };
    assert_eq!(run(false), [[Operation::Write, Operation::Write]]);
    assert!(run(true).is_empty());
}

/// Plain `std::thread`s, of which the engine is told nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn plain_threads_are_ordered_by_creation_and_join() {
    let run = |join_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            access(&cell, true);
            let used = cell.clone();
            let (done, waiting) = channel();
            let child = thread::spawn(move || {
                access(&used, true);
                done.send(()).expect("the result is waited for");
            });
            waiting.recv().expect("the child does it");
            if join_before {
                child.join().expect("it doesn't panic");
                access(&cell, false);
            } else {
                access(&cell, false);
                child.join().expect("it doesn't panic");
            }
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}

/// Slots of dead threads are given to new ones: neither may be taken for the other.
#[test]
fn generations_of_threads() {
    let run = |ordered: bool| {
        let (cell, access) = payload();
        races_of(|| {
            let witness = Actor::new("witness");
            for generation in 0..20 {
                let child = Actor::new("child");
                let used = cell.clone();
                child.run(move || access(&used, true));
                child.join();
                if generation == 9 {
                    // Knows of the generations up to here.
                    let clock = SyncClock::released(&KIND, here());
                    witness.run(move || clock.acquire(&KIND, here()));
                }
            }
            if ordered {
                let clock = SyncClock::released(&KIND, here());
                witness.run(move || clock.acquire(&KIND, here()));
            }
            witness.run(move || access(&cell, false));
            witness.join();
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}
