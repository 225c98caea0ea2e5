//! `std` drops what an unjoined scoped thread returned, or its panic's payload, on that thread, after the closure and before the scope's end.

use racecheck::{Shared, thread};

struct SetsOnDrop<'a>(&'a Shared<u32>);

impl Drop for SetsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(1);
    }
}

#[test]
fn a_returned_value() {
    for _ in 0..100 {
        let value = Shared::new(0);
        crate::expect(0, || {
            thread::scope(|s| {
                s.spawn(|| SetsOnDrop(&value));
            });
            assert_eq!(value.get(), 1);
        });
    }
}

#[test]
fn the_payload_of_a_panic() {
    static VALUE: Shared<u32> = Shared::new(0);
    crate::expect(0, || {
        let scope = || {
            thread::scope(|s| {
                s.spawn(|| std::panic::panic_any(SetsOnDrop(&VALUE)));
            });
        };
        assert!(std::panic::catch_unwind(scope).is_err());
        assert_eq!(VALUE.get(), 1);
    });
}

#[test]
fn a_join_gets_the_payload_itself() {
    thread::scope(|s| {
        let panicking = s.spawn(|| std::panic::panic_any(7));
        assert_eq!(*panicking.join().unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!(s.spawn(|| 8).join().unwrap(), 8);
    });
}
