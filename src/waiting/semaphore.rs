//! A semaphore: a permit's release happens before the acquire that gets it.
//!
//! Permits are handed out in the order in which they came in, those of the beginning first: with C of these the k-th release happens before the
//! (k+C)-th acquire, as in the channel of capacity C that Go's programmers use. Who waits gets them in turn, so nobody starves.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::permit::{OwnedSemaphorePermit, SemaphorePermit};
use super::{SyncClock, SyncKind, lock};

static SEMAPHORE: SyncKind = SyncKind {
    name: "Semaphore",
    release: "released a permit of a Semaphore",
    acquire: "acquired it",
};

static CLOSE: SyncKind = SyncKind {
    name: "Semaphore",
    release: "closed a Semaphore",
    acquire: "saw it closed",
};

/// Permits that threads acquire and release: tokio's `Semaphore`, where `acquire` blocks the thread.
///
/// A release happens before the acquire that gets the permit. Two acquires of which neither gets the other's permit order nothing.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, sync::Semaphore, thread};
///
/// let (total, one_at_a_time) = (Shared::new(0), Semaphore::new(1));
/// thread::scope(|s| {
///     for _ in 0..3 {
///         s.spawn(|| {
///             let _permit = one_at_a_time.acquire().unwrap();
///             total.update(|n| n + 1);
///         });
///     }
/// });
/// assert_eq!(total.get(), 3);
/// ```
pub struct Semaphore {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Permits of the beginning that nobody has had yet.
    unused: usize,
    /// What was released, the oldest first: a clock, and of how many permits.
    released: VecDeque<(SyncClock, usize)>,
    /// How many permits there are in both.
    available: usize,
    /// Who waits: the number of the next one to come, and of the one whose turn it is.
    next: u64,
    turn: u64,
    closed: Option<SyncClock>,
}

impl Semaphore {
    /// The most permits that a semaphore can have: tokio's limit.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// A semaphore with this many permits.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    pub const fn new(permits: usize) -> Semaphore {
        assert!(permits <= Semaphore::MAX_PERMITS, "too many permits");
        Semaphore {
            state: Mutex::new(State {
                unused: permits,
                released: VecDeque::new(),
                available: permits,
                next: 0,
                turn: 0,
                closed: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// How many permits can be acquired now. Orders nothing.
    pub fn available_permits(&self) -> usize {
        lock(&self.state).available
    }

    /// Adds permits: a release of permits that nobody has acquired.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) then.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{Shared, sync::Semaphore, thread};
    ///
    /// let (value, ready) = (Shared::new(0), Semaphore::new(0));
    /// thread::scope(|s| {
    ///     s.spawn(|| {
    ///         value.set(7);
    ///         ready.add_permits(1);
    ///     });
    ///     ready.acquire().unwrap().forget();
    ///     assert_eq!(value.get(), 7);
    /// });
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        self.release(n, Location::caller());
    }

    /// Takes up to `n` permits away for good, and says how many. That is no acquire: it orders nothing.
    pub fn forget_permits(&self, n: usize) -> usize {
        let mut state = lock(&self.state);
        let n = n.min(state.available);
        drop(state.take(n));
        n
    }

    /// Waits for a permit, and acquires it.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, before or meanwhile; the `close` happens before the return.
    #[track_caller]
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1)
    }

