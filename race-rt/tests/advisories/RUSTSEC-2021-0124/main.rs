//! crate: tokio
//! race: consume_value / consume_value
//!
//! A `oneshot` channel that its receiver has closed: `send` puts the value in, says that it is there, and takes it out again. A receiver that has
//! read that it is there takes it out, too. Mended: it isn't said of a closed channel.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use tokio::sync::oneshot;

/// Tells when, and orders nothing.
static SENT: AtomicBool = AtomicBool::new(false);

fn main() {
    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    let sending = thread::spawn(move || {
        let refused = sender.send(1_u64);
        SENT.store(true, Relaxed);
        refused
    });
    while !SENT.load(Relaxed) {
        thread::yield_now();
    }
    let received = receiver.try_recv();
    let refused = sending.join().unwrap();
    println!("refused: {refused:?}, received: {received:?}");
}
