//! Atomic operations, which instrumented code has done here, and fences.
//!
//! The engine runs the real operation, so that the value and the clock that travels with it change as one.

use std::sync::atomic::{self, Ordering};

use race_core::Position;
use race_core::instrumented::atomic::Atomic;

use crate::frames;
use crate::threads_lock;
use crate::values::{Value, load_order, order, store_order};

fn at<T>(place: *mut T, caller: usize) -> Atomic {
    Atomic {
        address: place.addr(),
        size: size_of::<T>(),
        site: Position::of_code(caller),
    }
}

unsafe extern "C" fn load<T: Value>(place: *mut T, number: i32, caller: usize) -> T {
    let order = load_order(number);
    // SAFETY: instrumented code does this operation on this place; so for all that follow.
    let op = || unsafe { T::load(place, order) };
    if frames::is_ignoring() {
        return op();
    }
    at(place, caller).load(order, op)
}

unsafe extern "C" fn store<T: Value>(place: *mut T, value: T, number: i32, caller: usize) {
    let order = store_order(number);
    // SAFETY: as above.
    let op = || unsafe { T::store(place, value, order) };
    if frames::is_ignoring() {
        return op();
    }
    at(place, caller).store(order, op);
}

fn rmw<T: Value>(place: *mut T, order: Ordering, caller: usize, op: impl FnOnce() -> T) -> T {
    if frames::is_ignoring() {
        return op();
    }
    at(place, caller).rmw(order, op)
}

unsafe extern "C" fn exchange<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    let op = || unsafe { T::exchange(place, value, order) };
    if threads_lock::is_at(place.addr()) {
        let before = op();
        threads_lock::changed(before.low(), value.low());
        return before;
    }
    rmw(place, order, caller, op)
}

unsafe extern "C" fn fetch_add<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_add(place, value, order)
    })
}

unsafe extern "C" fn fetch_sub<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_sub(place, value, order)
    })
}

unsafe extern "C" fn fetch_and<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_and(place, value, order)
    })
}

unsafe extern "C" fn fetch_or<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_or(place, value, order)
    })
}

unsafe extern "C" fn fetch_xor<T: Value>(place: *mut T, value: T, number: i32, caller: usize) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_xor(place, value, order)
    })
}

unsafe extern "C" fn fetch_nand<T: Value>(
    place: *mut T,
    value: T,
    number: i32,
    caller: usize,
) -> T {
    let order = order(number);
    // SAFETY: as above.
    rmw(place, order, caller, || unsafe {
        T::fetch_nand(place, value, order)
    })
}

/// Never fails by itself, the weak one neither.
fn compare_exchange<T: Value>(
    place: *mut T,
    expected: T,
    new: T,
    (success, failure): (i32, i32),
    caller: usize,
) -> Result<T, T> {
    let orders = (order(success), load_order(failure));
    // SAFETY: as above.
    let op = || unsafe { T::compare_exchange(place, expected, new, orders) };
    if threads_lock::is_at(place.addr()) {
        let result = op();
        if result.is_ok() {
            threads_lock::changed(expected.low(), new.low());
        }
        return result;
    }
    if frames::is_ignoring() {
        return op();
    }
    let atomic = at(place, caller);
    let find_another = || {
        // SAFETY: as above.
        let found = unsafe { T::load(place, orders.1) };
        (found != expected).then_some(found)
    };
    // The wide ones are loaded by a compare-exchange.
    if size_of::<T>() <= size_of::<u64>()
        && find_another().is_some()
        && let Some(found) = atomic.load_known(orders.1, find_another)
    {
        return Err(found);
    }
    atomic.compare_exchange(orders.0, orders.1, op)
}

unsafe extern "C" fn compare_exchange_val<T: Value>(
    place: *mut T,
    expected: T,
    new: T,
    success: i32,
    failure: i32,
    caller: usize,
) -> T {
    match compare_exchange(place, expected, new, (success, failure), caller) {
        Ok(found) | Err(found) => found,
    }
}

/// Like C11's: what was found is written to `expected` if it is another.
unsafe extern "C" fn compare_exchange_strong<T: Value>(
    place: *mut T,
    expected: *mut T,
    new: T,
    success: i32,
    failure: i32,
    caller: usize,
) -> bool {
    // SAFETY: valid, says C11's contract.
    let value = unsafe { *expected };
    let result = compare_exchange(place, value, new, (success, failure), caller);
    if let Err(found) = result {
        // SAFETY: as above.
        unsafe { *expected = found };
    }
    result.is_ok()
}

extern "C" fn thread_fence(number: i32, caller: usize) {
    let order = order(number);
    if order != Ordering::Relaxed {
        atomic::fence(order);
        if frames::is_ignoring() {
            return;
        }
        race_core::sync::atomic::fence(order, Position::of_code(caller));
    }
}

