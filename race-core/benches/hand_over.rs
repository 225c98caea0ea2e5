//! A lock that goes from thread to thread: the cost of an acquire and a release in the engine, beside a plain vector clock's.
//!
//! One thread of the operating system plays all of them, so nothing of the scheduler is in the figures. `plain` is the textbook: a whole vector for
//! each thread and lock; to acquire is to join it, to release to copy it. An iteration is one turn: a lock is acquired, and released.

use divan::Bencher;
use race_core::measure::HandOver;

fn main() {
    divan::main();
}

const THREADS: [usize; 4] = [8, 64, 512, 4096];

trait Clocks {
    fn new(threads: usize, locks: usize) -> Self;
    fn turn(&mut self, thread: usize, lock: usize);
}

impl Clocks for HandOver {
    fn new(threads: usize, locks: usize) -> HandOver {
        HandOver::new(threads, locks)
    }

    fn turn(&mut self, thread: usize, lock: usize) {
        self.turn(thread, lock);
    }
}

struct Plain {
    threads: Vec<Vec<u64>>,
    locks: Vec<Vec<u64>>,
}

impl Clocks for Plain {
    fn new(threads: usize, locks: usize) -> Plain {
        Plain {
            threads: vec![vec![1; threads]; threads],
            locks: vec![vec![0; threads]; locks],
        }
    }

    fn turn(&mut self, thread: usize, lock: usize) {
        let (clock, lock) = (&mut self.threads[thread], &mut self.locks[lock]);
        for (mine, theirs) in clock.iter_mut().zip(&*lock) {
            *mine = (*mine).max(*theirs);
        }
        lock.copy_from_slice(clock);
        clock[thread] += 1;
    }
}

/// Numbers that look random, the same ones in each run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * limit as u128) >> 64) as usize
    }
}

/// One lock goes round.
#[divan::bench(types = [Plain, HandOver], args = THREADS, sample_size = 10_000)]
fn in_turn<C: Clocks>(bencher: Bencher<'_, '_>, threads: usize) {
    let mut clocks = C::new(threads, 1);
    let mut next = 0;
    bencher.bench_local(|| {
        clocks.turn(next, 0);
        next = if next + 1 < threads { next + 1 } else { 0 };
    });
}

/// One lock goes to any thread.
#[divan::bench(types = [Plain, HandOver], args = THREADS, sample_size = 10_000)]
fn at_random<C: Clocks>(bencher: Bencher<'_, '_>, threads: usize) {
    let mut clocks = C::new(threads, 1);
    let mut dice = Dice(88_172_645_463_325_252);
    bencher.bench_local(|| clocks.turn(dice.below(threads), 0));
}

/// Any thread takes any lock of eight: neither knows all that the other does.
#[divan::bench(types = [Plain, HandOver], args = THREADS, sample_size = 10_000)]
fn eight_locks_at_random<C: Clocks>(bencher: Bencher<'_, '_>, threads: usize) {
    let mut clocks = C::new(threads, 8);
    let mut dice = Dice(88_172_645_463_325_252);
    bencher.bench_local(|| clocks.turn(dice.below(threads), dice.below(8)));
}
