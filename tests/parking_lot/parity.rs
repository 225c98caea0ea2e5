//! The same code on parking_lot's types and on ours, with the same results, in both builds: `api` is compiled twice, and what it has seen is compared.

use crate::{ours, real};

#[test]
fn the_results_are_the_same() {
    let (real, ours) = (real::api::results(), ours::api::results());
    for (real, our) in real.iter().zip(&ours) {
        assert_eq!(real, our);
    }
    assert_eq!(real.len(), ours.len());
    assert!(real.len() > 70, "{}", real.len());
}

#[cfg(not(feature = "race-check"))]
#[test]
fn without_the_feature_they_are_the_same_types() {
    fn same<T>(_: fn(T), _: fn(T)) {}
    same(drop::<ours::lib::Mutex<u8>>, drop::<real::lib::Mutex<u8>>);
    same(
        drop::<ours::lib::FairMutex<u8>>,
        drop::<real::lib::FairMutex<u8>>,
    );
    same(
        drop::<ours::lib::ReentrantMutex<u8>>,
        drop::<real::lib::ReentrantMutex<u8>>,
    );
    same(drop::<ours::lib::RwLock<u8>>, drop::<real::lib::RwLock<u8>>);
    same(drop::<ours::lib::Condvar>, drop::<real::lib::Condvar>);
    same(drop::<ours::lib::Once>, drop::<real::lib::Once>);
}
