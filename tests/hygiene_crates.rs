//! The macros where other crates are called `std` and `racecheck`, and racecheck has another name.

#![deny(warnings)]

extern crate racecheck as detector;
extern crate self as racecheck;
#[allow(unused_extern_crates, reason = "it stands in the way")]
extern crate self as std;

#[detector::shared(crate = detector)]
#[derive(Default)]
struct Stats {
    reqs: u64,
}

#[detector::shared(crate = ::detector)]
static HITS: u64 = 0;

#[detector::test(crate = detector, runs = 2)]
async fn counts() {
    #[detector::shared]
    let value: u64 = 0;
    value.set(HITS.get());
    Stats::default().set_reqs(value.get());
}

#[detector::shared(crate = detector)]
#[test]
fn labels() {
    #[detector::shared]
    let value = detector::label!(detector::Shared::new(0), "inner").get();
    assert_eq!(value.get(), 0);
}

mod sync {
    pub(crate) fn number() -> u64 {
        7
    }
}

/// Whose `std` it is, the macro can't know: it has to be told.
#[detector::instrument(crate = detector, keep(std))]
mod instrumented {
    use core::cell::Cell;
    use core::sync::atomic::{AtomicU64, Ordering};

    #[detector::instrument(skip)]
    pub(crate) fn core_cell() -> core::cell::Cell<u64> {
        core::cell::Cell::new(1)
    }

    pub(crate) fn number() -> u64 {
        let cell = Cell::new(std::sync::number());
        let atomic = AtomicU64::new(core_cell().get());
        cell.get() + atomic.load(Ordering::Relaxed)
    }
}

#[detector::test(crate = detector)]
fn instrumented_items() {
    assert_eq!(instrumented::number(), 8);
}
