//! `std::sync::Arc`, tracked: dropping a handle happens before the last one is dropped, and before anything that needs to be the only owner.
//!
//! The orderings are those of `std`'s source, no more and no less: each operation that acquires there acquires here, where it succeeds. The counts
//! are `std`'s too (`block`); each method shows what it does to them, and the edge.

mod block;
mod convert;
mod kinds;
mod mutate;
mod raw;
mod traits;
mod weak;

use std::alloc::Layout;
use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::panic::{Location, UnwindSafe};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync as real;

use block::{Header, Owner, Vacant};
use kinds::{DOWNGRADED, DROPPED, OWNED, UPGRADED};

pub use weak::Weak;

/// `std::sync::Arc`, tracked.
///
/// What was done before a handle is dropped happens before the last one is dropped, and the value's destructor runs; and before a [`get_mut`],
/// [`make_mut`], [`try_unwrap`], [`into_inner`] or [`unwrap_or_clone`] that succeeds, or a [`Weak::upgrade`] that does. `clone`,
/// [`strong_count`] and [`ptr_eq`] order nothing: seeing a count of 1 is no reason to write to the value.
///
/// # What it lacks
///
/// A type that isn't `std`'s can't have all that `std`'s has. The right column compiles in both builds, and does the same:
///
/// | with `std`'s `Arc` | write |
/// | --- | --- |
/// | `let x: Arc<dyn Trait> = Arc::new(value);` | `let x: Arc<dyn Trait> = Arc::from(Box::new(value) as Box<dyn Trait>);` |
/// | what the compiler converts by itself, or another crate gives as `std`'s | [`Arc::from_std`](crate::sync::FromStd::from_std), if it isn't shared |
/// | a conversion of what is shared already: `let y: Arc<dyn Trait> = x.clone();` | `let y = racecheck::unsize!(x.clone() => dyn Trait);` |
/// | `fn method(self: Arc<Self>)` | `fn method(this: Arc<Self>)`, or keep `std::sync::Arc` |
/// | `impl Wake`, other crates' functions that take or give `Arc`s | `std::sync::Arc`: racecheck doesn't see what it orders |
/// | a value with references to what is dropped before the handle | declare what it borrows before the handle |
///
/// A pointer from `into_raw` goes to the `from_raw` of the same type: tracked to tracked, `std`'s to `std`'s. `==` compares the values also
/// if both handles have the same one.
///
/// # Example
///
/// ```
/// use racecheck::sync::Arc;
/// use racecheck::{Shared, thread};
///
/// let mut total = Arc::new(Shared::new(0));
/// let worker = thread::spawn({
///     let total = total.clone();
///     move || total.set(7) // and then it drops its handle
/// });
/// let total = loop {
///     match Arc::try_unwrap(total) {
///         Ok(total) => break total,
///         Err(shared) => total = shared,
///     }
/// };
/// assert_eq!(total.get(), 7); // no race: ordered by the drop
/// # worker.join().unwrap();
/// ```
///
/// ```
/// use std::fmt::Display;
/// use racecheck::sync::Arc;
///
/// let new: Arc<dyn Display> = Arc::from(Box::new(7) as Box<dyn Display>);
/// let shared = Arc::new(7);
/// let same: Arc<dyn Display> = racecheck::unsize!(shared.clone() => dyn Display);
/// assert_eq!(new.to_string(), same.to_string());
/// assert_eq!(Arc::strong_count(&shared), 2);
/// ```
///
/// [`get_mut`]: Arc::get_mut
/// [`make_mut`]: Arc::make_mut
/// [`try_unwrap`]: Arc::try_unwrap
/// [`into_inner`]: Arc::into_inner
/// [`unwrap_or_clone`]: Arc::unwrap_or_clone
/// [`strong_count`]: Arc::strong_count
/// [`ptr_eq`]: Arc::ptr_eq
pub struct Arc<T: ?Sized> {
    /// A live value in a block in whose counts this handle has a share. With the provenance of the whole block, so never made from a reference.
    value: NonNull<T>,
}

// SAFETY: as `std`'s. Handles on two threads give both access to the value, and either may drop it.
unsafe impl<T: ?Sized + Sync + Send> Send for Arc<T> {}
// SAFETY: a shared handle can be cloned.
unsafe impl<T: ?Sized + Sync + Send> Sync for Arc<T> {}

// As `std`'s: the value is only reached by reference.
impl<T: ?Sized + std::panic::RefUnwindSafe> UnwindSafe for Arc<T> {}
impl<T: ?Sized> Unpin for Arc<T> {}

impl<T> Arc<T> {
    /// As `std::sync::Arc::new`.
    #[track_caller]
    pub fn new(data: T) -> Arc<T> {
        let vacant = Vacant::new(Layout::new::<T>(), Location::caller());
        let value = vacant.value().cast::<T>();
        // SAFETY: there is room for it.
        unsafe { value.write(data) };
        vacant.occupied();
        Arc { value }
    }

