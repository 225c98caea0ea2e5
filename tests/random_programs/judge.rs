//! Puts the notes of a run into an order that could have been, and asks the oracle.
//!
//! What has to come before what follows from the notes alone: a store before the loads that read from it, an unlock before the next lock, and so on.

use std::collections::{BTreeSet, HashMap};

use race_oracle::accesses::{Accesses, Kind};
use race_oracle::atomics::Atomics;
use race_oracle::order::{EventId, Order};
use race_oracle::program::variable;

use crate::compare::{Side, pair};
use crate::program::{CAPACITY, THREADS};
use crate::run::Note;

/// What others wait for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Name {
    Store(u64),
    Unlock(usize, u64),
    WriteUnlock(usize, u64),
    /// Of this thread, with this number.
    Step(usize, usize),
    Set(u64),
    Send(u64),
    /// The how-manieth of a thread's bounded channel.
    Received(usize, usize),
    Announced(u64),
    Spawned(usize),
    Ended(usize),
}

/// The place of each message in its bounded channel's order.
type Turns = HashMap<u64, usize>;

struct Judge<'n> {
    notes: &'n [Vec<Note>],
    turns: Turns,
    order: Order,
    atomics: Atomics,
    accesses: Accesses,
    done: HashMap<Name, EventId>,
    sides: HashMap<EventId, Side>,
    races: BTreeSet<(Side, Side)>,
}

/// All pairs that race.
pub(crate) fn races(notes: &[Vec<Note>]) -> BTreeSet<(Side, Side)> {
    let mut judge = Judge {
        notes,
        turns: turns(notes),
        order: Order::new(THREADS),
        atomics: Atomics::new(THREADS),
        accesses: Accesses::default(),
        done: HashMap::new(),
        sides: HashMap::new(),
        races: BTreeSet::new(),
    };
    let mut next = [0; THREADS];
    loop {
        let before = next;
        for thread in 0..THREADS {
            while next[thread] < notes[thread].len() && judge.step(thread, next[thread]) {
                next[thread] += 1;
            }
        }
        if next == before {
            break;
        }
    }
    let left: Vec<_> = (0..THREADS)
        .map(|thread| &notes[thread][next[thread]..])
        .collect();
    assert!(
        left.iter().all(|left| left.is_empty()),
        "nothing could have come next: {left:#?}"
    );
    judge.races
}

fn turns(notes: &[Vec<Note>]) -> Turns {
    let mut received = [0; THREADS];
    let mut turns = Turns::new();
    // A channel's receiver is its thread, and thread 0 at the end: put that last.
    for thread in (0..THREADS).rev() {
        for note in &notes[thread] {
            if let Note::ReceiveBounded(channel, message) = *note {
                turns.insert(message, received[channel]);
                received[channel] += 1;
            }
        }
    }
    turns
}

