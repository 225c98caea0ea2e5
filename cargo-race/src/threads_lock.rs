//! A lock of std's that orders threads without a program being able to rely on it: std notes under it where each thread's stack is.
//!
//! The runtime passes it by, and knows it by a name of our own; the name that std gives it is local to its object. A std that has no such lock is left as it
//! is: then nothing is to be passed by.

use std::path::Path;

use anyhow::Context;
use object::{File, Object, ObjectSymbol};

use crate::toolchain::Toolchain;

/// What race-rt's `threads_lock` looks for.
const OURS: &str = "__racecheck_threads_lock";

/// The parts of its path that are in its mangled name, in their order: `std::sys::pal::unix::stack_overflow::thread_info::LOCK`.
const PATH: [&str; 3] = ["14stack_overflow", "11thread_info", "4LOCK"];

/// Gives the lock its name in an object file, if it is in there.
pub(crate) fn name_in(toolchain: &Toolchain, object: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(object).with_context(|| object.display().to_string())?;
    let Some(name) = find(&bytes) else {
        return Ok(());
    };
    // In one call, the new name would stay local.
    for change in [
        format!("--redefine-sym={name}={OURS}"),
        format!("--globalize-symbol={OURS}"),
    ] {
        toolchain.run(&toolchain.objcopy(), [change.as_ref(), object.as_os_str()])?;
    }
    Ok(())
}

fn find(object: &[u8]) -> Option<String> {
    let object = File::parse(object).ok()?;
    let mut names = object.symbols().filter_map(|symbol| symbol.name().ok());
    names.find(|name| is_it(name)).map(str::to_owned)
}

fn is_it(name: &str) -> bool {
    let mut rest = name;
    PATH.iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_known_by_its_mangled_path() {
        let legacy = "_ZN3std3sys3pal4unix14stack_overflow11thread_info4LOCK17h0123456789abcdefE";
        let v0 = "_RNvNtNtNtNtNtCs1_3std3sys3pal4unix14stack_overflow11thread_info4LOCK";
        assert!(is_it(legacy) && is_it(v0));
        for other in [
            "_ZN3std3sys3pal4unix14stack_overflow4imp4LOCK17h0123456789abcdefE",
            "_ZN3std11thread_info14stack_overflow4LOCK17h0123456789abcdefE",
            "",
        ] {
            assert!(!is_it(other), "{other}");
        }
    }
}
