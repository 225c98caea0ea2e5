//! Plain accesses: each load and store, virtual tables' pointers, and whole ranges.
//!
//! An access is announced before it is made. One that is both a load and a store is a store: whatever races with the one races with the other.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::shadow::range::{self, AccessKind};

use crate::frames;

#[inline(always)]
fn announce(address: usize, size: usize, kind: AccessKind, caller: usize) {
    if !frames::is_ignoring() {
        range::access(address, size, kind, Some(Position::of_code(caller)));
    }
}

#[inline(always)]
fn announce_sized<const SIZE: usize>(address: usize, kind: AccessKind, caller: usize) {
    if !frames::is_ignoring() {
        range::access_sized::<SIZE>(address, kind, Some(Position::of_code(caller)));
    }
}

extern "C" fn read<const SIZE: usize>(address: usize, caller: usize) {
    announce_sized::<SIZE>(address, AccessKind::Read, caller);
}

extern "C" fn write<const SIZE: usize>(address: usize, caller: usize) {
    announce_sized::<SIZE>(address, AccessKind::Write, caller);
}

extern "C" fn volatile_read<const SIZE: usize>(address: usize, caller: usize) {
    announce(address, SIZE, AccessKind::VolatileRead, caller);
}

extern "C" fn volatile_write<const SIZE: usize>(address: usize, caller: usize) {
    announce(address, SIZE, AccessKind::VolatileWrite, caller);
}

extern "C" fn read_range(address: usize, size: usize, caller: usize) {
    announce(address, size, AccessKind::Read, caller);
}

extern "C" fn write_range(address: usize, size: usize, caller: usize) {
    announce(address, size, AccessKind::Write, caller);
}

/// Constructors and destructors write the pointer again and again; only a change is an access.
unsafe extern "C" fn vptr_update(address: usize, new: usize, caller: usize) {
    // SAFETY: instrumented code is about to write a pointer there.
    let old = unsafe { std::ptr::with_exposed_provenance::<usize>(address).read_volatile() };
    if old != new {
        write::<8>(address, caller);
    }
}

unsafe extern "C" fn memcpy(
    to: *mut c_void,
    from: *const c_void,
    size: usize,
    caller: usize,
) -> *mut c_void {
    read_range(from.addr(), size, caller);
    write_range(to.addr(), size, caller);
    // SAFETY: the caller's arguments.
    unsafe { libc::memcpy(to, from, size) }
}

unsafe extern "C" fn memmove(
    to: *mut c_void,
    from: *const c_void,
    size: usize,
    caller: usize,
) -> *mut c_void {
    read_range(from.addr(), size, caller);
    write_range(to.addr(), size, caller);
    // SAFETY: the caller's arguments.
    unsafe { libc::memmove(to, from, size) }
}

unsafe extern "C" fn memset(
    to: *mut c_void,
    byte: c_int,
    size: usize,
    caller: usize,
) -> *mut c_void {
    write_range(to.addr(), size, caller);
    // SAFETY: the caller's arguments.
    unsafe { libc::memset(to, byte, size) }
}

with_caller! {
    __tsan_read1(address: usize) = read::<1>, in "rsi";
    __tsan_read2(address: usize) = read::<2>, in "rsi";
    __tsan_read4(address: usize) = read::<4>, in "rsi";
    __tsan_read8(address: usize) = read::<8>, in "rsi";
    __tsan_read16(address: usize) = read::<16>, in "rsi";
    __tsan_write1(address: usize) = write::<1>, in "rsi";
    __tsan_write2(address: usize) = write::<2>, in "rsi";
    __tsan_write4(address: usize) = write::<4>, in "rsi";
    __tsan_write8(address: usize) = write::<8>, in "rsi";
    __tsan_write16(address: usize) = write::<16>, in "rsi";
    __tsan_unaligned_read2(address: usize) = read::<2>, in "rsi";
    __tsan_unaligned_read4(address: usize) = read::<4>, in "rsi";
    __tsan_unaligned_read8(address: usize) = read::<8>, in "rsi";
    __tsan_unaligned_read16(address: usize) = read::<16>, in "rsi";
    __tsan_unaligned_write2(address: usize) = write::<2>, in "rsi";
    __tsan_unaligned_write4(address: usize) = write::<4>, in "rsi";
    __tsan_unaligned_write8(address: usize) = write::<8>, in "rsi";
    __tsan_unaligned_write16(address: usize) = write::<16>, in "rsi";
    __tsan_volatile_read1(address: usize) = volatile_read::<1>, in "rsi";
    __tsan_volatile_read2(address: usize) = volatile_read::<2>, in "rsi";
    __tsan_volatile_read4(address: usize) = volatile_read::<4>, in "rsi";
    __tsan_volatile_read8(address: usize) = volatile_read::<8>, in "rsi";
    __tsan_volatile_read16(address: usize) = volatile_read::<16>, in "rsi";
    __tsan_volatile_write1(address: usize) = volatile_write::<1>, in "rsi";
    __tsan_volatile_write2(address: usize) = volatile_write::<2>, in "rsi";
    __tsan_volatile_write4(address: usize) = volatile_write::<4>, in "rsi";
    __tsan_volatile_write8(address: usize) = volatile_write::<8>, in "rsi";
    __tsan_volatile_write16(address: usize) = volatile_write::<16>, in "rsi";
    __tsan_unaligned_volatile_read2(address: usize) = volatile_read::<2>, in "rsi";
    __tsan_unaligned_volatile_read4(address: usize) = volatile_read::<4>, in "rsi";
    __tsan_unaligned_volatile_read8(address: usize) = volatile_read::<8>, in "rsi";
    __tsan_unaligned_volatile_read16(address: usize) = volatile_read::<16>, in "rsi";
    __tsan_unaligned_volatile_write2(address: usize) = volatile_write::<2>, in "rsi";
    __tsan_unaligned_volatile_write4(address: usize) = volatile_write::<4>, in "rsi";
    __tsan_unaligned_volatile_write8(address: usize) = volatile_write::<8>, in "rsi";
    __tsan_unaligned_volatile_write16(address: usize) = volatile_write::<16>, in "rsi";
    __tsan_read_write1(address: usize) = write::<1>, in "rsi";
    __tsan_read_write2(address: usize) = write::<2>, in "rsi";
    __tsan_read_write4(address: usize) = write::<4>, in "rsi";
    __tsan_read_write8(address: usize) = write::<8>, in "rsi";
    __tsan_read_write16(address: usize) = write::<16>, in "rsi";
    __tsan_unaligned_read_write2(address: usize) = write::<2>, in "rsi";
    __tsan_unaligned_read_write4(address: usize) = write::<4>, in "rsi";
    __tsan_unaligned_read_write8(address: usize) = write::<8>, in "rsi";
    __tsan_unaligned_read_write16(address: usize) = write::<16>, in "rsi";
    __tsan_vptr_read(address: usize) = read::<8>, in "rsi";
    __tsan_vptr_update(address: usize, new: usize) = vptr_update, in "rdx";
    __tsan_read_range(address: usize, size: usize) = read_range, in "rdx";
    __tsan_write_range(address: usize, size: usize) = write_range, in "rdx";
    __tsan_memcpy(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = memcpy, in "rcx";
    __tsan_memmove(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = memmove, in "rcx";
    __tsan_memset(to: *mut c_void, byte: c_int, size: usize) -> *mut c_void = memset, in "rcx";
}
