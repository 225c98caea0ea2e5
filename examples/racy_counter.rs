//! Two threads count hits in a plain counter: a data race. With `--fixed` a mutex orders them.
//!
//! ```sh
//! cargo run --features race-check --example racy_counter            # a report, and exit status 66
//! cargo run --features race-check --example racy_counter -- --fixed # silent
//! ```

use clap::Parser;
use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

const HITS: u64 = 1000;

static COUNTER: Shared<u64> = Shared::new(0);
static LOCK: Mutex<()> = Mutex::new(());

/// Two threads count hits in a plain counter
#[derive(Parser)]
struct Args {
    /// Hold a mutex around every hit
    #[arg(long)]
    fixed: bool,
}

fn hit(fixed: bool) {
    let _guard = fixed.then(|| LOCK.lock().unwrap());
    COUNTER.update(|n| n + 1);
}

fn main() {
    let Args { fixed } = Args::parse();
    let workers: Vec<_> = (0..2)
        .map(|i| {
            thread::Builder::new()
                .name(format!("worker-{i}"))
                .spawn(move || (0..HITS).for_each(|_| hit(fixed)))
                .unwrap()
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    println!("{} hits of {}", COUNTER.get(), 2 * HITS);
}
