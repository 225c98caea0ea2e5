//! What cargo runs each test executable with: it notes their statuses, which tell a race from a failed test.
//!
//! Cargo gives a failing executable's status only where it ends there; with `--no-fail-fast`, for doctests and under nextest it has one of its own. The runner of the
//! user's configuration still runs, and the tests see the environment that they would have seen without us.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use cargo_config2::Config;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::RACED;
use crate::cargo::code;
use crate::flags::Tool;

/// What `cargo-race` is called with to be the runner.
const WORD: &str = "__runner";
/// The environment variable that tells a runner what to do.
const VARIABLE: &str = "CARGO_RACE_RUNNER";
/// What rustdoc calls a doctest's executable.
const DOCTEST: &str = "rust_out";
/// How the source begins, beside the executable, that rustdoc makes to run many doctests.
const MERGED: &str = "doctest_runner_";
/// The environment variable in which such an executable looks for what to run for each of its doctests. Rustdoc sets it only where there is no runner, and without it
/// all doctests would run in one process.
const FOR_EACH: &str = "RUSTDOC_DOCTEST_BIN_PATH";
/// The environment variable that tells a runner that it is that, and of which executable.
const ONE_OF: &str = "CARGO_RACE_DOCTEST";

/// What a runner is told.
#[derive(Serialize, Deserialize)]
struct Orders {
    notes: PathBuf,
    /// The user's runner and its arguments; empty if there is none.
    through: Vec<OsString>,
    /// Variables as they were before they were set for cargo.
    restore: Vec<(OsString, Option<OsString>)>,
}

/// The statuses of the executables that a cargo has run.
pub(crate) struct Notes {
    file: PathBuf,
}

impl Notes {
    /// Has `command`, a cargo, run its tests with this program, which notes their statuses in `folder`. `None` if that can't be said to cargo.
    pub(crate) fn take(
        command: &mut Command,
        folder: &Path,
        config: &Config,
        host: &str,
    ) -> anyhow::Result<Option<Self>> {
        let us = env::current_exe().context("the path of cargo-race")?;
        let Some(us) = us.to_str().filter(|us| !us.contains(char::is_whitespace)) else {
            // Cargo would take it apart. A race then has cargo's status.
            return Ok(None);
        };
        let file = folder.join("statuses");
        File::create(&file).with_context(|| file.display().to_string())?;
        let notes = Self { file };

        let shouted = host.to_uppercase().replace(['-', '.'], "_");
        let runner = format!("CARGO_TARGET_{shouted}_RUNNER");
        let set = [
            runner.as_str(),
            Tool::Rustc.variable(),
            Tool::Rustdoc.variable(),
        ];
        let theirs = config
            .runner(host)
            .context("cargo's configuration: runner")?;
        let through = theirs.map_or_else(Vec::new, |theirs| {
            [vec![theirs.path.into_os_string()], theirs.args].concat()
        });
        let orders = Orders {
            notes: notes.file.clone(),
            through,
            restore: set.map(|name| (name.into(), env::var_os(name))).into(),
        };
        command.env(&runner, format!("{us} {WORD}"));
        let orders = serde_json::to_string(&orders).context("the runner's orders")?;
        command.env(VARIABLE, orders);
        Ok(Some(notes))
    }

    /// Whether an executable raced and no other failed. What a doctest's status means is known to rustdoc alone, unless it raced.
    pub(crate) fn only_raced(&self) -> bool {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        only_raced(&text)
    }
}

fn only_raced(notes: &str) -> bool {
    let raced = RACED.to_string();
    let mut any = false;
    for line in notes.lines() {
        let (status, doctest) = match line.split_once(' ') {
            Some((status, _)) => (status, true),
            None => (line, false),
        };
        if status == raced {
            any = true;
        } else if status != "0" && !doctest {
            return false;
        }
    }
    any
}

/// What this process is to run, if it is a runner: `words` are its own path and what it is called with.
pub(crate) fn called_as(words: &[OsString]) -> Option<Vec<OsString>> {
    if let Some(doctest) = env::var_os(ONE_OF) {
        let rest = words.get(1..).unwrap_or_default();
        return Some([&[doctest], rest].concat());
    }
    let called = words.get(1).is_some_and(|word| word == WORD);
    called.then(|| words[2..].to_vec())
}

/// Runs an executable for cargo: `arguments` are its path and what it gets.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<u8> {
    let orders = env::var(VARIABLE).context(VARIABLE)?;
    let orders: Orders = serde_json::from_str(&orders).context(VARIABLE)?;
    let words = [&orders.through[..], arguments].concat();
    let (program, rest) = words.split_first().context("no program to run")?;
    let mut command = Command::new(program);
    command.args(rest).env_remove(VARIABLE).env_remove(ONE_OF);
    for (name, value) in &orders.restore {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let executable = arguments.first().map_or(Path::new(""), Path::new);
    let doctest = executable.file_name() == Some(OsStr::new(DOCTEST));
    if doctest && env::var_os(ONE_OF).is_none() && is_merged(executable) {
        let us = env::current_exe().context("the path of cargo-race")?;
        command
            .env(FOR_EACH, us)
            .env(ONE_OF, executable)
            .env(VARIABLE, env::var_os(VARIABLE).unwrap_or_default());
    }
    let status = wait(&mut command)?;
    let mut notes = File::options()
        .append(true)
        .open(&orders.notes)
        .with_context(|| orders.notes.display().to_string())?;
    // In one piece: other executables are noted at the same time.
    let line = format!(
        "{}{}\n",
        code(status),
        if doctest { " doctest" } else { "" }
    );
    notes
        .write_all(line.as_bytes())
        .with_context(|| orders.notes.display().to_string())?;
    Ok(code(status))
}

/// Whether the doctest's executable is one that runs many.
fn is_merged(executable: &Path) -> bool {
    let beside = executable
        .parent()
        .and_then(|folder| fs::read_dir(folder).ok());
    beside.into_iter().flatten().flatten().any(|file| {
        let name = file.file_name();
        name.as_encoded_bytes().starts_with(MERGED.as_bytes())
    })
}

/// Runs the command and waits for it. What the terminal sends at Ctrl-C reaches it, too, and it is for it to say what becomes of that.
pub(crate) fn wait(command: &mut Command) -> anyhow::Result<ExitStatus> {
    for signal in [SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .context("a handler for Ctrl-C")?;
    }
    let program = command.get_program().to_owned();
    command
        .status()
        .with_context(|| program.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::only_raced;

    #[test]
    fn a_race_is_told_from_a_failed_test() {
        for (notes, expected) in [
            ("", false),
            ("0\n0\n", false),
            ("0\n66\n", true),
            ("66\n66\n0\n", true),
            ("66\n101\n", false),
            ("101\n", false),
            ("139\n66\n", false),
            ("66\n101 doctest\n", true),
            ("66 doctest\n101 doctest\n", true),
            ("66 doctest\n101\n", false),
            ("101 doctest\n", false),
        ] {
            assert_eq!(only_raced(notes), expected, "{notes:?}");
        }
    }
}
