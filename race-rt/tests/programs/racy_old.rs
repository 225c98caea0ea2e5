//! The first access is a million calls old when the second one comes.

use std::thread;

static mut VALUE: u64 = 0;

#[inline(never)]
fn write_early() {
    unsafe { VALUE = 1 }; // race
}

#[inline(never)]
fn call(n: u64) -> u64 {
    std::hint::black_box(n)
}

fn main() {
    let early = thread::spawn(|| {
        write_early();
        (0..1_000_000).map(call).sum::<u64>()
    });
    while !early.is_finished() {
        thread::yield_now();
    }
    unsafe { VALUE = 2 }; // race
    early.join().unwrap();
    assert_eq!(unsafe { (&raw const VALUE).read() }, 2);
}
