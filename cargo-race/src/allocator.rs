//! The functions by which all Rust code allocates, whatever the program's global allocator is: the linker puts the runtime's between.
//!
//! Their names are mangled with a hash of the toolchain's, and the linker wants the real ones (`--wrap`): so the runtime's functions are renamed for each toolchain.
//! A crate that defines a global allocator has the functions themselves inside, and must not use them in any other way than by a call.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Context;
use object::{File, Object, ObjectSymbol};

use crate::rlib;
use crate::toolchain::Toolchain;

/// As race-rt's `allocator` has them, and as the mangled names end.
const FUNCTIONS: [&str; 4] = [
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_dealloc",
    "__rust_realloc",
];

/// What the linker calls a function that it puts between.
const PREFIX: &str = "__wrap_";

/// Gives the functions of the runtime `object` the names that `toolchain`'s std calls them by.
pub(crate) fn name_in(toolchain: &Toolchain, object: &Path) -> anyhow::Result<()> {
    let library = toolchain.std_library()?;
    let bytes = fs::read(&library).with_context(|| library.display().to_string())?;
    let mut changes = Vec::new();
    for name in called(&bytes).with_context(|| library.display().to_string())? {
        if let Some(function) = FUNCTIONS.into_iter().find(|f| is_it(&name, f)) {
            for prefix in [PREFIX, "__real_"] {
                changes.push(format!("--redefine-sym={prefix}{function}={prefix}{name}"));
            }
        }
    }
    let object = object.as_os_str();
    let arguments = changes.iter().map(OsStr::new).chain([object]);
    toolchain.run(&toolchain.objcopy(), arguments)
}

/// The functions that a runtime stands in front of. An archive, or a runtime of others, stands in front of none.
pub(crate) fn wrapped(runtime: &Path) -> anyhow::Result<Vec<String>> {
    let bytes = fs::read(runtime).with_context(|| runtime.display().to_string())?;
    let Ok(object) = File::parse(&*bytes) else {
        return Ok(Vec::new());
    };
    let names = object.symbols().filter(|symbol| symbol.is_global());
    let names = names.filter_map(|symbol| symbol.name().ok()?.strip_prefix(PREFIX));
    Ok(names.map(str::to_owned).collect())
}

/// What the objects of a library expect others to define.
fn called(library: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for (_, bytes) in rlib::members_of(library)? {
        if let Ok(object) = File::parse(bytes) {
            let undefined = object.symbols().filter(|symbol| symbol.is_undefined());
            names.extend(undefined.filter_map(|symbol| symbol.name().ok().map(str::to_owned)));
        }
    }
    Ok(names)
}

/// Whether a mangled path ends so: the length of a name stands before it.
fn is_it(mangled: &str, function: &str) -> bool {
    let ending = format!("{}_{function}", function.len());
    mangled == function || mangled.ends_with(&ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_known_by_its_mangled_path() {
        assert!(is_it("__rust_alloc", "__rust_alloc"));
        let name = "_RNvCsfLfy6EI15iL_7___rustc12___rust_alloc";
        assert!(is_it(name, "__rust_alloc"));
        for other in [
            "_RNvCsfLfy6EI15iL_7___rustc19___rust_alloc_zeroed",
            "_RNvCsfLfy6EI15iL_7___rustc14___rust_dealloc",
            "my__rust_alloc",
        ] {
            assert!(!is_it(other, "__rust_alloc"), "{other}");
        }
    }
}
