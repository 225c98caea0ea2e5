//! Two threads count hits in a plain counter: a data race. With `--fixed` a mutex orders them.
//!
//! ```sh
//! cargo run --features race-check --example racy_counter            # a report, and exit status 66
//! cargo run --features race-check --example racy_counter -- --fixed # silent
//! ```

use std::process::ExitCode;

use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

const HITS: u64 = 1000;

static COUNTER: Shared<u64> = Shared::new(0);
static LOCK: Mutex<()> = Mutex::new(());

fn hit(fixed: bool) {
    let _guard = fixed.then(|| LOCK.lock().unwrap());
    COUNTER.update(|n| n + 1);
}

fn main() -> ExitCode {
    let fixed = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--fixed") => true,
        Some(other) => {
            eprintln!("racy_counter: unknown argument `{other}`: the only one is --fixed");
            return ExitCode::from(2);
        }
    };
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
    ExitCode::SUCCESS
}
