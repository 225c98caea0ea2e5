//! `arc-swap`, tracked: storing a snapshot happens before every load that sees it.
//!
//! What is really stored is a snapshot and the clock of its store, behind one pointer: a load can't see the one without the other. The crate
//! documents that a `store` swaps, and so acquires what it replaces; here it is the real `rcu`, which knows what it replaces before anybody can
//! see what it stores. So whoever sees a snapshot knows all the stores before it, too.
//!
//! Left out, in both builds: `Cache`, `access`, `map`, weak pointers, other strategies, and `const_empty`.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use ::arc_swap as real;
pub use ::arc_swap::RefCnt;
use race_core::sync::{SyncClock, SyncKind};

static ARC_SWAP: SyncKind = SyncKind {
    name: "ArcSwap",
    release: "stored a snapshot",
    acquire: "loaded it",
};

/// What is stored.
#[derive(Clone)]
struct Snapshot<T> {
    clock: SyncClock,
    value: T,
}

impl<T> Snapshot<T> {
    fn released(value: T, site: &'static Location<'static>) -> Arc<Snapshot<T>> {
        let clock = SyncClock::released(&ARC_SWAP, site);
        Arc::new(Snapshot { clock, value })
    }

    /// That which nobody needs to be ordered after.
    fn initial(value: T) -> Arc<Snapshot<T>> {
        let clock = SyncClock::new();
        Arc::new(Snapshot { clock, value })
    }
}

/// `arc_swap::ArcSwapAny`, tracked, with the default strategy. `T` is an `Arc`, or an `Option` of one.
///
/// # Example
///
/// ```
/// use racecheck::arc_swap::ArcSwapAny;
/// use std::sync::Arc;
///
/// let swap: ArcSwapAny<Arc<u32>> = Arc::new(1).into();
/// assert_eq!(*swap.swap(Arc::new(2)), 1);
/// ```
pub struct ArcSwapAny<T: RefCnt> {
    inner: real::ArcSwap<Snapshot<T>>,
}

/// `arc_swap::ArcSwap`, tracked: a snapshot that one thread replaces and others read without a lock.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, arc_swap::ArcSwap, thread};
/// use std::sync::Arc;
///
/// let rates = ArcSwap::from_pointee(Shared::new(1));
/// thread::scope(|s| {
///     s.spawn(|| {
///         let next = Shared::new(0);
///         next.set(2);
///         rates.store(Arc::new(next));
///     });
///     let seen = rates.load().get();
///     assert!(seen == 1 || seen == 2);
/// });
/// ```
pub type ArcSwap<T> = ArcSwapAny<Arc<T>>;

/// `arc_swap::ArcSwapOption`, tracked.
///
/// # Example
///
/// ```
/// use racecheck::arc_swap::ArcSwapOption;
/// use std::sync::Arc;
///
/// let config = ArcSwapOption::empty();
/// assert!(config.load().is_none());
/// config.store(Some(Arc::new("a")));
/// assert_eq!(config.load_full().as_deref(), Some(&"a"));
/// ```
pub type ArcSwapOption<T> = ArcSwapAny<Option<Arc<T>>>;

impl<T: RefCnt> ArcSwapAny<T> {
    /// As `arc_swap::ArcSwapAny::new`.
    pub fn new(value: T) -> ArcSwapAny<T> {
        ArcSwapAny {
            inner: real::ArcSwap::new(Snapshot::initial(value)),
        }
    }

    /// As `arc_swap::ArcSwapAny::into_inner`; then every store happens before what comes next.
    #[track_caller]
    pub fn into_inner(self) -> T {
        let snapshot = self.inner.into_inner();
        snapshot.clock.acquire(&ARC_SWAP, Location::caller());
        Arc::unwrap_or_clone(snapshot).value
    }

    /// As `arc_swap::ArcSwapAny::load`: the store of what it sees happens before the return.
    #[track_caller]
    pub fn load(&self) -> Guard<T> {
        let inner = self.inner.load();
        inner.clock.acquire(&ARC_SWAP, Location::caller());
        Guard { inner }
    }

