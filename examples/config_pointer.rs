//! A server finds its configuration by an atomic pointer. Stored with `Relaxed`, the pointer arrives, and what it points to need not have:
//! a data race on the configuration. With `--fixed` the store is `Release`, which with the `Acquire` load orders all that was written before.
//!
//! ```sh
//! cargo run --features race-check --example config_pointer            # a report, and exit status 66
//! cargo run --features race-check --example config_pointer -- --fixed # silent
//! ```

use std::ptr;

use clap::Parser;
use racecheck::sync::atomic::{AtomicPtr, Ordering};
use racecheck::{Shared, thread};

static CURRENT: AtomicPtr<Config> = AtomicPtr::new(ptr::null_mut());

/// A server finds its configuration by an atomic pointer
#[derive(Parser)]
struct Args {
    /// Publish the pointer with Release
    #[arg(long)]
    fixed: bool,
}

struct Config {
    workers: Shared<u32>,
}

fn publish(config: &'static Config, order: Ordering) {
    config.workers.set(4);
    CURRENT.store(ptr::from_ref(config).cast_mut(), order);
}

fn wait_for_config() -> &'static Config {
    loop {
        // SAFETY: null, or what `publish` was given, which lives for ever.
        match unsafe { CURRENT.load(Ordering::Acquire).as_ref() } {
            Some(config) => break config,
            None => thread::yield_now(),
        }
    }
}

fn serve() -> u32 {
    wait_for_config().workers.get()
}

fn main() {
    let Args { fixed } = Args::parse();
    let server = thread::Builder::new()
        .name("server".to_owned())
        .spawn(serve)
        .unwrap();
    let config = Box::leak(Box::new(Config {
        workers: Shared::new(0),
    }));
    let order = if fixed {
        Ordering::Release
    } else {
        Ordering::Relaxed
    };
    publish(config, order);
    println!("{} workers", server.join().unwrap());
}
