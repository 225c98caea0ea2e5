//! The user's Rust toolchain: which one it is, where its parts are, and whether its std can be instrumented.
//!
//! Nothing here may write or make anything, so that `doctor` can ask it all.

use std::ffi::OsStr;
use std::fs;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use cargo_config2::PathAndArgs;
use foldhash::quality::FixedState;

use crate::runtime;

/// The version of how the std is instrumented. One that was made in another way is made anew.
const RECIPE: u32 = 4;

pub(crate) struct Toolchain {
    /// What to run as `rustc`, with the user's wrapper if there is one.
    pub(crate) rustc: PathAndArgs,
    /// All that `rustc -vV` says.
    pub(crate) version: String,
    pub(crate) host: String,
    pub(crate) sysroot: PathBuf,
}

/// A file of the toolchain's std.
#[derive(Hash)]
pub(crate) struct StdFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

impl Toolchain {
    /// The toolchain that `rustc` belongs to.
    pub(crate) fn of(rustc: &PathAndArgs) -> anyhow::Result<Self> {
        let version = output(rustc, &["-vV"])?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .with_context(|| format!("`{} -vV` names no host", rustc.path.display()))?
            .to_owned();
        let sysroot = output(rustc, &["--print", "sysroot"])?.trim_end().into();
        Ok(Self {
            rustc: rustc.clone(),
            version,
            host,
            sysroot,
        })
    }

    /// As the first line of `rustc -vV` has it: `1.95.0 (59807616e 2026-04-14)`.
    pub(crate) fn name(&self) -> &str {
        let first = self.version.lines().next().unwrap_or_default();
        first.strip_prefix("rustc ").unwrap_or(first)
    }

    /// Where std's crates are.
    pub(crate) fn libraries(&self) -> PathBuf {
        libraries_in(&self.sysroot, &self.host)
    }

    pub(crate) fn lld(&self) -> PathBuf {
        self.own_tool("rust-lld")
    }

    pub(crate) fn objcopy(&self) -> PathBuf {
        self.own_tool("rust-objcopy")
    }

    fn own_tool(&self, name: &str) -> PathBuf {
        let host = self.sysroot.join("lib/rustlib").join(&self.host);
        host.join("bin").join(name)
    }

    /// Runs one of the toolchain's own tools, which look for its LLVM, and fails with what it says.
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        tool: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<()> {
        let mut command = Command::new(tool);
        command
            .args(arguments)
            .env("LD_LIBRARY_PATH", self.sysroot.join("lib"));
        said(&mut command, &tool.display().to_string())?;
        Ok(())
    }

    /// What the std consists of, the largest first.
    pub(crate) fn std_files(&self) -> anyhow::Result<Vec<StdFile>> {
        let folder = self.libraries();
        let context = || format!("the toolchain's std: {}", folder.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.ends_with(".rlib") || name.ends_with(".rmeta") {
                let bytes = entry.metadata().with_context(context)?.len();
                files.push(StdFile { name, bytes });
            }
        }
        files.sort_by(|a, b| (b.bytes, &b.name).cmp(&(a.bytes, &a.name)));
        Ok(files)
    }

    /// What to call the instrumented std of this toolchain: another for every other compiler or std.
    pub(crate) fn key(&self) -> anyhow::Result<String> {
        let hash = FixedState::default().hash_one((RECIPE, &self.version, self.std_files()?));
        let release = self.name().split(' ').next().unwrap_or_default();
        Ok(format!("std-{release}-{hash:016x}"))
    }

    /// Fails with what would be right if programs for this host can't be checked.
    pub(crate) fn check_host(&self) -> anyhow::Result<()> {
        let served = runtime::TARGET;
        ensure!(
            runtime::IS_THERE,
            "there is no runtime for {served} yet: `cargo race` can check programs for x86_64-unknown-linux-gnu"
        );
        ensure!(
            self.host == served,
            "rustc {} compiles for {}, and this cargo-race checks programs for {served}: use a toolchain of that host, or install cargo-race with this one",
            self.name(),
            self.host,
        );
        Ok(())
    }

