//! The same code on `std`'s types and on ours, with the same results: in both builds.
//!
//! `api` uses every item that both have, by the names under `lib`, one file a module. It is compiled twice here, and what it has seen is compared.

#![expect(clippy::duplicate_mod, reason = "that is what it is for")]

mod ours;
mod stds;

#[test]
fn the_results_are_the_same() {
    let (stds, ours) = (stds::api::results(), ours::api::results());
    for (std, our) in stds.iter().zip(&ours) {
        assert_eq!(std, our);
    }
    assert_eq!(stds.len(), ours.len());
    assert!(stds.len() > 400, "{}", stds.len());
}
