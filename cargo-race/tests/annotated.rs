//! Programs and tests that use racecheck, run under `cargo race` as any crate: with its feature and without, one engine judges them.
//!
//! The crate is `tests/crates/annotated`. Its programs are in pairs of which one races; each says by an exact status, and by reports that name what they are
//! about, that nothing of the library is lost. One report is here word for word (`annotated.stderr`).

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use expect_test::expect_file;
use serde_json::Value;

/// What a program with findings exits with.
const RACED: i32 = 66;
/// How often a program runs: its verdict is the same each time.
const RUNS: usize = 3;
const FEATURES: [&str; 2] = ["", "race-check"];

/// Each racy program, with what its reports say of the place, the one after the other, with the feature; without it, macros give no names.
const RACY: [(&str, &[&str]); 6] = [
    ("label", &["`the total`"]),
    // The second is the first item's memory.
    ("with", &["`the list`", "heap block of size 4"]),
    ("hb", &["`Shared<i32>`"]),
    ("cell", &["`UnsafeCell<u64>`"]),
    ("range", &["global `"]),
    ("instrumented", &["global `"]),
];

/// Each program that deadlocks, or could, with what its report says. With the feature only: without it the locks are `std`'s.
const DEADLOCKS: [(&str, &[&str]); 5] = [
    (
        "orders",
        &[
            "WARNING: POTENTIAL DEADLOCK\n",
            " held: Mutex #1 locked at src/locks.rs:",
        ],
    ),
    (
        "readers",
        &[
            "WARNING: POTENTIAL DEADLOCK\n",
            " held: RwLock #1 for reading locked at src/locks.rs:",
        ],
    ),
    (
        "ring",
        &[
            "WARNING: DEADLOCK\n",
            "Wait for a lock of Mutex #1 by thread ",
            " held: Mutex #2 locked at src/locks.rs:",
        ],
    ),
    (
        "joined",
        &[
            "WARNING: DEADLOCK\n",
            "Wait for the end of thread 2 by main thread:",
            "Wait for a lock of Mutex #1 by thread 2:",
        ],
    ),
    (
        "twice",
        &[
            "WARNING: DEADLOCK\nWait for a lock of Mutex #1 by main thread:",
            "racecheck: this thread waits for itself: it holds the Mutex (made at src/locks.rs:",
        ],
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crates/annotated")
}

/// Without what the caller's environment might change.
fn in_clean_surroundings(command: &mut Command) -> &mut Command {
    for variable in [
        "CARGO_BUILD_TARGET",
        // By it a report finds out which paths to shorten.
        "CARGO_MANIFEST_DIR",
        "CARGO_RACE_RUNTIME",
        "CARGO_TARGET_DIR",
        "RACE_OPTIONS",
        "RUSTFLAGS",
    ] {
        command.env_remove(variable);
    }
    // Where a panic is part of a program, its backtrace isn't.
    command.env("RUST_BACKTRACE", "0").current_dir(folder())
}

/// `cargo race` with the words of `line`, and a target folder.
fn cargo_race(line: &str, feature: &str) -> Command {
    let ours = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
    in_clean_surroundings(&mut command)
        .args(line.split(' '))
        .args(["--locked", "--features", feature, "--target-dir"])
        .arg(ours.join("annotated"))
        .env("CARGO_INCREMENTAL", "0");
    // The instrumented std is shared with the other tests.
    if env::var_os("CARGO_RACE_CACHE").is_none() {
        command.env("CARGO_RACE_CACHE", ours.join("cache"));
    }
    command
}

/// The executable with each feature. The second build puts its own in the place of the first one's, so each is kept under another name.
static EXECUTABLES: LazyLock<BTreeMap<&str, PathBuf>> = LazyLock::new(|| {
    let build = |feature| {
        let mut build = cargo_race("build --bins --message-format=json", feature);
        let output = build.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let messages = String::from_utf8(output.stdout).unwrap();
        let executable = |line: &str| {
            let message: Value = serde_json::from_str(line).unwrap();
            message["executable"].as_str().map(PathBuf::from)
        };
        let built = messages.lines().find_map(executable).unwrap();
        let kept = built.with_file_name(format!("annotated-{feature}"));
        std::fs::copy(built, &kept).unwrap();
        kept
    };
    FEATURES.into_iter().map(|f| (f, build(f))).collect()
});

/// What a run came to: the status, and both streams.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code(), text)
}

fn program(feature: &str, name: &str) -> (Option<i32>, String) {
    let mut command = Command::new(&EXECUTABLES[feature]);
    run(in_clean_surroundings(&mut command).arg(name))
}

fn places(report: &str) -> Vec<&str> {
    let lines = report.lines();
    lines
        .filter_map(|line| line.strip_prefix("Location is "))
        .collect()
}

#[test]
fn racy_programs_are_reported_under_the_names_that_they_gave() {
    for feature in FEATURES {
        for (name, expected) in RACY {
            for _ in 0..RUNS {
                let (status, text) = program(feature, &format!("{name}.racy"));
                let told = format!("{name}, `{feature}`: {text}");
                assert_eq!(status, Some(RACED), "{told}");
                let places = places(&text);
                assert_eq!(places.len(), expected.len(), "{told}");
                let as_expected = places.iter().zip(expected).all(|(p, e)| p.starts_with(e));
                assert!(as_expected, "{told}");
            }
        }
    }
}

#[test]
fn programs_free_of_races_say_nothing() {
    let twins = RACY.map(|(name, _)| name);
    let others = [
        "reads",
        "moved",
        "semaphore",
        "channel",
        "collected",
        "freed_lock",
        "handed",
    ];
    let deadlocks = DEADLOCKS.map(|(name, _)| name);
    for feature in FEATURES {
        for name in twins.iter().chain(&others).chain(&deadlocks) {
            for _ in 0..RUNS {
                let (status, text) = program(feature, &format!("{name}.fine"));
                assert_eq!((status, &*text), (Some(0), ""), "{name}, `{feature}`");
            }
        }
    }
}

