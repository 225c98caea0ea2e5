//! The permits of a semaphore, borrowed from it and owned: releasing them is their drop.

use std::mem;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;

use super::semaphore::Semaphore;

macro_rules! permit {
    ($(#[$doc:meta])* $name:ident $(<$lifetime:lifetime>)?, $semaphore:ty, |$from:ident| $same:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "if unused the permit is released at once"]
        pub struct $name $(<$lifetime>)? {
            semaphore: $semaphore,
            permits: u32,
            /// Stands for the place of a drop, which nobody tells.
            site: &'static Location<'static>,
        }

        impl $(<$lifetime>)? $name $(<$lifetime>)? {
            pub(super) fn new(semaphore: $semaphore, permits: u32, site: &'static Location<'static>) -> Self {
                Self { semaphore, permits, site }
            }

            /// Never releases them.
            pub fn forget(mut self) {
                self.permits = 0;
            }

            /// How many permits these are.
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }

            /// Takes `other`'s permits over, which are then released with these.
            ///
            /// # Panics
            ///
            /// If they are another semaphore's.
            pub fn merge(&mut self, mut other: Self) {
                assert!(
                    ptr::eq(&*self.semaphore, &*other.semaphore),
                    "permits of another semaphore"
                );
                self.permits += mem::take(&mut other.permits);
            }

            /// Splits `n` permits off, to be released by themselves, if there are as many.
            pub fn split(&mut self, n: usize) -> Option<Self> {
                let n = u32::try_from(n).ok()?;
                self.permits = self.permits.checked_sub(n)?;
                let $from = &*self;
                Some(Self::new($same, n, self.site))
            }
        }

        impl $(<$lifetime>)? Drop for $name $(<$lifetime>)? {
            fn drop(&mut self) {
                self.semaphore.release(self.permits as usize, self.site);
            }
        }
    };
}

permit! {
    /// Permits of a [`Semaphore`]: dropping them is the release.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let mut permits = semaphore.acquire_many(3).unwrap();
    /// drop(permits.split(1));
    /// assert_eq!(semaphore.available_permits(), 1);
    /// permits.merge(semaphore.acquire().unwrap());
    /// permits.forget();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    SemaphorePermit<'a>, &'a Semaphore, |from| from.semaphore
}
permit! {
    /// Permits that keep their [`Semaphore`] alive: dropping them is the release.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Semaphore;
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// let mut permits = semaphore.clone().acquire_many_owned(2).unwrap();
    /// permits.merge(semaphore.clone().try_acquire_owned().unwrap());
    /// drop(permits.split(1));
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (2, 1));
    /// ```
    OwnedSemaphorePermit, Arc<Semaphore>, |from| from.semaphore.clone()
}
