//! What a thread asks to be ignored: accesses and atomic operations that are to be passed by, from [`begin`] to [`end`].
//!
//! Who ignores is the code that asked, and what it calls. A signal handler that interrupts it is other code (`apart`): an atomic operation there must draw its
//! line (`thread::local`), or what it orders would be reported as a race. That goes for a handler which never returns, too.
//!
//! Entered from signal handlers, at any moment. Nothing here may allocate.

use std::cell::Cell;

thread_local! {
    /// How often the code that the calling thread runs has asked.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether what the calling thread does is to be ignored.
#[inline(always)]
pub fn is_ignoring() -> bool {
    DEPTH.get() != 0
}

/// What the calling thread does from here on is to be ignored.
#[inline]
pub fn begin() {
    DEPTH.set(DEPTH.get() + 1);
}

/// As often as [`begin`]: no more.
#[inline]
pub fn end() {
    DEPTH.set(DEPTH.get().saturating_sub(1));
}

/// Runs a signal handler, which nobody has asked to be ignored, and goes on as before.
pub(crate) fn apart(handler: impl FnOnce()) {
    let interrupted = DEPTH.replace(0);
    handler();
    DEPTH.set(interrupted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_nests() {
        begin();
        begin();
        end();
        assert!(is_ignoring());
        end();
        assert!(!is_ignoring());
        end();
        assert!(!is_ignoring());
    }

    #[test]
    fn a_handler_asks_for_itself() {
        for depth in 0..3 {
            (0..depth).for_each(|_| begin());
            apart(|| {
                assert!(!is_ignoring());
                // As often as it likes: what was interrupted has asked, too.
                end();
                begin();
                apart(|| assert!(!is_ignoring()));
                assert!(is_ignoring());
            });
            assert_eq!(is_ignoring(), depth > 0);
            (0..depth).for_each(|_| end());
            assert!(!is_ignoring());
        }
    }
}