impl Judge<'_> {
    /// Takes the step, if all that it waits for is done.
    fn step(&mut self, thread: usize, index: usize) -> bool {
        let is_born = thread == 0 || self.done.contains_key(&Name::Spawned(thread));
        let Some(after) = is_born.then(|| self.after(thread, index)).flatten() else {
            return false;
        };
        if index == 0 && thread != 0 {
            self.order.begin(thread, self.done[&Name::Spawned(thread)]);
        }
        let note = self.notes[thread][index];
        let from = after.first().copied();
        let (order, atomics) = (&mut self.order, &mut self.atomics);
        let event = match note {
            Note::Load(ordering, _) => atomics.load(order, thread, ordering, from),
            Note::Store(ordering, _) => atomics.store(order, thread, ordering),
            Note::Swap(ordering, ..) => atomics.read_modify_write(order, thread, ordering, from),
            Note::Fence(ordering) => atomics.fence(order, thread, ordering),
            _ => order.event(thread, &after),
        };
        if let Note::Access { variable, writes } = note {
            self.access(event, thread, variable, writes);
        }
        self.done.insert(Name::Step(thread, index), event);
        self.done.extend(self.name(note).map(|name| (name, event)));
        if index + 1 == self.notes[thread].len() {
            self.done.insert(Name::Ended(thread), event);
        }
        true
    }

    /// The events that the step is directly after, besides its thread's last one; `None` if one is still to come.
    fn after(&self, thread: usize, index: usize) -> Option<Vec<EventId>> {
        let done = |name: Name| self.done.get(&name).copied();
        let store = |value: u64| match value {
            0 => Some(Vec::new()),
            value => Some(vec![done(Name::Store(value))?]),
        };
        match self.notes[thread][index] {
            Note::Load(_, value) | Note::Swap(_, value, _) => store(value),
            Note::Lock(lock, turn) => match turn {
                1 => Some(Vec::new()),
                turn => Some(vec![done(Name::Unlock(lock, turn - 1))?]),
            },
            Note::WriteLock(lock, turn) => {
                let mut before = self.read_unlocks(lock, turn - 1);
                before.extend((turn > 1).then_some(Name::WriteUnlock(lock, turn - 1)));
                before.into_iter().map(done).collect()
            }
            Note::ReadLock(lock, turn) => match turn {
                0 => Some(Vec::new()),
                turn => Some(vec![done(Name::WriteUnlock(lock, turn))?]),
            },
            Note::GetOnce(value) => Some(vec![done(Name::Set(value))?]),
            Note::Receive(message) | Note::ReceiveBounded(_, message) => {
                Some(vec![done(Name::Send(message))?])
            }
            Note::SendBounded(channel, message) => {
                let turn = self.turns[&message];
                match turn.checked_sub(CAPACITY) {
                    None => Some(Vec::new()),
                    Some(received) => Some(vec![done(Name::Received(channel, received))?]),
                }
            }
            Note::Heed(count) => (1..=count)
                .map(|turn| done(Name::Announced(turn)))
                .collect(),
            // The lock around them puts them in this order, which isn't one of the program's.
            Note::Announce(turn) if turn > 1 => done(Name::Announced(turn - 1)).map(|_| Vec::new()),
            Note::Join(child) => self.end(child).map(|end| vec![end]),
            Note::JoinAll => {
                let spawned = (1..THREADS).filter(|child| self.is_spawned(*child));
                spawned.map(|child| self.end(child)).collect()
            }
            _ => Some(Vec::new()),
        }
    }

    /// The read unlocks after this many write locks.
    fn read_unlocks(&self, lock: usize, turn: u64) -> Vec<Name> {
        let mut names = Vec::new();
        for (thread, notes) in self.notes.iter().enumerate() {
            for (index, note) in notes.iter().enumerate() {
                if matches!(note, Note::ReadUnlock(of, after) if (*of, *after) == (lock, turn)) {
                    names.push(Name::Step(thread, index));
                }
            }
        }
        names
    }

    fn is_spawned(&self, child: usize) -> bool {
        let spawns = |note: &Note| matches!(note, Note::Spawn(spawned) if *spawned == child);
        self.notes.iter().flatten().any(spawns)
    }

    /// The last event of a thread; its fork, if it did nothing.
    fn end(&self, thread: usize) -> Option<EventId> {
        let name = if self.notes[thread].is_empty() {
            Name::Spawned(thread)
        } else {
            Name::Ended(thread)
        };
        self.done.get(&name).copied()
    }

    fn name(&self, note: Note) -> Option<Name> {
        Some(match note {
            Note::Store(_, value) | Note::Swap(_, _, value) => Name::Store(value),
            Note::Unlock(lock, turn) => Name::Unlock(lock, turn),
            Note::WriteUnlock(lock, turn) => Name::WriteUnlock(lock, turn),
            Note::SetOnce(value) => Name::Set(value),
            Note::Send(message) | Note::SendBounded(_, message) => Name::Send(message),
            Note::ReceiveBounded(channel, message) => Name::Received(channel, self.turns[&message]),
            Note::Announce(turn) => Name::Announced(turn),
            Note::Spawn(child) => Name::Spawned(child),
            _ => return None,
        })
    }

    fn access(&mut self, event: EventId, thread: usize, number: usize, writes: bool) {
        let kind = Kind {
            writes,
            atomic: false,
        };
        let side = (thread, number, writes);
        self.sides.insert(event, side);
        let place = variable(number as u64);
        for race in self.accesses.access(&self.order, event, place, kind) {
            self.races.insert(pair(self.sides[&race.earlier], side));
        }
    }
}