    /// As `std::sync::Arc::new_cyclic`; its end happens before each [`Weak::upgrade`] that succeeds.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::{Arc, Weak};
    ///
    /// struct Node {
    ///     me: Weak<Node>,
    /// }
    ///
    /// let node = Arc::new_cyclic(|me| Node { me: me.clone() });
    /// assert!(Arc::ptr_eq(&node, &node.me.upgrade().unwrap()));
    /// ```
    #[track_caller]
    pub fn new_cyclic<F>(data_fn: F) -> Arc<T>
    where
        F: FnOnce(&Weak<T>) -> T,
    {
        let vacant = Vacant::new(Layout::new::<T>(), Location::caller());
        let value = vacant.value().cast::<T>();
        vacant.occupied_by(|vacant| {
            let weak = Weak { value };
            let data = data_fn(&weak);
            // SAFETY: there is room for it.
            unsafe { value.write(data) };
            vacant
                .block()
                .arcs
                .release(&UPGRADED, vacant.block().created);
        });
        Arc { value }
    }

    /// As `std::sync::Arc::pin`.
    #[must_use]
    #[track_caller]
    pub fn pin(data: T) -> Pin<Arc<T>> {
        // SAFETY: the value never moves while there is a handle, except by `make_mut`, `try_unwrap` and the like, which a `Pin` doesn't give.
        unsafe { Pin::new_unchecked(Arc::new(data)) }
    }

    /// As `std::sync::Arc::new_uninit`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Arc;
    ///
    /// let mut five = Arc::<u32>::new_uninit();
    /// Arc::get_mut(&mut five).unwrap().write(5);
    /// // SAFETY: it is initialized.
    /// let five = unsafe { five.assume_init() };
    /// assert_eq!(*five, 5);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new_uninit() -> Arc<MaybeUninit<T>> {
        Arc::from(Box::new_uninit())
    }

    /// As `std::sync::Arc::new_zeroed`.
    #[must_use]
    #[track_caller]
    pub fn new_zeroed() -> Arc<MaybeUninit<T>> {
        Arc::from(Box::new_zeroed())
    }

    /// As `std::sync::Arc::try_unwrap`; if it succeeds, what was done before each drop of another handle happens before the return.
    ///
    /// # Errors
    ///
    /// The handle itself, if it isn't the only one. Then nothing is ordered.
    #[track_caller]
    pub fn try_unwrap(this: Arc<T>) -> Result<T, Arc<T>> {
        let this = ManuallyDrop::new(this);
        let header = *this.header();
        // SAFETY: it is forgotten where the handle isn't given up.
        match real::Arc::try_unwrap(unsafe { header.take_arc() }) {
            Ok(owner) => {
                owner.block.arcs.acquire(&OWNED, Location::caller());
                // SAFETY: nobody else has a handle or can get one, and this one won't be used again.
                Ok(unsafe { this.value.read() })
            }
            Err(shared) => {
                mem::forget(shared);
                Err(ManuallyDrop::into_inner(this))
            }
        }
    }

    /// As `std::sync::Arc::into_inner`: exactly one of the handles gets the value. What was done before each drop of the others happens
    /// before its return; where there is no value to get, this is a drop.
    #[track_caller]
    pub fn into_inner(this: Arc<T>) -> Option<T> {
        let site = Location::caller();
        let this = ManuallyDrop::new(this);
        // SAFETY: the handle isn't used any more, unless it was the last.
        let owner = unsafe { this.give_up(site) }?;
        owner.block.arcs.acquire(&OWNED, site);
        // SAFETY: nobody else has a handle or can get one.
        Some(unsafe { this.value.read() })
    }

    /// As `std::sync::Arc::unwrap_or_clone`; if it is not a clone, what was done before each drop of another handle happens before the return.
    #[track_caller]
    pub fn unwrap_or_clone(this: Arc<T>) -> T
    where
        T: Clone,
    {
        Arc::try_unwrap(this).unwrap_or_else(|shared| (*shared).clone())
    }
}

impl<T> Arc<[T]> {
    /// As `std::sync::Arc::new_uninit_slice`.
    #[must_use]
    #[track_caller]
    pub fn new_uninit_slice(len: usize) -> Arc<[MaybeUninit<T>]> {
        Arc::from(Box::new_uninit_slice(len))
    }

    /// As `std::sync::Arc::new_zeroed_slice`.
    #[must_use]
    #[track_caller]
    pub fn new_zeroed_slice(len: usize) -> Arc<[MaybeUninit<T>]> {
        Arc::from(Box::new_zeroed_slice(len))
    }
}

