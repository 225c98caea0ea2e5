//! A name with a zero byte makes `spawn` panic before there is a thread; the next plain thread was taken for the announced one.

use std::panic::catch_unwind;

use racecheck::{Shared, thread};

#[test]
fn the_next_thread_is_another_one() {
    static VALUE: Shared<u32> = Shared::new(0);
    crate::expect(0, || {
        let spawn = || thread::Builder::new().name("a\0b".to_owned()).spawn(|| ());
        assert!(catch_unwind(spawn).is_err());
        VALUE.set(1);
        std::thread::spawn(|| VALUE.get()).join().unwrap();
    });
}
