//! The door into the engine: this thread's state, and the guard against entering it twice.
//!
//! Everything the engine does for a thread happens inside [`enter`]. While a thread is inside, whatever it calls that is itself tracked
//! (a global allocator, a `Debug` impl, a signal handler) finds the door shut and passes by untracked: the engine's state is never seen half
//! changed, and a lock of the engine is never taken twice.
//!
//! A signal handler may have interrupted the engine, or the allocator that the engine needs. So for its length the door is always shut
//! ([`begin_handler`], where handlers are seen). An acquire or a release that passes by there is made up for at once, without memory:
//! [`registry::draw_line`].
//!
//! The thread-local has no destructor, so it works before `main`, in other thread-locals' destructors, and after them.
//! Nothing here may allocate on the way in, once the thread is known.

use std::cell::Cell;
use std::ptr;

use crate::epoch::Epoch;
use crate::errno;
use crate::primitive::per_thread;
use crate::thread::hot::{UNKNOWN, hot};
use crate::thread::lifecycle;
use crate::thread::registry;
use crate::thread::state::ThreadState;

/// The door of one thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Shut,
    /// Shut, and an operation on an atomic has passed by since.
    PassedBy,
}

struct Local {
    state: Cell<*mut ThreadState>,
    /// The state that this thread had in the process that it was forked from, until it enters the engine again.
    before_fork: Cell<*mut ThreadState>,
    inside: Cell<Door>,
    /// Operations on atomics that passed by in a row without a success.
    tries: Cell<u32>,
    /// Signal handlers that run on this thread, one in the other.
    handlers: Cell<u32>,
    /// How the outermost of them found the door.
    interrupted: Cell<Door>,
    /// Whether a handler has read an atomic that a later acquire fence would order.
    unseen_relaxed_load: Cell<bool>,
    /// Whether this thread has passed a release fence, which a relaxed store in a handler would publish.
    has_fenced: Cell<bool>,
}

per_thread! {
    static LOCAL: Local = const {
        Local {
            state: Cell::new(ptr::null_mut()),
            before_fork: Cell::new(ptr::null_mut()),
            inside: Cell::new(Door::Open),
            tries: Cell::new(0),
            handlers: Cell::new(0),
            interrupted: Cell::new(Door::Open),
            unseen_relaxed_load: Cell::new(false),
            has_fenced: Cell::new(false),
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
    hot().epoch.get()
}

/// Publishes a new epoch to the fast path.
#[inline]
pub(crate) fn set_epoch(epoch: Epoch) {
    hot().epoch.set(epoch.bits());
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
        hot().epoch.set(self.0);
    }
}

struct Inside<'a>(&'a Cell<Door>);

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.set(Door::Open);
    }
}

/// Runs `f` with this thread's state, adopting the thread if the engine hasn't met it. `None` if the thread is inside already.
///
/// For whatever may order something: what passes by in a signal handler is taken to have ordered all there is.
#[inline]
pub(crate) fn enter<R>(f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    enter_or(unseen_order, f)
}

/// As [`enter`], for what orders nothing by itself, such as an access.
#[inline]
pub(crate) fn enter_unordered<R>(f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    enter_or(|| (), f)
}

/// As [`enter_unordered`], if the engine has met the thread: for what libc does at a thread's very beginning and end.
#[inline]
pub(crate) fn enter_known<R>(f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    Some(f(known()?.state()))
}

/// The calling thread is inside the engine until this is dropped.
pub(crate) struct Entered<'a> {
    state: &'a mut ThreadState,
    _inside: Inside<'a>,
}

impl Entered<'_> {
    #[inline(always)]
    pub(crate) fn state(&mut self) -> &mut ThreadState {
        self.state
    }
}

/// Enters the engine, if it has met the thread. Not by a closure: what is to be a few instructions shouldn't depend on whether those are inlined.
#[inline(always)]
pub(crate) fn known<'a>() -> Option<Entered<'a>> {
    let local = local();
    let state = local.state.get();
    if state.is_null() || local.inside.get() != Door::Open {
        return None;
    }
    local.inside.set(Door::Shut);
    Some(Entered {
        // SAFETY: as in `enter_or`.
        state: unsafe { &mut *state },
        _inside: Inside(&local.inside),
    })
}

#[inline]
fn enter_or<R>(passed_by: impl FnOnce(), f: impl FnOnce(&mut ThreadState) -> R) -> Option<R> {
    let local = local();
    if local.inside.get() != Door::Open {
        passed_by();
        return None;
    }
    local.inside.set(Door::Shut);
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
    let before_fork = local.before_fork.replace(ptr::null_mut());
    // SAFETY: it was this thread's state, taken out by `forget_before_fork`: nobody else has it.
    match unsafe { before_fork.as_mut() } {
        Some(state) => {
            lifecycle::reborn(state);
            hot().epoch.set(state.epoch().bits());
            local.state.set(before_fork);
            before_fork
        }
        None => install_raw(local, errno::keep(lifecycle::adopt)),
    }
}

