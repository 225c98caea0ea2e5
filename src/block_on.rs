//! Drives a future to its end on the calling thread: what an `async` test or `main` runs on.
//!
//! Compiled in both builds. It parks and unparks through [`crate::thread`], so the order that a wake-up makes is seen. It knows no tasks, no
//! timers and no I/O.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::thread::{self, Thread};

/// The thread that is to poll again.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls `future` until it is ready, and parks in between.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            // Whoever has taken the token for a wake-up of their own polls once too often, which does no harm; and what has used up ours
            // has parked, and been woken, by us.
            Poll::Pending => thread::park(),
        }
    }
}
