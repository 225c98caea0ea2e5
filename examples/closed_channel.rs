//! Several readers wait for a result until a channel is closed. What was written before the close they may read; but here the result is written
//! after it: a data race. With `--fixed` it is written first.
//!
//! ```sh
//! cargo run --features race-check --example closed_channel            # a report, and exit status 66
//! cargo run --features race-check --example closed_channel -- --fixed # silent
//! ```

use std::convert::Infallible;
use std::sync::atomic::AtomicBool as UntrackedBool;

use clap::Parser;
use racecheck::sync::atomic::Ordering;
use racecheck::sync::mpsc::{self, Receiver, Sender};
use racecheck::{Shared, thread};

static RESULT: Shared<u64> = Shared::new(0);

/// Whether the result is there. The readers wait for that too, so that every run gives the same report: it is written before it is read.
/// racecheck doesn't see `std`'s own atomics, and a relaxed one would order nothing if it did.
static WRITTEN: UntrackedBool = UntrackedBool::new(false);

/// Several readers wait for a result until a channel is closed
#[derive(Parser)]
struct Args {
    /// Write the result before the channel is closed
    #[arg(long)]
    fixed: bool,
}

fn write() {
    RESULT.set((1..=20).product());
    WRITTEN.store(true, Ordering::Relaxed);
}

fn read(done: &Receiver<Infallible>) -> u64 {
    // No message ever comes: this waits for the last sender to be dropped.
    let Err(_closed) = done.recv();
    while !WRITTEN.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    RESULT.get()
}

fn main() {
    let Args { fixed } = Args::parse();
    // A receiver can't be shared: each reader has a channel.
    let (done, waiting): (Vec<Sender<Infallible>>, Vec<_>) =
        (0..3).map(|_| mpsc::channel()).unzip();
    let readers: Vec<_> = waiting
        .into_iter()
        .enumerate()
        .map(|(i, waiting)| {
            thread::Builder::new()
                .name(format!("reader-{i}"))
                .spawn(move || read(&waiting))
                .unwrap()
        })
        .collect();
    if fixed {
        write();
        drop(done);
    } else {
        drop(done);
        write();
    }
    for reader in readers {
        println!("{}", reader.join().unwrap());
    }
}
