//! What the programs share: a variable that nobody guards, and turns that order nothing. Never a line that a report is expected to be about: those are in the programs.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::thread;

/// A variable as C has it: whoever knows it reads and writes it.
pub(crate) struct Plain<T>(UnsafeCell<T>);

// SAFETY: none. Programs that are to race use it; those that are not see to the order themselves.
unsafe impl<T> Send for Plain<T> {}
// SAFETY: none, as above.
unsafe impl<T> Sync for Plain<T> {}

impl<T> Plain<T> {
    pub(crate) const fn new(value: T) -> Plain<T> {
        Plain(UnsafeCell::new(value))
    }

    pub(crate) fn pointer(&self) -> *mut T {
        self.0.get()
    }

    /// Where the caller wants it, as a field would be.
    #[inline(always)]
    pub(crate) fn set(&self, value: T)
    where
        T: Copy,
    {
        // SAFETY: none: see the type.
        unsafe { *self.0.get() = value };
    }

    #[inline(never)]
    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        read(self.0.get())
    }

    /// The caller alone reaches it now, or should.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "that is what it is for")]
    pub(crate) fn reach(&self) -> &mut T {
        // SAFETY: none: see the type.
        unsafe { &mut *self.0.get() }
    }
}

/// A read that stays, whoever wants the value, and where it is: of a function that begins with a read, LLVM moves that to the callers, and forgets the line.
#[inline(never)]
pub(crate) fn read<T: Copy>(pointer: *const T) -> T {
    let pointer = black_box(pointer);
    // SAFETY: none: see `Plain`.
    black_box(unsafe { *pointer })
}

unsafe extern "C" {
    fn memcpy(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void;
    fn memset(to: *mut c_void, byte: c_int, length: usize) -> *mut c_void;
}

/// C's own, which the compiler knows, and knows no line of.
#[inline(never)]
pub(crate) fn c_memcpy(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: none: see `Plain`.
    unsafe { memcpy(to.cast(), from.cast(), length) };
}

/// As above.
#[inline(never)]
pub(crate) fn c_memset(to: *mut u8, byte: u8, length: usize) {
    // SAFETY: none: see `Plain`.
    unsafe { memset(to.cast(), byte.into(), length) };
}

/// A word that is atomic, or should be.
pub(crate) trait Word: Sync {
    fn read(&self) -> u64;
    fn write(&self, value: u64);
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn read(&self) -> u64 {
        self.load(Relaxed)
    }

    #[inline(always)]
    fn write(&self, value: u64) {
        self.store(value, Relaxed);
    }
}

impl Word for Plain<u64> {
    #[inline(always)]
    fn read(&self) -> u64 {
        self.get()
    }

    #[inline(always)]
    fn write(&self, value: u64) {
        self.set(value);
    }
}

/// Waits for another thread, with no order: the flag is relaxed on both sides.
pub(crate) fn until(flag: &AtomicBool) {
    while !flag.load(Relaxed) {
        thread::yield_now();
    }
}

/// Runs the steps one after the other, each in a thread of its own, with no order between them but what they make themselves. As in a program whose threads live long,
/// all are there from the beginning to the end.
pub(crate) fn take_turns(steps: Vec<Box<dyn FnOnce() + Send + '_>>) {
    let (turn, count) = (&AtomicUsize::new(0), steps.len());
    thread::scope(|s| {
        for (number, step) in steps.into_iter().enumerate() {
            s.spawn(move || {
                while turn.load(Relaxed) != number {
                    thread::yield_now();
                }
                step();
                turn.store(number + 1, Relaxed);
                while turn.load(Relaxed) < count {
                    thread::yield_now();
                }
            });
        }
    });
}

/// [`take_turns`], of two.
pub(crate) fn in_turn(first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    take_turns(vec![Box::new(first), Box::new(second)]);
}

/// Comes back when so many threads have come, with no order. Whoever could otherwise have ended before another begins should be in one: the last one to let go of a
/// thread's handle acquires what the thread did, if it has ended. So may `std`'s locks, if one comes after the other.
pub(crate) struct Meeting {
    missing: AtomicUsize,
}

impl Meeting {
    pub(crate) const fn of(threads: usize) -> Meeting {
        Meeting {
            missing: AtomicUsize::new(threads),
        }
    }

    pub(crate) fn meet(&self) {
        self.missing.fetch_sub(1, Relaxed);
        while self.missing.load(Relaxed) != 0 {
            thread::yield_now();
        }
    }
}
