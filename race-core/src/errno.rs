//! The program's `errno`, which the engine must not change: code that is checked may look at it after any of its accesses.
//!
//! Only calls that fail set it. So what takes a lock that may be waited for, or asks the system for something, on behalf of an access, does it in [`keep`].

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
    use super::*;

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
}
