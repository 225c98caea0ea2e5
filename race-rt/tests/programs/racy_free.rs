//! Memory is freed that another thread has used without order.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

static USED: AtomicBool = AtomicBool::new(false);

struct Shared(*mut [u64; 8]);

unsafe impl Send for Shared {}

fn main() {
    let value = Box::into_raw(Box::new([0; 8]));
    let shared = Shared(value);
    let user = thread::spawn(move || {
        let shared: Shared = shared;
        unsafe { (*shared.0)[5] = 1 }; // race
        USED.store(true, Relaxed);
    });
    while !USED.load(Relaxed) {
        thread::yield_now();
    }
    drop(unsafe { Box::from_raw(value) }); // race: free
    user.join().unwrap();
}
