//! What each thread of a random program does.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

pub(crate) const THREADS: usize = 5;
pub(crate) const VARIABLES: usize = 3;
pub(crate) const ATOMICS: usize = 2;
pub(crate) const LOCKS: usize = 2;
pub(crate) const CELLS: usize = 2;
/// How many messages wait in a bounded channel.
pub(crate) const CAPACITY: usize = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Get(usize),
    Set(usize),
    Load(usize, Ordering),
    Store(usize, Ordering),
    Swap(usize, Ordering),
    /// Expects what the thread saw last there.
    CompareExchange(usize, Ordering, Ordering),
    Fence(Ordering),
    /// Locks it, or tries to if the thread has another one already; unlocks it if it has this one.
    Lock(usize),
    /// Waits for nothing, for no time, if the thread has the lock.
    Wait(usize),
    /// Locks it for writing, or for reading; likewise.
    WriteLock(usize),
    ReadLock(usize),
    SetOnce(usize),
    GetOnce(usize),
    /// To a thread's channel: unbounded, or bounded.
    Send(usize),
    SendBounded(usize),
    Receive,
    ReceiveBounded,
    Announce,
    Heed,
    /// Starts another thread, if it hasn't been started.
    Spawn(usize),
    /// Joins it, if this thread started it and hasn't joined it.
    Join(usize),
}

/// Per thread, what it does. Thread 0 is there from the beginning.
pub(crate) type Program = Vec<Vec<Operation>>;

struct Dice(u32);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        let limit = limit as u32;
        let result = self.0 % limit;
        self.0 /= limit;
        result as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A program from any numbers.
pub(crate) fn from_numbers(numbers: &[u32]) -> Program {
    let mut program = vec![Vec::new(); THREADS];
    let Some((first, rest)) = numbers.split_first() else {
        return program;
    };
    let mut dice = Dice(*first);
    let threads = 2 + dice.below(THREADS - 1);
    // With few accesses to many variables most programs are silent; with many to one, racy.
    let accesses = 2 + dice.below(10);
    for number in rest {
        let mut dice = Dice(*number);
        let thread = dice.below(threads);
        program[thread].push(operation(&mut dice, threads, accesses));
    }
    // The others are there early, or there is nothing to see.
    for thread in 1..threads {
        let place = dice.below(3).min(program[0].len());
        program[0].insert(place, Operation::Spawn(thread));
    }
    program
}

fn operation(dice: &mut Dice, threads: usize, accesses: usize) -> Operation {
    let loads = [Relaxed, Acquire, SeqCst];
    let stores = [Relaxed, Release, SeqCst];
    let both = [Relaxed, Release, Acquire, AcqRel, SeqCst];
    let kind = dice.below(45 + accesses);
    match kind {
        0..4 => Operation::Load(dice.below(ATOMICS), dice.pick(&loads)),
        4..8 => Operation::Store(dice.below(ATOMICS), dice.pick(&stores)),
        8..11 => Operation::Swap(dice.below(ATOMICS), dice.pick(&both)),
        11..13 => {
            let atomic = dice.below(ATOMICS);
            Operation::CompareExchange(atomic, dice.pick(&both), dice.pick(&loads))
        }
        13..15 => Operation::Fence(dice.pick(&both[1..])),
        15..20 => Operation::Lock(dice.below(LOCKS)),
        20..22 => Operation::Send(dice.below(threads)),
        22..25 => Operation::SendBounded(dice.below(threads)),
        25..28 => Operation::Receive,
        28..31 => Operation::ReceiveBounded,
        31 => Operation::Announce,
        32 => Operation::Heed,
        33 => Operation::Spawn(1 + dice.below(threads - 1)),
        34..36 => Operation::Join(1 + dice.below(threads - 1)),
        36..38 => Operation::Wait(dice.below(LOCKS)),
        38..40 => Operation::WriteLock(dice.below(LOCKS)),
        40..43 => Operation::ReadLock(dice.below(LOCKS)),
        43 => Operation::SetOnce(dice.below(CELLS)),
        44 => Operation::GetOnce(dice.below(CELLS)),
        _ if dice.below(2) == 0 => Operation::Get(dice.below(VARIABLES)),
        _ => Operation::Set(dice.below(VARIABLES)),
    }
}
