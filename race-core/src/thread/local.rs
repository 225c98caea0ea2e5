//! The door into the engine: this thread's state, and the guard against entering it twice.
//!
//! Everything the engine does for a thread happens inside [`enter`]. While a thread is inside, whatever it calls that is itself tracked
//! (a global allocator, a `Debug` impl, a signal handler) finds the door shut and passes by untracked: the engine's state is never seen half
//! changed, and a lock of the engine is never taken twice.
//!
//! The thread-local has no destructor, so it works before `main`, in other thread-locals' destructors, and after them.
//! Nothing here may allocate on the way in, once the thread is known.

use std::cell::Cell;
use std::ptr;

use crate::epoch::Epoch;
use crate::primitive::per_thread;
use crate::thread::lifecycle;
use crate::thread::state::ThreadState;

/// No thread is ever in this epoch, and the shadow never holds it: the fast path of an unknown thread fails.
const UNKNOWN: u64 = u64::MAX;

struct Local {
    /// The current epoch, where the fast path finds it in one load.
    epoch: Cell<u64>,
    state: Cell<*mut ThreadState>,
    inside: Cell<bool>,
}

per_thread! {
    static LOCAL: Local = const {
        Local {
            epoch: Cell::new(UNKNOWN),
            state: Cell::new(ptr::null_mut()),
            inside: Cell::new(false),
        }
    };
}

/// This thread's `Local`, for the length of a call into this module.
///
/// The body of `LocalKey::with` must stay this small: with a whole call into the engine inside, the compiler doesn't inline it, and finds the
/// thread-local through a pointer to a function.
#[inline(always)]
fn local<'a>() -> &'a Local {
    let local = LOCAL.with(ptr::from_ref);
    // SAFETY: without a destructor the thread-local is there for as long as its thread, and `Local` is not `Sync`: no reference leaves it.
    unsafe { &*local }
}

/// The word that an access recorded in this epoch has left in the shadow.
#[inline(always)]
pub(crate) fn epoch_word() -> u64 {
    local().epoch.get()
}

/// Publishes a new epoch to the fast path.
#[inline]
pub(crate) fn set_epoch(epoch: Epoch) {
    local().epoch.set(epoch.bits());
}

/// Puts the epoch of the fast path back when dropped.
pub(crate) struct KeepEpoch(u64);

/// Work on other threads' states follows, on this thread.
#[inline]
pub(crate) fn keep_epoch() -> KeepEpoch {
    KeepEpoch(epoch_word())
}

impl Drop for KeepEpoch {
    #[inline]
    fn drop(&mut self) {
        local().epoch.set(self.0);
    }
}

struct Inside<'a>(&'a Cell<bool>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Runs `f` with this thread's state, adopting the thread if the engine hasn't met it. `None` if the thread is inside already.
#[inline]
pub(crate) fn enter<R>(f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    let local = local();
    if local.inside.replace(true) {
        return None;
    }
    let _inside = Inside(&local.inside);
    let mut state = local.state.get();
    if state.is_null() {
        state = adopt(local);
    }
    // SAFETY: `state` came from `Box::into_raw` in `install_raw` and is freed only by `uninstall`, which runs with the flag
    // set, on this thread. The flag also makes this the only reference.
    Some(f(unsafe { &mut *state }))
}

#[cold]
#[inline(never)]
fn adopt(local: &Local) -> *mut ThreadState {
    install_raw(local, lifecycle::adopt())
}

/// Runs `f` inside the engine without a thread state: for start-up, exit and thread birth.
pub(crate) fn enter_bare<R>(f: impl FnOnce() -> R) -> Option<R> {
    let local = local();
    if local.inside.replace(true) {
        return None;
    }
    let _inside = Inside(&local.inside);
    Some(f())
}

/// Whether this thread is inside the engine already.
pub(crate) fn is_inside() -> bool {
    local().inside.get()
}

fn install_raw(local: &Local, state: ThreadState) -> *mut ThreadState {
    local.epoch.set(state.epoch().bits());
    let raw = Box::into_raw(Box::new(state));
    local.state.set(raw);
    raw
}

/// Makes `state` this thread's. Call inside [`enter_bare`], after [`uninstall`] of any earlier one.
pub(crate) fn install(state: ThreadState) {
    LOCAL.with(|local| {
        debug_assert!(local.inside.get() && local.state.get().is_null());
        install_raw(local, state);
    });
}

/// Takes this thread's state away. Call inside [`enter_bare`].
pub(crate) fn uninstall() -> Option<Box<ThreadState>> {
    LOCAL.with(|local| {
        debug_assert!(local.inside.get());
        local.epoch.set(UNKNOWN);
        let state = local.state.replace(ptr::null_mut());
        // SAFETY: non-null means that it came from `Box::into_raw` in `install_raw`; the pointer was just replaced, so nobody
        // else frees it, and the flag keeps `enter` from lending it out meanwhile.
        (!state.is_null()).then(|| unsafe { Box::from_raw(state) })
    })
}

/// Whether this thread has a state.
pub(crate) fn is_installed() -> bool {
    LOCAL.with(|local| !local.state.get().is_null())
}
