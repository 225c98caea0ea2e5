//! crate: spin
//! race: add / add
//!
//! The writer of `RwLock` gives the lock back with a relaxed store, so that what it wrote happens before nothing: the next writer races with it,
//! although never at the same time. Mended by a release.

use spin::RwLock;
use std::thread;

static TOTAL: RwLock<u64> = RwLock::new(0);

fn main() {
    let other = thread::spawn(add);
    add();
    other.join().unwrap();
}

fn add() {
    *TOTAL.write() += 1;
}
