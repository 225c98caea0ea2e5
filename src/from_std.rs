//! [`FromStd`]: from an `Arc` of `std`'s, which the compiler or another crate has made, to one of `racecheck::sync`.

use std::sync as real;

/// Makes a [`racecheck::sync::Arc`](crate::sync::Arc) of one of `std`'s: the way to what only `std`'s can do on stable, such as a conversion to a
/// trait object that the compiler sees by itself. The same in both builds, but that the tracked one moves the value.
///
/// # Example
///
/// ```
/// use std::fmt::Display;
/// use racecheck::sync::{Arc, FromStd};
///
/// let object: std::sync::Arc<dyn Display> = std::sync::Arc::new(7);
/// let object: Arc<dyn Display> = Arc::from_std(object).unwrap_or_else(|_| unreachable!("it isn't shared"));
/// assert_eq!(object.to_string(), "7");
/// ```
pub trait FromStd<T: ?Sized>: Sized {
    /// Takes the value over. Orders nothing: whoever else had it gave it up out of sight.
    ///
    /// # Errors
    ///
    /// The `Arc` itself, if there is another handle, a weak one included: what that orders would not be seen.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::{Arc, FromStd};
    ///
    /// let shared = std::sync::Arc::new(7);
    /// let other = shared.clone();
    /// let shared = Arc::<i32>::from_std(shared).unwrap_err();
    /// drop(other);
    /// assert!(Arc::<i32>::from_std(shared).is_ok());
    /// ```
    fn from_std(arc: real::Arc<T>) -> Result<Self, real::Arc<T>>;
}

#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
impl<T: ?Sized> FromStd<T> for real::Arc<T> {
    fn from_std(mut arc: real::Arc<T>) -> Result<Self, real::Arc<T>> {
        if real::Arc::get_mut(&mut arc).is_none() {
            return Err(arc);
        }
        Ok(arc)
    }
}
