//! Makes the runtime that is inside `cargo-race`: the crate `race-rt` as one object, with nothing visible but what it is to provide.
//!
//! `race-rt` is built by a cargo of its own, because it is always optimised and never instrumented, whatever is done with `cargo-race`. Its target folder is beside
//! this build's, so that debug, release and clippy share it; it isn't within, because this build holds the lock of that one.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Where there is a runtime so far.
const TARGETS: [&str; 1] = ["x86_64-unknown-linux-gnu"];

fn main() -> anyhow::Result<()> {
    let target = variable("TARGET")?;
    let object = PathBuf::from(variable("OUT_DIR")?).join("race-rt.o");
    if TARGETS.contains(&target.as_str()) {
        make(&target, &object)?;
    } else {
        fs::write(&object, []).with_context(|| object.display().to_string())?;
    }
    println!("cargo::rustc-env=RACE_RT_TARGET={target}");
    println!("cargo::rustc-env=RACE_RT_OBJECT={}", object.display());
    Ok(())
}

fn make(target: &str, object: &Path) -> anyhow::Result<()> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = here.parent().context("cargo-race is in a workspace")?;
    ensure!(
        workspace.join("race-rt").is_dir(),
        "the runtime's sources are not in {}: cargo-race is built in a copy of the repository",
        workspace.display(),
    );
    for source in [
        "race-rt",
        "race-core",
        "race-interface",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    println!("cargo::rerun-if-changed=build.rs");

    let built = build(target, workspace)?;
    let libraries = built.join(target).join("release");
    let tools = Tools::find(target)?;
    let exports = workspace.join("race-rt/exports.txt");
    let exported = fs::read_to_string(&exports).with_context(|| exports.display().to_string())?;
    let joined = object.with_extension("all.o");
    run(tools
        .command("rust-lld")
        .args(["-flavor", "gnu", "-r", "--gc-sections"])
        // What is exported, what that needs, and nothing else of std.
        .args(
            exported
                .lines()
                .map(|symbol| format!("--undefined={symbol}")),
        )
        .arg(libraries.join("librace_rt.a"))
        .arg("-o")
        .arg(&joined))?;
    // The program has a std of its own, and the two must not be taken for each other.
    let mut keep = OsString::from("--keep-global-symbols=");
    keep.push(&exports);
    run(tools
        .command("rust-objcopy")
        .args(["--strip-debug", "--remove-section=.llvmbc"])
        .args(["--remove-section=.llvmcmd".as_ref(), keep.as_os_str()])
        .args([&joined, object]))?;
    fs::remove_file(&joined).with_context(|| joined.display().to_string())
}

/// Builds `race-rt`, and returns the target folder.
fn build(target: &str, workspace: &Path) -> anyhow::Result<PathBuf> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    // Cargo marks the target folder so; how deep in it this one is depends on cargo.
    let outer = out.ancestors().find(|a| a.join("CACHEDIR.TAG").is_file());
    let folder = outer.unwrap_or(&out).join("race-rt");
    let mut command = Command::new(variable("CARGO")?);
    command
        .args(["build", "--release", "--locked", "--package", "race-rt"])
        .args(["--features", "object"])
        .args(["--target", target, "--target-dir"])
        .arg(&folder)
        .current_dir(workspace)
        // One unit, and no landing pads: what runs at every access is a few instructions, and nobody catches a panic. It would end the process as it is.
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        // An empty text is no flags, whatever the configuration says.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        // The compiler of the outer cargo, and not what clippy puts in its place.
        .env("RUSTC", variable("RUSTC")?)
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "");
    run(&mut command)?;
    Ok(folder)
}

/// The toolchain's own tools.
struct Tools {
    sysroot: PathBuf,
    folder: PathBuf,
}

impl Tools {
    fn find(target: &str) -> anyhow::Result<Self> {
        let rustc = variable("RUSTC")?;
        let output = Command::new(&rustc)
            .args(["--print", "sysroot"])
            .output()
            .with_context(|| rustc.clone())?;
        let sysroot = String::from_utf8(output.stdout).context("the sysroot's path")?;
        let sysroot = PathBuf::from(sysroot.trim_end());
        let folder = sysroot.join("lib/rustlib").join(target).join("bin");
        ensure!(
            folder.join("rust-lld").is_file() && folder.join("rust-objcopy").is_file(),
            "no rust-lld and rust-objcopy in {}: cargo-race is built with a toolchain of rustup's",
            folder.display(),
        );
        Ok(Self { sysroot, folder })
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(self.folder.join(tool));
        // Where its LLVM is.
        command.env("LD_LIBRARY_PATH", self.sysroot.join("lib"));
        command
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let output = command.output().with_context(|| shown.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown} failed:\n{said}");
    Ok(())
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| name.to_owned())
}
