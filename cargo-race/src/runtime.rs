//! What every checked program is linked with: the runtime, an object that the build script made of `race-rt`; and what it is told.
//!
//! It is inside this program's own file, and put into the cache to be linked from there.

use std::env;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use foldhash::quality::FixedState;

use crate::allocator;
use crate::cache::Cache;
use crate::toolchain::Toolchain;

/// What it was compiled for.
pub(crate) const TARGET: &str = env!("RACE_RT_TARGET");
/// Whether there is a runtime for [`TARGET`] at all.
pub(crate) const IS_THERE: bool = !OBJECT.is_empty();
static OBJECT: &[u8] = include_bytes!(env!("RACE_RT_OBJECT"));

/// The environment variable that names an object or archive to link instead: for comparing runtimes with each other.
pub(crate) const VARIABLE: &str = "CARGO_RACE_RUNTIME";

pub(crate) fn bytes() -> usize {
    OBJECT.len()
}

/// Another runtime, if the user has named one.
pub(crate) fn other() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}

/// What its entry in the cache is called: another for every other runtime, and toolchain.
pub(crate) fn key(toolchain: &Toolchain) -> anyhow::Result<String> {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(OBJECT);
    hasher.write(toolchain.key()?.as_bytes());
    Ok(format!("runtime-{:016x}", hasher.finish()))
}

/// The file to link.
pub(crate) fn file(cache: &Cache, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
    if let Some(other) = other() {
        let other = std::path::absolute(&other).context(VARIABLE)?;
        ensure!(other.is_file(), "{VARIABLE}: no file {}", other.display());
        return Ok(other);
    }
    const NAME: &str = "race-rt.o";
    let entry = cache.get(&key(toolchain)?, |folder: &Path| {
        let object = folder.join(NAME);
        fs::write(&object, OBJECT).with_context(|| object.display().to_string())?;
        allocator::name_in(toolchain, &object)
    })?;
    Ok(entry.join(NAME))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use object::{File, Object, ObjectSymbol};

    use super::*;

    /// The linker doesn't say what is missing, and the program's own std must not see the runtime's.
    #[test]
    fn it_defines_what_it_exports_and_exports_nothing_else() {
        let exports = include_str!("../../race-rt/exports.txt");
        let expected: BTreeSet<_> = exports.lines().collect();
        let object = File::parse(OBJECT).unwrap();
        let global = object
            .symbols()
            .filter(|s| s.is_global() && s.is_definition());
        let found: BTreeSet<_> = global.map(|symbol| symbol.name().unwrap()).collect();
        assert_eq!(found, expected);
    }
}
