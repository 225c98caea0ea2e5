//! `parking_lot`, tracked.
//!
//! `lock_api` makes parking_lot's mutexes, read-write locks and guards of three *raw* locks. So it makes ours: each raw lock here is parking_lot's own
//! around the lock's clock, and everything above it *is* lock_api's, the same types with the same methods. Only [`Condvar`] and [`Once`] are
//! wrappers, because lock_api has none.
//!
//! What orders what is as for the locks of [`sync`](crate::sync). An upgradable read also happens before the next one: they exclude each other. `bump` and
//! `unlocked` unlock and lock again. `get_mut` is not seen here, as `lock_api` doesn't pass it on.
//!
//! A lock is named in reports by the place where it was first locked: lock_api doesn't tell where it was made.
//!
//! ```
//! use racecheck::parking_lot::{Condvar, Mutex};
//! use racecheck::thread;
//!
//! let (queue, filled) = (Mutex::new(Vec::new()), Condvar::new());
//! thread::scope(|s| {
//!     s.spawn(|| {
//!         queue.lock().push(7);
//!         filled.notify_one();
//!     });
//!     let mut queue = queue.lock();
//!     filled.wait_while(&mut queue, |queue| queue.is_empty());
//!     assert_eq!(*queue, [7]);
//! });
//! ```

mod condvar;
mod mutex;
mod once;
mod places;
mod reentrant;
mod rwlock;

pub use ::parking_lot::{OnceState, RawThreadId, WaitTimeoutResult, lock_api};
pub use condvar::Condvar;
pub use lock_api::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};
pub use mutex::{
    FairMutex, FairMutexGuard, MappedFairMutexGuard, MappedMutexGuard, Mutex, MutexGuard,
    RawFairMutex, RawMutex, const_fair_mutex, const_mutex,
};
pub use once::Once;
pub use reentrant::{
    MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard, const_reentrant_mutex,
};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, const_rwlock,
};
