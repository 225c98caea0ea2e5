//! Joining and parking: [`JoinHandle`], [`Thread`], [`park`].

use std::fmt;
#[cfg(unix)]
use std::os::unix::thread::{JoinHandleExt, RawPthread};
use std::panic::Location;
use std::thread as real;
use std::thread::ThreadId;
use std::time::Duration;

use race_core::deadlock::wait_for_thread;
use race_core::thread::Handle;

/// `std::thread::Thread`, tracked: [`unpark`](Thread::unpark) happens before the `park` that it wakes.
#[derive(Clone)]
pub struct Thread {
    inner: real::Thread,
    pub(super) handle: Handle,
}

impl Thread {
    pub(super) fn new(inner: real::Thread, handle: Handle) -> Thread {
        Thread { inner, handle }
    }

    /// As `std::thread::Thread::unpark`; what was done so far happens before the thread's return from `park`.
    #[track_caller]
    pub fn unpark(&self) {
        self.handle.unpark(Location::caller());
        self.inner.unpark();
    }

    /// As `std::thread::Thread::id`.
    pub fn id(&self) -> ThreadId {
        self.inner.id()
    }

    /// As `std::thread::Thread::name`.
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// As `std::thread::current`.
pub fn current() -> Thread {
    Thread::new(real::current(), Handle::current())
}

/// As `std::thread::park`; what was done before the `unpark` happens before the return.
#[track_caller]
pub fn park() {
    real::park();
    Handle::current().parked(Location::caller());
}

/// As `std::thread::park_timeout`; what was done before an `unpark` happens before the return.
#[track_caller]
pub fn park_timeout(duration: Duration) {
    real::park_timeout(duration);
    Handle::current().parked(Location::caller());
}

/// As `std::thread::park_timeout_ms`: [`park_timeout`], in milliseconds.
#[deprecated = "replaced by `racecheck::thread::park_timeout`"]
#[track_caller]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(ms.into()));
}

/// `std::thread::JoinHandle`, tracked: all that the thread did happens before the return of [`join`](JoinHandle::join).
pub struct JoinHandle<T> {
    inner: real::JoinHandle<T>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(inner: real::JoinHandle<T>, thread: Thread) -> JoinHandle<T> {
        JoinHandle { inner, thread }
    }

    /// As `std::thread::JoinHandle::join`.
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
        result
    }

    /// As `std::thread::JoinHandle::thread`.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As `std::thread::JoinHandle::is_finished`: orders nothing.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The thread's POSIX name. A `pthread_join` of it orders as [`join`](JoinHandle::join) does, on Linux with glibc, where that is interposed.
#[cfg(unix)]
impl<T> JoinHandleExt for JoinHandle<T> {
    fn as_pthread_t(&self) -> RawPthread {
        self.inner.as_pthread_t()
    }

    fn into_pthread_t(self) -> RawPthread {
        self.inner.into_pthread_t()
    }
}
