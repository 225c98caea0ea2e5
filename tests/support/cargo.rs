//! Runs cargo as a user would, without a trace of the cargo that runs the test.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Run {
    /// Whether its exit status was 0.
    pub(crate) success: bool,
    /// All that it wrote to standard output.
    pub(crate) stdout: String,
    /// All that it wrote to standard error.
    pub(crate) stderr: String,
}

/// Runs `cargo ARGUMENTS` in `folder`, without the network.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let of_the_test = [
            "CARGO_MANIFEST",
            "CARGO_PKG_",
            "CARGO_BIN_",
            "NEXTEST",
            "RUST_TEST_",
            "RACE_",
        ];
        if of_the_test.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&*name);
        }
    }
    command
        .args(arguments)
        .current_dir(folder)
        .env(
            "CARGO_TARGET_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/nested"),
        )
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TERM_COLOR", "never")
        .env("RUST_BACKTRACE", "0");
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Run {
        success: status.success(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}
