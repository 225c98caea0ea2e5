//! `Arc::make_mut`: the value, or a clone of it that is this handle's alone.

use std::alloc::Layout;
use std::ffi::{CStr, OsStr};
use std::mem;
use std::panic::Location;
use std::path::Path;
use std::sync as real;

use super::Arc;
use super::block::Vacant;
use super::kinds::OWNED;

/// What `make_mut` can clone: the types that have `std`'s `CloneToUninit`, which isn't stable.
pub trait CloneToArc {
    /// A handle to a clone.
    fn clone_to_arc(&self) -> Arc<Self>;
}

impl<T: Clone> CloneToArc for T {
    #[track_caller]
    fn clone_to_arc(&self) -> Arc<T> {
        Arc::new(self.clone())
    }
}

macro_rules! clone_unsized {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> CloneToArc for $type {
            #[track_caller]
            fn clone_to_arc(&self) -> Arc<$type> {
                Arc::from(self)
            }
        }
    )*};
}

clone_unsized! {
    [T: Clone] [T];
    [] str;
    [] CStr;
    [] OsStr;
    [] Path;
}

impl<T: ?Sized + CloneToArc> Arc<T> {
    /// As `std::sync::Arc::make_mut`; if the value isn't cloned, what was done before each drop of another handle happens before the return.
    ///
    /// For every `T: Clone`, slices of such, `str`, `CStr`, `OsStr` and `Path`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Arc;
    ///
    /// let mut mine = Arc::new(vec![1]);
    /// let theirs = mine.clone();
    /// Arc::make_mut(&mut mine).push(2);
    /// assert_eq!((mine.len(), theirs.len()), (2, 1));
    /// ```
    #[track_caller]
    pub fn make_mut(this: &mut Arc<T>) -> &mut T {
        let site = Location::caller();
        // SAFETY: this is an `Arc`.
        let mut owner = unsafe { this.header().arc() };
        if let Some(owner) = real::Arc::get_mut(&mut owner) {
            owner.block.arcs.acquire(&OWNED, site);
        } else if !this.leave_the_weaks_behind(site) {
            *this = T::clone_to_arc(this);
        }
        // SAFETY: nobody else has a handle of either kind, nor can get one without this one.
        unsafe { this.value.as_mut() }
    }

    /// If all other handles are `Weak`s, moves the value to where they don't find it.
    fn leave_the_weaks_behind(&mut self, site: &'static Location<'static>) -> bool {
        // First, since afterwards nothing may fail.
        let vacant = Vacant::new(Layout::for_value::<T>(self), site);
        // SAFETY: it is forgotten where the handle isn't given up.
        match real::Arc::try_unwrap(unsafe { self.header().take_arc() }) {
            Ok(owner) => {
                owner.block.arcs.acquire(&OWNED, site);
                // SAFETY: the layout is its own. Nobody has an `Arc` of the old place or can get one, and this handle leaves it too.
                self.value = unsafe { vacant.move_in(self.value) };
                vacant.occupied();
                true
            }
            Err(shared) => {
                mem::forget(shared);
                false
            }
        }
    }
}
