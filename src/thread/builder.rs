//! Starting threads: the fork edge, and the start of the thread's own clock.

use std::fmt;
use std::io;
use std::mem;
use std::panic::Location;
use std::thread as real;

use race_core::thread::Handle;

use super::handle::{JoinHandle, Thread};
use super::scoped::{Scope, ScopedJoinHandle};

/// As `std::thread::spawn`; what was done so far happens before the thread.
///
/// # Panics
///
/// As `std`'s: if the operating system can't start a thread.
///
/// # Example
///
/// ```
/// let handle = racecheck::thread::spawn(|| 7);
/// assert_eq!(handle.join().unwrap(), 7);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(f).expect("failed to spawn thread")
}

/// `std::thread::Builder`, tracked.
///
/// # Example
///
/// ```
/// use racecheck::thread::Builder;
///
/// let handle = Builder::new().name("worker".into()).spawn(|| 7)?;
/// assert_eq!(handle.join().unwrap(), 7);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "must eventually spawn the thread"]
pub struct Builder {
    inner: real::Builder,
    name: Option<String>,
}

impl Builder {
    /// As `std::thread::Builder::new`.
    #[expect(clippy::new_without_default, reason = "std's has no `Default` either")]
    pub fn new() -> Builder {
        Builder {
            inner: real::Builder::new(),
            name: None,
        }
    }

    /// As `std::thread::Builder::name`.
    pub fn name(self, name: String) -> Builder {
        Builder {
            inner: self.inner.name(name.clone()),
            name: Some(name),
        }
    }

    /// As `std::thread::Builder::stack_size`, in bytes.
    pub fn stack_size(self, size: usize) -> Builder {
        Builder {
            inner: self.inner.stack_size(size),
            ..self
        }
    }

    /// As `std::thread::Builder::spawn`; what was done so far happens before the thread.
    ///
    /// # Errors
    ///
    /// As `std`'s: if the operating system can't start a thread.
    ///
    /// # Panics
    ///
    /// As `std`'s: if the name has a zero byte.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: what is `'static` outlives every thread.
        unsafe { self.spawn_unchecked(f) }
    }

    /// As `std::thread::Builder::spawn_unchecked`; what was done so far happens before the thread.
    ///
    /// # Errors
    ///
    /// As `std`'s: if the operating system can't start a thread.
    ///
    /// # Panics
    ///
    /// As `std`'s: if the name has a zero byte.
    ///
    /// # Safety
    ///
    /// As `std` says: all that the thread borrows must outlive it.
    #[track_caller]
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let Builder { inner, name } = self;
        let (inner, handle) = fork(name.as_deref(), Location::caller(), |handle| {
            let body = move || {
                handle.start();
                f()
            };
            // SAFETY: the caller's promise for `f`; the handle is owned.
            unsafe { inner.spawn_unchecked(body) }
        })?;
        let thread = Thread::new(inner.thread().clone(), handle);
        Ok(JoinHandle::new(inner, thread))
    }

    /// As `std::thread::Builder::spawn_scoped`; what was done so far happens before the thread.
    ///
    /// # Errors
    ///
    /// As `std`'s: if the operating system can't start a thread.
    ///
    /// # Panics
    ///
    /// As `std`'s: if the name has a zero byte.
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let Builder { inner, name } = self;
        let site = Location::caller();
        let (inner, handle) = fork(name.as_deref(), site, |handle| {
            inner.spawn_scoped(scope.real(), scope.body(handle, site, f))
        })?;
        let thread = Thread::new(inner.thread().clone(), handle);
        Ok(ScopedJoinHandle::new(inner, thread))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The fork edge around a real creation.
fn fork<H>(
    name: Option<&str>,
    site: &'static Location<'static>,
    create: impl FnOnce(Handle) -> io::Result<H>,
) -> io::Result<(H, Handle)> {
    let handle = Handle::fork(name, site);
    handle.announce();
    let failed = Failed(&handle);
    let inner = create(handle.clone())?;
    mem::forget(failed);
    handle.withdraw();
    Ok((inner, handle))
}

/// Takes back a fork that `std` didn't carry out: it may fail, or panic on a name that it doesn't like, before it creates a thread.
struct Failed<'a>(&'a Handle);

impl Drop for Failed<'_> {
    fn drop(&mut self) {
        self.0.withdraw();
        self.0.cancel();
    }
}
