//! `cargo-race test` and the like, run as processes on the workspace in `tests/crates/zoo`, which has one of everything that cargo builds.
//!
//! The instrumented std is in a cache folder of the tests' own, which stays from one run to the next; `CARGO_RACE_CACHE` names another one.

mod configuration;
mod errors;
mod library;
mod linked;
mod suppressed;
mod targets;
mod upkeep;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A copy of the workspace, to build in and to change.
struct Zoo {
    folder: TempDir,
}

/// What a run came to.
struct Run {
    status: Option<i32>,
    /// Both streams.
    text: String,
}

impl Zoo {
    fn new() -> Self {
        Self::of("zoo")
    }

    /// Of another one in `tests/crates`.
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crates");
        copy(&all.join(name), folder.path());
        Self { folder }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `cargo-race` with the arguments in `line`.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("CARGO_RACE_CACHE", cache())
            // Of a failed test, the report is wanted, and not a walk through all of its debug information.
            .env("RUST_BACKTRACE", "0");
        for variable in [
            "CARGO_BUILD_TARGET",
            "CARGO_RACE_RUNTIME",
            "CARGO_TARGET_DIR",
            "RACE_OPTIONS",
            "RUSTDOCFLAGS",
            "RUSTFLAGS",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, line: &str) -> Run {
        run(&mut self.command(line))
    }

    /// The same, with `targets` told to race.
    fn run_racing(&self, targets: &str, line: &str) -> Run {
        run(self.command(line).env("ZOO", targets))
    }

    /// Where the file has its two accesses, as a report shows it. Those in its documentation come first, and aren't meant.
    fn places(&self, file: &str) -> [String; 2] {
        let text = fs::read_to_string(self.path(file)).unwrap();
        ["VALUE += 1", "VALUE += 2"].map(|access| {
            let mut lines = text.lines().collect::<Vec<_>>().into_iter().enumerate();
            let (index, _) = lines.rfind(|(_, line)| line.contains(access)).unwrap();
            format!("{file}:{}:", index + 1)
        })
    }
}

impl Run {
    fn assert(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{}", self.text);
        self
    }

    fn assert_says(&self, what: &str) -> &Self {
        assert!(self.text.contains(what), "no `{what}` in: {}", self.text);
        self
    }

    fn assert_says_nothing_of(&self, what: &str) -> &Self {
        assert!(!self.text.contains(what), "`{what}` in: {}", self.text);
        self
    }
}

fn run(command: &mut Command) -> Run {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = [stdout, stderr].concat();
    Run {
        status: status.code(),
        text: String::from_utf8(text).unwrap(),
    }
}

fn cache() -> PathBuf {
    let named = env::var_os("CARGO_RACE_CACHE").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