    /// As `arc_swap::ArcSwapAny::load_full`: like [`load`](ArcSwapAny::load), but gives the `Arc` itself.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::arc_swap::ArcSwap;
    /// use std::sync::Arc;
    ///
    /// let swap = ArcSwap::from_pointee(7);
    /// let kept: Arc<i32> = swap.load_full();
    /// swap.store(Arc::new(8));
    /// assert_eq!((*kept, **swap.load()), (7, 8));
    /// ```
    #[track_caller]
    pub fn load_full(&self) -> T {
        self.load().clone()
    }

    /// As `arc_swap::ArcSwapAny::store`: happens before every load that sees `value`, or what replaced it.
    #[track_caller]
    pub fn store(&self, value: T) {
        drop(self.swap(value));
    }

    /// As `arc_swap::ArcSwapAny::swap`: a [`store`](ArcSwapAny::store), and a load of what it replaces.
    #[track_caller]
    pub fn swap(&self, new: T) -> T {
        self.replace(|_| new.clone(), Location::caller())
    }

    /// As `arc_swap::ArcSwapAny::compare_and_swap`: a swap if it is `current` that it replaces, otherwise a load.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::arc_swap::ArcSwap;
    /// use std::sync::Arc;
    ///
    /// let (first, second) = (Arc::new(1), Arc::new(2));
    /// let swap = ArcSwap::new(first.clone());
    /// assert!(Arc::ptr_eq(&swap.compare_and_swap(&first, second.clone()), &first));
    /// assert!(Arc::ptr_eq(&swap.compare_and_swap(&first, Arc::new(3)), &second));
    /// assert_eq!(**swap.load(), 2);
    /// ```
    #[track_caller]
    pub fn compare_and_swap<C: AsRaw<T::Base>>(&self, current: C, new: T) -> Guard<T> {
        let site = Location::caller();
        let mut inner = self.inner.load();
        loop {
            inner.clock.acquire(&ARC_SWAP, site);
            if T::as_ptr(&inner.value) != current.as_raw() {
                return Guard { inner };
            }
            let next = Snapshot::released(new.clone(), site);
            let seen = self.inner.compare_and_swap(&*inner, next);
            if Arc::ptr_eq(&seen, &inner) {
                return Guard { inner };
            }
            // Another snapshot, though perhaps of the same value.
            inner = seen;
        }
    }

    /// As `arc_swap::ArcSwapAny::rcu`: like a [`swap`](ArcSwapAny::swap). `f` may be called more than once.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{arc_swap::ArcSwap, thread};
    ///
    /// let hits = ArcSwap::from_pointee(0);
    /// thread::scope(|s| {
    ///     for _ in 0..2 {
    ///         s.spawn(|| hits.rcu(|hits| **hits + 1));
    ///     }
    /// });
    /// assert_eq!(*hits.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn rcu<R: Into<T>, F: FnMut(&T) -> R>(&self, mut f: F) -> T {
        self.replace(|previous| f(previous).into(), Location::caller())
    }

    fn replace(&self, mut next: impl FnMut(&T) -> T, site: &'static Location<'static>) -> T {
        let replaced = self.inner.rcu(|previous| {
            previous.clock.acquire(&ARC_SWAP, site);
            Snapshot::released(next(&previous.value), site)
        });
        Arc::unwrap_or_clone(replaced).value
    }
}

impl<T> ArcSwapAny<Arc<T>> {
    /// As `arc_swap::ArcSwap::from_pointee`.
    pub fn from_pointee(value: T) -> ArcSwap<T> {
        ArcSwapAny::new(Arc::new(value))
    }
}

impl<T> ArcSwapAny<Option<Arc<T>>> {
    /// As `arc_swap::ArcSwapOption::from_pointee`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::arc_swap::ArcSwapOption;
    ///
    /// assert_eq!(ArcSwapOption::from_pointee(7).load().as_deref(), Some(&7));
    /// assert!(ArcSwapOption::<i32>::from_pointee(None).load().is_none());
    /// ```
    pub fn from_pointee<V: Into<Option<T>>>(value: V) -> ArcSwapOption<T> {
        ArcSwapAny::new(value.into().map(Arc::new))
    }

