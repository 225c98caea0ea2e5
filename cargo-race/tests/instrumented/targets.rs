//! What is checked, and what is left alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::Zoo;

const RACE: &str = "WARNING: DATA RACE";

#[test]
fn every_kind_of_target_is_checked() {
    let zoo = Zoo::new();
    let all = "test --workspace";
    zoo.run(all).assert(0).assert_says_nothing_of(RACE);
    for (target, file) in [
        ("unit", "src/lib.rs"),
        ("integration", "tests/integration.rs"),
        ("second", "second/src/lib.rs"),
    ] {
        let run = zoo.run_racing(target, all);
        run.assert(66).assert_says(RACE);
        for place in zoo.places(file) {
            run.assert_says(&place);
        }
    }
    for (line, target, file) in [
        ("bench", "bench", "benches/bench.rs"),
        ("run --example example", "example", "examples/example.rs"),
    ] {
        zoo.run(line).assert(0).assert_says_nothing_of(RACE);
        let run = zoo.run_racing(target, line);
        run.assert(66).assert_says(RACE);
        for place in zoo.places(file) {
            run.assert_says(&place);
        }
    }
    // After the first that fails, cargo doesn't run any more.
    let [first, _] = zoo.places("src/lib.rs");
    let [second, _] = zoo.places("second/src/lib.rs");
    let both = "unit second";
    let run = zoo.run_racing(both, "test --workspace --no-fail-fast");
    run.assert(66).assert_says(&first).assert_says(&second);
    let run = zoo.run_racing("failing second", "test --workspace --no-fail-fast");
    run.assert(101).assert_says(RACE).assert_says("FAILED");
    zoo.run_racing("failing", all).assert(101);
    only_what_runs_is_instrumented(&zoo);
}

/// Build scripts and procedural macros run in the compiler.
fn only_what_runs_is_instrumented(zoo: &Zoo) {
    let in_compiler = files(&zoo.path("target/race/race"));
    let checked = files(&zoo.path("target/race/x86_64-unknown-linux-gnu/race/deps"));
    let find = |files: &[PathBuf], part: &str| {
        let mut found = files.iter().filter(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with(part) && !name.ends_with(".d") && !name.ends_with(".rmeta")
        });
        let file = found.next().unwrap_or_else(|| panic!("no {part}"));
        memchr::memmem::find(&fs::read(file).unwrap(), b"__tsan_func_entry").is_some()
    };
    assert!(!find(&in_compiler, "build-script-build"));
    assert!(!find(&in_compiler, "libzoo_macros-"));
    assert!(find(&checked, "integration-"));
    assert!(find(&checked, "libzoo-"));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

/// In one process, and in one each: what rustdoc does depends on the edition.
#[test]
fn doctests_are_checked() {
    let zoo = Zoo::new();
    for edition in ["2024", "2021"] {
        let manifest = fs::read_to_string(zoo.path("Cargo.toml")).unwrap();
        let manifest = manifest.replace("edition = \"2024\"", &format!("edition = \"{edition}\""));
        fs::write(zoo.path("Cargo.toml"), manifest).unwrap();
        let clean = zoo.run("test --doc");
        clean.assert(0).assert_says("2 passed");
        clean.assert_says_nothing_of("in the same process");
        let racing = zoo.run_racing("doctest", "test --doc");
        racing.assert(66).assert_says(RACE);
    }
}

#[test]
fn cargos_arguments_are_passed_on() {
    let zoo = Zoo::new();
    let features = zoo.run("test --lib --features extra -- --test-threads 1 extra");
    features.assert(0).assert_says("test tests::extra ... ok");
    features.assert_says("1 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out");
    let arguments = zoo.run("race run -q --example example -- --help -- x");
    arguments.assert(0);
    arguments.assert_says("arguments: [\"--help\", \"--\", \"x\"]");
    arguments.assert_says("debug_assertions: true");
    let none = zoo.run("b --example example");
    none.assert(0).assert_says_nothing_of("Running");
}

/// It may not be installed: then cargo says so.
#[test]
fn nextest_is_checked() {
    let zoo = Zoo::new();
    let installed = std::process::Command::new("cargo")
        .args(["nextest", "--version"])
        .output();
    if !installed.unwrap().status.success() {
        let run = zoo.run("nextest run");
        run.assert(101).assert_says("no such command: `nextest`");
        return;
    }
    let clean = zoo.run("nextest run --workspace");
    clean.assert(0).assert_says("4 tests run: 4 passed");
    let racing = zoo.run_racing("second", "nextest run --workspace --no-fail-fast");
    racing.assert(66).assert_says(RACE);
    let failing = zoo.run_racing("second failing", "nextest run --workspace --no-fail-fast");
    failing.assert(100).assert_says(RACE);
}
