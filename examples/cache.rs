//! One thread puts addresses into a cache that another one looks up: a plain map, so a data race. With `--fixed` a read-write lock guards it.
//!
//! ```sh
//! cargo run --features race-check --example cache            # a report, and exit status 66
//! cargo run --features race-check --example cache -- --fixed # silent
//! ```

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use clap::Parser;
use racecheck::sync::RwLock;
use racecheck::{Shared, thread};

/// One thread fills a cache that another one looks up
#[derive(Parser)]
struct Args {
    /// Guard the map by a read-write lock
    #[arg(long)]
    fixed: bool,
}

struct Cache {
    fixed: bool,
    lock: RwLock<()>,
    addresses: Shared<HashMap<String, Ipv4Addr>>,
}

impl Cache {
    fn get(&self, name: &str) -> Option<Ipv4Addr> {
        let _guard = self.fixed.then(|| self.lock.read().unwrap());
        self.addresses
            .with(|addresses| addresses.get(name).copied())
    }

    fn set(&self, name: &str, address: Ipv4Addr) {
        let _guard = self.fixed.then(|| self.lock.write().unwrap());
        self.addresses
            .with_mut(|addresses| addresses.insert(name.to_owned(), address));
    }
}

fn main() {
    let Args { fixed } = Args::parse();
    let cache = Arc::new(Cache {
        fixed,
        lock: RwLock::new(()),
        addresses: Shared::new(HashMap::new()),
    });
    let resolver = thread::Builder::new()
        .name("resolver".to_owned())
        .spawn({
            let cache = cache.clone();
            move || cache.set("localhost", Ipv4Addr::LOCALHOST)
        })
        .unwrap();
    // So that every run gives the same report. It orders nothing: only a join would.
    while !resolver.is_finished() {
        thread::yield_now();
    }
    let client = thread::Builder::new()
        .name("client".to_owned())
        .spawn(move || cache.get("localhost").unwrap())
        .unwrap();
    println!("{}", client.join().unwrap());
    resolver.join().unwrap();
}
