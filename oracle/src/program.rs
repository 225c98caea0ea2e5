//! Programs: lists of steps in the order of execution, and random ones.
//!
//! A random program comes from a list of numbers, each deciding about one step: any list gives a valid program, a shorter list a shorter program, and a
//! smaller number a plainer step, so that a property test's shrinking works on the numbers. Valid means what a real execution could do: nobody
//! unlocks what they don't hold, receives what wasn't sent, or runs after the end.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::accesses::Kind;

/// Some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The address of the first one.
    pub start: u64,
    /// How many.
    pub size: u64,
}

impl Place {
    /// The address after the last one.
    pub fn end(self) -> u64 {
        self.start + self.size
    }

    /// Whether a byte is one of them.
    pub fn contains(self, byte: u64) -> bool {
        self.start <= byte && byte < self.end()
    }
}

/// One step of one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Whose.
    pub thread: usize,
    /// What it does.
    pub action: Action,
}

/// What a step does. Objects have numbers; each kind counts for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "they are called what they do")]
pub enum Action {
    Read(Place),
    Write(Place),
    Load(Place, Ordering),
    Store(Place, Ordering),
    ReadModifyWrite(Place, Ordering),
    Fence(Ordering),
    Lock(usize),
    Unlock(usize),
    ReadLock(usize),
    ReadUnlock(usize),
    Send(usize),
    Receive(usize),
    Arrive(usize),
    Leave(usize),
    Fork(usize),
    Join(usize),
    End,
    Allocate(Place),
    Free(Place),
}

impl Action {
    /// The bytes that are accessed, if any are, and how.
    pub fn access(self) -> Option<(Place, Kind)> {
        let (place, writes, atomic) = match self {
            Action::Read(place) => (place, false, false),
            Action::Write(place) | Action::Free(place) => (place, true, false),
            Action::Load(place, _) => (place, false, true),
            Action::Store(place, _) | Action::ReadModifyWrite(place, _) => (place, true, true),
            _ => return None,
        };
        Some((place, Kind { writes, atomic }))
    }
}

/// The variables begin here, 8 bytes each; the bytes that accesses of any size go to lie below.
pub const VARIABLES: u64 = 1 << 20;
/// How many bytes accesses of any size go to.
pub const BYTES: u64 = 24;
/// The most threads in a program.
pub const MAX_THREADS: usize = 9;

/// The variable with this number, as a place that overlaps with no other.
pub fn variable(number: u64) -> Place {
    Place {
        start: VARIABLES + number * 8,
        size: 8,
    }
}

/// Splits a number into small ones.
struct Dice(u32);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        let limit = limit as u32;
        let result = self.0 % limit;
        self.0 /= limit;
        result as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())])
    }
}

/// What a random program may do next.
struct World {
    shape: Shape,
    /// Running threads. Thread 0 runs to the end.
    running: Vec<usize>,
    ended: Vec<usize>,
    threads: usize,
    /// Per lock, who has it for writing, and who for reading.
    writer: Vec<Option<usize>>,
    readers: Vec<Vec<usize>>,
    in_flight: Vec<usize>,
    sent: usize,
    /// Per thread: whether it waits at the barrier, and for which generation.
    waiting: Vec<Option<usize>>,
    generation: usize,
    arrived: usize,
}

/// How many of each there are: small numbers make threads meet.
struct Shape {
    threads: usize,
    variables: usize,
    atomics: usize,
    locks: usize,
    /// How many threads make a generation at the barrier.
    party: usize,
    /// Whether accesses go to bytes rather than variables, now and then or always.
    bytes: usize,
    orderings: usize,
}

/// A valid program from any numbers.
pub fn from_numbers(numbers: &[u32]) -> Vec<Step> {
    let Some((first, rest)) = numbers.split_first() else {
        return Vec::new();
    };
    let mut dice = Dice(*first);
    let shape = Shape {
        threads: 2 + dice.below(MAX_THREADS - 1),
        variables: 1 + dice.below(3),
        atomics: 1 + dice.below(3),
        locks: 1 + dice.below(2),
        party: 2 + dice.below(2),
        bytes: dice.below(3),
        orderings: dice.below(3),
    };
    let mut world = World::new(shape);
    rest.iter()
        .filter_map(|number| world.step(&mut Dice(*number)))
        .collect()
}

impl World {
    fn new(shape: Shape) -> World {
        World {
            running: vec![0],
            ended: Vec::new(),
            threads: 1,
            writer: vec![None; shape.locks],
            readers: vec![Vec::new(); shape.locks],
            in_flight: Vec::new(),
            sent: 0,
            waiting: vec![None; MAX_THREADS],
            generation: 0,
            arrived: 0,
            shape,
        }
    }

    fn step(&mut self, dice: &mut Dice) -> Option<Step> {
        let kind = dice.below(32);
        // Whoever is at the barrier can only leave it.
        let thread = dice.pick(&self.running)?;
        let action = match self.waiting[thread] {
            Some(generation) if generation == self.generation => return None,
            Some(_) => {
                self.waiting[thread] = None;
                Action::Leave(0)
            }
            None => self.action(thread, kind, dice)?,
        };
        Some(Step { thread, action })
    }

