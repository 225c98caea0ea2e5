//! A sysroot whose std announces every access: the toolchain's own, instrumented from the bitcode that its libraries hold.
//!
//! What is instrumented and how is decided here and in `flags`, and the two must agree: code of std's that is compiled with a user's crate is instrumented there.
//! Whether there is one already, and that nobody sees half of it, is the cache's.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Context;

use crate::flags::{DISTINGUISHED, FORCED_ATTRIBUTE, PASSES, without_attribute};
use crate::progress::Progress;
use crate::rlib::{self, Module};
use crate::threads_lock;
use crate::toolchain::{StdFile, Toolchain, libraries_in};

/// Libraries that stay as they are: what the compiler itself calls, the runtime's own work included.
const PLAIN: [&str; 2] = ["compiler_builtins", "profiler_builtins"];

/// What std reads debug information with, to print the backtrace of a panic. It stays as it is, too, and so do its generics where std has instances of them, or each
/// process's first backtrace would take several times as long.
///
/// Nothing is lost by that, and nothing made up. What these crates work on is the executable's own file and what they have made of it: no pointer of the program's reaches
/// them, nor does one of theirs leave std, whose lock around every backtrace is announced as ever. They have no locks and start no threads, so no order is
/// missing; an atomic operation of an instance in std is announced even so, for LLVM leaves out plain accesses only. What they allocate and free is seen, as all is.
const SYMBOLIZER: [&str; 6] = [
    "addr2line",
    "adler2",
    "gimli",
    "miniz_oxide",
    "object",
    "rustc_demangle",
];
/// The module of std's that calls them, as mangled names have it: `std::backtrace_rs::symbolize::gimli`.
const SYMBOLIZING: &str = "12backtrace_rs9symbolize5gimli";

/// Makes the sysroot in the empty folder `folder`.
pub(crate) fn make(
    toolchain: &Toolchain,
    folder: &Path,
    progress: &Progress,
) -> anyhow::Result<()> {
    let libraries = libraries_in(folder, &toolchain.host);
    fs::create_dir_all(&libraries).with_context(|| libraries.display().to_string())?;
    let files = toolchain.std_files()?;
    progress.expect(files.len());

    // The largest come first, so that none of them is begun when the others are done.
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let made = make_file(toolchain, file, &libraries)
                .with_context(|| format!("instrumenting {}", file.name));
            match made {
                Ok(()) => progress.step(&file.name),
                Err(error) => {
                    next.store(files.len(), Ordering::Relaxed);
                    failed
                        .lock()
                        .unwrap_or_else(|poison| poison.into_inner())
                        .get_or_insert(error);
                }
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, |n| n.get());
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let failed = failed.into_inner().unwrap_or_else(|p| p.into_inner());
    failed.map_or(Ok(()), Err)
}

fn make_file(toolchain: &Toolchain, file: &StdFile, libraries: &Path) -> anyhow::Result<()> {
    let from = toolchain.libraries().join(&file.name);
    let to = libraries.join(&file.name);
    if stays(&file.name) {
        return link_or_copy(&from, &to);
    }
    let old = fs::read(&from).with_context(|| from.display().to_string())?;
    match rlib::lowered(&old, |module| lower(toolchain, &module, &to))? {
        Some(new) => fs::write(&to, new).with_context(|| to.display().to_string()),
        None => link_or_copy(&from, &to),
    }
}

/// Whether a file of the std stays as it is.
fn stays(file: &str) -> bool {
    let of = |name: &&str| {
        let rest = file.strip_prefix("lib").and_then(|f| f.strip_prefix(*name));
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    file.ends_with(".rmeta") || PLAIN.iter().chain(&SYMBOLIZER).any(of)
}

/// Whether a function of std's stays as it is, by its mangled name: that of a crate follows the crate's hash, in whichever of its parts.
fn is_symbolizers(function: &str) -> bool {
    let of_crate = |name: &&str| function.contains(&format!("_{}{name}", name.len()));
    function.contains(SYMBOLIZING) || SYMBOLIZER.iter().any(of_crate)
}

/// The toolchain's files are never written to, so a second name for one will do. Across file systems, or where only their owner may do that, it won't.
fn link_or_copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).with_context(|| to.display().to_string())?;
    }
    Ok(())
}

/// Bitcode to an instrumented object, by the toolchain's own linker: it has the LLVM that wrote the bitcode.
fn lower(toolchain: &Toolchain, module: &Module<'_>, beside: &Path) -> anyhow::Result<Vec<u8>> {
    let read = beside.with_extension("bc");
    let written = beside.with_extension("o");
    fs::write(&read, module.bitcode).with_context(|| read.display().to_string())?;
    let mut arguments: Vec<OsString> = ["-flavor", "gnu", "-r", "--threads=1"]
        .map(Into::into)
        .to_vec();
    arguments.extend(["-o".into(), written.clone().into(), read.clone().into()]);
    arguments.push(format!("--lto-newpm-passes={PASSES}").into());
    arguments.push(format!("-mllvm=-{FORCED_ATTRIBUTE}").into());
    arguments.push(format!("-mllvm=-{DISTINGUISHED}").into());
    let plain = module.functions.iter().filter(|name| is_symbolizers(name));
    arguments.extend(plain.map(|name| format!("-mllvm=-{}", without_attribute(name)).into()));
    toolchain.run(&toolchain.lld(), arguments)?;
    threads_lock::name_in(toolchain, &written)?;
    let object = fs::read(&written).with_context(|| written.display().to_string())?;
    for done in [read, written] {
        fs::remove_file(&done).with_context(|| done.display().to_string())?;
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_symbolizes_stays() {
        for file in [
            "libgimli-95e5fb20e7e92bbf.rlib",
            "libobject-4e7c5bd4f0c6a3b8.rlib",
            "libcompiler_builtins-0.rlib",
            "libstd-d1237ef7159db0a2.rmeta",
        ] {
            assert!(stays(file), "{file}");
        }
        assert!(!stays("libstd-d1237ef7159db0a2.rlib"));
        assert!(!stays("libobjects-d1237ef7159db0a2.rlib"));
        for function in [
            "_RINvNtNtCsduwmD7cSIQq_5gimli4read4unit15parse_attributeINtNtB4_12endian_slice11EndianSliceNtNtB6_9endianity12LittleEndianEECsjrHSEGnQ3l9_3std",
            "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeNtNtCs4X4t9plMPHF_9addr2line4line5LinesECsjrHSEGnQ3l9_3std",
            "_RNvNtNtNtCsjrHSEGnQ3l9_3std12backtrace_rs9symbolize5gimli4mmap",
        ] {
            assert!(is_symbolizers(function), "{function}");
        }
        for function in [
            "_RNvMs_NtNtCsjrHSEGnQ3l9_3std12backtrace_rs9symbolizeNtB4_6Symbol4name",
            "_RNvNtNtNtCsjrHSEGnQ3l9_3std3sys9backtrace4lock",
        ] {
            assert!(!is_symbolizers(function), "{function}");
        }
    }
}
