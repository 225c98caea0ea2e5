//! The engine in the runtime of `cargo race`, which the program is linked with: a call for each thing that the program's loads and stores don't say.
//!
//! - [`collector`], [`report`]: what was found, as data.
//! - `lock`: which thread has which lock, and who waits.
//! - [`shadow`]: accesses to values that have a name or that reports should know more of.
//!
//! No rule of order or of races may be here, and nothing that the runtime doesn't need to be told.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!(
    "`racecheck_runtime` is for `cargo race` to set, and there is no runtime for this target"
);

use std::arch::asm;
use std::panic::Location;
use std::ptr;

use race_interface::{Interface, Sample, VERSION};

pub(crate) mod collector;
#[cfg(feature = "race-check")]
pub(crate) mod lock;
pub mod report;
pub(crate) mod shadow;

/// The runtime's functions. That they are there, the start has made sure of.
#[inline]
fn runtime() -> &'static Interface {
    match find() {
        // SAFETY: what the runtime defines is there for as long as the program.
        Some(table) => unsafe { table.as_ref() },
        None => missing("no runtime of `cargo race` in it"),
    }
}

/// The runtime's table, if the program is linked with a runtime that has one.
#[inline]
fn find() -> Option<ptr::NonNull<Interface>> {
    let table: *mut Interface;
    // SAFETY: reads the address that the linker has put into the global offset table: 0 for a weak symbol that nobody defines.
    unsafe {
        asm!(
            ".weak racecheck_interface",
            "mov {table}, qword ptr [rip + racecheck_interface@GOTPCREL]",
            table = out(reg) table,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    ptr::NonNull::new(table)
}

/// Before `main`, and before anything that the library may be asked for there: ends the process if there is no runtime to ask.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = {
    extern "C" fn start() {
        let table = runtime();
        if table.version != VERSION {
            missing(&format!(
                "a runtime of another version in it ({} and not {VERSION})",
                table.version
            ));
        }
        (table.own_sources)(concat!(env!("CARGO_MANIFEST_DIR"), "/src/").into());
        if !(table.reads_places)(&Sample::new()) {
            missing("a runtime in it that another compiler has made");
        }
    }
    start
};

/// Says what is wrong, and what would be right, and ends the process as bad options do.
#[cold]
fn missing(what: &str) -> ! {
    eprintln!(
        "racecheck: this program was compiled for `cargo race` and has {what}: install the cargo-race of this racecheck ({}) with this toolchain, or build without `--cfg racecheck_runtime`",
        env!("CARGO_PKG_VERSION")
    );
    std::process::exit(2)
}

pub(crate) fn release(key: usize, site: &'static Location<'static>) {
    (runtime().release)(key, site.into());
}

pub(crate) fn acquire(key: usize, site: &'static Location<'static>) {
    (runtime().acquire)(key, site.into());
}

pub(crate) fn forget(key: usize) {
    (runtime().forget_key)(key);
}

#[cfg(feature = "race-check")]
pub(crate) fn name_current(name: &str) {
    (runtime().name_thread)(name.into());
}

/// While this lives, what the thread does is nobody's business.
pub(crate) struct Quiet(());

/// For what orders nothing as far as the program is concerned, and is made of what does. It may not allocate, nor call the user's code.
#[inline]
pub(crate) fn quiet() -> Quiet {
    (runtime().begin_quiet)();
    Quiet(())
}

impl Drop for Quiet {
    #[inline]
    fn drop(&mut self) {
        (runtime().end_quiet)();
    }
}
