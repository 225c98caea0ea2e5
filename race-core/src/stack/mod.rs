//! Where an access happened: capture, interning and, only for a report, symbols.
//!
//! - [`capture`]: the calling context of an access as a 32-bit id, in nanoseconds when it has been seen before.
//! - [`calls`]: the calls that an instrumented thread is in, as it announces them; no unwind is needed there.
//! - [`path`]: how a function was called, interned.
//! - [`depot`]: the interned contexts. They are never forgotten: a report must have both stacks, however old the first access.
//! - `lately`: what a thread has looked up lately, of contexts and of paths.
//! - [`position`]: a line that a wrapper knows, or an address of code.
//! - `loader`: on Linux, whether a thread has the loader's lock, which symbols need.
//! - `globals`: on Linux, which global an address is in.
//! - [`symbols`]: names and lines, and the trimming of frames that aren't the user's.

pub mod calls;
pub(crate) mod capture;
pub(crate) mod depot;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub(crate) mod globals;
mod lately;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
mod loader;
pub(crate) mod path;
pub(crate) mod position;
pub(crate) mod symbols;
