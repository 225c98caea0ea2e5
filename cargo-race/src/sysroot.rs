//! A sysroot whose std announces every access: the toolchain's own, instrumented from the bitcode that its libraries hold.
//!
//! What is instrumented and how is decided here and in `flags`, and the two must agree: code of std's that is compiled with a user's crate is instrumented there.
//! Whether there is one already, and that nobody sees half of it, is the cache's.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow, ensure};

use crate::flags::{FORCED_ATTRIBUTE, PASSES};
use crate::progress::Progress;
use crate::rlib;
use crate::threads_lock;
use crate::toolchain::{StdFile, Toolchain, libraries_in};

/// Libraries that stay as they are: what the compiler itself calls, the runtime's own work included.
const PLAIN: [&str; 2] = ["libcompiler_builtins-", "libprofiler_builtins-"];

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
    let plain = file.name.ends_with(".rmeta") || PLAIN.iter().any(|p| file.name.starts_with(p));
    if plain {
        return link_or_copy(&from, &to);
    }
    let old = fs::read(&from).with_context(|| from.display().to_string())?;
    match rlib::lowered(&old, |bitcode| lower(toolchain, bitcode, &to))? {
        Some(new) => fs::write(&to, new).with_context(|| to.display().to_string()),
        None => link_or_copy(&from, &to),
    }
}

/// The toolchain's files are never written to, so a second name for one will do. Across file systems, or where only their owner may do that, it won't.
fn link_or_copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).with_context(|| to.display().to_string())?;
    }
    Ok(())
}

/// Bitcode to an instrumented object, by the toolchain's own linker: it has the LLVM that wrote the bitcode.
fn lower(toolchain: &Toolchain, bitcode: &[u8], beside: &Path) -> anyhow::Result<Vec<u8>> {
    let read = beside.with_extension("bc");
    let written = beside.with_extension("o");
    fs::write(&read, bitcode).with_context(|| read.display().to_string())?;
    let lld = toolchain.lld();
    let output = toolchain
        .tool(&lld)
        .args(["-flavor", "gnu", "-r", "--threads=1", "-o"])
        .args([&written, &read])
        .arg(format!("--lto-newpm-passes={PASSES}"))
        .args(["-mllvm", &format!("-{FORCED_ATTRIBUTE}")])
        .output()
        .with_context(|| lld.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        anyhow!("{} failed: {}", lld.display(), said.trim())
    );
    threads_lock::name_in(toolchain, &written)?;
    let object = fs::read(&written).with_context(|| written.display().to_string())?;
    for done in [read, written] {
        fs::remove_file(&done).with_context(|| done.display().to_string())?;
    }
    Ok(object)
}
