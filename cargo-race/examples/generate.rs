//! Writes a trace for measuring `cargo race replay`: threads that read, write and lock, each step by one chosen at random.
//!
//! ```sh
//! cargo run --release -p cargo-race --example generate > /tmp/mix.trace
//! cargo run --release -p cargo-race --example generate -- --unguarded 100 > /tmp/racy.trace
//! ```
//!
//! The same arguments give the same trace. Half of the variables are guarded by the locks, each by one, and half belong to one thread each. A thread that
//! holds a lock uses what it guards; one that doesn't uses its own. So nothing races, but for the accesses that `--unguarded` lets go anywhere.

use std::io::{self, BufWriter, Write};

use clap::Parser;
use race_core::trace::names::{Names, Table};
use race_core::trace::write::Writer;
use race_core::trace::{Event, Id, Operation, Place};

#[derive(Parser)]
struct Args {
    /// How many events, besides the threads' forks and joins
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    variables: u32,
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    places: u32,
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    locks: u32,
    /// Of 100 events, how many are reads
    #[arg(long, default_value_t = 70, value_parser = clap::value_parser!(u32).range(..=100))]
    reads: u32,
    /// Of 100 events, how many are locking and unlocking; the rest are writes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=100))]
    lock_operations: u32,
    /// Of 100 accesses, how many are to any variable, whatever is locked
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    unguarded: u32,
    /// Names such as `variable_17` and `src/main.rs:17`, not `V17` and `17`
    #[arg(long)]
    long_names: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let [thread, lock, variable, place] = if args.long_names {
        ["thread-", "lock_", "variable_", "src/main.rs:"]
    } else {
        ["T", "L", "V", ""]
    };
    let names = Names {
        threads: named(thread, args.threads),
        locks: named(lock, args.locks),
        variables: named(variable, args.variables),
        sites: named(place, args.places),
        ..Names::default()
    };
    let mut writer = Writer::new(BufWriter::with_capacity(1 << 20, io::stdout().lock()))?;
    let mut write = |thread, operation, site| {
        let event = Event {
            thread,
            operation,
            site,
        };
        writer.write(&event, &names)
    };
    for thread in 1..args.threads {
        write(0, Operation::Fork(thread), 0)?;
    }
    let mut mix = Mix::new(&args);
    for _ in 0..args.events {
        let (thread, operation, site) = mix.next();
        write(thread, operation, site)?;
    }
    for thread in 1..args.threads {
        write(0, Operation::Join(thread), 0)?;
    }
    writer.into_inner().flush()
}

fn named(prefix: &str, count: u32) -> Table {
    let mut table = Table::default();
    for number in 0..count {
        let name = format!("{prefix}{number}");
        table.intern(name.as_bytes()).expect("a `u32` is a number");
    }
    table
}

struct Mix<'a> {
    args: &'a Args,
    random: u64,
    /// Which lock each thread holds.
    held: Vec<Option<Id>>,
}

impl Mix<'_> {
    fn new(args: &Args) -> Mix<'_> {
        Mix {
            args,
            // Xorshift never leaves 0.
            random: args.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            held: vec![None; args.threads as usize],
        }
    }

    /// A number below `limit`: xorshift64* (Vigna).
    fn below(&mut self, limit: u32) -> u32 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let bits = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((bits * u64::from(limit)) >> 32) as u32
    }

    fn next(&mut self) -> (Id, Operation, Id) {
        let thread = self.below(self.args.threads);
        let site = self.below(self.args.places);
        let dice = self.below(100);
        let held = self.held[thread as usize];
        let lock = dice >= self.args.reads && dice < self.args.reads + self.args.lock_operations;
        let operation = if let Some(held) = held.filter(|_| lock) {
            self.held[thread as usize] = None;
            Operation::Release(held)
        } else if lock && let Some(free) = self.free_lock() {
            self.held[thread as usize] = Some(free);
            Operation::Acquire(free)
        } else {
            let place = Place::Variable(self.variable(thread, held));
            if dice < self.args.reads {
                Operation::Read(place)
            } else {
                Operation::Write(place)
            }
        };
        (thread, operation, site)
    }

    /// A lock that nobody holds, if a few tries find one.
    fn free_lock(&mut self) -> Option<Id> {
        for _ in 0..8 {
            let lock = self.below(self.args.locks);
            if !self.held.contains(&Some(lock)) {
                return Some(lock);
            }
        }
        None
    }

    fn variable(&mut self, thread: Id, held: Option<Id>) -> Id {
        let any = self.below(self.args.variables);
        if self.below(100) < self.args.unguarded {
            return any;
        }
        let guarded = self.args.variables / 2;
        let (first, count, owners, owner) = match held {
            Some(lock) => (0, guarded, self.args.locks, lock),
            None => (
                guarded,
                self.args.variables - guarded,
                self.args.threads,
                thread,
            ),
        };
        // The owner's variables are every `owners`-th; with too few variables, several owners share the last ones.
        let mine = (count / owners).max(1);
        let number = owner + owners * self.below(mine);
        first + number.min(count.saturating_sub(1))
    }
}
