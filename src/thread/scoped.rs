//! Scoped threads: every thread of a scope happens before the scope's return, joined or not.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr;
use std::thread as real;

use race_core::deadlock::{wait_for_scope, wait_for_thread};
use race_core::sync::{SyncKind, keyed};
use race_core::thread::Handle;

use super::builder::Builder;
use super::handle::Thread;

static SCOPE: SyncKind = SyncKind {
    name: "scope",
    release: "ended in a scope",
    acquire: "left thread::scope",
};

/// `std::thread::Scope`, tracked.
#[repr(transparent)]
pub struct Scope<'scope, 'env: 'scope>(real::Scope<'scope, 'env>);

impl<'scope, 'env> Scope<'scope, 'env> {
    fn wrap<'a>(real: &'a real::Scope<'scope, 'env>) -> &'a Scope<'scope, 'env> {
        // SAFETY: `repr(transparent)`: the same layout, and the same invariants.
        unsafe { &*ptr::from_ref(real).cast() }
    }

    pub(super) fn real(&'scope self) -> &'scope real::Scope<'scope, 'env> {
        &self.0
    }

    /// As `std::thread::Scope::spawn`; what was done so far happens before the thread.
    ///
    /// # Panics
    ///
    /// As `std`'s: if the operating system can't start a thread.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new()
            .spawn_scoped(self, f)
            .expect("failed to spawn thread")
    }

    /// What a thread of this scope runs: `f`, between its start and the release that the scope's end acquires.
    pub(super) fn body<F, T>(
        &self,
        handle: Handle,
        site: &'static Location<'static>,
        f: F,
    ) -> impl FnOnce() -> Ended<T> + Send + use<'scope, 'env, F, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let end = ReleaseAtEnd {
            scope: key(&self.0),
            site,
        };
        move || {
            handle.start_in_scope(end.scope);
            let result = catch_unwind(AssertUnwindSafe(f));
            // Here, because whoever joins the thread, or drops its handle last, drops what it left behind.
            end.release();
            match result {
                Ok(value) => Ended { value, _end: end },
                Err(payload) => resume_unwind(Box::new(Ended {
                    value: payload,
                    _end: end,
                })),
            }
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the scope's end is keyed by: `std`'s scope stays where it is until the last thread has ended.
fn key(scope: &real::Scope<'_, '_>) -> usize {
    ptr::from_ref(scope).addr()
}

/// What a scoped thread leaves behind: what its closure returned, or the payload of its panic.
///
/// If nobody joins the thread, `std` may drop this on the thread itself, and tells the scope only then. The value's own drop may be the
/// user's code, so there is a second release after it.
pub(super) struct Ended<T> {
    value: T,
    _end: ReleaseAtEnd,
}

/// Releases when all of a thread's code is done. `std`'s scope waits for that, not for the thread's end.
struct ReleaseAtEnd {
    scope: usize,
    site: &'static Location<'static>,
}

impl ReleaseAtEnd {
    fn release(&self) {
        keyed::release(self.scope, &SCOPE, self.site);
    }
}

impl Drop for ReleaseAtEnd {
    fn drop(&mut self) {
        self.release();
    }
}

/// Acquires what all threads of the scope have released, when `std`'s scope is done, also by a panic.
struct AcquireAtEnd {
    scope: Cell<Option<usize>>,
    site: &'static Location<'static>,
}

impl Drop for AcquireAtEnd {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.get() {
            keyed::acquire(scope, &SCOPE, self.site);
            keyed::forget(scope);
        }
    }
}

/// As `std::thread::scope`; all that its threads did happens before its return.
///
/// # Panics
///
/// As `std`'s: if a thread that was not joined has panicked.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, thread};
///
/// let value = Shared::new(0);
/// thread::scope(|s| {
///     s.spawn(|| value.set(7));
/// });
/// assert_eq!(value.get(), 7);
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let end = AcquireAtEnd {
        scope: Cell::new(None),
        site: Location::caller(),
    };
    let waiting = Cell::new(None);
    real::scope(|scope| {
        end.scope.set(Some(key(scope)));
        let value = f(Scope::wrap(scope));
        waiting.set(Some(wait_for_scope(key(scope), end.site)));
        value
    })
}

/// `std::thread::ScopedJoinHandle`, tracked: all that the thread did happens before the return of [`join`](ScopedJoinHandle::join).
pub struct ScopedJoinHandle<'scope, T> {
    inner: real::ScopedJoinHandle<'scope, Ended<T>>,
    thread: Thread,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    pub(super) fn new(
        inner: real::ScopedJoinHandle<'scope, Ended<T>>,
        thread: Thread,
    ) -> ScopedJoinHandle<'scope, T> {
        ScopedJoinHandle { inner, thread }
    }

    /// As `std::thread::ScopedJoinHandle::join`.
    ///
    /// # Errors
    ///
    /// The panic's payload, if the thread panicked.
    #[track_caller]
    pub fn join(self) -> real::Result<T> {
        let waiting = wait_for_thread(&self.thread.handle, Location::caller());
        self.thread.handle.await_end();
        let result = self.inner.join();
        drop(waiting);
        self.thread.handle.join(Location::caller());
        match result {
            Ok(ended) => Ok(ended.value),
            Err(payload) => Err(match payload.downcast::<Ended<Box<dyn Any + Send>>>() {
                Ok(ended) => ended.value,
                Err(payload) => payload,
            }),
        }
    }

    /// As `std::thread::ScopedJoinHandle::thread`.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As `std::thread::ScopedJoinHandle::is_finished`: orders nothing.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
