//! The program's global allocator: `__rust_alloc` and its like, by which all Rust code allocates, whoever implements them.
//!
//! The linker puts the functions here between (`--wrap`). The real names are mangled with a hash of the toolchain's, so whoever prepares the runtime for a
//! toolchain renames `__wrap___rust_alloc` and `__real___rust_alloc` and so on; as they are here, they stand between nothing.

use std::arch::global_asm;
use std::mem;

use race_core::instrumented::allocator;

type Allocate = unsafe extern "C" fn(usize, usize) -> *mut u8;
type Free = unsafe extern "C" fn(*mut u8, usize, usize);
type Reallocate = unsafe extern "C" fn(*mut u8, usize, usize, usize) -> *mut u8;

/// The addresses of the real functions. A program that never allocates may have none.
macro_rules! real {
    ($($function:ident: $name:literal, $place:literal;)*) => {
        global_asm!(
            ".pushsection .data.rel.ro.race_rt_allocator,\"aw\",@progbits",
            ".p2align 3",
            $(
                concat!(".weak __real_", $name),
                concat!(".globl ", $place),
                concat!(".hidden ", $place),
                concat!($place, ":"),
                concat!(".quad __real_", $name),
            )*
            ".popsection",
        );
        unsafe extern "C" {
            $(#[link_name = $place] safe static $function: usize;)*
        }
    };
}

real! {
    ALLOC: "__rust_alloc", "race_rt_real_alloc";
    ALLOC_ZEROED: "__rust_alloc_zeroed", "race_rt_real_alloc_zeroed";
    DEALLOC: "__rust_dealloc", "race_rt_real_dealloc";
    REALLOC: "__rust_realloc", "race_rt_real_realloc";
}

// A name that the linker replaces as well: here, where it is defined, only by some.
global_asm!(
    ".pushsection .data.rel.ro.race_rt_allocator,\"aw\",@progbits",
    ".p2align 3",
    ".globl __racecheck_wrapped",
    "__racecheck_wrapped:",
    ".quad __racecheck_wrapped",
    ".globl __wrap___racecheck_wrapped",
    "__wrap___racecheck_wrapped:",
    ".quad 0",
    ".globl race_rt_wrapped",
    ".hidden race_rt_wrapped",
    "race_rt_wrapped:",
    ".quad __racecheck_wrapped",
    ".globl race_rt_wrap",
    ".hidden race_rt_wrap",
    "race_rt_wrap:",
    ".quad __wrap___racecheck_wrapped",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "race_rt_wrapped"]
    safe static WRAPPED: usize;
    #[link_name = "race_rt_wrap"]
    safe static WRAP: usize;
}

/// Looks whether the linker has put the functions here before calls in the object that defines the real ones, too.
pub(crate) fn prepare() {
    if WRAPPED != WRAP {
        allocator::is_partly_told();
    }
}

unsafe extern "C" fn alloc(size: usize, alignment: usize, caller: usize) -> *mut u8 {
    // SAFETY: called in place of a function that is there, of this type.
    let real: Allocate = unsafe { mem::transmute(ALLOC) };
    // SAFETY: the caller's arguments.
    allocator::allocate(size, caller, || unsafe { real(size, alignment) })
}

unsafe extern "C" fn alloc_zeroed(size: usize, alignment: usize, caller: usize) -> *mut u8 {
    // SAFETY: called in place of a function that is there, of this type.
    let real: Allocate = unsafe { mem::transmute(ALLOC_ZEROED) };
    // SAFETY: the caller's arguments.
    allocator::allocate(size, caller, || unsafe { real(size, alignment) })
}

unsafe extern "C" fn dealloc(block: *mut u8, size: usize, alignment: usize, caller: usize) {
    // SAFETY: called in place of a function that is there, of this type.
    let real: Free = unsafe { mem::transmute(DEALLOC) };
    // SAFETY: the caller's arguments.
    allocator::free(block.addr(), size, caller, || unsafe {
        real(block, size, alignment);
    });
}

unsafe extern "C" fn realloc(
    block: *mut u8,
    size: usize,
    alignment: usize,
    new_size: usize,
    caller: usize,
) -> *mut u8 {
    // SAFETY: called in place of a function that is there, of this type.
    let real: Reallocate = unsafe { mem::transmute(REALLOC) };
    // SAFETY: the caller's arguments.
    allocator::reallocate(block.addr(), size, new_size, caller, || unsafe {
        real(block, size, alignment, new_size)
    })
}

with_caller! {
    __wrap___rust_alloc(size: usize, alignment: usize) -> *mut u8 = alloc, in "rdx";
    __wrap___rust_alloc_zeroed(size: usize, alignment: usize) -> *mut u8 = alloc_zeroed, in "rdx";
    __wrap___rust_dealloc(block: *mut u8, size: usize, alignment: usize) = dealloc, in "rcx";
    __wrap___rust_realloc(block: *mut u8, size: usize, alignment: usize, new_size: usize) -> *mut u8 = realloc, in "r8";
}
