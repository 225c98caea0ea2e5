//! crate: oneshot
//! race: drop_waker / dealloc
//!
//! A receiver that was polled, and is then dropped, first says that it is gone and then takes its waker out of the channel, which the sender frees as
//! soon as it has read that. Mended: the waker first.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::thread;

/// Tells when, and orders nothing.
static DROPPED: AtomicBool = AtomicBool::new(false);

fn main() {
    let (sender, receiver) = oneshot::channel::<u64>();
    let receiving = thread::spawn(move || {
        {
            let mut receiver = pin!(receiver);
            let pending = receiver.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(pending.is_pending());
        }
        DROPPED.store(true, Relaxed);
    });
    while !DROPPED.load(Relaxed) {
        thread::yield_now();
    }
    println!("{:?}", sender.send(1).map_err(|_| "refused"));
    receiving.join().unwrap();
}