impl<T> Arc<MaybeUninit<T>> {
    /// As `std::sync::Arc::assume_init`.
    ///
    /// # Safety
    ///
    /// As `std` says: the value is initialized.
    #[must_use = "`self` will be dropped if the result is not used"]
    pub unsafe fn assume_init(self) -> Arc<T> {
        // SAFETY: the same layout, and the value is one, says the caller.
        unsafe { Arc::from_raw(Arc::into_raw(self).cast::<T>()) }
    }
}

impl<T> Arc<[MaybeUninit<T>]> {
    /// As `std::sync::Arc::assume_init`.
    ///
    /// # Safety
    ///
    /// As `std` says: the values are initialized.
    #[must_use = "`self` will be dropped if the result is not used"]
    pub unsafe fn assume_init(self) -> Arc<[T]> {
        // SAFETY: the same layout, and the values are some, says the caller.
        unsafe { Arc::from_raw(Arc::into_raw(self) as *const [T]) }
    }
}

impl<T: ?Sized> Arc<T> {
    /// As `std::sync::Arc::get_mut`; if it succeeds, what was done before each drop of another handle, of either kind, happens before the return.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Arc;
    ///
    /// let mut value = Arc::new(1);
    /// *Arc::get_mut(&mut value).unwrap() += 1;
    /// let other = value.clone();
    /// assert!(Arc::get_mut(&mut value).is_none());
    /// assert_eq!(*other, 2);
    /// ```
    #[track_caller]
    pub fn get_mut(this: &mut Arc<T>) -> Option<&mut T> {
        let site = Location::caller();
        // SAFETY: this is an `Arc`.
        let mut owner = unsafe { this.header().arc() };
        let block = &real::Arc::get_mut(&mut owner)?.block;
        block.arcs.acquire(&OWNED, site);
        block.weaks.acquire(&DOWNGRADED, site);
        // SAFETY: nobody else has a handle of either kind, nor can get one without this one.
        Some(unsafe { this.value.as_mut() })
    }

    /// As `std::sync::Arc::downgrade`; ordered after each `Weak` that was dropped before, as `std`'s own is.
    #[must_use = "this returns a new `Weak` pointer, without modifying the original `Arc`"]
    #[track_caller]
    pub fn downgrade(this: &Arc<T>) -> Weak<T> {
        let header = this.header();
        // SAFETY: this is an `Arc`.
        let owner = unsafe { header.arc() };
        // SAFETY: they are of this owner; and this handle keeps the block.
        unsafe { header.add_weak(real::Arc::downgrade(&owner)) };
        owner.block.weaks.acquire(&DOWNGRADED, Location::caller());
        Weak { value: this.value }
    }

    /// As `std::sync::Arc::strong_count`: orders nothing, whatever the count.
    #[must_use]
    pub fn strong_count(this: &Arc<T>) -> usize {
        // SAFETY: this is an `Arc`.
        real::Arc::strong_count(&*unsafe { this.header().arc() })
    }

    /// As `std::sync::Arc::weak_count`: orders nothing.
    #[must_use]
    pub fn weak_count(this: &Arc<T>) -> usize {
        // SAFETY: this is an `Arc`.
        real::Arc::weak_count(&*unsafe { this.header().arc() })
    }

    /// As `std::sync::Arc::ptr_eq`.
    #[must_use]
    pub fn ptr_eq(this: &Arc<T>, other: &Arc<T>) -> bool {
        ptr::addr_eq(this.value.as_ptr(), other.value.as_ptr())
    }

    fn header(&self) -> &Header {
        // SAFETY: the value is in a block, and this handle keeps that.
        unsafe { Header::of(self.value.cast()) }
    }

    /// Gives up the handle. The last one gets the owner, and has yet to be ordered after the others.
    ///
    /// # Safety
    ///
    /// The handle isn't used any more, and not even dropped; unless there is an owner: then its value can be used, while that is there.
    unsafe fn give_up(&self, site: &'static Location<'static>) -> Option<Owner> {
        let header = *self.header();
        // SAFETY: the handle gives it up.
        let shared = match real::Arc::try_unwrap(unsafe { header.take_arc() }) {
            // What the last handle released, nobody could acquire.
            Ok(owner) => return Some(owner),
            Err(shared) => shared,
        };
        shared.block.arcs.release(&DROPPED, site);
        real::Arc::into_inner(shared)
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    /// Orders nothing.
    #[inline]
    fn clone(&self) -> Arc<T> {
        // SAFETY: this is an `Arc`.
        unsafe { self.header().add_arc() };
        Arc { value: self.value }
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value is there as long as this handle, and shared.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    fn drop(&mut self) {
        // SAFETY: this handle keeps the block.
        let created = unsafe { self.header().block() }.created;
        // SAFETY: the handle isn't used any more, unless it was the last.
        let Some(owner) = (unsafe { self.give_up(created) }) else {
            return;
        };
        owner.block.arcs.acquire(&DROPPED, created);
        // SAFETY: nobody else has a handle or can get one. `owner` keeps the memory until later, also if the destructor panics.
        unsafe { self.value.drop_in_place() };
    }
}
