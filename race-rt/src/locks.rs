//! The locks of a program that uses the crate `racecheck`: who has which, and who waits.
//!
//! The program keeps a word beside each lock, for what is known of it here; so that moves with the lock, and ends with it.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use race_core::deadlock::{Mode, Waiting};
use race_core::instrumented::lock::{self, KnownLock, Way};
use race_core::shadow::handed_out;
use race_interface::{LockUse, Sink};

use crate::library::at;

/// What is known of the lock, which begins when somebody asks.
fn known<'a>(of: &LockUse<'a>) -> &'a KnownLock {
    let mut known = of.known.load(Acquire);
    if known.is_null() {
        // SAFETY: the program's function, with the argument that belongs to it; and its constants, for the texts.
        let words = unsafe {
            let kind = (of.describe)(of.context);
            [kind.name, kind.release, kind.acquire].map(|text| text.to_owned())
        };
        let new = KnownLock::new(words.each_ref().map(|word| &**word), at(of.created));
        let new = Box::into_raw(Box::new(new));
        known = match (of.known).compare_exchange(ptr::null_mut(), new.cast(), AcqRel, Acquire) {
            Ok(_) => new.cast(),
            Err(others) => {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                others
            }
        };
    }
    // SAFETY: the word is written to here only, once. What it points to ends in `forget`, when the program drops the lock: nobody has borrowed it then.
    unsafe { &*known.cast::<KnownLock>() }
}

fn way(of: &LockUse<'_>) -> Way {
    let mode = if of.shared {
        Mode::Shared
    } else {
        Mode::Exclusive
    };
    Way {
        mode,
        waits: of.waits,
    }
}

pub(crate) extern "C" fn begin_locking(of: &LockUse<'_>) -> bool {
    known(of).begin_locking(way(of))
}

pub(crate) extern "C" fn end_locking() {
    lock::end_locking();
}

pub(crate) unsafe extern "C" fn begin_wait(of: &LockUse<'_>, own: Sink) -> *mut c_void {
    match known(of).wait(way(of).mode, at(of.site)) {
        Ok(waiting) => Box::into_raw(Box::new(waiting)).cast(),
        Err(lock) => {
            let told = lock.to_string();
            // As for what a collector has found: the program is about to read it.
            handed_out::handed_out(told.as_ptr().addr(), told.len());
            // SAFETY: the library's own, for the length of this call.
            unsafe { own.put(&told) };
            ptr::null_mut()
        }
    }
}

pub(crate) unsafe extern "C" fn end_wait(waiting: *mut c_void) {
    // SAFETY: from `begin_wait`, and comes here once.
    drop(unsafe { Box::from_raw(waiting.cast::<Waiting>()) });
}

pub(crate) extern "C" fn locked(of: &LockUse<'_>) {
    known(of).locked(way(of), at(of.site));
}

pub(crate) extern "C" fn unlock(of: &LockUse<'_>) {
    known(of).unlock(way(of).mode, at(of.site));
}

pub(crate) extern "C" fn downgrade(of: &LockUse<'_>) {
    known(of).downgrade(at(of.site));
}

pub(crate) extern "C" fn hand_over(of: &LockUse<'_>) {
    known(of).hand_over(at(of.site));
}

pub(crate) unsafe extern "C" fn forget(known: *mut c_void) {
    // SAFETY: what `known` has made of the lock's word, and comes here once.
    drop(unsafe { Box::from_raw(known.cast::<KnownLock>()) });
}
