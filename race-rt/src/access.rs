//! Plain accesses: each load and store, virtual tables' pointers, and whole ranges.
//!
//! An access is announced before it is made. One that is both a load and a store is a store: whatever races with the one races with the other.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::instrumented::layout;
use race_core::shadow::range::{self, AccessKind};

use crate::frames;

#[inline(always)]
fn announce(address: usize, size: usize, kind: AccessKind, caller: usize) {
    if !frames::is_ignoring() {
        range::access(address, size, kind, Some(Position::of_code(caller)));
    }
}

extern "C" fn read<const SIZE: usize>(address: usize, caller: usize) {
    if !frames::is_ignoring() {
        range::access_unnoted::<SIZE>(address, AccessKind::Read, Position::of_code(caller));
    }
}

extern "C" fn write<const SIZE: usize>(address: usize, caller: usize) {
    if !frames::is_ignoring() {
        range::access_unnoted::<SIZE>(address, AccessKind::Write, Position::of_code(caller));
    }
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

/// Whether the last bits of `rax` are 0, as many as an access has bytes.
macro_rules! test_bytes {
    (1) => {
        "test al, 1"
    };
    (2) => {
        "test al, 3"
    };
    (4) => {
        "test al, 15"
    };
    (8) => {
        "test al, al"
    };
    (16) => {
        "test ax, ax"
    };
}

/// Defines functions for accesses that the compiler knows the size of.
///
/// Nearly every access has been recorded already, or one that stands for it, by the same thread in the same epoch ([`layout`] says how that is seen). So this is
/// what an instrumented program does most of the time, and a jump more or a register to save would show. The rest of an access is jumped to.
macro_rules! noted_first {
    ($($name:ident = $function:ident::<$size:tt> $(, $crossing:ident)?;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`, as LLVM's pass calls it.")]
        ///
        /// # Safety
        ///
        /// To be called by instrumented code only.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(address: usize) {
            std::arch::naked_asm!(
                // The line of the address, where there is one.
                "mov rax, rdi",
                "shr rax, {chunk_bits}",
                "cmp rax, {chunks}",
                "jae 2f",
                "lea rdx, [rip + {directory}]",
                "mov rdx, [rdx + 8*rax]",
                "test rdx, rdx",
                "jz 2f",
                "mov ecx, edi",
                "and ecx, {line_in_chunk}",
                "lea rdx, [rdx + {line_ratio}*rcx]",
                "mov ecx, edi",
                $(noted_first!(@$crossing $size),)?
                // Are these bytes noted?
                "mov rax, [rdx + {noted}]",
                "not rax",
                "shr rax, cl",
                test_bytes!($size),
                "jne 2f",
                // In this epoch? In this order.
                "mov rax, [rip + racecheck_hot@GOTTPOFF]",
                "mov rax, fs:[rax + {epoch}]",
                "cmp rax, [rdx + {owner}]",
                "jne 2f",
                "ret",
                "2:",
                "mov rsi, [rsp]",
                "jmp {function}",
                directory = sym layout::DIRECTORY,
                chunks = const layout::CHUNKS,
                chunk_bits = const layout::CHUNK_BITS,
                line_in_chunk = const layout::LINE_IN_CHUNK,
                line_ratio = const layout::LINE_RATIO,
                noted = const layout::$function,
                owner = const layout::OWNER,
                epoch = const layout::EPOCH,
                function = sym $function::<$size>,
            )
        }
    )*};
    // The bytes may go on in the next line: an address that is no multiple of the size. To the compiler, 16 bytes are aligned if 8 would be.
    (@crossing $size:tt) => {
        concat!("and ecx, 63\n cmp ecx, 64 - ", $size, "\n ja 2f")
    };
}

noted_first! {
    __tsan_read1 = read::<1>;
    __tsan_read2 = read::<2>;
    __tsan_read4 = read::<4>;
    __tsan_read8 = read::<8>;
    __tsan_read16 = read::<16>, crossing;
    __tsan_write1 = write::<1>;
    __tsan_write2 = write::<2>;
    __tsan_write4 = write::<4>;
    __tsan_write8 = write::<8>;
    __tsan_write16 = write::<16>, crossing;
    __tsan_unaligned_read2 = read::<2>, crossing;
    __tsan_unaligned_read4 = read::<4>, crossing;
    __tsan_unaligned_read8 = read::<8>, crossing;
    __tsan_unaligned_read16 = read::<16>, crossing;
    __tsan_unaligned_write2 = write::<2>, crossing;
    __tsan_unaligned_write4 = write::<4>, crossing;
    __tsan_unaligned_write8 = write::<8>, crossing;
    __tsan_unaligned_write16 = write::<16>, crossing;
    __tsan_read_write1 = write::<1>;
    __tsan_read_write2 = write::<2>;
    __tsan_read_write4 = write::<4>;
    __tsan_read_write8 = write::<8>;
    __tsan_read_write16 = write::<16>, crossing;
    __tsan_unaligned_read_write2 = write::<2>, crossing;
    __tsan_unaligned_read_write4 = write::<4>, crossing;
    __tsan_unaligned_read_write8 = write::<8>, crossing;
    __tsan_unaligned_read_write16 = write::<16>, crossing;
    __tsan_vptr_read = read::<8>;
}

with_caller! {
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
    __tsan_vptr_update(address: usize, new: usize) = vptr_update, in "rdx";
    __tsan_read_range(address: usize, size: usize) = read_range, in "rdx";
    __tsan_write_range(address: usize, size: usize) = write_range, in "rdx";
    __tsan_memcpy(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = memcpy, in "rcx";
    __tsan_memmove(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = memmove, in "rcx";
    __tsan_memset(to: *mut c_void, byte: c_int, size: usize) -> *mut c_void = memset, in "rcx";
}
