//! Every example in `examples/`, run as a process in both modes: its whole report, its output and its exit status.
//!
//! The reports are in `*.stderr`, as [`normalise::run`] leaves them; `UPDATE_EXPECT=1` writes them anew. An optimised build inlines functions,
//! so there the reports are compared as far as [`normalise::without_callers`] leaves them. Without the feature no example has a report.

mod docs;
mod normalise;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use expect_test::{ExpectFile, expect_file};
use serde_json::Value;

const EXAMPLES: [&str; 10] = [
    "bank",
    "cache",
    "closed_channel",
    "config_pointer",
    "lock_order",
    "publication",
    "racy_counter",
    "sleep",
    "stats",
    "wordcount",
];

const CHECKED: bool = cfg!(feature = "race-check");

/// What `bank` prints in every build, because one of its transfers panics on purpose.
const BANK_PANIC: &str = "
thread 'careless' panicked at examples/bank.rs:59:9:
a transfer of -5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
";

/// `cargo SUBCOMMAND` for the build that this test is of.
fn cargo(subcommand: &str) -> Command {
    let this = env::current_exe().unwrap();
    // target/debug/deps/examples-0123456789abcdef
    let target = this.ancestors().nth(3).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg(subcommand).arg("--target-dir").arg(target);
    if CHECKED {
        cargo.args(["--features", "race-check"]);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    in_clean_surroundings(&mut cargo);
    cargo
}

/// Runs at the root of the workspace, without what the caller's environment might change in the output.
fn in_clean_surroundings(command: &mut Command) {
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RACE_OPTIONS")
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE");
}

/// The executables of the examples. `cargo test --test examples` alone doesn't build them, and another build may have left its own.
static EXECUTABLES: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
    let build = cargo("build")
        .arg("--message-format=json")
        .args(EXAMPLES.map(|name| format!("--example={name}")))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&build.stderr);
    assert!(build.status.success(), "{errors}");
    let messages = String::from_utf8(build.stdout).unwrap();
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap();
        let name = message["target"]["name"].as_str()?;
        Some((name.to_owned(), message["executable"].as_str()?.into()))
    };
    messages.lines().filter_map(executable).collect()
});

struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: normalise::run(&String::from_utf8(output.stderr).unwrap()),
        }
    }
}

fn example(name: &str) -> Command {
    let mut command = Command::new(&EXECUTABLES[name]);
    in_clean_surroundings(&mut command);
    command
}

fn run(command: &mut Command) -> Run {
    command.output().unwrap().into()
}

/// Asserts that a run has raced, if it was checked, as `expected` says; and that it has not if it wasn't.
#[track_caller]
fn assert_raced(run: &Run, expected: &ExpectFile, unchecked_stderr: &str) {
    if !CHECKED {
        return assert_silent(run, unchecked_stderr);
    }
    if cfg!(debug_assertions) {
        expected.assert_eq(&run.stderr);
    } else {
        assert_eq!(
            normalise::without_callers(&run.stderr),
            normalise::without_callers(&expected.data())
        );
    }
    assert_eq!(run.status, Some(66), "{}", run.stderr);
}

/// Asserts that a run had no report.
#[track_caller]
fn assert_silent(run: &Run, stderr: &str) {
    assert_eq!(run.stderr, stderr);
    assert_eq!(run.status, Some(0));
}

#[test]
fn racy_counter() {
    let run = run(&mut example("racy_counter"));
    assert_raced(&run, &expect_file!["racy_counter.stderr"], "");
    let hits = run.stdout.strip_suffix(" hits of 2000\n").unwrap();
    assert!((1..=2000).contains(&hits.parse::<u64>().unwrap()), "{hits}");
}

#[test]
fn racy_counter_fixed() {
    let run = run(example("racy_counter").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "2000 hits of 2000\n");
}

#[test]
fn publication() {
    let run = run(&mut example("publication"));
    assert_raced(&run, &expect_file!["publication.stderr"], "");
    assert_eq!(run.stdout, "4 workers, 3 retries\n");
}

#[test]
fn publication_fixed() {
    let run = run(example("publication").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "4 workers, 3 retries\n");
}

#[test]
fn config_pointer() {
    let run = run(&mut example("config_pointer"));
    assert_raced(&run, &expect_file!["config_pointer.stderr"], "");
    assert_eq!(run.stdout, "4 workers\n");
}

#[test]
fn config_pointer_fixed() {
    let run = run(example("config_pointer").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "4 workers\n");
}

#[test]
fn lock_order() {
    let run = run(&mut example("lock_order"));
    assert_raced(&run, &expect_file!["lock_order.stderr"], "");
    assert_eq!(run.stdout, "current 75, savings 125\n");
}

#[test]
fn lock_order_fixed() {
    let run = run(example("lock_order").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "current 75, savings 125\n");
}

