//! Memory that libc gives out and takes back: `malloc` and its like, `free`, `mmap` and `munmap` are interposed, so that what was there before is forgotten.
//!
//! Each calls the real function with the caller's arguments, tells [`handed_out`], and returns the result. In a program that is
//! [instrumented](crate::instrumented) as a whole, blocks are remembered too, and taking one back is a write to all of it. The symbols are weak: an allocator that
//! the program itself links under these names takes precedence over them, and is then not seen. Nothing here may allocate, nor change what the
//! program would see without it.

use std::arch::global_asm;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;

use crate::instrumented::{self, allocator};
use crate::shadow::handed_out::handed_out;
use crate::thread::pthread::Real;

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
type Aligned = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type PosixMemalign = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;
type Mmap =
    unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, libc::off64_t) -> *mut c_void;
type Munmap = unsafe extern "C" fn(*mut c_void, usize) -> c_int;

static MALLOC: Real = Real::new(c"malloc");
static CALLOC: Real = Real::new(c"calloc");
static REALLOC: Real = Real::new(c"realloc");
static FREE: Real = Real::new(c"free");
static MEMALIGN: Real = Real::new(c"memalign");
static ALIGNED_ALLOC: Real = Real::new(c"aligned_alloc");
static POSIX_MEMALIGN: Real = Real::new(c"posix_memalign");
static MMAP: Real = Real::new(c"mmap");
static MMAP64: Real = Real::new(c"mmap64");
static MUNMAP: Real = Real::new(c"munmap");

// glibc's own, under names that nobody replaces.
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_free(memory: *mut c_void);
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
}

/// The names under which the linker finds the functions below. A weak definition can only be had from the assembler, and so can the address that a
/// call returns to, which is handed on after the arguments.
macro_rules! interpose {
    ($jump:literal: $($name:literal = $function:path, $caller:literal;)*) => {$(
        global_asm!(
            concat!(".pushsection .text.racecheck_", $name, ",\"ax\",@progbits"),
            concat!(".weak ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            $caller,
            concat!($jump, " {function}"),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            function = sym $function,
        );
    )*};
}

macro_rules! interpose_all {
    ($jump:literal, $second:literal, $third:literal, $fourth:literal) => {
        interpose! {
            $jump:
            "malloc" = malloc, $second;
            "calloc" = calloc, $third;
            "realloc" = realloc, $third;
            "free" = free, $second;
            "memalign" = memalign, $third;
            "aligned_alloc" = aligned_alloc, $third;
            "posix_memalign" = posix_memalign, $fourth;
            "mmap" = mmap, "";
            "mmap64" = mmap64, "";
            "munmap" = munmap, $third;
        }
    };
}

#[cfg(target_arch = "x86_64")]
interpose_all!("jmp", "mov rsi, [rsp]", "mov rdx, [rsp]", "mov rcx, [rsp]");
#[cfg(target_arch = "aarch64")]
interpose_all!("b", "mov x1, x30", "mov x2, x30", "mov x3, x30");

/// Looks the real functions up. Called at start-up; that it is called at all makes the linker take this file.
#[inline(never)]
pub(crate) fn prepare() {
    for function in [
        &MALLOC,
        &CALLOC,
        &REALLOC,
        &FREE,
        &MEMALIGN,
        &ALIGNED_ALLOC,
        &POSIX_MEMALIGN,
        &MMAP,
        &MMAP64,
        &MUNMAP,
    ] {
        real(function);
    }
}

thread_local! {
    static LOOKING_UP: Cell<bool> = const { Cell::new(false) };
}

/// The definition behind ours. None while it is being looked up, which may allocate.
#[inline]
fn real(function: &Real) -> Option<ptr::NonNull<c_void>> {
    function.known().or_else(|| look_up(function))
}

#[cold]
fn look_up(function: &Real) -> Option<ptr::NonNull<c_void>> {
    if LOOKING_UP.replace(true) {
        return None;
    }
    let found = function.get();
    LOOKING_UP.set(false);
    found
}

#[inline]
fn given_out(memory: *mut c_void, size: usize, caller: usize) -> *mut c_void {
    if !memory.is_null() {
        if instrumented::is_on() && !allocator::is_inside() {
            instrumented::memory::allocated(memory.addr(), size, caller);
        } else {
            handed_out(memory.addr(), size);
        }
    }
    memory
}

/// About to be taken back. How much it was, if it is a block that is known.
#[inline]
fn taken_back(memory: *mut c_void, caller: usize) -> Option<usize> {
    if !memory.is_null() && instrumented::is_on() && !allocator::is_inside() {
        return instrumented::memory::freed(memory.addr(), caller);
    }
    None
}

unsafe extern "C" fn malloc(size: usize, caller: usize) -> *mut c_void {
    let real = match real(&MALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Malloc>(real.as_ptr()) },
        None => __libc_malloc,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(size) }, size, caller)
}

