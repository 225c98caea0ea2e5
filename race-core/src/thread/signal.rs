//! How the engine knows that a thread is in a signal handler: `sigaction` and `signal` are interposed, and put a function in front of the handler.
//!
//! A handler may have interrupted the allocator, or the engine with a lock in its hand. So the engine must neither allocate nor wait there, and
//! what the handler does passes by ([`local::begin_handler`]).
//!
//! All of it is async-signal-safe, as `sigaction` is. The program sees its own handlers, never ours, and calls with the arguments that it
//! would get without us. A handler that never returns, by `siglongjmp`, leaves its thread untracked: nothing is claimed of it any more.

#![expect(unreachable_pub, reason = "the linker reaches them")]

use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::instrumented::ignoring;
use crate::thread::local;
use crate::thread::pthread::Real;

type Plain = extern "C-unwind" fn(c_int);
type Informed = extern "C-unwind" fn(c_int, *mut libc::siginfo_t, *mut c_void);
type Sigaction = unsafe extern "C" fn(c_int, *const libc::sigaction, *mut libc::sigaction) -> c_int;

type Signal = unsafe extern "C" fn(c_int, libc::sighandler_t) -> libc::sighandler_t;

static SIGACTION: Real = Real::new(c"sigaction");
static SIGNAL: Real = Real::new(c"signal");

/// Signals are numbered from 1 to 64.
const SIGNALS: usize = 65;

/// The program's handlers, by signal: those that take the number only, and those that want to know more (`SA_SIGINFO`).
struct Handlers([AtomicPtr<c_void>; SIGNALS]);

static PLAIN: Handlers = Handlers([const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS]);
static INFORMED: Handlers = Handlers([const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS]);

impl Handlers {
    fn of(&self, signal: c_int) -> Option<&AtomicPtr<c_void>> {
        self.0.get(usize::try_from(signal).ok()?)
    }
}

/// Finds the real functions, which isn't async-signal-safe, before any handler may want them.
pub(crate) fn prepare() {
    SIGACTION.get();
    SIGNAL.get();
}

fn run(handler: impl FnOnce()) {
    let door = local::begin_handler();
    ignoring::apart(handler);
    local::end_handler(door);
}

extern "C-unwind" fn plain(signal: c_int) {
    let Some(handler) = PLAIN.of(signal) else {
        return;
    };
    // SAFETY: this function is installed for a signal only after a handler of this type, not null, was stored for it.
    let handler: Plain = unsafe { mem::transmute(handler.load(Acquire)) };
    run(|| handler(signal));
}

extern "C-unwind" fn informed(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(handler) = INFORMED.of(signal) else {
        return;
    };
    // SAFETY: as in `plain`.
    let handler: Informed = unsafe { mem::transmute(handler.load(Acquire)) };
    run(|| handler(signal, info, context));
}

/// The program's handlers for one signal, and what is installed in their place.
fn handlers(signal: c_int) -> Option<[(&'static AtomicPtr<c_void>, usize); 2]> {
    Some([
        (PLAIN.of(signal)?, plain as Plain as usize),
        (INFORMED.of(signal)?, informed as Informed as usize),
    ])
}

/// Runs `install`, which installs what it is given, or nothing, and returns what was installed before, if it succeeds. The program sees and
/// gives its own handlers.
fn exchange<T>(
    signal: c_int,
    handler: Option<(libc::sighandler_t, bool)>,
    install: impl FnOnce(Option<libc::sighandler_t>) -> (T, Option<libc::sighandler_t>),
) -> (T, Option<libc::sighandler_t>) {
    let Some(handlers) = handlers(signal) else {
        // No signal: the real function will say so.
        return install(handler.map(|(handler, _)| handler));
    };
    let before = handlers.map(|(place, _)| place.load(Relaxed));
    let mut installed = handler.map(|(handler, _)| handler);
    let mut changed = None;
    if let Some((handler, is_informed)) = handler {
        let (place, stand_in) = handlers[usize::from(is_informed)];
        if ![libc::SIG_DFL, libc::SIG_IGN, libc::SIG_ERR, stand_in].contains(&handler) {
            // Before it is installed: the signal may come at once.
            place.store(ptr::with_exposed_provenance_mut(handler), Release);
            changed = Some((place, before[usize::from(is_informed)]));
            installed = Some(stand_in);
        }
    }
    let (result, mut old) = install(installed);
    match (&mut old, changed) {
        (Some(old), _) => {
            let own = handlers.iter().position(|(_, stand_in)| stand_in == old);
            if let Some(own) = own {
                *old = before[own].expose_provenance();
            }
        }
        (None, Some((place, before))) => place.store(before, Release),
        (None, None) => {}
    }
    (result, old)
}

/// POSIX `sigaction`, with the engine told when a handler runs.
///
/// # Safety
///
/// As POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaction(
    signal: c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> c_int {
    let Some(real) = SIGACTION.get() else {
        return -1;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Sigaction = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: null or valid, says the caller. A copy: the caller's own stays as it is.
    let new = unsafe { new.as_ref() }.copied();
    // SAFETY: an action is plain data, and all zeros is one.
    let mut replaced: libc::sigaction = unsafe { mem::zeroed() };
    let handler = new.map(|new| (new.sa_sigaction, new.sa_flags & libc::SA_SIGINFO != 0));
    let (result, handler) = exchange(signal, handler, |handler| {
        let new = new.map(|new| libc::sigaction {
            sa_sigaction: handler.unwrap_or(libc::SIG_DFL),
            ..new
        });
        let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `new` is null or the caller's action with a handler of the same kind; `replaced` is ours.
        let result = unsafe { real(signal, new, &mut replaced) };
        (result, (result == 0).then_some(replaced.sa_sigaction))
    });
    if let Some(handler) = handler {
        // SAFETY: null or valid for a write, says the caller.
        let old = unsafe { old.as_mut() };
        if let Some(old) = old {
            *old = libc::sigaction {
                sa_sigaction: handler,
                ..replaced
            };
        }
    }
    result
}

/// C's `signal`, with the engine told when a handler runs.
///
/// # Safety
///
/// As POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal(signal: c_int, handler: libc::sighandler_t) -> libc::sighandler_t {
    let Some(real) = SIGNAL.get() else {
        return libc::SIG_ERR;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Signal = unsafe { mem::transmute(real.as_ptr()) };
    let ((), old) = exchange(signal, Some((handler, false)), |installed| {
        // SAFETY: the caller's handler, or one of the same kind.
        let old = unsafe { real(signal, installed.unwrap_or(handler)) };
        ((), (old != libc::SIG_ERR).then_some(old))
    });
    old.unwrap_or(libc::SIG_ERR)
}
