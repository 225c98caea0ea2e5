//! Runs a program on real threads, and notes what each operation was seen to do.

use std::collections::BTreeSet;
use std::sync::Mutex as Unseen;
use std::sync::atomic::{AtomicBool as UnseenBool, Ordering};
use std::time::Duration;

use racecheck::report::{Access, Operation as Accessed, Race};
use racecheck::sync::atomic::{AtomicU64, fence};
use racecheck::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use racecheck::sync::{
    Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use racecheck::thread::{Scope, ScopedJoinHandle};
use racecheck::{Shared, check, hb, thread};

use crate::compare::{Side, pair};
use crate::program::{ATOMICS, CAPACITY, CELLS, LOCKS, Operation, Program, THREADS, VARIABLES};

/// What one operation did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Access {
        variable: usize,
        writes: bool,
    },
    /// Read this value, of the store with that name; 0 is the initial one.
    Load(Ordering, u64),
    Store(Ordering, u64),
    /// Read the one and stored the other.
    Swap(Ordering, u64, u64),
    Fence(Ordering),
    /// The how-manieth time that the lock was taken.
    Lock(usize, u64),
    Unlock(usize, u64),
    /// The same of a read-write lock.
    WriteLock(usize, u64),
    WriteUnlock(usize, u64),
    /// After how many write locks.
    ReadLock(usize, u64),
    ReadUnlock(usize, u64),
    SetOnce(u64),
    GetOnce(u64),
    Send(u64),
    Receive(u64),
    /// To whose channel; what.
    SendBounded(usize, u64),
    ReceiveBounded(usize, u64),
    Announce(u64),
    /// After this many announcements.
    Heed(u64),
    Spawn(usize),
    Join(usize),
    /// The scope's end, after the end of every thread in it.
    JoinAll,
}

pub(crate) struct Ran {
    /// By thread, in the order in which it did them.
    pub(crate) notes: Vec<Vec<Note>>,
    /// What the engine reported.
    pub(crate) races: BTreeSet<(Side, Side)>,
}

/// One line for each thread and variable, so that a report's line says which.
const GETS_AFTER: u32 = line!() + 1;
const GETS: [fn(&Shared<u64>) -> u64; THREADS * VARIABLES] = [
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
    |variable| variable.get(),
];
const SETS_AFTER: u32 = line!() + 1;
const SETS: [fn(&Shared<u64>); THREADS * VARIABLES] = [
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
    |variable| variable.set(1),
];

fn side(access: &Access) -> Side {
    let line = access.site().expect("the wrapper knows the line").line();
    let (index, writes) = if line > SETS_AFTER {
        (line - SETS_AFTER - 1, true)
    } else {
        (line - GETS_AFTER - 1, false)
    };
    assert_eq!(writes, access.operation() == Accessed::Write);
    let index = index as usize;
    (index / VARIABLES, index % VARIABLES, writes)
}

/// What the threads share. `Unseen` is `std`'s, which orders nothing for the engine.
struct World<'p> {
    program: &'p Program,
    variables: [Shared<u64>; VARIABLES],
    atomics: [AtomicU64; ATOMICS],
    /// Each counts how often it was taken.
    locks: [Mutex<u64>; LOCKS],
    condvar: [Condvar; LOCKS],
    rwlocks: [RwLock<u64>; LOCKS],
    cells: [OnceLock<u64>; CELLS],
    senders: Vec<Sender<u64>>,
    bounded_senders: Vec<SyncSender<u64>>,
    /// Their threads take them, and put them back in the end.
    receivers: Vec<Unseen<Option<Receivers>>>,
    announcements: Unseen<u64>,
    spawned: [UnseenBool; THREADS],
    notes: Vec<Unseen<Vec<Note>>>,
}

/// Of a thread's two channels: unbounded, and bounded.
type Receivers = (Receiver<u64>, Receiver<u64>);

