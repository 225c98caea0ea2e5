//! The first race.

use std::hint::black_box;

use racecheck::Shared;

static BALANCE: Shared<u64> = Shared::new(100);

#[inline(never)]
pub(crate) fn deposit() {
    BALANCE.set(110);
    black_box(());
}

#[inline(never)]
pub(crate) fn balance() {
    black_box(BALANCE.get());
}
