//! `RACE_OPTIONS`, seen from outside: a program with two races runs under each option.

#![cfg(feature = "race-check")]

#[path = "support/programs.rs"]
mod programs;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use programs::{Run, reports, run};
use serde_json::Value;

/// What `two_races` prints when nothing stops it.
const ALL: &str = "start\nbetween\nend\n";

fn two_races(options: &str) -> Run {
    run("two_races", options, &[])
}

/// Checks what any run must say that goes to its end: both reports, the count and the status.
#[track_caller]
fn is_complete(log: &str, run: &Run) {
    assert_eq!(reports(log), 2, "{run:#?}");
    assert!(log.ends_with("Found 2 data race(s)\n"), "{run:#?}");
    assert_eq!(run.status, Some(66), "{run:#?}");
}

/// The one file in `folder`, and what it holds.
#[track_caller]
fn only_file(folder: &Path) -> (String, String) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    let [file] = &files[..] else {
        panic!("not one file: {files:?}");
    };
    let name = file.file_name().into_string().unwrap();
    (name, fs::read_to_string(file.path()).unwrap())
}

#[test]
fn nothing_said() {
    let run = two_races("");
    is_complete(&run.stderr, &run);
    assert_eq!(run.stdout, ALL);
    assert!(run.stderr.starts_with("=================="), "{run:#?}");
}

#[test]
fn log_path_stderr() {
    let run = two_races("log_path=stderr");
    is_complete(&run.stderr, &run);
    assert_eq!(run.stdout, ALL);
}

#[test]
fn log_path_stdout() {
    let run = two_races("log_path=stdout");
    is_complete(&run.stdout, &run);
    assert_eq!(run.stderr, "");
    let places = [
        "start\n",
        "ledger.rs",
        "between\n",
        "audit.rs",
        "end\n",
        "Found",
    ]
    .map(|word| run.stdout.find(word).unwrap());
    assert!(places.is_sorted(), "each report when it is found: {run:#?}");
}

#[test]
fn log_path_is_a_file_named_after_the_process() {
    let folder = tempfile::Builder::new().prefix("a b").tempdir().unwrap();
    let log = folder.path().join("races");
    let run = two_races(&format!("log_path='{}' exitcode=66", log.display()));
    let (name, text) = only_file(folder.path());
    assert_eq!(name, format!("races.{}", run.pid));
    is_complete(&text, &run);
    assert_eq!((&run.stdout[..], &run.stderr[..]), (ALL, ""));
}

#[test]
fn log_path_without_a_race_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = format!("log_path={}/races", folder.path().display());
    let run = run("exits", &options, &["return", "ordered"]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The folder was there when the program started, and is gone when there is something to write.
#[test]
fn log_that_became_unwritable_goes_to_stderr_and_says_why() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("logs");
    fs::create_dir(&folder).unwrap();
    let options = format!("log_path={}/races", folder.display());
    let run = run("two_races", &options, &[folder.to_str().unwrap()]);
    is_complete(&run.stderr, &run);
    assert_eq!(run.stdout, ALL);
    let why = run.stderr.lines().next().unwrap();
    assert!(
        why.starts_with("racecheck: ")
            && why.contains("log_path")
            && why.contains("No such file or directory"),
        "{run:#?}"
    );
}

#[test]
fn exitcode() {
    for (options, status) in [("exitcode=3", 3), ("exitcode=255", 255), ("exitcode=0", 0)] {
        let run = two_races(options);
        assert_eq!(run.status, Some(status), "{options}: {run:#?}");
        assert_eq!(reports(&run.stderr), 2, "{options}: {run:#?}");
    }
}

/// Zero means that races don't fail the program. It must not turn a program that failed into one that didn't.
#[test]
fn exitcode_0_leaves_the_programs_own_status() {
    let run = run("exits", "exitcode=0", &["exit-3", "racy"]);
    assert_eq!(reports(&run.stderr), 1, "{run:#?}");
    assert_eq!(run.status, Some(3), "{run:#?}");
}

