//! The lock that std's threads take at their start and at their end, to note where their stacks are: it orders nothing that a program may rely on.
//!
//! It is an order all the same, of what one thread did and what another does that starts after the first has ended; it would hide the races of all
//! threads that happen not to overlap. So it is passed by, with all that is done while it is held. Whoever makes the instrumented std gives it the name
//! below (it is `std::sys::pal::unix::stack_overflow::thread_info::LOCK`, a futex); in a std where it has another one, it is a lock like any other.

use std::arch::global_asm;

use crate::frames;

global_asm!(
    ".weak __racecheck_threads_lock",
    ".pushsection .data.rel.ro.race_rt_threads_lock,\"aw\",@progbits",
    ".globl race_rt_threads_lock",
    ".hidden race_rt_threads_lock",
    ".p2align 3",
    "race_rt_threads_lock:",
    ".quad __racecheck_threads_lock",
    ".popsection",
);

unsafe extern "C" {
    /// Its address, or 0.
    #[link_name = "race_rt_threads_lock"]
    safe static ADDRESS: usize;
}

/// Whether the atomic at `address` is that lock.
#[inline(always)]
pub(crate) fn is_at(address: usize) -> bool {
    address == ADDRESS
}

/// Its value was `before` and is now `after`: 0 is unlocked.
pub(crate) fn changed(before: u64, after: u64) {
    match (before, after) {
        (0, 0) => {}
        (0, _) => frames::__tsan_ignore_thread_begin(),
        (_, 0) => frames::__tsan_ignore_thread_end(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_while_it_is_held_is_ignored() {
        assert!(!is_at(0x1000) && ADDRESS == 0);
        for locked in [1, 2] {
            changed(0, locked);
            assert!(frames::is_ignoring());
            // Somebody waits.
            changed(locked, 2);
            assert!(frames::is_ignoring());
            changed(2, 0);
            assert!(!frames::is_ignoring());
        }
    }
}
