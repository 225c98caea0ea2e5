//! The real atomic operations, on values of each size, where they are.
//!
//! 16 bytes have one instruction, a compare-exchange, from which all else is made. A processor without it never gets here: its programs can't have
//! been compiled to call for it.

use std::arch::asm;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

/// A value that atomic operations take.
pub(crate) trait Value: Copy + Eq {
    /// Its low bits.
    fn low(self) -> u64;
    /// # Safety
    ///
    /// As for an atomic load of this type at `place`. So for all of these.
    unsafe fn load(place: *mut Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn store(place: *mut Self, value: Self, order: Ordering);
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn exchange(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_add(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_sub(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_and(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_or(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_xor(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn fetch_nand(place: *mut Self, value: Self, order: Ordering) -> Self;
    /// # Safety
    ///
    /// As [`Value::load`].
    unsafe fn compare_exchange(
        place: *mut Self,
        expected: Self,
        new: Self,
        orders: (Ordering, Ordering),
    ) -> Result<Self, Self>;
}

macro_rules! value {
    ($type:ty, $atomic:ty) => {
        impl Value for $type {
            fn low(self) -> u64 {
                self.into()
            }

            unsafe fn load(place: *mut $type, order: Ordering) -> $type {
                // SAFETY: the caller's; so for all of these.
                unsafe { <$atomic>::from_ptr(place) }.load(order)
            }

            unsafe fn store(place: *mut $type, value: $type, order: Ordering) {
                // SAFETY: as above.
                unsafe { <$atomic>::from_ptr(place) }.store(value, order);
            }

            value!($type, $atomic: exchange = swap);
            value!($type, $atomic: fetch_add = fetch_add);
            value!($type, $atomic: fetch_sub = fetch_sub);
            value!($type, $atomic: fetch_and = fetch_and);
            value!($type, $atomic: fetch_or = fetch_or);
            value!($type, $atomic: fetch_xor = fetch_xor);
            value!($type, $atomic: fetch_nand = fetch_nand);

            unsafe fn compare_exchange(
                place: *mut $type,
                expected: $type,
                new: $type,
                (success, failure): (Ordering, Ordering),
            ) -> Result<$type, $type> {
                // SAFETY: as above.
                unsafe { <$atomic>::from_ptr(place) }
                    .compare_exchange(expected, new, success, failure)
            }
        }
    };
    ($type:ty, $atomic:ty: $name:ident = $method:ident) => {
        unsafe fn $name(place: *mut $type, value: $type, order: Ordering) -> $type {
            // SAFETY: as above.
            unsafe { <$atomic>::from_ptr(place) }.$method(value, order)
        }
    };
}

value!(u8, AtomicU8);
value!(u16, AtomicU16);
value!(u32, AtomicU32);
value!(u64, AtomicU64);

/// # Safety
///
/// As for a compare-exchange there, on a processor that has the instruction.
unsafe fn exchange_wide(place: *mut u128, expected: u128, new: u128) -> u128 {
    let (mut low, mut high) = (expected as u64, (expected >> 64) as u64);
    // SAFETY: the caller's. The compiler may be using `rbx` itself: it gets it back.
    unsafe {
        asm!(
            "xchg rbx, {new_low}",
            "lock cmpxchg16b [rdi]",
            "mov rbx, {new_low}",
            new_low = inout(reg) new as u64 => _,
            in("rcx") (new >> 64) as u64,
            in("rdi") place,
            inout("rax") low,
            inout("rdx") high,
            options(nostack),
        );
    }
    u128::from(high) << 64 | u128::from(low)
}

/// # Safety
///
/// As for a read-modify-write there.
unsafe fn update_wide(place: *mut u128, update: impl Fn(u128) -> u128) -> u128 {
    let mut current = 0;
    loop {
        // SAFETY: the caller's; who calls for 16 bytes was compiled for a processor that has them.
        let found = unsafe { exchange_wide(place, current, update(current)) };
        if found == current {
            return found;
        }
        current = found;
    }
}

impl Value for u128 {
    fn low(self) -> u64 {
        self as u64
    }

    unsafe fn load(place: *mut u128, _: Ordering) -> u128 {
        // SAFETY: the caller's, and as in `update_wide`. It writes what it has found.
        unsafe { exchange_wide(place, 0, 0) }
    }

    unsafe fn store(place: *mut u128, value: u128, _: Ordering) {
        // SAFETY: the caller's; so for all that follow.
        unsafe { update_wide(place, |_| value) };
    }

    unsafe fn exchange(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |_| value) }
    }

    unsafe fn fetch_add(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| current.wrapping_add(value)) }
    }

    unsafe fn fetch_sub(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| current.wrapping_sub(value)) }
    }

    unsafe fn fetch_and(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| current & value) }
    }

    unsafe fn fetch_or(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| current | value) }
    }

    unsafe fn fetch_xor(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| current ^ value) }
    }

    unsafe fn fetch_nand(place: *mut u128, value: u128, _: Ordering) -> u128 {
        // SAFETY: as above.
        unsafe { update_wide(place, |current| !(current & value)) }
    }

    unsafe fn compare_exchange(
        place: *mut u128,
        expected: u128,
        new: u128,
        _: (Ordering, Ordering),
    ) -> Result<u128, u128> {
        // SAFETY: as above, and as in `update_wide`.
        let found = unsafe { exchange_wide(place, expected, new) };
        if found == expected {
            Ok(found)
        } else {
            Err(found)
        }
    }
}

/// LLVM's number for an ordering (`mo_relaxed` and so on). What lies beyond the low bits is a hint for the processor.
pub(crate) fn order(number: i32) -> Ordering {
    match number & 0x7fff {
        0 => Relaxed,
        // Consume is acquire, as everywhere.
        1 | 2 => Acquire,
        3 => Ordering::Release,
        4 => AcqRel,
        _ => SeqCst,
    }
}

/// The ordering that a load can have in its place.
pub(crate) fn load_order(number: i32) -> Ordering {
    match order(number) {
        Ordering::Release => Relaxed,
        AcqRel => Acquire,
        order => order,
    }
}

/// The ordering that a store can have in its place.
pub(crate) fn store_order(number: i32) -> Ordering {
    match order(number) {
        Acquire => Relaxed,
        AcqRel => Ordering::Release,
        order => order,
    }
}
