//! A crate of its own, outside the workspace, that depends on racecheck by path: what its author sees.

#[path = "support/cargo.rs"]
mod cargo;

use std::fs;
use std::path::Path;

use cargo::{Run, cargo};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const TESTS: &str = include_str!("outside_crate/races.rs");

/// Built here for an older edition.
const HYGIENE: &str = include_str!("hygiene.rs");

/// What the harness runs with the feature on: the test, and the lines of the two accesses of its race.
const FAILING: [(&str, Option<[&str; 2]>); 12] = [
    (
        "at_once_with_the_one",
        Some(["at once: write", "at once: read"]),
    ),
    (
        "at_once_with_the_other",
        Some(["at once: write", "at once: read"]),
    ),
    (
        "checked::made_a_test_below",
        Some(["at once: write", "at once: read"]),
    ),
    ("checked::panics", None),
    (
        "checked::panics_and_races",
        Some(["panics: write", "panics: read"]),
    ),
    (
        "checked::races_and_any_panic_is_expected",
        Some(["any: write", "any: read"]),
    ),
    (
        "checked::races_and_its_own_panic_is_expected",
        Some(["expected: write", "expected: read"]),
    ),
    ("checked::returns_an_error", None),
    ("checked::should_race_and_does_not", None),
    (
        "children_race_with_each_other",
        Some(["children: one", "children: other"]),
    ),
    ("racy", Some(["racy: write", "racy: read"])),
    ("returns_ok_and_races", Some(["ok: write", "ok: read"])),
];

const PASSING: [&str; 7] = [
    "checked::its_race_is_expected",
    "fixed",
    "is_driven",
    "its_own_panic_is_expected",
    "its_own_panic_is_expected_by_an_argument",
    "returns_ok",
    "should_race_and_does",
];

/// The crate. Its folder is new each time; what it depends on is built once, in this workspace's target folder.
struct Outside {
    folder: TempDir,
    name: String,
}

