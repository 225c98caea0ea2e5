//! `abort` and `_exit`: interposed, so that what a [`Collector`](crate::report::Collector) holds at that time is in the log and not lost.
//!
//! No exit handler runs there, so there is no summary, and the status is what the program said. In a signal handler, and where the engine's own
//! callees end the process, nothing can be written: the allocator may be in any state. What was reported before is in the log in every case.

#![expect(unreachable_pub, reason = "the linker reaches them")]

use std::ffi::c_int;
use std::mem;

use crate::report::{scope, sink};
use crate::thread::local;
use crate::thread::pthread::Real;

type Abort = unsafe extern "C" fn() -> !;
type Exit = unsafe extern "C" fn(c_int) -> !;

static ABORT: Real = Real::new(c"abort");
static EXIT: Real = Real::new(c"_exit");

fn deliver_pending() {
    local::enter_bare(|| {
        for finding in scope::close_all() {
            sink::deliver(finding);
        }
    });
}

/// C's `abort`.
///
/// # Safety
///
/// As C says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn abort() -> ! {
    deliver_pending();
    match ABORT.get() {
        Some(real) => {
            // SAFETY: the next definition of this name has this signature.
            let real: Abort = unsafe { mem::transmute(real.as_ptr()) };
            // SAFETY: it has no conditions.
            unsafe { real() }
        }
        None => loop {
            // SAFETY: no memory is involved.
            unsafe { libc::raise(libc::SIGKILL) };
        },
    }
}

/// POSIX `_exit`.
///
/// # Safety
///
/// As POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _exit(status: c_int) -> ! {
    deliver_pending();
    match EXIT.get() {
        Some(real) => {
            // SAFETY: the next definition of this name has this signature.
            let real: Exit = unsafe { mem::transmute(real.as_ptr()) };
            // SAFETY: it has no conditions.
            unsafe { real(status) }
        }
        None => loop {
            // SAFETY: no memory is involved.
            unsafe { libc::syscall(libc::SYS_exit_group, status) };
        },
    }
}
