//! [`crate::exclusion`] under `loom`, every interleaving of two threads: one inside at a time, and whoever comes in finds what the last one left.
//!
//! Run it with `RUSTFLAGS="--cfg loom" cargo test --lib model::`; `docs/internals.md` says more.

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use crate::exclusion::{Exclusion, Mode, Refused};

/// What is inside. `loom` panics at two accesses that nothing orders, if one of them is a write.
struct Guarded {
    exclusion: Exclusion,
    value: UnsafeCell<()>,
}

impl Guarded {
    fn new() -> Arc<Guarded> {
        Arc::new(Guarded {
            exclusion: Exclusion::new(),
            value: UnsafeCell::new(()),
        })
    }

    fn read(&self) {
        self.value.with(|_| ());
    }

    fn write(&self) {
        self.value.with_mut(|_| ());
    }
}

#[test]
fn exclusive_borrows_exclude_and_order() {
    loom::model(|| {
        let guarded = Guarded::new();
        let work = |guarded: &Guarded| {
            for _ in 0..2 {
                let _inside = guarded.exclusion.borrow(Mode::Exclusive).unwrap();
                guarded.write();
            }
        };
        let other = {
            let guarded = guarded.clone();
            loom::thread::spawn(move || work(&guarded))
        };
        work(&guarded);
        other.join().unwrap();
    });
}

#[test]
fn a_borrow_inside_another_keeps_the_thread_inside() {
    loom::model(|| {
        let guarded = Guarded::new();
        let writer = {
            let guarded = guarded.clone();
            loom::thread::spawn(move || {
                let _inside = guarded.exclusion.borrow(Mode::Exclusive).unwrap();
                guarded.write();
            })
        };
        let outer = guarded.exclusion.borrow(Mode::Shared).unwrap();
        guarded.read();
        drop(guarded.exclusion.borrow(Mode::Shared).unwrap());
        let refused = guarded.exclusion.borrow(Mode::Exclusive).err();
        assert_eq!(refused, Some(Refused::BorrowedHere));
        guarded.read();
        drop(outer);
        writer.join().unwrap();
    });
}