enum RwGuard<'e> {
    Read(#[expect(dead_code, reason = "held")] RwLockReadGuard<'e, u64>),
    Write(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'e, u64>),
}

struct Worker<'s, 'e> {
    number: usize,
    world: &'e World<'e>,
    scope: &'s Scope<'s, 'e>,
    notes: Vec<Note>,
    guards: [Option<(MutexGuard<'e, u64>, u64)>; LOCKS],
    rw_guards: [Option<(RwGuard<'e>, u64)>; LOCKS],
    seen: [u64; ATOMICS],
    children: Vec<(usize, ScopedJoinHandle<'s, ()>)>,
}

pub(crate) fn run(program: &Program) -> Ran {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    let (bounded_senders, bounded): (Vec<_>, Vec<_>) =
        (0..THREADS).map(|_| sync_channel(CAPACITY)).unzip();
    let both = receivers.into_iter().zip(bounded);
    let world = World {
        program,
        variables: Default::default(),
        atomics: Default::default(),
        locks: Default::default(),
        condvar: Default::default(),
        rwlocks: Default::default(),
        cells: Default::default(),
        senders,
        bounded_senders,
        receivers: both.map(|both| Unseen::new(Some(both))).collect(),
        announcements: Unseen::new(0),
        spawned: Default::default(),
        notes: (0..THREADS).map(|_| Unseen::default()).collect(),
    };
    let outcome = check(|| {
        thread::scope(|scope| work(0, &world, scope));
        let mut notes = world.notes[0].lock().unwrap();
        notes.push(Note::JoinAll);
        // What nobody has received, in the order in which it was sent.
        for (thread, receivers) in world.receivers.iter().enumerate() {
            if let Some((_, bounded)) = &*receivers.lock().unwrap() {
                let rest = bounded.try_iter();
                notes.extend(rest.map(|message| Note::ReceiveBounded(thread, message)));
            }
        }
    });
    let races = outcome.races().iter().map(|race: &Race| {
        let [current, previous] = race.accesses();
        pair(side(current), side(previous))
    });
    Ran {
        notes: world
            .notes
            .iter()
            .map(|notes| notes.lock().unwrap().clone())
            .collect(),
        races: races.collect(),
    }
}

fn work<'s, 'e>(number: usize, world: &'e World<'e>, scope: &'s Scope<'s, 'e>) {
    let receivers = world.receivers[number].lock().unwrap().take();
    let receivers = receivers.expect("each thread runs once");
    let mut worker = Worker {
        number,
        world,
        scope,
        notes: Vec::new(),
        guards: Default::default(),
        rw_guards: Default::default(),
        seen: Default::default(),
        children: Vec::new(),
    };
    for operation in &world.program[number] {
        worker.step(*operation, &receivers);
    }
    worker.unlock_all();
    *world.receivers[number].lock().unwrap() = Some(receivers);
    *world.notes[number].lock().unwrap() = worker.notes;
}

impl<'s, 'e> Worker<'s, 'e> {
    /// A value that no other store or message has.
    fn fresh(&self) -> u64 {
        (self.number as u64) << 32 | (self.notes.len() as u64 + 1)
    }

    /// Every other thread reaches every other atomic by its address.
    fn atomic(&self, number: usize) -> &'e AtomicU64 {
        let atomic = &self.world.atomics[number];
        if self.number % 2 == 1 && number % 2 == 1 {
            // SAFETY: the pointer is the atomic's own.
            return unsafe { AtomicU64::from_ptr(atomic.as_ptr()) };
        }
        atomic
    }

    fn step(&mut self, operation: Operation, receivers: &Receivers) {
        let world = self.world;
        let note = match operation {
            Operation::Get(variable) => {
                GETS[self.number * VARIABLES + variable](&world.variables[variable]);
                let writes = false;
                Note::Access { variable, writes }
            }
            Operation::Set(variable) => {
                SETS[self.number * VARIABLES + variable](&world.variables[variable]);
                let writes = true;
                Note::Access { variable, writes }
            }
            Operation::Load(atomic, order) => {
                self.seen[atomic] = self.atomic(atomic).load(order);
                Note::Load(order, self.seen[atomic])
            }
            Operation::Store(atomic, order) => {
                let value = self.fresh();
                self.atomic(atomic).store(value, order);
                Note::Store(order, value)
            }
            Operation::Swap(atomic, order) => {
                let value = self.fresh();
                Note::Swap(order, self.atomic(atomic).swap(value, order), value)
            }
            Operation::CompareExchange(atomic, order, failure) => {
                let (seen, value) = (self.seen[atomic], self.fresh());
                match self
                    .atomic(atomic)
                    .compare_exchange(seen, value, order, failure)
                {
                    Ok(read) => Note::Swap(order, read, value),
                    Err(read) => {
                        self.seen[atomic] = read;
                        Note::Load(failure, read)
                    }
                }
            }
            Operation::Fence(order) => {
                fence(order);
                Note::Fence(order)
            }
            Operation::Lock(lock) => return self.lock(lock),
            Operation::Wait(lock) => return self.wait(lock),
            Operation::WriteLock(lock) => return self.rw_lock(lock, true),
            Operation::ReadLock(lock) => return self.rw_lock(lock, false),
            Operation::SetOnce(cell) => {
                let value = self.fresh();
                match world.cells[cell].set(value) {
                    Ok(()) => Note::SetOnce(value),
                    Err(_) => Note::GetOnce(*world.cells[cell].wait()),
                }
            }
            Operation::GetOnce(cell) => match world.cells[cell].get() {
                Some(value) => Note::GetOnce(*value),
                None => return,
            },
            Operation::Send(to) => {
                let message = self.fresh();
                world.senders[to].send(message).expect("nobody hangs up");
                Note::Send(message)
            }
            Operation::SendBounded(to) => {
                let message = self.fresh();
                if world.bounded_senders[to].try_send(message).is_err() {
                    return;
                }
                Note::SendBounded(to, message)
            }
            Operation::Receive => match receivers.0.try_recv() {
                Ok(message) => Note::Receive(message),
                Err(_) => return,
            },
            Operation::ReceiveBounded => match receivers.1.try_recv() {
                Ok(message) => Note::ReceiveBounded(self.number, message),
                Err(_) => return,
            },
            Operation::Announce => {
                let mut announcements = world.announcements.lock().unwrap();
                hb::release(&world.announcements);
                *announcements += 1;
                Note::Announce(*announcements)
            }
            Operation::Heed => {
                let announcements = world.announcements.lock().unwrap();
                hb::acquire(&world.announcements);
                Note::Heed(*announcements)
            }
            Operation::Spawn(child) => {
                if self.number == child || world.spawned[child].swap(true, Ordering::Relaxed) {
                    return;
                }
                self.notes.push(Note::Spawn(child));
                let scope = self.scope;
                let handle = scope.spawn(move || work(child, world, scope));
                return self.children.push((child, handle));
            }
            Operation::Join(child) => {
                let mine = self
                    .children
                    .iter()
                    .position(|(number, _)| *number == child);
                let Some(index) = mine else { return };
                // It may want one of them.
                self.unlock_all();
                let (_, handle) = self.children.remove(index);
                handle.join().unwrap();
                Note::Join(child)
            }
        };
        self.notes.push(note);
    }

    fn lock(&mut self, lock: usize) {
        if self.guards[lock].is_some() {
            return self.unlock(lock);
        }
        let mutex = &self.world.locks[lock];
        let guard = if self.has_a_lock() {
            mutex.try_lock().ok()
        } else {
            Some(mutex.lock().unwrap())
        };
        if let Some(guard) = guard {
            self.locked(lock, guard);
        }
    }

    fn locked(&mut self, lock: usize, mut guard: MutexGuard<'e, u64>) {
        *guard += 1;
        let turn = *guard;
        self.notes.push(Note::Lock(lock, turn));
        self.guards[lock] = Some((guard, turn));
    }

    /// Who has a lock already must not wait for another one.
    fn has_a_lock(&self) -> bool {
        self.guards.iter().any(Option::is_some) || self.rw_guards.iter().any(Option::is_some)
    }

    fn wait(&mut self, lock: usize) {
        // It waits to lock it again, too.
        let has_others = self.rw_guards.iter().any(Option::is_some)
            || (0..LOCKS).any(|other| other != lock && self.guards[other].is_some());
        if has_others {
            return;
        }
        if let Some((guard, turn)) = self.guards[lock].take() {
            self.notes.push(Note::Unlock(lock, turn));
            let waited = self.world.condvar[lock].wait_timeout(guard, Duration::ZERO);
            self.locked(lock, waited.unwrap().0);
        }
    }

    fn rw_lock(&mut self, lock: usize, writes: bool) {
        if self.rw_guards[lock].is_some() {
            return self.rw_unlock(lock);
        }
        let rwlock = &self.world.rwlocks[lock];
        let may_wait = !self.has_a_lock();
        if writes {
            let guard = if may_wait {
                Some(rwlock.write().unwrap())
            } else {
                rwlock.try_write().ok()
            };
            let Some(mut guard) = guard else { return };
            *guard += 1;
            let turn = *guard;
            self.notes.push(Note::WriteLock(lock, turn));
            self.rw_guards[lock] = Some((RwGuard::Write(guard), turn));
        } else {
            let guard = if may_wait {
                Some(rwlock.read().unwrap())
            } else {
                rwlock.try_read().ok()
            };
            let Some(guard) = guard else { return };
            let turn = *guard;
            self.notes.push(Note::ReadLock(lock, turn));
            self.rw_guards[lock] = Some((RwGuard::Read(guard), turn));
        }
    }

    fn rw_unlock(&mut self, lock: usize) {
        if let Some((guard, turn)) = self.rw_guards[lock].take() {
            self.notes.push(match guard {
                RwGuard::Read(_) => Note::ReadUnlock(lock, turn),
                RwGuard::Write(_) => Note::WriteUnlock(lock, turn),
            });
            drop(guard);
        }
    }

    fn unlock(&mut self, lock: usize) {
        if let Some((guard, turn)) = self.guards[lock].take() {
            self.notes.push(Note::Unlock(lock, turn));
            drop(guard);
        }
    }

    fn unlock_all(&mut self) {
        for lock in 0..LOCKS {
            self.unlock(lock);
            self.rw_unlock(lock);
        }
    }
}
