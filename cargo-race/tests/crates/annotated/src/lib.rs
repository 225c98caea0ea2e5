//! A baton: it goes from one thread to another in inline assembly, which `cargo race` doesn't see. So it says which of two accesses comes first, and
//! orders nothing; unless that is annotated, as any synchronisation that isn't seen has to be.

use std::arch::asm;
use std::cell::UnsafeCell;
use std::thread;

/// Whether it has been passed.
#[derive(Default)]
pub struct Baton(UnsafeCell<u64>);

// SAFETY: what is in it is accessed in assembly only, by single instructions, which x86-64 makes atomic.
unsafe impl Sync for Baton {}

impl Baton {
    pub const fn new() -> Baton {
        Baton(UnsafeCell::new(0))
    }

    /// Whatever comes before it is over for who sees it passed: x86-64 doesn't reorder stores, nor loads.
    pub fn pass(&self) {
        // SAFETY: a store to a word that is there.
        unsafe { asm!("mov qword ptr [{}], 1", in(reg) self.0.get(), options(nostack)) }
    }

    pub fn wait(&self) {
        loop {
            let passed: u64;
            // SAFETY: a load of a word that is there.
            unsafe {
                asm!("mov {}, qword ptr [{}]", out(reg) passed, in(reg) self.0.get(), options(nostack));
            }
            if passed != 0 {
                return;
            }
            thread::yield_now();
        }
    }
}

/// Runs `first`, then `second`, in a thread each, with nothing seen between them. Neither thread ends before both are done.
pub fn one_after_the_other(first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    let (ready, done) = (Baton::new(), Baton::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            first();
            ready.pass();
            done.wait();
        });
        scope.spawn(|| {
            ready.wait();
            second();
            done.pass();
        });
    });
}