/// Every path of a report that starts with the prefix loses it: of frames, of locations and of the explanation.
#[test]
fn strip_path_prefix() {
    let root = env!("CARGO_MANIFEST_DIR");
    for prefix in [
        format!("{root}/tests/programs/"),
        "tests/programs/".to_owned(),
    ] {
        let run = two_races(&format!("strip_path_prefix={prefix}"));
        is_complete(&run.stderr, &run);
        assert!(
            run.stderr.contains(" two_races/ledger.rs:"),
            "{prefix}: {run:#?}"
        );
        assert!(!run.stderr.contains("tests/programs"), "{prefix}: {run:#?}");
    }
}

#[test]
fn paths_are_relative_to_the_workspace() {
    let run = two_races("");
    is_complete(&run.stderr, &run);
    let places = run.stderr.lines().filter(|line| line.contains(".rs:"));
    for place in places.flat_map(|line| line.split([' ', '(']).filter(|word| word.contains(".rs:")))
    {
        assert!(place.starts_with("tests/programs/"), "{place}: {run:#?}");
    }
}

#[test]
fn halt_on_error_ends_the_program_at_the_first_report() {
    for (options, status) in [
        ("halt_on_error=1", 66),
        ("exitcode=3 halt_on_error=true", 3),
    ] {
        let run = two_races(options);
        assert_eq!(run.stdout, "start\n", "{options}");
        assert_eq!(reports(&run.stderr), 1, "{options}: {run:#?}");
        assert!(
            run.stderr.ends_with("Found 1 data race(s)\n"),
            "{options}: {run:#?}"
        );
        assert_eq!(run.status, Some(status), "{options}: {run:#?}");
    }
    let run = two_races("halt_on_error=0");
    is_complete(&run.stderr, &run);
}

/// Without it the program is done in a few milliseconds.
#[test]
fn atexit_sleep_ms() {
    let started = Instant::now();
    let run = run("exits", "atexit_sleep_ms=300", &["exit-3", "ordered"]);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!((run.status, &run.stderr[..]), (Some(3), ""));
    let run = two_races("atexit_sleep_ms=1");
    is_complete(&run.stderr, &run);
}

#[test]
fn suppressions() {
    const BOTH: [&str; 2] = ["ledger", "audit"];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("races.supp");
    for (text, printed) in [
        // By function, anywhere on either stack.
        ("race:program_two_races::ledger::deposit", &["audit"][..]),
        ("race:^program_two_races::audit::record()$", &["ledger"]),
        ("race:program_two_races::main", &[]),
        // By file.
        ("race:ledger.rs", &["audit"]),
        ("race:^tests/*/audit.rs$", &["ledger"]),
        // By what was raced on.
        ("race:Shared<u64>", &["audit"]),
        // By the innermost function or its file alone.
        ("race_top:audit::count", &["ledger"]),
        ("race_top:ledger.rs", &["audit"]),
        ("race_top:program_two_races::main", &BOTH),
        // Misses, and lines that say nothing.
        ("race:ledger::withdraw", &BOTH),
        ("race:^ledger", &BOTH),
        ("# race:*\n\n", &BOTH),
        (
            "race:ledger.rs # no comment here\nrace:audit.rs",
            &["ledger"],
        ),
        ("race:ledger.rs\nrace:audit.rs", &[]),
    ] {
        fs::write(&file, text).unwrap();
        let run = two_races(&format!("suppressions={}", file.display()));
        assert_eq!(run.stdout, ALL, "{text}");
        for name in BOTH {
            assert_eq!(
                run.stderr.contains(&format!("{name}.rs:")),
                printed.contains(&name),
                "{text}: {run:#?}"
            );
        }
        assert_eq!(reports(&run.stderr), printed.len(), "{text}: {run:#?}");
        if printed.is_empty() {
            assert_eq!((run.status, &run.stderr[..]), (Some(0), ""), "{text}");
        } else {
            let found = format!("Found {} data race(s)\n", printed.len());
            assert!(run.stderr.ends_with(&found), "{text}: {run:#?}");
            assert_eq!(run.status, Some(66), "{text}");
        }
    }
}

#[test]
fn color() {
    for (options, colored) in [
        ("color=always", true),
        ("color=never", false),
        // Into a pipe, as here.
        ("color=auto", false),
        ("", false),
    ] {
        let run = two_races(options);
        is_complete(&run.stderr, &run);
        assert_eq!(run.stderr.contains("\x1b["), colored, "{options}: {run:#?}");
    }
}

