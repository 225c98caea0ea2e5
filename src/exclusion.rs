//! Physical exclusion for [`crate::Shared`]: what makes a race on it a report instead of undefined behaviour.
//!
//! One thread at a time is inside; it may come back while it is inside, as `RefCell` allows. It orders nothing for the engine: races are found as if it
//! weren't there. It must never be taken for synchronisation, and never hang: an overlap that lasts is a race that has already happened.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::primitive::{AtomicIsize, AtomicUsize, const_fn, per_thread, spin_loop, yield_now};
use crate::shadow::quiet;

/// How long a thread waits for another one to leave before it calls the overlap lasting.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a borrow wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

#[derive(Debug)]
pub(crate) struct Exclusion {
    /// The thread inside; 0 if nobody is.
    owner: AtomicUsize,
    /// Written by the owner only: how many shared borrows it has, or -1 for an exclusive one.
    borrows: AtomicIsize,
}

/// Why a borrow could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// This very thread has a borrow that excludes it.
    BorrowedHere,
    /// Another thread has been inside for [`PATIENCE`], with a borrow of this mode.
    Lasting(Mode),
}

impl Exclusion {
    const_fn! {
        pub(crate) const fn new() -> Exclusion {
            Exclusion {
                owner: AtomicUsize::new(0),
                borrows: AtomicIsize::new(0),
            }
        }
    }

    /// Goes inside, waiting for another thread to leave.
    #[inline]
    pub(crate) fn borrow(&self, mode: Mode) -> Result<Borrow<'_>, Refused> {
        let _quiet = quiet();
        let me = token();
        if self
            .owner
            .compare_exchange(0, me, Acquire, Relaxed)
            .is_err()
        {
            self.borrow_slow(me, mode)?;
        }
        let before = self.borrows.load(Relaxed);
        let borrows = match mode {
            Mode::Shared => before + 1,
            Mode::Exclusive => -1,
        };
        self.borrows.store(borrows, Relaxed);
        Ok(Borrow {
            exclusion: self,
            before,
        })
    }

    #[cold]
    fn borrow_slow(&self, me: usize, mode: Mode) -> Result<(), Refused> {
        if self.owner.load(Relaxed) == me {
            let compatible = mode == Mode::Shared && self.borrows.load(Relaxed) >= 0;
            return if compatible {
                Ok(())
            } else {
                Err(Refused::BorrowedHere)
            };
        }
        let mut deadline = None;
        for attempt in 0u32.. {
            if self.owner.load(Relaxed) == 0
                && self
                    .owner
                    .compare_exchange_weak(0, me, Acquire, Relaxed)
                    .is_ok()
            {
                return Ok(());
            }
            match attempt {
                0..100 => spin_loop(),
                100..1000 => yield_now(),
                _ => {
                    if Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
                        return Err(self.lasting());
                    }
                    sleep(Duration::from_millis(1));
                }
            }
        }
        Err(self.lasting())
    }

    fn lasting(&self) -> Refused {
        Refused::Lasting(if self.borrows.load(Relaxed) < 0 {
            Mode::Exclusive
        } else {
            Mode::Shared
        })
    }
}

/// Being inside.
pub(crate) struct Borrow<'a> {
    exclusion: &'a Exclusion,
    before: isize,
}

impl Drop for Borrow<'_> {
    #[inline]
    fn drop(&mut self) {
        let _quiet = quiet();
        self.exclusion.borrows.store(self.before, Relaxed);
        if self.before == 0 {
            self.exclusion.owner.store(0, Release);
        }
    }
}

/// A number that is this thread's alone while it lives.
#[inline]
fn token() -> usize {
    per_thread! {
        static TOKEN: u8 = const { 0 };
    }
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn borrows_nest_as_refcells_do() {
        let exclusion = Exclusion::new();
        let outer = exclusion.borrow(Mode::Shared).unwrap();
        let inner = exclusion.borrow(Mode::Shared).unwrap();
        assert_eq!(
            exclusion.borrow(Mode::Exclusive).err(),
            Some(Refused::BorrowedHere)
        );
        drop(inner);
        assert_ne!(exclusion.owner.load(Relaxed), 0, "still inside");
        drop(outer);
        assert_eq!(exclusion.owner.load(Relaxed), 0);
        let exclusive = exclusion.borrow(Mode::Exclusive).unwrap();
        assert_eq!(
            exclusion.borrow(Mode::Shared).err(),
            Some(Refused::BorrowedHere)
        );
        drop(exclusive);
        assert!(exclusion.borrow(Mode::Exclusive).is_ok());
    }

    #[test]
    fn one_thread_at_a_time() {
        const ROUNDS: usize = 2000;
        let exclusion = Exclusion::new();
        // Incremented by a load and a store: two threads inside at once would lose some.
        let counter = AtomicUsize::new(0);
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..ROUNDS {
                        let _inside = exclusion.borrow(Mode::Exclusive).unwrap();
                        counter.store(counter.load(Relaxed) + 1, Relaxed);
                    }
                });
            }
        });
        assert_eq!(counter.load(Relaxed), 4 * ROUNDS);
    }
}