impl Outside {
    fn new(name: &str) -> Outside {
        let folder = tempfile::tempdir().unwrap();
        // Names of its own: what is removed at the end must not be another run's.
        let name = format!("outside-{name}-{}", std::process::id());
        let manifest = format!(
            r#"
            [package]
            name = "{name}"
            edition = "2024"
            autotests = false

            [[test]]
            name = "races-{name}"
            path = "tests/races.rs"

            [[test]]
            name = "hygiene-{name}"
            path = "tests/hygiene.rs"
            edition = "2021"

            [features]
            race-check = ["racecheck/race-check"]

            [dependencies]
            racecheck = {{ path = '{ROOT}' }}

            [profile.dev]
            incremental = false
            "#
        );
        // JUnit's file is the one form of nextest's output that is made to be read by programs.
        let nextest = "[profile.default.junit]\npath = \"junit.xml\"\n";
        for (path, text) in [
            ("Cargo.toml", &manifest[..]),
            ("src/lib.rs", "//! A crate.\n"),
            ("tests/races.rs", TESTS),
            ("tests/hygiene.rs", HYGIENE),
            (".config/nextest.toml", nextest),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        // The versions that are downloaded already.
        fs::copy(
            Path::new(ROOT).join("Cargo.lock"),
            folder.path().join("Cargo.lock"),
        )
        .unwrap();
        Outside { folder, name }
    }

    fn cargo(&self, arguments: &str) -> Run {
        let arguments: Vec<_> = arguments.split(' ').collect();
        cargo(self.folder.path(), &arguments)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.cargo(&format!("clean --package {}", self.name));
    }
}

/// The line of the outside crate's tests that ends in this comment.
fn line_of(comment: &str) -> usize {
    let comment = format!("// {comment}");
    TESTS
        .lines()
        .position(|line| line.ends_with(&comment))
        .unwrap()
        + 1
}

/// Checks that `output`, what one test has written, holds the report of its race on these two lines, and no other.
#[track_caller]
fn holds_the_report(test: &str, lines: [&str; 2], output: &str) {
    assert_eq!(
        output.matches("WARNING: DATA RACE").count(),
        1,
        "{test}: {output}"
    );
    assert!(
        output.contains("race detected during execution of test"),
        "{test}: {output}"
    );
    let places = lines.map(|comment| format!("tests/races.rs:{}:", line_of(comment)));
    let report = output.split("==================").nth(1).unwrap();
    let accesses = report.split("Location is").next().unwrap();
    let innermost: Vec<&str> = accesses
        .split("\n\n")
        .filter_map(|access| access.lines().find(|line| line.contains(".rs:")))
        .collect();
    assert_eq!(innermost.len(), 2, "{test}: {output}");
    for place in &places {
        assert!(
            innermost.iter().any(|line| line.contains(place)),
            "{test}: no {place}: {output}"
        );
    }
}

/// What a failing test says besides its race.
#[track_caller]
fn says_what_else_went_wrong(test: &str, output: &str) {
    let (own, racy) = match test {
        "checked::panics" => ("the body's own panic", false),
        "checked::panics_and_races" => ("the body's own panic", true),
        "checked::returns_an_error" => ("the body's own error", false),
        "checked::should_race_and_does_not" => ("no race in this test, which should race", false),
        _ => return,
    };
    assert!(output.contains(own), "{test}: {output}");
    assert_eq!(output.contains("race detected"), racy, "{test}: {output}");
}

#[test]
fn with_the_feature() {
    let outside = Outside::new("checked");
    by_cargo_test(&outside);
    if cargo(Path::new(ROOT), &["nextest", "--version"]).success {
        by_nextest(&outside);
    } else {
        eprintln!("cargo-nextest is not installed: this half was left out");
    }
}

/// Whether the harness says that the test ended so. It says after the name whether the test should panic.
fn ended(run: &Run, test: &str, verdict: &str) -> bool {
    let (start, end) = (format!("test {test} "), format!("... {verdict}"));
    let mut lines = run.stdout.lines();
    lines.any(|line| line.starts_with(&start) && line.ends_with(&end))
}

fn by_cargo_test(outside: &Outside) {
    // More threads than tests that wait for one another.
    let run = outside.cargo("test --features race-check -- --test-threads=4");
    assert!(!run.success, "{run:#?}");
    for (test, lines) in FAILING {
        assert!(ended(&run, test, "FAILED"), "{test}: {run:#?}");
        let (_, section) = run
            .stdout
            .split_once(&format!("---- {test} stdout ----"))
            .unwrap();
        let section = section.split("\n---- ").next().unwrap();
        let section = section.split("\nfailures:\n").next().unwrap();
        if let Some(lines) = lines {
            holds_the_report(test, lines, section);
        }
        says_what_else_went_wrong(test, section);
    }
    for test in PASSING {
        assert!(ended(&run, test, "ok"), "{test}: {run:#?}");
    }
    let counts = format!("{} passed; {} failed", PASSING.len(), FAILING.len());
    assert!(run.stdout.contains(&counts), "{run:#?}");
    assert!(ended(&run, "ignored", "ignored, not now"), "{run:#?}");
    // All of it is captured: cargo's own words are the only ones outside.
    assert!(
        !run.stderr.contains("DATA RACE") && !run.stderr.contains("data race(s)"),
        "{run:#?}"
    );
}

fn by_nextest(outside: &Outside) {
    let run = outside.cargo("nextest run --features race-check --no-fail-fast");
    assert!(!run.success, "{run:#?}");
    let results = outside
        .folder
        .path()
        .join("target/nextest/default/junit.xml");
    let results = fs::read_to_string(results).unwrap();
    let case = |test: &str| {
        let (_, case) = results
            .split_once(&format!("<testcase name=\"{test}\""))
            .unwrap();
        let end = case.find("<testcase ").unwrap_or(case.len());
        case[..end].replace("&apos;", "'")
    };
    for (test, lines) in FAILING {
        let case = case(test);
        assert!(case.contains("<failure"), "{test}: {case}");
        let (_, output) = case.split_once("<system-out>").unwrap();
        if let Some(lines) = lines {
            holds_the_report(test, lines, output);
        }
        says_what_else_went_wrong(test, output);
    }
    for test in PASSING {
        assert!(!case(test).contains("<failure"), "{test}: {}", case(test));
    }
}

#[test]
fn without_the_feature() {
    let outside = Outside::new("plain");
    let run = outside.cargo("test -- --test-threads=4");
    assert!(run.success, "{run:#?}");
    assert!(
        run.stdout.contains("10 passed; 0 failed; 2 ignored"),
        "{run:#?}"
    );
    // It can't pass where no race is looked for.
    assert!(
        ended(
            &run,
            "should_race_and_does",
            "ignored, no race is found without the feature `race-check`"
        ),
        "{run:#?}"
    );
}
