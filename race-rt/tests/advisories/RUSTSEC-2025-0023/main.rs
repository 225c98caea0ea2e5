//! crate: tokio
//! race: clone_value / clone_value
//!
//! Receivers of a `broadcast` channel clone the value under a lock for readers, so at the same time, and it need not be `Sync`. Mended: the lock is a
//! mutex.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use tokio::sync::broadcast;

/// How many receivers are cloning, or have cloned. Orders nothing.
static CLONING: AtomicU32 = AtomicU32::new(0);

/// How long a receiver waits for the other one, which never comes if they exclude each other.
const PATIENCE: u32 = 10_000;

struct Counted {
    clones: Cell<u32>,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        // Those who come one after the other are ordered by the lock.
        CLONING.fetch_add(1, Relaxed);
        let mut waited = 0;
        while CLONING.load(Relaxed) < 2 && waited < PATIENCE {
            thread::yield_now();
            waited += 1;
        }
        self.clones.set(self.clones.get() + 1);
        Self { clones: Cell::new(0) }
    }
}

fn main() {
    let (sender, mut first) = broadcast::channel(1);
    let mut second = sender.subscribe();
    // It is the last receiver that takes the value instead of a clone.
    let _third = sender.subscribe();
    assert!(sender.send(Counted { clones: Cell::new(0) }).is_ok());
    let receiving = thread::spawn(move || first.try_recv().is_ok());
    let received = second.try_recv().is_ok();
    println!("{received}, {}", receiving.join().unwrap());
}