    fn action(&mut self, thread: usize, kind: usize, dice: &mut Dice) -> Option<Action> {
        Some(match kind {
            0..6 => Action::Read(self.place(dice)),
            6..11 => Action::Write(self.place(dice)),
            11..15 => Action::Load(
                self.atomic(dice),
                self.ordering(dice, &[Relaxed, Acquire, SeqCst]),
            ),
            15..18 => Action::Store(
                self.atomic(dice),
                self.ordering(dice, &[Relaxed, Release, SeqCst]),
            ),
            18..21 => Action::ReadModifyWrite(
                self.atomic(dice),
                self.ordering(dice, &[Relaxed, Release, Acquire, AcqRel, SeqCst]),
            ),
            21 => Action::Fence(self.ordering(dice, &[Release, Acquire, AcqRel, SeqCst])),
            22..25 => self.lock(thread, dice)?,
            25 => self.send_or_receive(dice),
            26 => self.arrive(thread)?,
            27..29 => self.fork()?,
            29 => self.end(thread)?,
            30 => Action::Join(self.joinable(dice)?),
            _ => match dice.below(2) {
                0 => Action::Free(self.place(dice)),
                _ => Action::Allocate(self.place(dice)),
            },
        })
    }

    fn place(&self, dice: &mut Dice) -> Place {
        let to_bytes = match self.shape.bytes {
            0 => false,
            1 => dice.below(2) == 1,
            _ => true,
        };
        if !to_bytes {
            return variable(dice.below(self.shape.variables) as u64);
        }
        let size = 1 + dice.below(16) as u64;
        Place {
            start: dice.below((BYTES - size + 1) as usize) as u64,
            size,
        }
    }

    /// Atomics lie where plain accesses go, too. Each has one size for good.
    fn atomic(&self, dice: &mut Dice) -> Place {
        let number = dice.below(self.shape.atomics) as u64;
        match self.shape.bytes {
            0 => variable(number),
            _ => Place {
                start: number * 8,
                size: 4 << (number % 2),
            },
        }
    }

    /// Programs in which some orderings are rare find what programs with all of them drown in edges.
    fn ordering(&self, dice: &mut Dice, from: &[Ordering]) -> Ordering {
        let choices = match self.shape.orderings {
            0 => from,
            1 => &from[..2],
            _ => &from[..from.len().div_ceil(2)],
        };
        dice.pick(choices).expect("there are some")
    }

    fn lock(&mut self, thread: usize, dice: &mut Dice) -> Option<Action> {
        let lock = dice.below(self.shape.locks);
        if self.writer[lock] == Some(thread) {
            self.writer[lock] = None;
            return Some(Action::Unlock(lock));
        }
        if let Some(index) = self.readers[lock]
            .iter()
            .position(|reader| *reader == thread)
        {
            self.readers[lock].remove(index);
            return Some(Action::ReadUnlock(lock));
        }
        if self.writer[lock].is_some() {
            return None;
        }
        if dice.below(3) == 1 {
            self.readers[lock].push(thread);
            return Some(Action::ReadLock(lock));
        }
        if !self.readers[lock].is_empty() {
            return None;
        }
        self.writer[lock] = Some(thread);
        Some(Action::Lock(lock))
    }

    fn holds_a_lock(&self, thread: usize) -> bool {
        self.writer.contains(&Some(thread))
            || self.readers.iter().any(|readers| readers.contains(&thread))
    }

    fn send_or_receive(&mut self, dice: &mut Dice) -> Action {
        if self.in_flight.is_empty() || dice.below(2) == 0 {
            self.in_flight.push(self.sent);
            self.sent += 1;
            return Action::Send(self.sent - 1);
        }
        let index = dice.below(self.in_flight.len());
        Action::Receive(self.in_flight.swap_remove(index))
    }

    fn arrive(&mut self, thread: usize) -> Option<Action> {
        // Who waits for others while they wait for it would wait for ever.
        if self.holds_a_lock(thread) {
            return None;
        }
        self.waiting[thread] = Some(self.generation);
        self.arrived += 1;
        if self.arrived == self.shape.party {
            self.arrived = 0;
            self.generation += 1;
        }
        Some(Action::Arrive(0))
    }

    fn fork(&mut self) -> Option<Action> {
        if self.threads == self.shape.threads {
            return None;
        }
        self.threads += 1;
        self.running.push(self.threads - 1);
        Some(Action::Fork(self.threads - 1))
    }

    fn end(&mut self, thread: usize) -> Option<Action> {
        if thread == 0 || self.holds_a_lock(thread) {
            return None;
        }
        self.running.retain(|running| *running != thread);
        self.ended.push(thread);
        Some(Action::End)
    }

    fn joinable(&mut self, dice: &mut Dice) -> Option<usize> {
        let thread = dice.pick(&self.ended)?;
        self.ended.retain(|ended| *ended != thread);
        Some(thread)
    }
}
