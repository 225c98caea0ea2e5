//! A thread writes a result, and another one sleeps until it "must" be there: a data race, however long the sleep. With `--fixed` it joins the
//! first one instead.
//!
//! ```sh
//! cargo run --features race-check --example sleep            # a report, and exit status 66
//! cargo run --features race-check --example sleep -- --fixed # silent
//! ```

use std::time::Duration;

use clap::Parser;
use racecheck::Shared;
use racecheck::thread::{self, JoinHandle};

static ANSWER: Shared<u32> = Shared::new(0);

/// A thread writes a result, and another one sleeps until it must be there
#[derive(Parser)]
struct Args {
    /// Join the thread instead
    #[arg(long)]
    fixed: bool,
}

fn think() {
    ANSWER.set(42);
}

fn sleep_and_print(thinker: &JoinHandle<()>) {
    thread::sleep(Duration::from_millis(50));
    // On a busy machine that may have been too short. This makes every run's report the same, and orders nothing either.
    while !thinker.is_finished() {
        thread::yield_now();
    }
    println!("{}", ANSWER.get());
}

fn join_and_print(thinker: JoinHandle<()>) {
    thinker.join().unwrap();
    println!("{}", ANSWER.get());
}

fn main() {
    let Args { fixed } = Args::parse();
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let thinker = named("thinker").spawn(think).unwrap();
    let print = move || {
        if fixed {
            join_and_print(thinker);
        } else {
            sleep_and_print(&thinker);
        }
    };
    named("printer").spawn(print).unwrap().join().unwrap();
}
