//! A value without bytes has none that two accesses could share.

use racecheck::{Shared, thread};

#[test]
fn they_never_race() {
    crate::expect(0, || {
        let nothing = Shared::new(());
        thread::scope(|s| {
            s.spawn(|| nothing.set(()));
            s.spawn(|| nothing.set(()));
        });
    });
    crate::expect(1, || {
        let something = Shared::new(0u8);
        thread::scope(|s| {
            s.spawn(|| something.set(1));
            s.spawn(|| something.set(2));
        });
    });
}
