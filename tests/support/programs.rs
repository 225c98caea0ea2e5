//! Runs the programs of `tests/programs`, which cargo builds as examples, beside the tests.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Run {
    /// The process id it had.
    pub(crate) pid: u32,
    /// Its exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// All that it wrote to standard output.
    pub(crate) stdout: String,
    /// All that it wrote to standard error.
    pub(crate) stderr: String,
}

/// Runs `tests/programs/NAME` under these `RACE_OPTIONS`, to its end.
pub(crate) fn run(name: &str, options: &str, arguments: &[&str]) -> Run {
    let test = env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let program = built.join(format!("program_{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is not there: `cargo test --test NAME` builds no examples, `cargo test` and `cargo build --examples` do",
        program.display()
    );
    let child = Command::new(program)
        .args(arguments)
        .env("RACE_OPTIONS", options)
        .env("RUST_BACKTRACE", "0")
        // As `cargo run` has it: paths in reports are relative to the workspace.
        .env("CARGO_MANIFEST_DIR", Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    Run {
        pid,
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// How many reports `text` holds.
pub(crate) fn reports(text: &str) -> usize {
    text.matches("WARNING: DATA RACE").count()
}