/// Orders nothing between threads.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_atomic_signal_fence(_number: i32) {
    atomic::compiler_fence(Ordering::SeqCst);
}

/// The seven words of arguments of a 16-byte compare-exchange and its caller don't fit into registers: the last two are on the stack.
///
/// # Safety
///
/// To be called by instrumented code only.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn __tsan_atomic128_compare_exchange_val(
    place: *mut u128,
    expected: u128,
    new: u128,
    success: i32,
    failure: i32,
) -> u128 {
    std::arch::naked_asm!(
        "mov rax, [rsp]",
        "mov r10, [rsp + 8]",
        "sub rsp, 8",
        "push rax",
        "push r10",
        "call {function}",
        "add rsp, 24",
        "ret",
        function = sym compare_exchange_val::<u128>,
    )
}

with_caller! {
    __tsan_atomic_thread_fence(number: i32) = thread_fence, in "rsi";
    __tsan_atomic8_load(place: *mut u8, number: i32) -> u8 = load::<u8>, in "rdx";
    __tsan_atomic8_store(place: *mut u8, value: u8, number: i32) = store::<u8>, in "rcx";
    __tsan_atomic8_exchange(place: *mut u8, value: u8, number: i32) -> u8 = exchange::<u8>, in "rcx";
    __tsan_atomic8_fetch_add(place: *mut u8, value: u8, number: i32) -> u8 = fetch_add::<u8>, in "rcx";
    __tsan_atomic8_fetch_sub(place: *mut u8, value: u8, number: i32) -> u8 = fetch_sub::<u8>, in "rcx";
    __tsan_atomic8_fetch_and(place: *mut u8, value: u8, number: i32) -> u8 = fetch_and::<u8>, in "rcx";
    __tsan_atomic8_fetch_or(place: *mut u8, value: u8, number: i32) -> u8 = fetch_or::<u8>, in "rcx";
    __tsan_atomic8_fetch_xor(place: *mut u8, value: u8, number: i32) -> u8 = fetch_xor::<u8>, in "rcx";
    __tsan_atomic8_fetch_nand(place: *mut u8, value: u8, number: i32) -> u8 = fetch_nand::<u8>, in "rcx";
    __tsan_atomic8_compare_exchange_val(place: *mut u8, expected: u8, new: u8, success: i32, failure: i32) -> u8 = compare_exchange_val::<u8>, in "r9";
    __tsan_atomic8_compare_exchange_strong(place: *mut u8, expected: *mut u8, new: u8, success: i32, failure: i32) -> bool = compare_exchange_strong::<u8>, in "r9";
    __tsan_atomic8_compare_exchange_weak(place: *mut u8, expected: *mut u8, new: u8, success: i32, failure: i32) -> bool = compare_exchange_strong::<u8>, in "r9";
    __tsan_atomic16_load(place: *mut u16, number: i32) -> u16 = load::<u16>, in "rdx";
    __tsan_atomic16_store(place: *mut u16, value: u16, number: i32) = store::<u16>, in "rcx";
    __tsan_atomic16_exchange(place: *mut u16, value: u16, number: i32) -> u16 = exchange::<u16>, in "rcx";
    __tsan_atomic16_fetch_add(place: *mut u16, value: u16, number: i32) -> u16 = fetch_add::<u16>, in "rcx";
    __tsan_atomic16_fetch_sub(place: *mut u16, value: u16, number: i32) -> u16 = fetch_sub::<u16>, in "rcx";
    __tsan_atomic16_fetch_and(place: *mut u16, value: u16, number: i32) -> u16 = fetch_and::<u16>, in "rcx";
    __tsan_atomic16_fetch_or(place: *mut u16, value: u16, number: i32) -> u16 = fetch_or::<u16>, in "rcx";
    __tsan_atomic16_fetch_xor(place: *mut u16, value: u16, number: i32) -> u16 = fetch_xor::<u16>, in "rcx";
    __tsan_atomic16_fetch_nand(place: *mut u16, value: u16, number: i32) -> u16 = fetch_nand::<u16>, in "rcx";
    __tsan_atomic16_compare_exchange_val(place: *mut u16, expected: u16, new: u16, success: i32, failure: i32) -> u16 = compare_exchange_val::<u16>, in "r9";
    __tsan_atomic16_compare_exchange_strong(place: *mut u16, expected: *mut u16, new: u16, success: i32, failure: i32) -> bool = compare_exchange_strong::<u16>, in "r9";
    __tsan_atomic16_compare_exchange_weak(place: *mut u16, expected: *mut u16, new: u16, success: i32, failure: i32) -> bool = compare_exchange_strong::<u16>, in "r9";
    __tsan_atomic32_load(place: *mut u32, number: i32) -> u32 = load::<u32>, in "rdx";
    __tsan_atomic32_store(place: *mut u32, value: u32, number: i32) = store::<u32>, in "rcx";
    __tsan_atomic32_exchange(place: *mut u32, value: u32, number: i32) -> u32 = exchange::<u32>, in "rcx";
    __tsan_atomic32_fetch_add(place: *mut u32, value: u32, number: i32) -> u32 = fetch_add::<u32>, in "rcx";
    __tsan_atomic32_fetch_sub(place: *mut u32, value: u32, number: i32) -> u32 = fetch_sub::<u32>, in "rcx";
    __tsan_atomic32_fetch_and(place: *mut u32, value: u32, number: i32) -> u32 = fetch_and::<u32>, in "rcx";
    __tsan_atomic32_fetch_or(place: *mut u32, value: u32, number: i32) -> u32 = fetch_or::<u32>, in "rcx";
    __tsan_atomic32_fetch_xor(place: *mut u32, value: u32, number: i32) -> u32 = fetch_xor::<u32>, in "rcx";
    __tsan_atomic32_fetch_nand(place: *mut u32, value: u32, number: i32) -> u32 = fetch_nand::<u32>, in "rcx";
    __tsan_atomic32_compare_exchange_val(place: *mut u32, expected: u32, new: u32, success: i32, failure: i32) -> u32 = compare_exchange_val::<u32>, in "r9";
    __tsan_atomic32_compare_exchange_strong(place: *mut u32, expected: *mut u32, new: u32, success: i32, failure: i32) -> bool = compare_exchange_strong::<u32>, in "r9";
    __tsan_atomic32_compare_exchange_weak(place: *mut u32, expected: *mut u32, new: u32, success: i32, failure: i32) -> bool = compare_exchange_strong::<u32>, in "r9";
    __tsan_atomic64_load(place: *mut u64, number: i32) -> u64 = load::<u64>, in "rdx";
    __tsan_atomic64_store(place: *mut u64, value: u64, number: i32) = store::<u64>, in "rcx";
    __tsan_atomic64_exchange(place: *mut u64, value: u64, number: i32) -> u64 = exchange::<u64>, in "rcx";
    __tsan_atomic64_fetch_add(place: *mut u64, value: u64, number: i32) -> u64 = fetch_add::<u64>, in "rcx";
    __tsan_atomic64_fetch_sub(place: *mut u64, value: u64, number: i32) -> u64 = fetch_sub::<u64>, in "rcx";
    __tsan_atomic64_fetch_and(place: *mut u64, value: u64, number: i32) -> u64 = fetch_and::<u64>, in "rcx";
    __tsan_atomic64_fetch_or(place: *mut u64, value: u64, number: i32) -> u64 = fetch_or::<u64>, in "rcx";
    __tsan_atomic64_fetch_xor(place: *mut u64, value: u64, number: i32) -> u64 = fetch_xor::<u64>, in "rcx";
    __tsan_atomic64_fetch_nand(place: *mut u64, value: u64, number: i32) -> u64 = fetch_nand::<u64>, in "rcx";
    __tsan_atomic64_compare_exchange_val(place: *mut u64, expected: u64, new: u64, success: i32, failure: i32) -> u64 = compare_exchange_val::<u64>, in "r9";
    __tsan_atomic64_compare_exchange_strong(place: *mut u64, expected: *mut u64, new: u64, success: i32, failure: i32) -> bool = compare_exchange_strong::<u64>, in "r9";
    __tsan_atomic64_compare_exchange_weak(place: *mut u64, expected: *mut u64, new: u64, success: i32, failure: i32) -> bool = compare_exchange_strong::<u64>, in "r9";
    __tsan_atomic128_load(place: *mut u128, number: i32) -> u128 = load::<u128>, in "rdx";
    __tsan_atomic128_store(place: *mut u128, value: u128, number: i32) = store::<u128>, in "r8";
    __tsan_atomic128_exchange(place: *mut u128, value: u128, number: i32) -> u128 = exchange::<u128>, in "r8";
    __tsan_atomic128_fetch_add(place: *mut u128, value: u128, number: i32) -> u128 = fetch_add::<u128>, in "r8";
    __tsan_atomic128_fetch_sub(place: *mut u128, value: u128, number: i32) -> u128 = fetch_sub::<u128>, in "r8";
    __tsan_atomic128_fetch_and(place: *mut u128, value: u128, number: i32) -> u128 = fetch_and::<u128>, in "r8";
    __tsan_atomic128_fetch_or(place: *mut u128, value: u128, number: i32) -> u128 = fetch_or::<u128>, in "r8";
    __tsan_atomic128_fetch_xor(place: *mut u128, value: u128, number: i32) -> u128 = fetch_xor::<u128>, in "r8";
    __tsan_atomic128_fetch_nand(place: *mut u128, value: u128, number: i32) -> u128 = fetch_nand::<u128>, in "r8";
}
