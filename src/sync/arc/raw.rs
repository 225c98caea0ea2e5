//! An `Arc` as a pointer, and as one of another type.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::Arc;
use super::block::Header;

impl<T: ?Sized> Arc<T> {
    /// As `std::sync::Arc::into_raw`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Arc;
    ///
    /// let pointer = Arc::into_raw(Arc::new(7));
    /// // SAFETY: it comes from `into_raw`, and is used once.
    /// let value = unsafe { Arc::from_raw(pointer) };
    /// assert_eq!(*value, 7);
    /// ```
    #[must_use = "losing the pointer will leak memory"]
    pub fn into_raw(this: Arc<T>) -> *const T {
        Arc::as_ptr(&ManuallyDrop::new(this))
    }

    /// As `std::sync::Arc::from_raw`.
    ///
    /// # Safety
    ///
    /// As `std` says: the pointer comes from [`into_raw`](Arc::into_raw) of this `Arc`, not `std`'s, perhaps cast to a type with the same size and
    /// alignment; and it is used as often as it was given.
    pub unsafe fn from_raw(ptr: *const T) -> Arc<T> {
        Arc {
            // SAFETY: `into_raw` never gives null.
            value: unsafe { NonNull::new_unchecked(ptr.cast_mut()) },
        }
    }

    /// As `std::sync::Arc::as_ptr`.
    #[must_use]
    pub fn as_ptr(this: &Arc<T>) -> *const T {
        this.value.as_ptr()
    }

    /// As `std::sync::Arc::increment_strong_count`.
    ///
    /// # Safety
    ///
    /// As `std` says: the pointer comes from [`into_raw`](Arc::into_raw) of this `Arc`, not `std`'s, and there is a handle.
    pub unsafe fn increment_strong_count(ptr: *const T) {
        // SAFETY: `into_raw` never gives null.
        let value = unsafe { NonNull::new_unchecked(ptr.cast_mut()) };
        // SAFETY: there is an `Arc`, says the caller, and it keeps the block.
        unsafe { Header::of(value.cast()).add_arc() };
    }

    /// As `std::sync::Arc::decrement_strong_count`: the drop of a handle, perhaps the last.
    ///
    /// # Safety
    ///
    /// As `std` says: the pointer comes from [`into_raw`](Arc::into_raw) of this `Arc`, not `std`'s, and owns the handle that is dropped.
    pub unsafe fn decrement_strong_count(ptr: *const T) {
        // SAFETY: says the caller.
        drop(unsafe { Arc::from_raw(ptr) });
    }
}

impl Arc<dyn Any + Send + Sync> {
    /// As `std::sync::Arc::downcast`.
    ///
    /// # Errors
    ///
    /// The handle itself, if the value is of another type.
    ///
    /// # Example
    ///
    /// ```
    /// use std::any::Any;
    /// use racecheck::sync::Arc;
    ///
    /// let any: Arc<dyn Any + Send + Sync> = Arc::from(Box::new(7) as Box<dyn Any + Send + Sync>);
    /// assert_eq!(*any.downcast::<i32>().unwrap(), 7);
    /// ```
    pub fn downcast<T>(self) -> Result<Arc<T>, Self>
    where
        T: Any + Send + Sync,
    {
        if (*self).is::<T>() {
            // SAFETY: that is its type.
            Ok(unsafe { Arc::from_raw(Arc::into_raw(self).cast::<T>()) })
        } else {
            Err(self)
        }
    }
}
