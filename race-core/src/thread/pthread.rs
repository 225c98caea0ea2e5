//! How threads started by plain `std::thread`, or by C, are seen: `pthread_create`, `pthread_detach` and every join are interposed.
//!
//! The linker resolves the names to these functions, for the program and for every library it loads; the real ones are the next
//! definitions. Each calls the real function with the caller's arguments and returns its result, whatever the engine makes of it.
//! Nothing here may change what the program would see without it. `pthread_exit` and cancellation unwind through these functions: they are
//! "C-unwind", and own nothing that needs dropping while the program's code or the real function runs.

#![expect(unreachable_pub, reason = "the linker reaches them")]

use std::ffi::{CStr, c_int, c_void};
use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::deadlock;
use crate::fork::PerProcess;
use crate::instrumented;
use crate::shadow::handed_out;
use crate::stack::position::Position;
use crate::thread::lifecycle::Handle;
use crate::thread::local;
use crate::thread::record::Origin;

/// What a thread is to do, as POSIX has it.
pub type StartRoutine = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C-unwind" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    StartRoutine,
    *mut c_void,
) -> c_int;
type Join = unsafe extern "C-unwind" fn(libc::pthread_t, *mut *mut c_void) -> c_int;
type TimedJoin =
    unsafe extern "C-unwind" fn(libc::pthread_t, *mut *mut c_void, *const libc::timespec) -> c_int;
type ClockJoin = unsafe extern "C-unwind" fn(
    libc::pthread_t,
    *mut *mut c_void,
    libc::clockid_t,
    *const libc::timespec,
) -> c_int;
type Detach = unsafe extern "C-unwind" fn(libc::pthread_t) -> c_int;

/// Threads that can be joined, by the name that POSIX gave them.
static JOINABLE: PerProcess<DashMap<libc::pthread_t, Handle>> = PerProcess::new();

/// Makes ready what a new thread needs before its start routine. Waiting for a lazy value there would ask `std` for the current thread before
/// `std` has set it, and `std` aborts then.
pub(crate) fn prepare() {
    JOINABLE.get();
}

/// The definition of a libc function behind ours, which has its name.
///
/// # Example
///
/// ```
/// use race_core::instrumented::Real;
///
/// static REAL: Real = Real::new(c"pthread_self");
/// assert!(REAL.get().is_some());
/// ```
#[derive(Debug)]
pub struct Real {
    name: &'static CStr,
    version: Option<&'static CStr>,
    address: AtomicPtr<c_void>,
}