unsafe extern "C" fn calloc(count: usize, size: usize, caller: usize) -> *mut c_void {
    let real = match real(&CALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Calloc>(real.as_ptr()) },
        None => __libc_calloc,
    };
    // SAFETY: the caller's arguments.
    given_out(
        unsafe { real(count, size) },
        count.saturating_mul(size),
        caller,
    )
}

unsafe extern "C" fn realloc(old: *mut c_void, size: usize, caller: usize) -> *mut c_void {
    let real = match real(&REALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Realloc>(real.as_ptr()) },
        None => __libc_realloc,
    };
    let before = taken_back(old, caller);
    // SAFETY: the caller's arguments.
    let memory = given_out(unsafe { real(old, size) }, size, caller);
    if let Some(before) = before {
        instrumented::memory::moved(old.addr(), memory.addr(), before.min(size), caller);
    }
    memory
}

unsafe extern "C" fn free(memory: *mut c_void, caller: usize) {
    let real = match real(&FREE) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Free>(real.as_ptr()) },
        None => __libc_free,
    };
    taken_back(memory, caller);
    // SAFETY: the caller's argument.
    unsafe { real(memory) };
}

unsafe extern "C" fn memalign(alignment: usize, size: usize, caller: usize) -> *mut c_void {
    let real = match real(&MEMALIGN) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Aligned>(real.as_ptr()) },
        None => __libc_memalign,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(alignment, size) }, size, caller)
}

unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize, caller: usize) -> *mut c_void {
    let real = match real(&ALIGNED_ALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Aligned>(real.as_ptr()) },
        None => __libc_memalign,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(alignment, size) }, size, caller)
}

unsafe extern "C" fn posix_memalign(
    memory: *mut *mut c_void,
    alignment: usize,
    size: usize,
    caller: usize,
) -> c_int {
    let Some(real) = real(&POSIX_MEMALIGN) else {
        return libc::ENOMEM;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: PosixMemalign = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    let result = unsafe { real(memory, alignment, size) };
    if result == 0 {
        // SAFETY: success: the real function wrote the address there.
        given_out(unsafe { *memory }, size, caller);
    }
    result
}

unsafe extern "C" fn mmap(
    wanted: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off64_t,
) -> *mut c_void {
    // SAFETY: the caller's arguments.
    unsafe { map(&MMAP, wanted, size, protection, flags, file, offset) }
}

unsafe extern "C" fn mmap64(
    wanted: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off64_t,
) -> *mut c_void {
    // SAFETY: the caller's arguments.
    unsafe { map(&MMAP64, wanted, size, protection, flags, file, offset) }
}

/// # Safety
///
/// As for `mmap`.
unsafe fn map(
    function: &Real,
    wanted: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off64_t,
) -> *mut c_void {
    let Some(real) = real(function) else {
        return libc::MAP_FAILED;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Mmap = unsafe { mem::transmute(real.as_ptr()) };
    // SAFETY: the caller's arguments.
    let memory = unsafe { real(wanted, size, protection, flags, file, offset) };
    if memory != libc::MAP_FAILED {
        handed_out(memory.addr(), size);
    }
    memory
}

unsafe extern "C" fn munmap(memory: *mut c_void, size: usize, caller: usize) -> c_int {
    let Some(real) = real(&MUNMAP) else {
        return -1;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Munmap = unsafe { mem::transmute(real.as_ptr()) };
    if instrumented::is_on() && !allocator::is_inside() {
        instrumented::memory::unmapped(memory.addr(), size, caller);
    }
    // SAFETY: the caller's arguments.
    unsafe { real(memory, size) }
}
