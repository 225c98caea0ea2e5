//! Memory that libc gives out: `malloc` and its like, and `mmap`, are interposed, so that what was there before is forgotten.
//!
//! Each calls the real function with the caller's arguments, tells [`handed_out`], and returns the result. The symbols are weak: an allocator that
//! the program itself links under these names takes precedence over them, and is then not seen. Nothing here may allocate, nor change what the
//! program would see without it.

use std::arch::global_asm;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;

use crate::shadow::handed_out::handed_out;
use crate::thread::pthread::Real;

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Aligned = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type PosixMemalign = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;
type Mmap =
    unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, libc::off64_t) -> *mut c_void;

static MALLOC: Real = Real::new(c"malloc");
static CALLOC: Real = Real::new(c"calloc");
static REALLOC: Real = Real::new(c"realloc");
static MEMALIGN: Real = Real::new(c"memalign");
static ALIGNED_ALLOC: Real = Real::new(c"aligned_alloc");
static POSIX_MEMALIGN: Real = Real::new(c"posix_memalign");
static MMAP: Real = Real::new(c"mmap");
static MMAP64: Real = Real::new(c"mmap64");

// glibc's own, under names that nobody replaces.
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
}

/// The names under which the linker finds the functions below. A weak definition can only be had from the assembler.
macro_rules! interpose {
    ($jump:literal: $($name:literal = $function:path;)*) => {$(
        global_asm!(
            concat!(".pushsection .text.racecheck_", $name, ",\"ax\",@progbits"),
            concat!(".weak ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            concat!($jump, " {function}"),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            function = sym $function,
        );
    )*};
}

macro_rules! interpose_all {
    ($jump:literal) => {
        interpose! {
            $jump:
            "malloc" = malloc;
            "calloc" = calloc;
            "realloc" = realloc;
            "memalign" = memalign;
            "aligned_alloc" = aligned_alloc;
            "posix_memalign" = posix_memalign;
            "mmap" = mmap;
            "mmap64" = mmap64;
        }
    };
}

#[cfg(target_arch = "x86_64")]
interpose_all!("jmp");
#[cfg(target_arch = "aarch64")]
interpose_all!("b");

/// Looks the real functions up. Called at start-up; that it is called at all makes the linker take this file.
#[inline(never)]
pub(crate) fn prepare() {
    for function in [
        &MALLOC,
        &CALLOC,
        &REALLOC,
        &MEMALIGN,
        &ALIGNED_ALLOC,
        &POSIX_MEMALIGN,
        &MMAP,
        &MMAP64,
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
fn given_out(memory: *mut c_void, size: usize) -> *mut c_void {
    if !memory.is_null() {
        handed_out(memory.addr(), size);
    }
    memory
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    let real = match real(&MALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Malloc>(real.as_ptr()) },
        None => __libc_malloc,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(size) }, size)
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let real = match real(&CALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Calloc>(real.as_ptr()) },
        None => __libc_calloc,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(count, size) }, count.saturating_mul(size))
}

unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
    let real = match real(&REALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Realloc>(real.as_ptr()) },
        None => __libc_realloc,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(old, size) }, size)
}

unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    let real = match real(&MEMALIGN) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Aligned>(real.as_ptr()) },
        None => __libc_memalign,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(alignment, size) }, size)
}

unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    let real = match real(&ALIGNED_ALLOC) {
        // SAFETY: the next definition of this name has this signature.
        Some(real) => unsafe { mem::transmute::<*mut c_void, Aligned>(real.as_ptr()) },
        None => __libc_memalign,
    };
    // SAFETY: the caller's arguments.
    given_out(unsafe { real(alignment, size) }, size)
}

unsafe extern "C" fn posix_memalign(
    memory: *mut *mut c_void,
    alignment: usize,
    size: usize,
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
        given_out(unsafe { *memory }, size);
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
        given_out(memory, size);
    }
    memory
}
