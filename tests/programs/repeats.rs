//! One pair of lines races 1,000 times, each time on another value, and in either order.

mod unordered;

use std::hint::black_box;

use racecheck::Shared;

use unordered::unordered;

#[inline(never)]
fn write(value: &Shared<usize>) {
    value.set(1);
    black_box(());
}

#[inline(never)]
fn read(value: &Shared<usize>) {
    black_box(value.get());
}

fn main() {
    for round in 0..1000 {
        let value = Shared::new(round);
        if round % 2 == 0 {
            unordered(|| write(&value), || read(&value));
        } else {
            unordered(|| read(&value), || write(&value));
        }
    }
}