#[test]
fn deadlocks_are_found_with_the_feature() {
    for (name, expected) in DEADLOCKS {
        for _ in 0..RUNS {
            let (status, text) = program("race-check", &format!("{name}.racy"));
            assert_eq!(status, Some(RACED), "{name}: {text}");
            for said in expected {
                assert!(text.contains(said), "{name}: no `{said}` in: {text}");
            }
            assert_eq!(text.matches("WARNING: ").count(), 1, "{name}: {text}");
        }
    }
}

#[test]
fn locks_that_are_held_are_listed_with_the_feature() {
    let (status, text) = program("race-check", "held.racy");
    assert_eq!(status, Some(RACED), "{text}");
    for said in [
        "Thread 2 held: Mutex (made at src/locks.rs:",
        "Thread 3 held: RwLock (made at src/locks.rs:",
    ] {
        assert!(text.contains(said), "no `{said}` in: {text}");
    }
    let (status, text) = program("", "held.racy");
    assert_eq!(status, Some(RACED), "{text}");
    assert!(text.contains("Thread 2 held: nothing"), "{text}");
}

#[test]
fn a_lock_is_memory_all_the_same() {
    for feature in FEATURES {
        let (status, text) = program(feature, "freed_lock.racy");
        assert_eq!(status, Some(RACED), "`{feature}`: {text}");
        assert!(text.contains("Location is heap block of size "), "{text}");
    }
}

#[test]
fn macros_give_names_with_the_feature() {
    let (status, text) = program("race-check", "names.racy");
    assert_eq!(status, Some(RACED), "{text}");
    let places = places(&text);
    assert!(
        places[0].starts_with("variable `hits` (8 bytes), created at src/main.rs:"),
        "{text}"
    );
    assert!(
        places[1].starts_with("field `Stats.reqs` (8 bytes), created at src/main.rs:"),
        "{text}"
    );
    assert_eq!(places.len(), 2, "{text}");
}

#[test]
fn a_report_is_as_in_any_other_run() {
    let (_, text) = program("race-check", "label.racy");
    let mut lines = text.lines().map(normal);
    let report = lines.by_ref().take_while(|line| !line.starts_with("Why:"));
    let report: String = report.map(|line| line + "\n").collect();
    expect_file!["annotated.stderr"].assert_eq(&report);
}

/// Without what differs from build to build.
fn normal(line: &str) -> String {
    let mut line = line.to_owned();
    for (prefix, shown) in [(" 0x", " [address]"), (" +0x", " +[offset]")] {
        if let Some(start) = line.find(prefix) {
            let digits = start + prefix.len();
            let rest = line[digits..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
            line = format!("{}{shown}{rest}", &line[..start]);
        }
    }
    line
}

#[test]
fn the_test_attribute_judges_by_what_the_runtime_found() {
    let (status, text) = run(&mut cargo_race("test --test attributes", "race-check"));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("5 passed; 0 failed; 2 ignored"), "{text}");

    let mut ignored = cargo_race("test --test attributes", "race-check");
    let (status, text) = run(ignored.args(["--", "--ignored"]));
    assert_eq!(status, Some(101), "{text}");
    for said in [
        "race detected during execution of test (1 found)",
        "no race in this test, which should race",
        "Location is `Shared<i32>` (4 bytes)",
        "0 passed; 2 failed",
    ] {
        assert!(text.contains(said), "no `{said}` in: {text}");
    }
    // Whose findings they are, the test says; none is left for the process.
    assert!(!text.contains("Found "), "{text}");
}

#[test]
fn without_the_feature_tests_are_as_any() {
    let (status, text) = run(&mut cargo_race("test --test attributes", ""));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("2 passed; 0 failed"), "{text}");
}

/// The program, compiled for `cargo race` by plain cargo, which links no runtime; with `arguments` for the last compilation.
fn without_runtime(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("annotated-alone");
    let mut build = Command::new(env!("CARGO"));
    let (status, text) = run(in_clean_surroundings(&mut build)
        .args(["rustc", "--locked", "--bin", "annotated", "--target-dir"])
        .arg(&folder)
        .arg("--")
        .args(arguments)
        .env("RUSTFLAGS", "--cfg racecheck_runtime"));
    assert_eq!(status, Some(0), "{text}");
    run(Command::new(folder.join("debug/annotated")).arg("reads.fine"))
}

#[test]
fn a_program_without_its_runtime_says_so_and_ends() {
    let (status, text) = without_runtime(&[]);
    assert_eq!((status, text.lines().count()), (Some(2), 1), "{text}");
    assert!(
        text.starts_with(
            "racecheck: this program was compiled for `cargo race` and has no runtime"
        ),
        "{text}"
    );

    let folder = tempfile::tempdir().unwrap();
    let (source, object) = (folder.path().join("old.rs"), folder.path().join("old.o"));
    let old =
        "#![no_std] #[unsafe(export_name = \"racecheck_interface\")] pub static OLD: u32 = 0;";
    std::fs::write(&source, old).unwrap();
    let mut compile = Command::new("rustc");
    compile.args(["--edition=2024", "--crate-type=lib", "--emit=obj", "-o"]);
    let (status, text) = run(compile.args([&object, &source]));
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = without_runtime(&[&format!("-Clink-arg={}", object.display())]);
    assert_eq!((status, text.lines().count()), (Some(2), 1), "{text}");
    assert!(
        text.contains("a runtime of another version in it (0 and not 2)"),
        "{text}"
    );
}