#[test]
fn closed_channel() {
    let run = run(&mut example("closed_channel"));
    assert_raced(&run, &expect_file!["closed_channel.stderr"], "");
    assert_eq!(run.stdout, "2432902008176640000\n".repeat(3));
}

#[test]
fn closed_channel_fixed() {
    let run = run(example("closed_channel").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "2432902008176640000\n".repeat(3));
}

#[test]
fn stats() {
    let run = run(&mut example("stats"));
    assert_raced(&run, &expect_file!["stats.stderr"], "");
    assert_eq!(run.stdout, "200 requests, 20 errors\n");
}

#[test]
fn stats_fixed() {
    let run = run(example("stats").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "200 requests, 20 errors\n");
}

#[test]
fn cache() {
    let run = run(&mut example("cache"));
    assert_raced(&run, &expect_file!["cache.stderr"], "");
    assert_eq!(run.stdout, "127.0.0.1\n");
}

#[test]
fn cache_fixed() {
    let run = run(example("cache").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "127.0.0.1\n");
}

#[test]
fn sleep() {
    let run = run(&mut example("sleep"));
    assert_raced(&run, &expect_file!["sleep.stderr"], "");
    assert_eq!(run.stdout, "42\n");
}

#[test]
fn sleep_fixed() {
    let run = run(example("sleep").arg("--fixed"));
    assert_silent(&run, "");
    assert_eq!(run.stdout, "42\n");
}

const BANK_OUTPUT: &str = "current 0, savings 1000, 100 transfers refused\n";

#[test]
fn bank() {
    let run = run(&mut example("bank"));
    assert_raced(&run, &expect_file!["bank.stderr"], BANK_PANIC);
    assert_eq!(run.stdout, BANK_OUTPUT);
}

#[test]
fn bank_fixed() {
    let run = run(example("bank").arg("--fixed"));
    assert_silent(&run, BANK_PANIC);
    assert_eq!(run.stdout, BANK_OUTPUT);
}

#[test]
fn wordcount() {
    let run = run(&mut example("wordcount"));
    assert_raced(&run, &expect_file!["wordcount.stderr"], "");
    let total = run.stdout.lines().next().unwrap();
    assert_eq!(total, wc(&documentation()));
}

#[test]
fn wordcount_fixed() {
    let run = run(example("wordcount").arg("--fixed"));
    assert_silent(&run, "");
    let total = run.stdout.lines().next().unwrap();
    assert_eq!(total, wc(&documentation()));
}

/// What the other word count says.
fn wc(files: &[PathBuf]) -> String {
    let wc = Command::new("wc")
        .arg("-w")
        .args(files)
        // Elsewhere `wc` may not take a dash for a word.
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let lines = String::from_utf8(wc.stdout).unwrap();
    lines.lines().last().unwrap().trim_start().to_owned()
}

/// README.md and docs/*.md.
fn documentation() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let mut files: Vec<_> = docs.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.push(root.join("README.md"));
    files
}

#[test]
fn wordcount_of_given_files() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("a.txt"), dir.path().join("b.txt")];
    fs::write(&files[0], "the dog\tand the\u{2003}cat —\n\n the end").unwrap();
    fs::write(&files[1], b"no end\r\n to \xff the\n").unwrap();
    let run = run(example("wordcount").arg("--fixed").args(&files));
    assert_silent(&run, "");
    assert_eq!(
        run.stdout,
        "13 total\n      4 the\n      2 end\n      1 and\n      1 cat\n      1 dog\n      1 no\n      1 to\n"
    );
}

#[test]
fn wordcount_of_an_unreadable_file() {
    for fixed in [&["--fixed"][..], &[]] {
        let run = run(example("wordcount")
            .args(fixed)
            .args(["README.md", "no/such.txt", "docs"]));
        assert_eq!(run.status, Some(2));
        assert_eq!(run.stdout, "");
        assert_eq!(
            run.stderr,
            "wordcount: no/such.txt: No such file or directory (os error 2)\n"
        );
    }
}

#[test]
fn unknown_arguments_are_refused() {
    for name in EXAMPLES {
        let run = run(example(name).arg("--fix"));
        assert_eq!(run.status, Some(2), "{name}");
        assert!(run.stderr.contains("'--fixed'"), "{}", run.stderr);
    }
}

/// The first command of the README, as it stands there.
#[test]
fn cargo_run_passes_the_exit_status_on() {
    let run = run(cargo("run").args(["--example", "racy_counter"]));
    assert_eq!(
        run.status,
        Some(if CHECKED { 66 } else { 0 }),
        "{}",
        run.stderr
    );
    for line in ["WARNING: DATA RACE\n", "Found 1 data race(s)\n"] {
        assert_eq!(run.stderr.contains(line), CHECKED, "{}", run.stderr);
    }
}
