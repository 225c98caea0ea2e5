//! For tests that change the engine for good, or whose verdict the other tests' threads would change: each has a process of its own.

use std::env;
use std::process::Command;

/// Runs `body` as the test of that path (without the crate's name) in a process in which there is no other.
pub(crate) fn in_its_own_process(test: &str, body: impl FnOnce()) {
    const ALONE: &str = "RACE_CORE_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return body();
    }
    let program = env::current_exe().expect("a test program knows where it is");
    let child = Command::new(program)
        .args(["--exact", test])
        .env(ALONE, "1")
        .output()
        .expect("a test program can be run");
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output}"
    );
}
