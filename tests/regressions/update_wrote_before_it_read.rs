//! `update` counted as a write from its beginning, before its closure had run.

use racecheck::sync::mpsc;
use racecheck::{Shared, thread};

#[test]
fn what_its_closure_waits_for_is_ordered_before_the_write() {
    crate::expect(0, || {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel();
        thread::scope(|s| {
            let value = &value;
            s.spawn(move || {
                wait.recv().unwrap();
                value.get();
                tx.send(()).unwrap();
            });
            value.update(|n| {
                go.send(()).unwrap();
                rx.recv().unwrap();
                n + 1
            });
        });
    });
}
