//! `parking_lot::Once`, tracked: the end of the initializer happens before every call that sees it done.

use std::fmt;
use std::mem;
use std::panic::Location;
use std::sync::OnceLock;

use ::parking_lot as real;
use race_core::sync::{SyncClock, SyncKind};

use super::OnceState;
use crate::sync::once::Attempts;

static ONCE: SyncKind = SyncKind {
    name: "Once",
    release: "completed a Once",
    acquire: "saw it done",
};

/// `parking_lot::Once`, tracked.
///
/// The end of the initializer happens before the return of every `call_once` and `call_once_force`, and before every `state` that is `Done`. The panic of
/// one happens before the next begins, and before a `state` or a panic that tells of it.
///
/// # Example
///
/// ```
/// use racecheck::parking_lot::{Once, OnceState};
///
/// static START: Once = Once::new();
/// START.call_once(|| println!("once"));
/// assert_eq!(START.state(), OnceState::Done);
/// ```
#[derive(Default)]
pub struct Once {
    inner: real::Once,
    attempts: Attempts,
    /// Set by the initializer.
    done: OnceLock<SyncClock>,
}

impl Once {
    /// As `parking_lot::Once::new`.
    pub const fn new() -> Once {
        Once {
            inner: real::Once::new(),
            attempts: Attempts::new(),
            done: OnceLock::new(),
        }
    }

    /// As `parking_lot::Once::state`.
    #[track_caller]
    pub fn state(&self) -> OnceState {
        let site = Location::caller();
        let state = self.inner.state();
        match state {
            OnceState::Done => self.see(site),
            OnceState::Poisoned => self.attempts.see(site),
            OnceState::New | OnceState::InProgress => (),
        }
        state
    }

    /// As `parking_lot::Once::call_once`.
    ///
    /// # Panics
    ///
    /// If an earlier initializer panicked.
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        let site = Location::caller();
        let poisoned = Poisoned(&self.attempts, site);
        self.inner.call_once(|| self.initialize(site, f));
        mem::forget(poisoned);
        self.see(site);
    }

    /// As `parking_lot::Once::call_once_force`: runs even if an earlier initializer panicked.
    #[track_caller]
    pub fn call_once_force<F: FnOnce(OnceState)>(&self, f: F) {
        let site = Location::caller();
        self.inner
            .call_once_force(|state| self.initialize(site, || f(state)));
        self.see(site);
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

/// Dropped by a panic that says that an initializer panicked.
struct Poisoned<'a>(&'a Attempts, &'static Location<'static>);

impl Drop for Poisoned<'_> {
    fn drop(&mut self) {
        self.0.see(self.1);
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
