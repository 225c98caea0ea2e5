//! Two pieces of code that run one after the other, every time, and that nothing orders.

use racecheck::thread;

/// Runs `first` on a thread of its own and then `second` on this one.
///
/// What makes the second wait is `std`'s own channel, which racecheck doesn't see: there is no luck in which access comes first, and
/// still no edge. The end of the thread is an edge: what follows the call is ordered after both.
#[inline(never)]
pub(crate) fn unordered(first: impl FnOnce() + Send, second: impl FnOnce()) {
    let (done, wait) = std::sync::mpsc::channel();
    thread::scope(|s| {
        s.spawn(move || {
            first();
            done.send(()).unwrap();
        });
        wait.recv().unwrap();
        second();
    });
}
