//! `cargo race doctor`: what is there, what is missing, and what would mend it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::cache::{Cache, Check, State};
use crate::cargo::{Prepared, config};
use crate::flags::{self, Tool};
use crate::toolchain::Toolchain;
use crate::{RACED, runtime};

/// Say what is there, what is missing, and what would mend it
///
/// Prepares what isn't prepared yet, then builds and runs a small program that races. The exit status is 0 if that is found, else 1.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// The program: the two accesses stand on the lines 4 and 6.
const RACY: &str = "\
fn main() {
    static mut VALUE: u32 = 0;
    let other = std::thread::spawn(|| {
        unsafe { VALUE += 1 };
    });
    unsafe { VALUE += 1 };
    other.join().unwrap();
}
";

/// What was found, to be printed; and whether all is well.
pub(crate) struct Findings {
    pub(crate) text: String,
    pub(crate) well: bool,
}

impl Findings {
    fn add<T>(&mut self, what: &str, found: anyhow::Result<(T, String)>) -> Option<T> {
        let (mark, found, value) = match found {
            Ok((value, found)) => ("ok", found, Some(value)),
            Err(error) => ("bad", format!("{error:#}"), None),
        };
        self.well &= value.is_some();
        self.text += &format!("{mark:>4}  {what}: {found}\n");
        value
    }
}

pub(crate) fn run() -> anyhow::Result<Findings> {
    let mut findings = Findings {
        text: String::new(),
        well: true,
    };
    let toolchain = config()
        .and_then(|config| Toolchain::of(config.rustc()))
        .map(|t| {
            let said = format!("rustc {} in {}", t.name(), t.sysroot.display());
            (t, said)
        });
    findings.add("runtime", runtime());
    let toolchain = findings.add("toolchain", toolchain);
    let cache = Cache::open().map(|cache| {
        let folder = cache.folder().display().to_string();
        (cache, folder)
    });
    let cache = findings.add("cache", cache);
    let (Some(toolchain), Some(cache)) = (toolchain, cache) else {
        return Ok(findings);
    };
    let checks = [
        ("host", toolchain.check_host(), toolchain.host.clone()),
        (
            "rust-lld",
            toolchain.check_lld(),
            toolchain.lld().display().to_string(),
        ),
        (
            "bitcode",
            toolchain.check_bitcode(),
            format!("in {}", toolchain.libraries().display()),
        ),
    ];
    for (what, found, said) in checks {
        findings.add(what, found.map(|()| ((), said)));
    }
    for (name, bytes) in cache.entries()? {
        let state = entry(&cache, &name, bytes);
        findings.add("cached", state.map(|said| ((), said)));
    }
    if findings.well {
        findings.add("a race", smoke(&toolchain).map(|said| ((), said)));
    }
    Ok(findings)
}

fn runtime() -> anyhow::Result<((), String)> {
    let said = match runtime::other() {
        Some(other) => format!("{} ({})", other.display(), runtime::VARIABLE),
        None => format!("{} KiB, for {}", runtime::bytes() >> 10, runtime::TARGET),
    };
    ensure!(
        runtime::IS_THERE || runtime::other().is_some(),
        "there is none for {}",
        runtime::TARGET
    );
    Ok(((), said))
}

/// A damaged entry is no reason to be unwell if it is one that would be made anew.
fn entry(cache: &Cache, name: &str, bytes: u64) -> anyhow::Result<String> {
    let mebibytes = bytes >> 20;
    Ok(match cache.state(name, Check::Contents) {
        State::Whole => format!("{name}, {mebibytes} MiB"),
        State::Absent => format!("{name}: gone"),
        State::Damaged(how) => {
            anyhow::bail!("{name}, {mebibytes} MiB: {how}: `cargo race clean --cache` removes it")
        }
    })
}

/// Builds and runs a program that races, and looks for the report.
fn smoke(toolchain: &Toolchain) -> anyhow::Result<String> {
    let prepared = Prepared::get(toolchain)?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let source = folder.path().join("racy.rs");
    let program = folder.path().join("racy");
    fs::write(&source, RACY).with_context(|| source.display().to_string())?;
    build(toolchain, &prepared, &source, &program)?;
    let output = Command::new(&program)
        .env_remove("RACE_OPTIONS")
        .output()
        .with_context(|| program.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let found = said.contains("racy.rs:4") && said.contains("racy.rs:6");
    ensure!(
        found && output.status.code() == Some(RACED.into()),
        "not found in a program that has one ({}): {}",
        output.status,
        said.trim(),
    );
    Ok("built, run, and found".to_owned())
}

fn build(
    toolchain: &Toolchain,
    prepared: &Prepared,
    source: &Path,
    program: &Path,
) -> anyhow::Result<()> {
    let rustc = &toolchain.rustc;
    let output = Command::new(&rustc.path)
        .args(&rustc.args)
        .args(["--edition=2024", "-g", "-O", "--target", &toolchain.host])
        .args(flags::ours(
            &prepared.sysroot,
            &prepared.runtime,
            Tool::Rustc,
        )?)
        .arg("-o")
        .args([program, source])
        .output()
        .with_context(|| rustc.path.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "a program for it doesn't build: {}",
        said.trim()
    );
    Ok(())
}
