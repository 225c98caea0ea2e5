//! `get_mut` in an epoch in which the thread had written left another thread's read standing: the next write raced with it once more.

use std::sync::Arc;

use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

#[test]
fn clears_it() {
    // One race: the write and the read. The writes after `get_mut` have none.
    crate::expect(1, || {
        let lock = Mutex::new(());
        let mut value = Arc::new(Shared::new(0));
        let theirs = value.clone();
        let (go, wait) = std::sync::mpsc::channel();
        thread::spawn(move || {
            wait.recv().unwrap();
            theirs.get();
            drop(theirs);
            std::thread::park();
        });
        value.set(1);
        go.send(()).unwrap();
        let value = loop {
            if let Some(value) = Arc::get_mut(&mut value) {
                break value;
            }
            thread::yield_now();
        };
        *value.get_mut() = 5;
        drop(lock.lock());
        value.set(2);
    });
}