#[test]
fn max_reports_limits_what_is_printed_and_not_what_is_counted() {
    let run = two_races("max_reports=1");
    assert_eq!(reports(&run.stderr), 1, "{run:#?}");
    assert!(run.stderr.contains("ledger.rs"), "the first: {run:#?}");
    assert!(run.stderr.ends_with("Found 2 data race(s)\n"), "{run:#?}");
    assert_eq!((run.status, &run.stdout[..]), (Some(66), ALL));
    for options in ["max_reports=0", "max_reports=2"] {
        let run = two_races(options);
        is_complete(&run.stderr, &run);
    }
}

#[test]
fn frames() {
    let internal = |line: &&str| {
        line.ends_with("()")
            && [
                "std::",
                "core::",
                "race_core::",
                "racecheck::",
                "start_thread",
                "main",
            ]
            .iter()
            .any(|name| line.trim_start().trim_start_matches('<').starts_with(name))
    };
    for options in ["", "frames=user"] {
        let run = two_races(options);
        is_complete(&run.stderr, &run);
        assert_eq!(
            run.stderr.lines().find(internal),
            None,
            "{options}: {run:#?}"
        );
    }
    let run = two_races("frames=all");
    is_complete(&run.stderr, &run);
    for function in [
        "std::rt::lang_start",
        "program_two_races::main",
        "program_two_races::ledger::deposit",
    ] {
        let frame = format!("  {function}");
        assert!(
            run.stderr.lines().any(|line| line.starts_with(&frame)),
            "{function}: {run:#?}"
        );
    }
    assert!(run.stderr.lines().any(|line| internal(&line)), "{run:#?}");
}

mod json {
    use super::*;

    fn keys(object: &Value) -> Vec<&str> {
        let mut keys: Vec<_> = object
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        keys
    }

    fn line_of(source: &str, text: &str) -> u64 {
        let index = source.lines().position(|line| line.contains(text)).unwrap();
        index as u64 + 1
    }

    /// The fields are those that `docs/json.md` lists: one more or one less is a change there too.
    #[test]
    fn each_line_is_an_object() {
        let run = two_races("format=json");
        assert_eq!((run.status, &run.stdout[..]), (Some(66), ALL));
        let lines: Vec<Value> = run
            .stderr
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        let [ledger, audit, summary] = &lines[..] else {
            panic!("two races and a summary: {run:#?}");
        };
        for line in &lines {
            assert_eq!(line["schema"], "racecheck/1");
        }
        assert_eq!(keys(summary), ["deadlocks", "races", "schema", "type"]);
        assert_eq!(
            (&summary["type"], &summary["races"], &summary["deadlocks"]),
            (&"summary".into(), &2.into(), &0.into())
        );
        for race in [ledger, audit] {
            assert_eq!(race["type"], "data-race");
            let fields = [
                "current", "help", "location", "previous", "schema", "type", "why",
            ];
            assert_eq!(keys(race), fields);
            assert_eq!(
                keys(&race["location"]),
                [
                    "address", "block", "created_at", "global", "label", "name", "size", "stack_of"
                ]
            );
            assert!(
                race["why"]
                    .as_array()
                    .is_some_and(|why| why.iter().all(Value::is_string))
            );
            assert!(race["help"].is_string());
        }
        assert_eq!(ledger["location"]["name"], "Shared<u64>");
        assert_eq!(audit["location"]["size"], 4);
    }

    #[test]
    fn an_access_says_who_what_and_where() {
        let source = include_str!("programs/two_races/ledger.rs");
        let run = two_races("format=json");
        let race: Value = serde_json::from_str(run.stderr.lines().next().unwrap()).unwrap();
        for (access, operation, function, line) in [
            ("current", "read", "balance", "BALANCE.get"),
            ("previous", "write", "deposit", "BALANCE.set"),
        ] {
            let access = &race[access];
            assert_eq!(keys(access), ["held", "operation", "stack", "thread"]);
            assert_eq!(access["operation"], operation);
            assert_eq!(access["held"], Value::Array(Vec::new()));
            let frame = &access["stack"][0];
            assert_eq!(
                keys(frame),
                ["column", "file", "function", "line", "offset"]
            );
            assert_eq!(
                frame["function"],
                format!("program_two_races::ledger::{function}")
            );
            assert_eq!(frame["file"], "tests/programs/two_races/ledger.rs");
            assert_eq!(frame["line"], line_of(source, line), "{frame:#}");
            let fields = ["created_at", "created_by", "finished", "name", "number"];
            assert_eq!(keys(&access["thread"]), fields);
        }
        let created = &race["location"]["created_at"];
        assert_eq!(created["line"], line_of(source, "static BALANCE"));
        assert_eq!(race["current"]["thread"]["number"], 1);
        assert_eq!(race["previous"]["thread"]["created_by"], 1);
        assert_ne!(
            race["previous"]["thread"]["created_at"],
            Value::Array(Vec::new())
        );
    }