impl Real {
    /// Of the function with this name.
    pub const fn new(name: &'static CStr) -> Real {
        Real {
            name,
            version: None,
            address: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Of the function with this name, in this version if there is one: older glibcs give the oldest to whoever names none.
    pub const fn versioned(name: &'static CStr, version: &'static CStr) -> Real {
        Real {
            name,
            version: Some(version),
            address: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// What [`get`](Real::get) has found.
    #[inline]
    pub(crate) fn known(&self) -> Option<ptr::NonNull<c_void>> {
        ptr::NonNull::new(self.address.load(Relaxed))
    }

    /// Its address. None if there is no such function.
    pub fn get(&self) -> Option<ptr::NonNull<c_void>> {
        self.known().or_else(|| {
            let (name, mut address) = (self.name.as_ptr(), ptr::null_mut());
            if let Some(version) = self.version {
                // SAFETY: a NUL-terminated name, and version.
                address = unsafe { libc::dlvsym(libc::RTLD_NEXT, name, version.as_ptr()) };
            }
            if address.is_null() {
                // SAFETY: a NUL-terminated name.
                address = unsafe { libc::dlsym(libc::RTLD_NEXT, name) };
            }
            self.address.store(address, Relaxed);
            ptr::NonNull::new(address)
        })
    }
}

static CREATE: Real = Real::new(c"pthread_create");
static JOIN: Real = Real::new(c"pthread_join");
static TRYJOIN: Real = Real::new(c"pthread_tryjoin_np");
static TIMEDJOIN: Real = Real::new(c"pthread_timedjoin_np");
static CLOCKJOIN: Real = Real::new(c"pthread_clockjoin_np");
static DETACH: Real = Real::new(c"pthread_detach");

struct Birth {
    fork: Handle,
    routine: StartRoutine,
    argument: *mut c_void,
}

extern "C-unwind" fn begin(birth: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` below passed a `Box<Birth>` made raw, to this thread only.
    let birth = || *unsafe { Box::from_raw(birth.cast::<Birth>()) };
    // Inside: the box is the engine's, and the thread isn't known yet.
    let Some(Birth {
        fork,
        routine,
        argument,
    }) = local::enter_bare(birth)
    else {
        unreachable!("a new thread is not inside the engine");
    };
    local::enter_bare(|| {
        // SAFETY: no arguments, no failure.
        let me = unsafe { libc::pthread_self() };
        // Under the entry's lock: `pthread_detach` sets the flag first and removes the entry then.
        let entry = JOINABLE.get().entry(me);
        if fork.0.is_detached() {
            if let Entry::Occupied(stale) = entry {
                stale.remove();
            }
        } else {
            entry.insert(fork.clone());
        }
    });
    fork.start();
    if let Some(memory) = handed_out::own_stack()
        && instrumented::is_on()
    {
        // glibc has the thread-locals at the end. The thread's functions have theirs below this one's, and libc's own, which is larger, comes first.
        const FRAME: usize = 256;
        let base = (&raw const argument).addr() + FRAME;
        fork.0.set_stack(memory.start..base, base..memory.end);
    }
    drop(fork);
    // SAFETY: as the caller of `pthread_create` has promised.
    unsafe { routine(argument) }
}

/// POSIX `pthread_create`, announced to the engine, with the address that it returns to: in an instrumented program that is where the thread is made.
///
/// # Safety
///
/// As POSIX says.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C-unwind" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: StartRoutine,
    argument: *mut c_void,
) -> c_int {
    std::arch::naked_asm!("mov r8, [rsp]", "jmp {create}", create = sym create)
}

/// POSIX `pthread_create`, announced to the engine. No program is instrumented here yet, so nobody asks for the caller.
///
/// # Safety
///
/// As POSIX says.
#[cfg(not(target_arch = "x86_64"))]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: StartRoutine,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe { create(thread, attributes, routine, argument, 0) }
}

/// `pthread_create` by a call that returns to `caller`.
///
/// # Safety
///
/// As POSIX says of `pthread_create`.
pub unsafe extern "C-unwind" fn create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: StartRoutine,
    argument: *mut c_void,
    caller: usize,
) -> c_int {
    let Some(real) = CREATE.get() else {
        return libc::EAGAIN;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Create = unsafe { mem::transmute(real.as_ptr()) };
    if local::is_inside() {
        // The engine's own: it looks up symbols on a thread with enough stack.
        // SAFETY: the caller's arguments.
        return unsafe { real(thread, attributes, routine, argument) };
    }
    let fork = Handle::take_announced().unwrap_or_else(|| {
        if instrumented::is_on() {
            Handle::with_origin(Origin::Instrumented, Some(Position::of_code(caller)))
        } else {
            Handle::with_origin(Origin::Foreign, None)
        }
    });
    if is_created_detached(attributes) {
        fork.0.set_detached();
    }
    let birth = Birth {
        fork: fork.clone(),
        routine,
        argument,
    };
    let Some(birth) = local::enter_bare(|| Box::into_raw(Box::new(birth))) else {
        unreachable!("it was outside the engine above");
    };
    let roomier = roomier(attributes);
    let attributes = roomier.as_ref().map_or(attributes, ptr::from_ref);
    // SAFETY: the caller's arguments; `begin` gives the routine its own argument and is given `birth` once.
    let result = unsafe { real(thread, attributes, begin, birth.cast()) };
    if result != 0 {
        // SAFETY: no thread was started, so `birth` is still ours.
        drop(unsafe { Box::from_raw(birth) });
        fork.cancel();
    } else if !fork.0.is_detached() {
        // SAFETY: success: the real function wrote the name there.
        let name = unsafe { *thread };
        local::enter_bare(|| {
            let entry = JOINABLE.get().entry(name);
            // The thread enters itself before it starts; after that its name may even belong to another one. If it hasn't started, the
            // name is its own, and whatever stands there is left over from a thread that is gone.
            if !fork.0.is_started() {
                entry.insert(fork);
            }
        });
    }
    result
}

/// What the engine needs of a thread's stack, at the least: an instrumented program enters it anywhere.
const STACK: usize = 256 << 10;

/// The attributes with room for the engine on the stack, if there is too little and it isn't the caller's own memory. Only to be passed on: what
/// they point to is the caller's.
fn roomier(attributes: *const libc::pthread_attr_t) -> Option<libc::pthread_attr_t> {
    if attributes.is_null() || !instrumented::is_on() {
        return None;
    }
    // SAFETY: non-null attributes are initialised, says `pthread_create`'s contract, and results are valid for writes. The copy is changed in a plain number.
    unsafe {
        let (mut start, mut size) = (ptr::null_mut(), 0);
        let known = libc::pthread_attr_getstack(attributes, &mut start, &mut size) == 0;
        // Without memory of the caller's, glibc says that the stack ends at address 0.
        let is_own = start.addr().wrapping_add(size) == 0;
        if !known || !is_own || size >= STACK {
            return None;
        }
        let mut copy = *attributes;
        (libc::pthread_attr_setstacksize(&mut copy, STACK) == 0).then_some(copy)
    }
}

fn is_created_detached(attributes: *const libc::pthread_attr_t) -> bool {
    unsafe extern "C" {
        fn pthread_attr_getdetachstate(
            attributes: *const libc::pthread_attr_t,
            state: *mut c_int,
        ) -> c_int;
    }
    let mut state = libc::PTHREAD_CREATE_JOINABLE;
    // SAFETY: non-null attributes are initialised, says `pthread_create`'s contract; `state` is valid for a write.
    !attributes.is_null()
        && unsafe { pthread_attr_getdetachstate(attributes, &mut state) } == 0
        && state == libc::PTHREAD_CREATE_DETACHED
}

/// POSIX `pthread_join`: the thread's end happens before the return.
///
/// # Safety
///
/// As POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_join(
    thread: libc::pthread_t,
    value: *mut *mut c_void,
) -> c_int {
    let Some(real) = JOIN.get() else {
        return libc::EINVAL;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Join = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    let real = || unsafe { real(thread, value) };
    joined(thread, || waiting(thread, real))
}

/// Tells of an endless wait for a thread, which may be one of a deadlock's. A wrapper does that itself.
fn waiting(thread: libc::pthread_t, real: impl FnOnce() -> c_int) -> c_int {
    let handle = find(thread).filter(|handle| instrumented::is_on() && !handle.0.is_awaited());
    let waiting = handle.map(|handle| deadlock::wait_for_end(&handle, None));
    // A thread that is cancelled here leaves it behind.
    let waiting = ManuallyDrop::new(waiting);
    let result = real();
    drop(ManuallyDrop::into_inner(waiting));
    result
}

/// glibc's `pthread_tryjoin_np`: if it succeeds, the thread's end happens before the return.
///
/// # Safety
///
/// As glibc says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_tryjoin_np(
    thread: libc::pthread_t,
    value: *mut *mut c_void,
) -> c_int {
    let Some(real) = TRYJOIN.get() else {
        return libc::EINVAL;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Join = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    joined(thread, || unsafe { real(thread, value) })
}

/// glibc's `pthread_timedjoin_np`: if it succeeds, the thread's end happens before the return.
///
/// # Safety
///
/// As glibc says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_timedjoin_np(
    thread: libc::pthread_t,
    value: *mut *mut c_void,
    until: *const libc::timespec,
) -> c_int {
    let Some(real) = TIMEDJOIN.get() else {
        return libc::EINVAL;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: TimedJoin = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    joined(thread, || unsafe { real(thread, value, until) })
}

/// glibc's `pthread_clockjoin_np`: if it succeeds, the thread's end happens before the return.
///
/// # Safety
///
/// As glibc says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_clockjoin_np(
    thread: libc::pthread_t,
    value: *mut *mut c_void,
    clock: libc::clockid_t,
    until: *const libc::timespec,
) -> c_int {
    let Some(real) = CLOCKJOIN.get() else {
        return libc::EINVAL;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: ClockJoin = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    joined(thread, || unsafe { real(thread, value, clock, until) })
}

/// The edge around a real join. `real` is a cancellation point: nothing here needs dropping while it runs.
fn joined(thread: libc::pthread_t, real: impl FnOnce() -> c_int) -> c_int {
    // Looked up before: after the join the name may be given to another thread.
    let handle = ManuallyDrop::new(find(thread));
    let result = real();
    if let Some(handle) = ManuallyDrop::into_inner(handle)
        && result == 0
    {
        forget(thread, &handle);
        // A wrapper's join does it itself, and knows the line. But a tracked thread can also be joined by its name.
        if !handle.0.is_awaited() {
            handle.join_at(None);
        }
    }
    result
}

/// POSIX `pthread_detach`: from here on, the thread's end may be learned of in ways that nobody sees.
///
/// # Safety
///
/// As POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_detach(thread: libc::pthread_t) -> c_int {
    let Some(real) = DETACH.get() else {
        return libc::EINVAL;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Detach = unsafe { mem::transmute(real.as_ptr()) };
    let fork = find(thread);
    // SAFETY: the caller's arguments.
    let result = unsafe { real(thread) };
    if result == 0
        && let Some(fork) = fork
    {
        fork.detach();
        forget(thread, &fork);
    }
    result
}

fn find(thread: libc::pthread_t) -> Option<Handle> {
    local::enter_bare(|| JOINABLE.get().get(&thread).map(|fork| fork.clone())).flatten()
}

fn forget(thread: libc::pthread_t, fork: &Handle) {
    local::enter_bare(|| {
        JOINABLE
            .get()
            .remove_if(&thread, |_, current| Arc::ptr_eq(&current.0, &fork.0))
    });
}
