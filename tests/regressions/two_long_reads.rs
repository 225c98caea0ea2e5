//! A read that had to wait for another one, until its patience was over, was reported against a write before both of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use racecheck::{Shared, thread};

#[test]
fn neither_is_a_race_however_long_they_overlap() {
    crate::expect(0, || {
        let value = Shared::new(0);
        value.set(1);
        thread::scope(|s| {
            let value = &value;
            let (inside, is_inside) = channel();
            let (leave, may_leave) = channel::<()>();
            s.spawn(move || {
                value.with(|_| {
                    inside.send(()).unwrap();
                    let _ = may_leave.recv();
                });
            });
            is_inside.recv().unwrap();
            // Not the thread that wrote.
            let read = s.spawn(|| catch_unwind(AssertUnwindSafe(|| value.get())));
            assert!(read.join().unwrap().is_err());
            drop(leave);
        });
    });
}
