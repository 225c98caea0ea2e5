//! `pthread_t`s are reused at once. A thread whose name still stood under its dead predecessor was not marked as detached, and the end of
//! `std::thread::scope`, which nobody sees, was taken for a race.

use racecheck::{Shared, thread};

#[test]
fn joins_in_one_thread_and_plain_scopes_in_another() {
    crate::expect(0, || {
        thread::scope(|s| {
            s.spawn(|| {
                for _ in 0..500 {
                    std::thread::spawn(|| ()).join().unwrap();
                }
            });
            for _ in 0..500 {
                let value = Shared::new(0);
                std::thread::scope(|s| {
                    s.spawn(|| value.set(1));
                });
                value.get();
            }
        });
    });
}
