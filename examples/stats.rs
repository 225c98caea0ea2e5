//! Two workers count requests and errors in plain fields: two data races, one for each field, which the reports name. With `--fixed` the fields
//! are atomics.
//!
//! ```sh
//! cargo run --features race-check --example stats            # two reports, and exit status 66
//! cargo run --features race-check --example stats -- --fixed # silent
//! ```

use std::sync::Arc;

use clap::Parser;
use racecheck::sync::atomic::{AtomicU64, Ordering};
use racecheck::thread;

const REQUESTS: u64 = 100;

/// Two workers count requests and errors in plain fields
#[derive(Parser)]
struct Args {
    /// Make the fields atomics
    #[arg(long)]
    fixed: bool,
}

trait Count: Send + Sync + 'static {
    fn count(&self, failed: bool);
    fn print(&self);
}

#[racecheck::shared]
struct Stats {
    reqs: u64,
    errs: u64,
}

impl Count for Stats {
    fn count(&self, failed: bool) {
        self.update_reqs(|n| n + 1);
        if failed {
            self.update_errs(|n| n + 1);
        }
    }

    fn print(&self) {
        print(self.get_reqs(), self.get_errs());
    }
}

#[derive(Default)]
struct AtomicStats {
    reqs: AtomicU64,
    errs: AtomicU64,
}

impl Count for AtomicStats {
    fn count(&self, failed: bool) {
        // Relaxed is enough: nobody concludes anything else from the numbers.
        self.reqs.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.errs.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn print(&self) {
        print(
            self.reqs.load(Ordering::Relaxed),
            self.errs.load(Ordering::Relaxed),
        );
    }
}

fn print(requests: u64, errors: u64) {
    println!("{requests} requests, {errors} errors");
}

fn serve(stats: &impl Count) {
    for request in 1..=REQUESTS {
        stats.count(request % 10 == 0);
    }
}

fn run(stats: Arc<impl Count>) {
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
        run(Arc::new(Stats::new(0, 0)));
    }
}