    #[test]
    fn a_limit_holds_for_it_too() {
        let run = two_races("format=json max_reports=1 exitcode=3 color=always");
        let types: Vec<Value> = run
            .stderr
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].take())
            .collect();
        assert_eq!(types, ["data-race", "summary"]);
        assert_eq!(run.status, Some(3));
    }
}

mod bad_input {
    use super::*;

    /// One line that holds `words`, status 2, and `main` hasn't run.
    #[track_caller]
    fn refused(options: &str, words: &[&str]) {
        let run = two_races(options);
        assert_eq!(
            (run.status, &run.stdout[..]),
            (Some(2), ""),
            "{options}: {run:#?}"
        );
        assert_eq!(run.stderr.lines().count(), 1, "{options}: {run:#?}");
        assert!(run.stderr.ends_with('\n'), "{options}: {run:#?}");
        for word in ["racecheck: RACE_OPTIONS: "].iter().chain(words) {
            assert!(
                run.stderr.contains(word),
                "{options}: no {word:?} in {run:#?}"
            );
        }
    }

    #[test]
    fn unknown_key() {
        refused("exit_code=3", &["`exit_code`", "did you mean `exitcode`?"]);
        refused("history_size=7", &["`history_size`", "log_path", "frames"]);
    }

    #[test]
    fn bad_value() {
        for (options, expected) in [
            ("log_path=", "a file"),
            ("exitcode=256", "a number from 0 to 255"),
            ("halt_on_error=maybe", "0 or 1"),
            ("atexit_sleep_ms=1s", "milliseconds"),
            ("suppressions=", "a file"),
            ("format=xml", "text or json"),
            ("color=yes", "auto, always or never"),
            ("max_reports=-1", "0 for no limit"),
            ("frames=some", "user or all"),
        ] {
            let (key, value) = options.split_once('=').unwrap();
            refused(options, &[&format!("`{value}` for `{key}`"), expected]);
        }
    }

    #[test]
    fn malformed_pair() {
        refused("halt_on_error", &["`halt_on_error`", "key=value"]);
        refused("=1", &["`=1`", "key=value"]);
        refused(
            "exitcode=1,halt_on_error=1",
            &["`1,halt_on_error=1` for `exitcode`"],
        );
        refused("exitcode=1 exitcode=1", &["`exitcode`", "more than once"]);
        refused("log_path='/tmp/a b", &["no closing quote"]);
        refused("log_path='/tmp/a b'c", &["`c` right after"]);
    }

    #[test]
    fn the_last_of_several_pairs() {
        refused("exitcode=3 format=json color=red", &["`red` for `color`"]);
    }

    #[test]
    fn suppression_file_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.supp");
        for path in [&missing, folder.path()] {
            let path = path.display().to_string();
            refused(
                &format!("suppressions={path}"),
                &["suppressions", &path, "cannot be read"],
            );
        }
    }

    #[test]
    fn suppression_file_that_is_malformed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("races.supp");
        let place = format!("{}:2: ", file.display());
        for (line, words) in [
            (&b"ledger"[..], "`ledger` has no kind"),
            (b"ledger::deposit", "unknown kind `ledger`"),
            (b"mutex:ledger", "unknown kind `mutex`"),
            (b"race:", "names nothing"),
            (b"race:\xff", "not UTF-8"),
        ] {
            fs::write(&file, [b"race:audit\n", line].concat()).unwrap();
            refused(
                &format!("suppressions={}", file.display()),
                &[words, place.trim_end()],
            );
        }
    }

    #[test]
    fn log_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for parent in ["missing", "file"] {
            let log = folder
                .path()
                .join(parent)
                .join("races")
                .display()
                .to_string();
            refused(&format!("log_path={log}"), &["log_path", &log]);
        }
    }
}
