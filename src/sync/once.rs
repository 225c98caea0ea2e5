//! `std::sync::Once`, tracked: the end of the initializer happens before every call that sees it done.

use std::fmt;
use std::panic::Location;
use std::sync as real;
use std::sync::OnceLock as RealOnceLock;

use race_core::sync::{SyncClock, SyncKind, SyncObject};

pub use std::sync::OnceState;

static ONCE: SyncKind = SyncKind {
    name: "Once",
    release: "completed a Once",
    acquire: "saw it done",
};

static ATTEMPT: SyncKind = SyncKind {
    name: "Once",
    release: "panicked in an initializer",
    acquire: "started the next one",
};

/// What initializers that panicked have done happens before the next one begins.
#[derive(Debug, Default)]
pub(crate) struct Attempts(SyncObject);

impl Attempts {
    pub(crate) const fn new() -> Attempts {
        Attempts(SyncObject::new())
    }

    /// Runs an initializer.
    pub(crate) fn run<R>(&self, site: &'static Location<'static>, f: impl FnOnce() -> R) -> R {
        struct Failed<'a>(&'a Attempts, &'static Location<'static>);
        impl Drop for Failed<'_> {
            fn drop(&mut self) {
                self.0.0.release(&ATTEMPT, self.1);
            }
        }
        self.0.acquire(&ATTEMPT, site);
        let failed = Failed(self, site);
        let result = f();
        std::mem::forget(failed);
        result
    }

    /// The calling thread has seen that one panicked.
    #[cfg(feature = "parking_lot")]
    pub(crate) fn see(&self, site: &'static Location<'static>) {
        self.0.acquire(&ATTEMPT, site);
    }
}

/// As `std::sync::ONCE_INIT`: `Once::new()`.
#[deprecated = "the `Once::new()` function is now preferred"]
#[expect(clippy::declare_interior_mutable_const, reason = "std has it still")]
pub const ONCE_INIT: Once = Once::new();

/// `std::sync::Once`, tracked.
///
/// The end of the initializer happens before the return of every `call_once`, `call_once_force`, `wait` and `wait_force`, and before every `is_completed` that
/// is true.
///
/// # Example
///
/// ```
/// use racecheck::sync::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| println!("once"));
/// assert!(START.is_completed());
/// ```
pub struct Once {
    inner: real::Once,
    attempts: Attempts,
    /// Set by the initializer.
    done: RealOnceLock<SyncClock>,
}

impl Once {
    /// As `std::sync::Once::new`.
    #[expect(clippy::new_without_default, reason = "std's has none")]
    pub const fn new() -> Once {
        Once {
            inner: real::Once::new(),
            attempts: Attempts::new(),
            done: RealOnceLock::new(),
        }
    }

    /// As `std::sync::Once::call_once`.
    ///
    /// # Panics
    ///
    /// If an earlier initializer panicked.
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        let site = Location::caller();
        self.inner.call_once(|| self.initialize(site, f));
        self.see(site);
    }

    /// As `std::sync::Once::call_once_force`: runs even if an earlier initializer panicked.
    #[track_caller]
    pub fn call_once_force<F: FnOnce(&OnceState)>(&self, f: F) {
        let site = Location::caller();
        self.inner
            .call_once_force(|state| self.initialize(site, || f(state)));
        self.see(site);
    }

    /// As `std::sync::Once::is_completed`. What is seen to be done happens before the return.
    #[track_caller]
    pub fn is_completed(&self) -> bool {
        let completed = self.inner.is_completed();
        if completed {
            self.see(Location::caller());
        }
        completed
    }

    /// As `std::sync::Once::wait`.
    ///
    /// # Panics
    ///
    /// If an initializer panicked.
    #[track_caller]
    pub fn wait(&self) {
        self.inner.wait();
        self.see(Location::caller());
    }

    /// As `std::sync::Once::wait_force`: waits on even if an initializer panicked.
    #[track_caller]
    pub fn wait_force(&self) {
        self.inner.wait_force();
        self.see(Location::caller());
    }

    fn initialize(&self, site: &'static Location<'static>, f: impl FnOnce()) {
        self.attempts.run(site, f);
        // The real one completes once: nobody has set it.
        let _ = self.done.set(SyncClock::released(&ONCE, site));
    }

    fn see(&self, site: &'static Location<'static>) {
        if let Some(done) = self.done.get() {
            done.acquire(&ONCE, site);
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