    /// Waits for `n` permits, and acquires them at once.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let permits = semaphore.acquire_many(2).unwrap();
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (2, 1));
    /// ```
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let site = Location::caller();
        self.wait_for(n, site)?;
        Ok(SemaphorePermit::new(self, n, site))
    }

    /// Acquires a permit if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// If there is none, which orders nothing; or if the semaphore is closed, as for [`acquire`](Semaphore::acquire).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    /// drop(permit);
    /// assert!(semaphore.try_acquire().is_ok());
    /// ```
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Acquires `n` permits if there are as many and nobody waits for them.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Semaphore::try_acquire).
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let site = Location::caller();
        self.try_now(n, site)?;
        Ok(SemaphorePermit::new(self, n, site))
    }

    /// Like [`acquire`](Semaphore::acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{sync::Semaphore, thread};
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(Semaphore::new(2));
    /// for _ in 0..5 {
    ///     let permit = semaphore.clone().acquire_owned().unwrap();
    ///     thread::spawn(move || drop(permit)); // not more than two at a time
    /// }
    /// # drop(semaphore.acquire_many(2));
    /// ```
    #[track_caller]
    pub fn acquire_owned(self: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1)
    }

    /// Like [`acquire_many`](Semaphore::acquire_many), with permits that keep the semaphore alive.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Semaphore>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        let site = Location::caller();
        self.wait_for(n, site)?;
        Ok(OwnedSemaphorePermit::new(self, n, site))
    }

    /// Like [`try_acquire`](Semaphore::try_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Semaphore::try_acquire).
    #[track_caller]
    pub fn try_acquire_owned(
        self: Arc<Semaphore>,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let site = Location::caller();
        self.try_now(1, site)?;
        Ok(OwnedSemaphorePermit::new(self, 1, site))
    }

    /// Closes it: from now on nobody acquires anything, and who waits gets an error.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{sync::Semaphore, thread};
    ///
    /// let semaphore = Semaphore::new(0);
    /// thread::scope(|s| {
    ///     s.spawn(|| assert!(semaphore.acquire().is_err()));
    ///     semaphore.close();
    /// });
    /// assert!(semaphore.is_closed());
    /// ```
    #[track_caller]
    pub fn close(&self) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.closed = Some(SyncClock::released(&CLOSE, Location::caller()));
            self.changed.notify_all();
        }
    }

    /// Whether it is closed; if so, the `close` happens before the return.
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        lock(&self.state).is_closed(Location::caller())
    }

    fn wait_for(&self, n: u32, site: &'static Location<'static>) -> Result<(), AcquireError> {
        let mut state = lock(&self.state);
        let mine = state.next;
        state.next += 1;
        let waited = self.changed.wait_while(state, |state| {
            state.closed.is_none() && !(state.turn == mine && state.has(n))
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed(site) {
            return Err(AcquireError(()));
        }
        state.turn += 1;
        let permits = state.take(n as usize);
        // There may be enough for the next one too.
        let others_wait = state.turn != state.next;
        drop(state);
        if others_wait {
            self.changed.notify_all();
        }
        acquire(permits, site);
        Ok(())
    }

    fn try_now(&self, n: u32, site: &'static Location<'static>) -> Result<(), TryAcquireError> {
        let mut state = lock(&self.state);
        if state.is_closed(site) {
            return Err(TryAcquireError::Closed);
        }
        if state.turn != state.next || !state.has(n) {
            return Err(TryAcquireError::NoPermits);
        }
        let permits = state.take(n as usize);
        drop(state);
        acquire(permits, site);
        Ok(())
    }

    pub(super) fn release(&self, n: usize, site: &'static Location<'static>) {
        if n == 0 {
            return;
        }
        let clock = SyncClock::released(&SEMAPHORE, site);
        let mut state = lock(&self.state);
        let available = state.available.saturating_add(n);
        if available > Semaphore::MAX_PERMITS {
            drop(state);
            panic!("too many permits");
        }
        state.available = available;
        state.released.push_back((clock, n));
        self.changed.notify_all();
    }
}

fn acquire(permits: Vec<SyncClock>, site: &'static Location<'static>) {
    for clock in permits {
        clock.acquire(&SEMAPHORE, site);
    }
}

impl State {
    fn has(&self, n: u32) -> bool {
        self.available >= n as usize
    }

    fn is_closed(&self, site: &'static Location<'static>) -> bool {
        if let Some(clock) = &self.closed {
            clock.acquire(&CLOSE, site);
        }
        self.closed.is_some()
    }

    /// Takes the `n` permits that have been here longest. What their releases left is for whoever acquires them.
    fn take(&mut self, n: usize) -> Vec<SyncClock> {
        self.available -= n;
        let unused = n.min(self.unused);
        self.unused -= unused;
        let mut wanted = n - unused;
        let mut clocks = Vec::new();
        while wanted > 0 {
            let (clock, here) = self.released.front_mut().expect("counted in `available`");
            clocks.push(clock.clone());
            let taken = wanted.min(*here);
            wanted -= taken;
            *here -= taken;
            if *here == 0 {
                self.released.pop_front();
            }
        }
        clocks
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .finish()
    }
}

/// The semaphore is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl Error for AcquireError {}

/// Why nothing was acquired at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore is closed.
    Closed,
    /// There are not as many permits, or others wait for them.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "semaphore closed",
            TryAcquireError::NoPermits => "no permits available",
        })
    }
}

impl Error for TryAcquireError {}
