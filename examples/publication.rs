//! A configuration is published by raising a flag, and a reader spins on the flag. With a plain flag that is two data races: on the flag, and
//! on the configuration. With `--fixed` the flag is an atomic; its `Release` store and `Acquire` load order the configuration too.
//!
//! ```sh
//! cargo run --features race-check --example publication            # two reports, and exit status 66
//! cargo run --features race-check --example publication -- --fixed # silent
//! ```

use std::sync::atomic::AtomicBool as UntrackedBool;

use clap::Parser;
use racecheck::sync::atomic::{AtomicBool, Ordering};
use racecheck::{Shared, thread};

/// Whether the reader has looked at the flag. Publishing waits for that, so that every run gives the same report: the flag is read before it
/// is written. racecheck doesn't see `std`'s own atomics, and a relaxed one would order nothing if it did.
static LOOKED: UntrackedBool = UntrackedBool::new(false);

/// A reader spins on a flag until a configuration is there
#[derive(Parser)]
struct Args {
    /// Make the flag an atomic, stored with Release and loaded with Acquire
    #[arg(long)]
    fixed: bool,
}

#[derive(Clone, Copy, Default)]
struct Config {
    workers: u32,
    retries: u32,
}

enum Flag {
    Plain(Shared<bool>),
    Atomic(AtomicBool),
}

impl Flag {
    fn raise(&self) {
        match self {
            Flag::Plain(flag) => flag.set(true),
            Flag::Atomic(flag) => flag.store(true, Ordering::Release),
        }
    }

    fn is_raised(&self) -> bool {
        match self {
            Flag::Plain(flag) => flag.get(),
            Flag::Atomic(flag) => flag.load(Ordering::Acquire),
        }
    }
}

fn publish(config: &Shared<Config>, ready: &Flag) {
    config.set(Config {
        workers: 4,
        retries: 3,
    });
    ready.raise();
}

fn wait_for_config(config: &Shared<Config>, ready: &Flag) -> Config {
    while !ready.is_raised() {
        LOOKED.store(true, Ordering::Relaxed);
        thread::yield_now();
    }
    config.get()
}

fn main() {
    let Args { fixed } = Args::parse();
    let config = Shared::new(Config::default());
    let ready = if fixed {
        Flag::Atomic(AtomicBool::new(false))
    } else {
        Flag::Plain(Shared::new(false))
    };
    thread::scope(|s| {
        let reader = thread::Builder::new()
            .name("reader".to_owned())
            .spawn_scoped(s, || wait_for_config(&config, &ready))
            .unwrap();
        while !LOOKED.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        publish(&config, &ready);
        let seen = reader.join().unwrap();
        println!("{} workers, {} retries", seen.workers, seen.retries);
    });
}
