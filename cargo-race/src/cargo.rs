//! `cargo race test`, `run`, `bench`, `build`, `nextest`: cargo itself, with what makes every crate announce its accesses.
//!
//! Arguments of ours come first and the user's follow as they are. What is set is set for this one cargo: nothing is written into the user's crate.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context, ensure};
use cargo_config2::Config;

use crate::arguments::{self, Action, Said};
use crate::cache::Cache;
use crate::flags::{self, Tool};
use crate::progress::{Progress, say};
use crate::project::{PROFILE, Project};
use crate::runner::{self, Notes};
use crate::suppressions;
use crate::sysroot;
use crate::toolchain::Toolchain;
use crate::{RACED, runtime};

/// Runs cargo, and returns the status to exit with.
pub(crate) fn run(
    action: Action,
    arguments: &[OsString],
    with_suppressions: bool,
) -> anyhow::Result<u8> {
    let said = arguments::read(action, arguments)?;
    let config = config()?;
    let toolchain = Toolchain::of(config.rustc())?;
    check_target(&toolchain, &config, &said)?;
    let on_command_line = flags::command_line(&said.config)?;
    flags::check_linker(&config, &on_command_line, &toolchain.host)?;
    let project = Project::find(&cargo(), &said)?;
    let prepared = Prepared::get(&toolchain)?;

    let mut command = Command::new(cargo());
    command.arg(action.word()).args(&arguments[..said.before]);
    if said.targets.is_empty() {
        // Named, so that no build script or procedural macro is instrumented: these run in the compiler.
        command.args(["--target", &toolchain.host]);
    }
    if said.target_dir.is_none() {
        command.arg("--target-dir").arg(&project.target_dir);
    }
    if let Some(profile) = &said.profile {
        if !said.quiet {
            let what = format!("profile `{profile}`, as asked, but without link-time optimisation");
            say("Using", &what);
        }
    } else {
        command.args([action.profile_option(), PROFILE]);
    }
    for setting in project.settings(said.profile.as_deref()) {
        command.arg("--config").arg(setting);
    }
    command.args(&arguments[said.before..]);

    for tool in [Tool::Rustc, Tool::Rustdoc] {
        let ours = flags::ours(&prepared.sysroot, &prepared.runtime, tool)?;
        let joined = flags::joined(&config, &on_command_line, &toolchain.host, tool, ours)?;
        command.env(tool.variable(), joined);
    }
    // Not in the target folder, which cargo marks as one only if it makes it.
    let files = tempfile::tempdir().context("a temporary folder")?;
    if with_suppressions && let Some(options) = suppressions::options(files.path())? {
        command.env(suppressions::VARIABLE, options);
    }
    let notes = match action {
        Action::Test | Action::Bench | Action::Nextest => {
            Notes::take(&mut command, files.path(), &config, &toolchain.host)?
        }
        // Here the program's status is cargo's.
        Action::Run | Action::Build => None,
    };

    let status = runner::wait(&mut command)?;
    let raced = notes.is_some_and(|notes| !status.success() && notes.only_raced());
    Ok(if raced { RACED } else { code(status) })
}

/// Cargo as the user has called it.
pub(crate) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Cargo's configuration for the current directory.
pub(crate) fn config() -> anyhow::Result<Config> {
    Config::load().context("cargo's configuration")
}

/// A status as a shell has it.
pub(crate) fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// Fails with what would be right if the user builds for something else than the toolchain's host.
fn check_target(toolchain: &Toolchain, config: &Config, said: &Said) -> anyhow::Result<()> {
    toolchain.check_host()?;
    let host = &toolchain.host;
    for target in &said.targets {
        ensure!(
            target == host || target == "host-tuple",
            "--target {target}: programs are checked where they are built, on {host}: leave it out"
        );
    }
    if said.targets.is_empty() {
        for target in config.build.target.iter().flatten() {
            let target = target.triple();
            ensure!(
                target == host,
                "build.target is {target} in cargo's configuration, and programs are checked where they are built, on {host}: say --target {host}"
            );
        }
    }
    Ok(())
}

/// What programs are compiled with and linked with.
pub(crate) struct Prepared {
    pub(crate) sysroot: PathBuf,
    pub(crate) runtime: PathBuf,
}

impl Prepared {
    /// Makes what isn't in the cache yet.
    pub(crate) fn get(toolchain: &Toolchain) -> anyhow::Result<Self> {
        let cache = Cache::open()?;
        let sysroot = cache.get(&toolchain.key()?, |folder| {
            toolchain.check_lld()?;
            toolchain.check_bitcode()?;
            let progress = Progress::start(&format!(
                "an instrumented std for rustc {}",
                toolchain.name()
            ));
            sysroot::make(toolchain, folder, &progress)?;
            progress.done();
            Ok(())
        })?;
        Ok(Self {
            sysroot,
            runtime: runtime::file(&cache, toolchain)?,
        })
    }
}
