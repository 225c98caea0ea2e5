//! [`unsize!`](crate::unsize): what the compiler does for `std`'s `Arc` without being asked, and for no other type on stable.

/// Converts an [`Arc`](crate::sync::Arc) to one of a trait object, or of a slice: the same value, the same counts.
///
/// With `std`'s `Arc` the compiler does it by itself where it sees that the types differ, which it can't with the tracked one. This works in both
/// builds.
///
/// # Example
///
/// ```
/// use std::fmt::Debug;
/// use racecheck::sync::Arc;
///
/// let array = Arc::new([1, 2]);
/// let slice: Arc<[i32]> = racecheck::unsize!(array.clone() => [i32]);
/// let object = racecheck::unsize!(array => dyn Debug + Send + Sync);
/// assert_eq!(format!("{slice:?}"), format!("{object:?}"));
/// ```
///
/// Only what is one of the kind can be converted:
///
/// ```compile_fail,E0308
/// use racecheck::sync::Arc;
///
/// let number: Arc<u64> = racecheck::unsize!(Arc::new(1.0) => u64);
/// ```
#[macro_export]
macro_rules! unsize {
    ($arc:expr => $target:ty) => {
        match $arc {
            arc => {
                let pointer = $crate::sync::Arc::into_raw(arc);
                let pointer: *const $target = pointer;
                // SAFETY: it is from `into_raw`, and the compiler has converted it just now, as it would have converted an `Arc` of `std`'s.
                unsafe { $crate::sync::Arc::from_raw(pointer) }
            }
        }
    };
}
