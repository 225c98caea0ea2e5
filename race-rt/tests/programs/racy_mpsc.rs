//! What a message points to is used after it was sent.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread;

struct Shared(*mut u64);

unsafe impl Send for Shared {}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    for _ in 1..threads() {
        let (send, receive) = channel::<Shared>();
        let value = Box::into_raw(Box::new(1));
        let sent: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let receiver = thread::spawn(move || {
            let shared = receive.recv().unwrap();
            unsafe { *shared.0 += 1 }; // race
            // Lives on, or it would end before the sender has let go of its handle.
            while !sent.load(Relaxed) {
                thread::yield_now();
            }
        });
        send.send(Shared(value)).unwrap();
        unsafe { *value = 3 }; // race
        sent.store(true, Relaxed);
        receiver.join().unwrap();
        drop(unsafe { Box::from_raw(value) });
    }
}
