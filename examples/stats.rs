//! Two workers count requests and errors in plain fields: two data races, one for each field. With `--fixed` the fields are atomics.
//!
//! ```sh
//! cargo run --features race-check --example stats            # two reports, and exit status 66
//! cargo run --features race-check --example stats -- --fixed # silent
//! ```

use std::sync::Arc;

use clap::Parser;
use racecheck::sync::atomic::{AtomicU64, Ordering};
use racecheck::{Shared, thread};

const REQUESTS: u64 = 100;

/// Two workers count requests and errors in plain fields
#[derive(Parser)]
struct Args {
    /// Make the fields atomics
    #[arg(long)]
    fixed: bool,
}

trait Stats: Send + Sync + 'static {
    fn count(&self, failed: bool);
    fn print(&self);
}

struct PlainStats {
    requests: Shared<u64>,
    errors: Shared<u64>,
}

impl Stats for PlainStats {
    fn count(&self, failed: bool) {
        self.requests.update(|n| n + 1);
        if failed {
            self.errors.update(|n| n + 1);
        }
    }

    fn print(&self) {
        print(self.requests.get(), self.errors.get());
    }
}

#[derive(Default)]
struct AtomicStats {
    requests: AtomicU64,
    errors: AtomicU64,
}

impl Stats for AtomicStats {
    fn count(&self, failed: bool) {
        // Relaxed is enough: nobody concludes anything else from the numbers.
        self.requests.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn print(&self) {
        print(
            self.requests.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        );
    }
}

fn print(requests: u64, errors: u64) {
    println!("{requests} requests, {errors} errors");
}

fn serve(stats: &impl Stats) {
    for request in 1..=REQUESTS {
        stats.count(request % 10 == 0);
    }
}

fn run(stats: Arc<impl Stats>) {
    let worker = |name: &str| {
        let stats = stats.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || serve(&*stats))
            .unwrap()
    };
    let early = worker("early");
    // So that every run gives the same report. It orders nothing: only a join would.
    while !early.is_finished() {
        thread::yield_now();
    }
    let late = worker("late");
    for worker in [early, late] {
        worker.join().unwrap();
    }
    stats.print();
}

fn main() {
    let Args { fixed } = Args::parse();
    if fixed {
        run(Arc::new(AtomicStats::default()));
    } else {
        run(Arc::new(PlainStats {
            requests: Shared::new(0),
            errors: Shared::new(0),
        }));
    }
}