/// The calling thread is that of a `fork`'s child: what it has to learn of that, it learns when it enters the engine next.
#[cfg(unix)]
pub(crate) fn forget_before_fork() {
    let local = local();
    let state = local.state.replace(ptr::null_mut());
    if !state.is_null() {
        hot().epoch.set(UNKNOWN);
        local.before_fork.set(state);
    }
}

/// Another operation on an atomic has passed by: how many have, one after another, without a success, while the thread was inside this time.
pub(crate) fn tries(succeeded: bool) -> u32 {
    let local = local();
    let before = match local.inside.replace(Door::PassedBy) {
        Door::PassedBy => local.tries.get(),
        Door::Open | Door::Shut => 0,
    };
    local.tries.set(if succeeded { 0 } else { before + 1 });
    local.tries.get()
}

/// Whether the engine is at work on this thread: not just shut out by a signal handler.
pub(crate) fn is_at_work() -> bool {
    let local = local();
    if local.handlers.get() > 0 {
        local.interrupted.get() != Door::Open
    } else {
        local.inside.get() != Door::Open
    }
}

/// Runs `f` inside the engine without a thread state: for start-up, exit and thread birth.
pub(crate) fn enter_bare<R>(f: impl FnOnce() -> R) -> Option<R> {
    let local = local();
    if local.inside.get() != Door::Open {
        unseen_order();
        return None;
    }
    local.inside.set(Door::Shut);
    let _inside = Inside(&local.inside);
    Some(f())
}

/// Whether this thread is inside the engine already.
pub(crate) fn is_inside() -> bool {
    local().inside.get() != Door::Open
}

/// Something that orders has passed by, or is about to. In a signal handler nobody else will make up for it; what the engine's own
/// allocations order concerns only the engine's memory.
#[cold]
#[inline(never)]
pub(crate) fn unseen_order() {
    if local().handlers.get() > 0 {
        registry::draw_line();
    }
}

/// A relaxed load has passed by, or a relaxed store: fences may make an order of it.
#[cold]
#[inline(never)]
pub(crate) fn unseen_relaxed(stores: bool) {
    let local = local();
    if local.handlers.get() == 0 {
        return;
    }
    if stores && local.has_fenced.get() {
        registry::draw_line();
    }
    local.unseen_relaxed_load.set(true);
}

/// This thread passes a fence: whatever a handler has done without it counts from here on.
pub(crate) fn fence(acquires: bool, releases: bool) {
    let local = local();
    if acquires && local.unseen_relaxed_load.replace(false) {
        registry::draw_line();
    }
    if releases {
        local.has_fenced.set(true);
    }
}

/// A signal handler begins on this thread. Returns what [`end_handler`] wants.
///
/// Async-signal-safe, as is what passes by until then.
pub(crate) fn begin_handler() -> Door {
    let local = local();
    let door = local.inside.replace(Door::Shut);
    if local.handlers.get() == 0 {
        local.interrupted.set(door);
    }
    local.handlers.set(local.handlers.get() + 1);
    door
}

/// It has returned.
pub(crate) fn end_handler(door: Door) {
    let local = local();
    local.handlers.set(local.handlers.get() - 1);
    local.inside.set(door);
}

/// The thread, or the process, ends in a signal handler, which won't return. Opens the door, unless the engine itself was interrupted.
pub(crate) fn leave_handlers() {
    let local = local();
    if local.handlers.replace(0) > 0 {
        local.inside.set(local.interrupted.get());
    }
}

fn install_raw(local: &Local, state: ThreadState) -> *mut ThreadState {
    hot().epoch.set(state.epoch().bits());
    let raw = Box::into_raw(Box::new(state));
    local.state.set(raw);
    raw
}

/// Makes `state` this thread's. Call inside [`enter_bare`], after [`uninstall`] of any earlier one.
pub(crate) fn install(state: ThreadState) {
    LOCAL.with(|local| {
        debug_assert!(local.inside.get() != Door::Open && local.state.get().is_null());
        install_raw(local, state);
    });
}

/// Takes this thread's state away. Call inside [`enter_bare`].
pub(crate) fn uninstall() -> Option<Box<ThreadState>> {
    LOCAL.with(|local| {
        debug_assert!(local.inside.get() != Door::Open);
        hot().epoch.set(UNKNOWN);
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