    /// Fails with what would be right if the linker that instruments the std isn't there.
    pub(crate) fn check_lld(&self) -> anyhow::Result<()> {
        let lld = self.lld();
        ensure!(
            lld.is_file(),
            "rustc {} comes without rust-lld (no {}): use a toolchain of rustup's, 1.95 or newer",
            self.name(),
            lld.display(),
        );
        Ok(())
    }

    /// The library of std itself. Fails with what would be right if there is none.
    pub(crate) fn std_library(&self) -> anyhow::Result<PathBuf> {
        let is_std = |file: &StdFile| file.name.starts_with("libstd-");
        let files = self.std_files()?;
        let rlib = files.iter().find(|f| is_std(f) && f.name.ends_with("rlib"));
        let Some(rlib) = rlib else {
            bail!(
                "rustc {} has no std for {} in {}: `rustup target add {}`",
                self.name(),
                self.host,
                self.libraries().display(),
                self.host,
            );
        };
        Ok(self.libraries().join(&rlib.name))
    }

    /// Fails with what would be right if the std has no bitcode to instrument.
    pub(crate) fn check_bitcode(&self) -> anyhow::Result<()> {
        let path = self.std_library()?;
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        ensure!(
            crate::rlib::has_bitcode(&bytes).with_context(|| path.display().to_string())?,
            "the std of rustc {} holds no bitcode, so it can't be instrumented: use a toolchain of rustup's",
            self.name(),
        );
        Ok(())
    }
}

/// Where a sysroot has std's crates for `target`.
pub(crate) fn libraries_in(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

fn output(rustc: &PathAndArgs, arguments: &[&str]) -> anyhow::Result<String> {
    let shown = format!("`{} {}`", rustc.path.display(), arguments.join(" "));
    let mut command = Command::new(&rustc.path);
    let said = said(command.args(&rustc.args).args(arguments), &shown)?;
    String::from_utf8(said).with_context(|| shown)
}

/// What a program writes to its output. If it fails, what it says of that is the error.
fn said(command: &mut Command, shown: &str) -> anyhow::Result<Vec<u8>> {
    let output = command.output().with_context(|| shown.to_owned())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown} failed: {}", errors.trim());
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ar_archive_writer::{
        ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
    };

    use super::*;

    /// One in the folder, whose std is `std`.
    fn fake(folder: &Path, std: &[u8]) -> Toolchain {
        let toolchain = Toolchain {
            rustc: PathAndArgs::new("rustc"),
            version: "rustc 1.95.0 (fake)\nhost: here\n".to_owned(),
            host: "here".to_owned(),
            sysroot: folder.to_owned(),
        };
        fs::create_dir_all(toolchain.libraries()).unwrap();
        fs::write(toolchain.libraries().join("libstd-1.rlib"), std).unwrap();
        toolchain
    }

    #[test]
    fn what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Cursor::new(Vec::new());
        let member = NewArchiveMember::new(b"no object", &DEFAULT_OBJECT_READER, "a".into());
        write_archive_to_stream(&mut archive, &[member], ArchiveKind::Gnu, false, None).unwrap();
        let toolchain = fake(folder.path(), archive.get_ref());
        for (found, expected) in [
            (
                toolchain.check_host(),
                "rustc 1.95.0 (fake) compiles for here, ",
            ),
            (
                toolchain.check_lld(),
                "rustc 1.95.0 (fake) comes without rust-lld (no ",
            ),
            (
                toolchain.check_bitcode(),
                "the std of rustc 1.95.0 (fake) holds no bitcode, ",
            ),
        ] {
            let said = format!("{:#}", found.unwrap_err());
            assert!(said.starts_with(expected), "{said}");
        }
        fs::remove_file(toolchain.libraries().join("libstd-1.rlib")).unwrap();
        let said = toolchain.check_bitcode().unwrap_err().to_string();
        assert!(said.ends_with("`rustup target add here`"), "{said}");
    }

    #[test]
    fn another_compiler_or_std_has_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = fake(folder.path(), b"std").key().unwrap();
        assert!(key.starts_with("std-1.95.0-"), "{key}");
        assert_eq!(fake(folder.path(), b"std").key().unwrap(), key);
        assert_ne!(fake(folder.path(), b"other std").key().unwrap(), key);
        let mut other = fake(folder.path(), b"std");
        other.version += "LLVM version: 23\n";
        assert_ne!(other.key().unwrap(), key);
    }
}
