//! The second race.

use std::hint::black_box;

use racecheck::Shared;

static RECORDS: Shared<u32> = Shared::new(0);

#[inline(never)]
pub(crate) fn record() {
    RECORDS.set(1);
    black_box(());
}

#[inline(never)]
pub(crate) fn count() {
    black_box(RECORDS.get());
}
