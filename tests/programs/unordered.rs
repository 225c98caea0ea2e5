//! Two pieces of code that run one after the other, every time, and that nothing orders.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use racecheck::thread;

/// Runs `first` on a thread of its own and then `second` on this one.
///
/// What makes the second wait is a relaxed flag of `std`'s, which racecheck doesn't see, and which orders nothing where it is seen: there is no luck in which
/// access comes first, and still no edge. The end of the thread is an edge: what follows the call is ordered after both.
#[inline(never)]
pub(crate) fn unordered(first: impl FnOnce() + Send, second: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        // A handle that is dropped after the thread has ended would be an order, where `std`'s `Arc`s are seen.
        let _first = s.spawn(|| {
            // On a panic too.
            let _done = SetWhenDropped(&done);
            first();
        });
        while !done.load(Relaxed) {
            thread::yield_now();
        }
        second();
    });
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
