//! `pthread_once`, and C11's `call_once`: the end of the routine happens before every return.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::sync::{SyncKind, addressed};

use crate::interpose::interpose;

static ONCE: SyncKind = SyncKind {
    name: "pthread_once",
    release: "ran the routine of a pthread_once",
    acquire: "returned from it",
};

type Routine = unsafe extern "C-unwind" fn();

#[derive(Clone, Copy)]
struct Call {
    control: *mut c_void,
    routine: Routine,
    caller: usize,
}

thread_local! {
    /// What the real function is about to run on this thread, if anything: it gives the routine no argument.
    static NEXT: Cell<Option<Call>> = const { Cell::new(None) };
}

/// In the place of the routine. It may call for another one.
unsafe extern "C-unwind" fn run() {
    if let Some(call) = NEXT.take() {
        // SAFETY: the routine that the real function was asked to run.
        unsafe { (call.routine)() };
        addressed::released(call.control.addr(), &ONCE, Position::of_code(call.caller));
    }
}

fn calling<R>(call: Call, real: impl FnOnce() -> R) -> R {
    NEXT.set(Some(call));
    let result = real();
    NEXT.set(None);
    addressed::acquired(call.control.addr(), &ONCE, Position::of_code(call.caller));
    result
}

unsafe fn once(control: *mut c_void, routine: Routine, caller: usize) -> c_int {
    let call = Call {
        control,
        routine,
        caller,
    };
    // SAFETY: the caller's control, and a routine that runs the caller's.
    calling(call, || unsafe { real::pthread_once(control, run) })
}

unsafe fn c11(control: *mut c_void, routine: Routine, caller: usize) {
    let call = Call {
        control,
        routine,
        caller,
    };
    // SAFETY: as above.
    calling(call, || unsafe { real::call_once(control, run) });
}

interpose! {
    pthread_once(control: *mut c_void, routine: Routine) -> c_int, or libc::EINVAL, from caller =>
        once(control, routine, caller);
    call_once(control: *mut c_void, routine: Routine) -> (), or (), from caller =>
        c11(control, routine, caller);
}