    /// As `arc_swap::ArcSwapOption::empty`.
    pub fn empty() -> ArcSwapOption<T> {
        ArcSwapAny::new(None)
    }
}

impl<T: RefCnt> From<T> for ArcSwapAny<T> {
    fn from(value: T) -> ArcSwapAny<T> {
        ArcSwapAny::new(value)
    }
}

impl<T: RefCnt + Default> Default for ArcSwapAny<T> {
    fn default() -> ArcSwapAny<T> {
        ArcSwapAny::new(T::default())
    }
}

impl<T: RefCnt + fmt::Debug> fmt::Debug for ArcSwapAny<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArcSwapAny").field(&self.load()).finish()
    }
}

impl<T: RefCnt + fmt::Display> fmt::Display for ArcSwapAny<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

/// `arc_swap::Guard`, tracked: what a load saw.
///
/// # Example
///
/// ```
/// use racecheck::arc_swap::{ArcSwap, Guard};
/// use std::sync::Arc;
///
/// let swap = ArcSwap::from_pointee(7);
/// let guard: Guard<Arc<i32>> = swap.load();
/// swap.store(Arc::new(8));
/// assert_eq!(*Guard::into_inner(guard), 7);
/// ```
pub struct Guard<T: RefCnt> {
    inner: real::Guard<Arc<Snapshot<T>>>,
}

impl<T: RefCnt> Guard<T> {
    /// As `arc_swap::Guard::into_inner`.
    pub fn into_inner(guard: Guard<T>) -> T {
        Arc::unwrap_or_clone(real::Guard::into_inner(guard.inner)).value
    }

    /// As `arc_swap::Guard::from_inner`.
    pub fn from_inner(value: T) -> Guard<T> {
        Guard {
            inner: real::Guard::from_inner(Snapshot::initial(value)),
        }
    }
}

impl<T: RefCnt> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner.value
    }
}

impl<T: RefCnt> From<T> for Guard<T> {
    fn from(value: T) -> Guard<T> {
        Guard::from_inner(value)
    }
}

impl<T: RefCnt + Default> Default for Guard<T> {
    fn default() -> Guard<T> {
        Guard::from_inner(T::default())
    }
}

impl<T: RefCnt + fmt::Debug> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: RefCnt + fmt::Display> fmt::Display for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// As `arc_swap::AsRaw`: what a [`compare_and_swap`](ArcSwapAny::compare_and_swap) can be told to expect.
///
/// # Example
///
/// ```
/// use racecheck::arc_swap::ArcSwapOption;
/// use std::sync::Arc;
///
/// let swap = ArcSwapOption::empty();
/// swap.compare_and_swap(std::ptr::null(), Some(Arc::new(1)));
/// swap.compare_and_swap(swap.load(), None);
/// assert!(swap.load().is_none());
/// ```
pub trait AsRaw<T>: sealed::Sealed {
    /// The pointer, which is only compared.
    fn as_raw(&self) -> *mut T;
}

impl<T: RefCnt> sealed::Sealed for &T {}
impl<T: RefCnt> AsRaw<T::Base> for &T {
    fn as_raw(&self) -> *mut T::Base {
        T::as_ptr(self)
    }
}

impl<T: RefCnt> sealed::Sealed for &Guard<T> {}
impl<T: RefCnt> AsRaw<T::Base> for &Guard<T> {
    fn as_raw(&self) -> *mut T::Base {
        T::as_ptr(self)
    }
}

impl<T: RefCnt> sealed::Sealed for Guard<T> {}
impl<T: RefCnt> AsRaw<T::Base> for Guard<T> {
    fn as_raw(&self) -> *mut T::Base {
        T::as_ptr(self)
    }
}

impl<T> sealed::Sealed for *mut T {}
impl<T> AsRaw<T> for *mut T {
    fn as_raw(&self) -> *mut T {
        *self
    }
}

impl<T> sealed::Sealed for *const T {}
impl<T> AsRaw<T> for *const T {
    fn as_raw(&self) -> *mut T {
        self.cast_mut()
    }
}
