//! The flag is under the lock, and the value that it announces is written after it.

use std::sync::{Condvar, Mutex};
use std::thread;

static mut VALUE: u64 = 0;
static READY: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn wait() {
    drop(CHANGED.wait_while(READY.lock().unwrap(), |ready| !*ready).unwrap());
    let value = unsafe { (&raw const VALUE).read() }; // race
    std::hint::black_box(value);
}

fn main() {
    let waiting: Vec<_> = (1..threads()).map(|_| thread::spawn(wait)).collect();
    *READY.lock().unwrap() = true;
    CHANGED.notify_all();
    unsafe { VALUE = 7 }; // race
    for thread in waiting {
        thread.join().unwrap();
    }
}
