//! The program's `errno`, which the engine must not change: code that is checked may look at it after any of its accesses.
//!
//! Only calls that fail set it: a wait for a lock that a signal interrupts, say, or the search for a file that a report would like to quote. So whatever waits for
//! a lock, or asks the system for something, on behalf of an access, an atomic or a lock of the program's, does it in [`keep`]: where
//!
//! - contexts, paths and edges are interned ([`crate::stack::depot`], [`crate::stack::path`], [`crate::sync::edge`]);
//! - slots are taken, given back and looked up ([`crate::thread::registry`]), and a thread is met for the first time ([`crate::thread::local`]);
//! - something is found by its address in a map with locks ([`crate::sync::keyed`], `sync::addressed`, far memory in [`crate::shadow::directory`]);
//! - the shadow grows or is given back (`directory`), the index of clocks does (`outlying::index`), a pool does ([`crate::pool`]), or the list of calls
//!   ([`crate::stack::calls`]);
//! - a lock's holder takes long ([`crate::fork::Lock`]);
//! - a race is reported ([`crate::report`]).
//!
//! `sched_yield` can't fail. Not kept is what the system's allocator may do where the heap can't grow in its place, but elsewhere.

#[cfg(target_os = "linux")]
pub(crate) fn keep<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: the calling thread's, and there for as long as that.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: as above; nobody else has it.
    let errno = unsafe { place.read() };
    let result = run();
    // SAFETY: as above.
    unsafe { place.write(errno) };
    result
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep<R>(run: impl FnOnce() -> R) -> R {
    run()
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use std::any::Any;
    use std::mem;
    use std::panic::Location;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::own_process::in_its_own_process;
    use crate::report::Collector;
    use crate::shadow::range::{self, AccessKind};
    use crate::stack::depot;
    use crate::sync::{edge, keyed};
    use crate::thread::registry;

    #[test]
    fn a_call_that_fails_leaves_no_trace() {
        let fail = || {
            // SAFETY: no descriptor has this number.
            assert_eq!(unsafe { libc::close(-1) }, -1);
        };
        let errno = || std::io::Error::last_os_error().raw_os_error();
        fail();
        assert_eq!(errno(), Some(libc::EBADF));
        // SAFETY: nothing is there to be advised on.
        let advised = unsafe { libc::madvise(std::ptr::dangling_mut(), 1, -1) };
        assert_eq!(advised, -1);
        assert_eq!(errno(), Some(libc::EINVAL));
        keep(fail);
        assert_eq!(errno(), Some(libc::EINVAL));
    }
    static HANDLED: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn handle(_: libc::c_int) {
        HANDLED.fetch_add(1, SeqCst);
    }

    /// Without `SA_RESTART`: what waits is interrupted, which counts as a failure.
    fn install_handler() {
        // SAFETY: an action is plain data, and all zeros is a valid one.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = handle as *const () as usize;
        // SAFETY: the handler only counts.
        unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) };
    }

    fn sleeps(thread: libc::pid_t) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('S')
    }

    /// What `errno` is after a thread has waited in `run` for what `hold` holds, and a signal has come meanwhile.
    fn after_an_interruption(hold: fn() -> Box<dyn Any>, run: fn()) -> i32 {
        let go = AtomicBool::new(false);
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let collector = Collector::open();
                // SAFETY: no arguments, no failure.
                tell.send(unsafe { libc::gettid() }).unwrap();
                while !go.load(SeqCst) {
                    std::hint::spin_loop();
                }
                // SAFETY: the calling thread's own.
                let place = unsafe { libc::__errno_location() };
                // SAFETY: as above.
                unsafe { place.write(libc::EXDEV) };
                run();
                // SAFETY: as above.
                let errno = unsafe { place.read() };
                drop(collector.close());
                errno
            });
            let thread = told.recv().unwrap();
            let held = hold();
            go.store(true, SeqCst);
            let wait_for_sleep = || {
                while !sleeps(thread) {
                    assert!(!waiting.is_finished(), "it didn't wait");
                }
            };
            wait_for_sleep();
            let before = HANDLED.load(SeqCst);
            // SAFETY: the thread is there, and the signal has a handler.
            unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, libc::SIGUSR1) };
            while HANDLED.load(SeqCst) == before {
                std::hint::spin_loop();
            }
            drop(held);
            waiting.join().unwrap()
        })
    }

    const RACY: usize = 0x7000;
    const FAR: usize = 0x7_0000_0000;
    const KEY: usize = 0x8000;

    fn write(address: usize) {
        range::access(address, 8, AccessKind::Write, Some(Location::caller()));
    }

    #[test]
    fn a_wait_that_a_signal_interrupts_leaves_no_trace() {
        let test = "errno::tests::a_wait_that_a_signal_interrupts_leaves_no_trace";
        in_its_own_process(test, || {
            install_handler();
            let contexts = after_an_interruption(|| Box::new(depot::hold_still()), || write(FAR));
            assert_eq!(contexts, libc::EXDEV, "a new context");

            // The thread that waits is there already: it knows of none of these.
            let release_and_hold: fn() -> Box<dyn Any> = || {
                keyed::release(KEY, &keyed::ANNOTATION, Location::caller());
                Box::new(edge::hold_still())
            };
            let edges = after_an_interruption(release_and_hold, || {
                keyed::acquire(KEY, &keyed::ANNOTATION, Location::caller());
            });
            assert_eq!(edges, libc::EXDEV, "a new edge");

            let write_and_hold: fn() -> Box<dyn Any> = || {
                write(RACY);
                // It says whose access that was.
                Box::new(registry::hold_still())
            };
            let report = after_an_interruption(write_and_hold, || write(RACY));
            assert_eq!(report, libc::EXDEV, "a report");
        });
    }
}
