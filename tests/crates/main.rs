//! The same code on other crates' types and on ours, with the same results: in both builds.
//!
//! As `tests/parity` for `std`. `channel`, `wait_group` and `snapshots` use the items that both have, by the names under `lib`; what they have seen
//! is compared.

#![cfg(any(feature = "crossbeam", feature = "arc-swap"))]
#![expect(clippy::duplicate_mod, reason = "that is what it is for")]

mod ours;
mod theirs;

#[derive(Default)]
struct Results(Vec<String>);

impl Results {
    fn saw(&mut self, what: &str, value: impl std::fmt::Debug) {
        self.0.push(format!("{what}: {value:?} {value:#?}"));
    }
}

#[track_caller]
fn same(theirs: Results, ours: Results, at_least: usize) {
    for (their, our) in theirs.0.iter().zip(&ours.0) {
        assert_eq!(their, our);
    }
    assert_eq!(theirs.0.len(), ours.0.len());
    assert!(theirs.0.len() >= at_least, "{}", theirs.0.len());
}

#[cfg(feature = "crossbeam")]
#[test]
fn channels() {
    same(theirs::channel::results(), ours::channel::results(), 90);
}

#[cfg(feature = "crossbeam")]
#[test]
fn wait_groups() {
    same(
        theirs::wait_group::results(),
        ours::wait_group::results(),
        4,
    );
}

#[cfg(feature = "arc-swap")]
#[test]
fn snapshots() {
    same(theirs::snapshots::results(), ours::snapshots::results(), 30);
}
