//! A thread with a stack of 64 KiB that raced overflowed it: looking symbols up took more.

use racecheck::{Shared, check, thread};

#[test]
fn has_room_for_the_lookup_of_symbols() {
    let value = Shared::new(0);
    let outcome = check(|| {
        thread::scope(|s| {
            for _ in 0..2 {
                thread::Builder::new()
                    .stack_size(16 << 10)
                    .spawn_scoped(s, || value.set(1))
                    .unwrap();
            }
        });
    });
    assert_eq!(outcome.races().len(), 1);
    let race = &outcome.races()[0];
    assert!(race.accesses().iter().all(|access| access.site().is_some()));
}
