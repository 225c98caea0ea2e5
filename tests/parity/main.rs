//! The same code on `std`'s types and on ours, with the same results: in both builds.
//!
//! `api` uses every item that both have, by the names under `lib`. It is compiled twice here, and what it has seen is compared.

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
    assert!(stds.len() > 80, "{}", stds.len());
}

#[test]
fn so_they_are_of_what_accesses_memory() {
    let (stds, ours) = (stds::api_memory::results(), ours::api_memory::results());
    for (std, our) in stds.iter().zip(&ours) {
        assert_eq!(std, our);
    }
    assert_eq!(stds.len(), ours.len());
    assert!(stds.len() > 60, "{}", stds.len());
}
