//! The words of a thread that every announced access and call reads: where each is found in one or two instructions.
//!
//! In an instrumented program they lie in thread-local storage of the initial-exec model (Drepper, "ELF Handling For Thread-Local Storage", 4.3). The linker
//! knows the distance from the thread pointer, and makes a constant of it; no function is called, and no register has to be saved for that. Stable Rust has no
//! name for the model, so the storage is written in assembly. Everybody else, who has race-core as a library, gets a `thread_local!`.
//!
//! No destructor, nothing lazy: works at any moment of a thread's life.

use std::cell::Cell;

use crate::stack::calls::Call;

/// No thread is ever in this epoch, and the shadow never holds it: the fast path of an unknown thread fails.
pub(crate) const UNKNOWN: u64 = u64::MAX;

#[repr(C)]
pub(crate) struct Hot {
    /// The current epoch.
    pub(crate) epoch: Cell<u64>,
    /// The announced calls (`stack::calls`): the next entry's place,
    pub(crate) top: Cell<*mut Call>,
    /// where there is no more room,
    pub(crate) end: Cell<*mut Call>,
    /// and where the first one is.
    pub(crate) base: Cell<*mut Call>,
}

#[cfg(all(feature = "runtime", target_os = "linux", target_arch = "x86_64"))]
mod storage {
    use super::*;

    // An unknown epoch, and no calls.
    std::arch::global_asm!(
        ".pushsection .tdata.racecheck_hot,\"awT\",@progbits",
        ".balign 32",
        ".hidden racecheck_hot",
        ".globl racecheck_hot",
        ".type racecheck_hot, @object",
        ".size racecheck_hot, 32",
        "racecheck_hot:",
        ".quad -1, 0, 0, 0",
        ".popsection",
    );
    const _: () = assert!(size_of::<Hot>() == 32 && align_of::<Hot>() <= 32);

    #[inline(always)]
    pub(super) fn hot() -> *const Hot {
        let hot;
        // SAFETY: the address of the storage above: the thread pointer, which is in its own first word, and the distance from it. No memory is
        // written, and what is read never changes while the thread lives.
        unsafe {
            std::arch::asm!(
                "mov {hot}, qword ptr fs:[0]",
                "add {hot}, qword ptr [rip + racecheck_hot@GOTTPOFF]",
                hot = out(reg) hot,
                options(pure, nomem, nostack),
            );
        }
        hot
    }

    const _: () = assert!(UNKNOWN == u64::MAX);

    #[cfg(test)]
    #[test]
    fn each_thread_has_its_own() {
        use crate::stack::calls;

        let seen = || (hot().addr(), super::hot().top.get().addr());
        let check = move || {
            let (mine, top) = seen();
            assert_eq!(top, 0, "nothing was called yet");
            calls::enter(7);
            let (theirs, top) = std::thread::spawn(seen).join().unwrap();
            assert_eq!((theirs == mine, top), (false, 0));
            assert_eq!((seen().0, seen().1 == 0), (mine, false));
            calls::end();
        };
        std::thread::spawn(check).join().unwrap();
    }
}

#[cfg(not(all(feature = "runtime", target_os = "linux", target_arch = "x86_64")))]
mod storage {
    use std::ptr;

    use super::*;
    use crate::primitive::per_thread;

    per_thread! {
        static HOT: Hot = const {
            Hot {
                epoch: Cell::new(UNKNOWN),
                top: Cell::new(ptr::null_mut()),
                end: Cell::new(ptr::null_mut()),
                base: Cell::new(ptr::null_mut()),
            }
        };
    }

    #[inline(always)]
    pub(super) fn hot() -> *const Hot {
        HOT.with(ptr::from_ref)
    }
}

/// The calling thread's.
#[inline(always)]
pub(crate) fn hot<'a>() -> &'a Hot {
    // SAFETY: there for as long as the thread, and `Hot` is not `Sync`: no reference to it leaves the thread.
    unsafe { &*storage::hot() }
}
