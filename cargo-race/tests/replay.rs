//! `cargo-race replay`, run as a process: what it prints, on what, and its exit status.
//!
//! `tests/traces/` has a racy trace and a race-free twin for each operation. Their verdicts were worked out by hand and stand in their comments. `UPDATE_EXPECT=1`
//! writes the golden outputs below anew, never those verdicts.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn cargo_race(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
    command
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces"))
        .env_remove("RACE_OPTIONS")
        .stdin(Stdio::null());
    command
}

/// Exit status, standard output, standard error.
type Run = (Option<i32>, String, String);

fn texts(output: Output) -> Run {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn run(arguments: &[&str]) -> Run {
    texts(cargo_race(arguments).output().unwrap())
}

/// Replays what comes on standard input.
fn run_on(input: &[u8], format: &str) -> Run {
    let mut child = cargo_race(&["replay", "-", "--format", format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A child that has found a bad line doesn't read the rest.
    let written = child.stdin.take().unwrap().write_all(input);
    if let Err(error) = written {
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
    texts(child.wait_with_output().unwrap())
}

/// Text without the time that it took.
fn timeless(text: &str) -> String {
    let (before, after) = text.split_once(" in ").expect("the last line has the time");
    assert!(after.ends_with(" million events a second\n"), "{after}");
    format!("{before} in ...\n")
}

/// JSON without the time that it took.
fn report(line: &str) -> Value {
    assert_eq!(line.matches('\n').count(), 1, "one line");
    let mut report: Value = serde_json::from_str(line).unwrap();
    for field in ["seconds", "events_per_second"] {
        assert!(report[field].as_f64().unwrap() >= 0.0);
        report[field] = json!(null);
    }
    report
}

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut traces: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    traces.sort();
    traces
}

/// The words of the operations in a trace: `r`, `acq`.
fn operations(trace: &str) -> BTreeSet<&str> {
    trace
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(|operation| operation.split('(').next().unwrap())
        .collect()
}

/// The verdict on a trace in the words of its comments.
fn verdict(report: &Value) -> BTreeSet<String> {
    let places: Vec<String> = report["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| match &place["variable"] {
            Value::String(variable) => variable.clone(),
            _ => format!(
                "{:#x}+{}",
                place["address"].as_u64().unwrap(),
                place["size"]
            ),
        })
        .collect();
    let side = |side: &Value| {
        let text = |field: &str| side[field].as_str().unwrap().to_owned();
        format!("{} at {}", text("operation"), text("site"))
    };
    let pairs = report["pairs"].as_array().unwrap().iter().map(|pair| {
        let [one, other] = [&pair["sites"][0], &pair["sites"][1]].map(side);
        format!("{}: {one}, {other}", places.join(" "))
    });
    let verdict: BTreeSet<String> = pairs.collect();
    if verdict.is_empty() {
        BTreeSet::from(["no races".to_owned()])
    } else {
        verdict
    }
}

#[test]
fn verdicts_are_those_worked_out_by_hand() {
    for path in traces() {
        let trace = fs::read_to_string(&path).unwrap();
        let expected: BTreeSet<String> = trace
            .lines()
            .filter_map(|line| line.strip_prefix("# verdict: "))
            .map(str::to_owned)
            .collect();
        let (status, stdout, stderr) = run(&["replay", path.to_str().unwrap(), "--format=json"]);
        assert_eq!(stderr, "", "{}", path.display());
        assert_eq!(verdict(&report(&stdout)), expected, "{}", path.display());
        let racy = path.to_str().unwrap().ends_with(".racy.trace");
        assert_eq!(
            status,
            Some(if racy { 66 } else { 0 }),
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_operation_is_in_a_racy_trace_and_in_a_race_free_one() {
    let all = BTreeSet::from([
        "acq", "alloc", "arrive", "begin", "end", "fence", "fork", "free", "join", "leave", "load",
        "r", "racq", "recv", "rel", "rmw", "rrel", "send", "store", "w",
    ]);
    for (ending, twin) in [
        (".racy.trace", ".fine.trace"),
        (".fine.trace", ".racy.trace"),
    ] {
        let paths = traces();
        let paths = paths.iter().map(|path| path.to_str().unwrap());
        let texts: Vec<String> = paths
            .filter(|path| path.ends_with(ending))
            .inspect(|path| assert!(Path::new(&path.replace(ending, twin)).exists(), "{path}"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        let used: BTreeSet<&str> = texts.iter().flat_map(|text| operations(text)).collect();
        let missing: Vec<_> = all.difference(&used).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "{ending}");
    }
}

fn check_text(trace: &str, status: i32, expected: &Expect) {
    let (code, stdout, stderr) = run(&["replay", trace]);
    assert_eq!((code, stderr.as_str()), (Some(status), ""));
    expected.assert_eq(&timeless(&stdout));
}

#[test]
fn text() {
    check_text(
        "several.racy.trace",
        66,
        &expect![[r#"
            first race: event 4, line 9
              x: read by T1 at 4
              x: write by T0 at 3 before

            racy variables: 1
              x: 3 races

            races by pair of places: 3
              1 time: write at 3, read at 4
              1 time: write at 3, write at 6
              1 time: read at 4, write at 6

            2 racy events, 3 races
            6 events of 3 threads in ...
        "#]],
    );
    check_text(
        "free.racy.trace",
        66,
        &expect![[r#"
            first race: event 4, line 7
              0x1008+4: write by T0 at 4
              0x1008+4: read by T1 at 3 before

            racy variables: 1
              0x1008+4: 1 race

            races by pair of places: 1
              1 time: read at 3, write at 4

            1 racy event, 1 race
            4 events of 2 threads in ...
        "#]],
    );
    check_text(
        "several.fine.trace",
        0,
        &expect![[r#"
        no races
        8 events of 3 threads in ...
    "#]],
    );
}

fn check_json(trace: &str, status: i32, expected: &Expect) {
    let (code, stdout, stderr) = run(&["replay", "--format", "json", trace]);
    assert_eq!((code, stderr.as_str()), (Some(status), ""));
    let report = serde_json::to_string_pretty(&report(&stdout)).unwrap();
    expected.assert_eq(&report);
}

#[test]
fn json() {
    check_json(
        "several.racy.trace",
        66,
        &expect![[r#"
        {
          "events": 6,
          "events_per_second": null,
          "first": {
            "event": 4,
            "line": 9,
            "races": [
              {
                "earlier": {
                  "operation": "write",
                  "site": "3",
                  "thread": "T0"
                },
                "later": {
                  "operation": "read",
                  "site": "4",
                  "thread": "T1"
                },
                "variable": "x"
              }
            ]
          },
          "pairs": [
            {
              "races": 1,
              "sites": [
                {
                  "operation": "write",
                  "site": "3"
                },
                {
                  "operation": "read",
                  "site": "4"
                }
              ]
            },
            {
              "races": 1,
              "sites": [
                {
                  "operation": "write",
                  "site": "3"
                },
                {
                  "operation": "write",
                  "site": "6"
                }
              ]
            },
            {
              "races": 1,
              "sites": [
                {
                  "operation": "read",
                  "site": "4"
                },
                {
                  "operation": "write",
                  "site": "6"
                }
              ]
            }
          ],
          "places": [
            {
              "races": 3,
              "variable": "x"
            }
          ],
          "races": 3,
          "racy_events": 2,
          "schema": "racecheck-replay/1",
          "seconds": null,
          "threads": 3
        }"#]],
    );
    check_json(
        "free.racy.trace",
        66,
        &expect![[r#"
        {
          "events": 4,
          "events_per_second": null,
          "first": {
            "event": 4,
            "line": 7,
            "races": [
              {
                "address": 4104,
                "earlier": {
                  "operation": "read",
                  "site": "3",
                  "thread": "T1"
                },
                "later": {
                  "operation": "write",
                  "site": "4",
                  "thread": "T0"
                },
                "size": 4
              }
            ]
          },
          "pairs": [
            {
              "races": 1,
              "sites": [
                {
                  "operation": "read",
                  "site": "3"
                },
                {
                  "operation": "write",
                  "site": "4"
                }
              ]
            }
          ],
          "places": [
            {
              "address": 4104,
              "races": 1,
              "size": 4
            }
          ],
          "races": 1,
          "racy_events": 1,
          "schema": "racecheck-replay/1",
          "seconds": null,
          "threads": 2
        }"#]],
    );
    check_json(
        "lock.fine.trace",
        0,
        &expect![[r#"
        {
          "events": 7,
          "events_per_second": null,
          "first": null,
          "pairs": [],
          "places": [],
          "races": 0,
          "racy_events": 0,
          "schema": "racecheck-replay/1",
          "seconds": null,
          "threads": 2
        }"#]],
    );
}

#[test]
fn standard_input() {
    let (status, stdout, stderr) = run_on(b"T0|w(x)|1\r\n\r\nT1|w(x)|2", "text");
    assert_eq!((status, stderr.as_str()), (Some(66), ""));
    expect![[r#"
        first race: event 2, line 3
          x: write by T1 at 2
          x: write by T0 at 1 before

        racy variables: 1
          x: 1 race

        races by pair of places: 1
          1 time: write at 1, write at 2

        1 racy event, 1 race
        2 events of 2 threads in ...
    "#]]
    .assert_eq(&timeless(&stdout));
    let (status, stdout, stderr) = run_on(b"", "text");
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        timeless(&stdout),
        "no races\n0 events of 0 threads in ...\n"
    );
}

/// Cargo runs `cargo-race race replay` for `cargo race replay`.
#[test]
fn as_a_subcommand_of_cargo() {
    let (status, stdout, stderr) = run(&["race", "replay", "lock.racy.trace"]);
    assert_eq!((status, stderr.as_str()), (Some(66), ""));
    let (_, directly, _) = run(&["replay", "lock.racy.trace"]);
    assert_eq!(timeless(&stdout), timeless(&directly));
}

#[test]
fn names_that_are_not_printable_text() {
    let trace = b"\xff|w(\x1b[31m)|1\n\xfe|w(\x1b[31m)|\xc3\xa4\n";
    let (status, stdout, _) = run_on(trace, "text");
    assert_eq!(status, Some(66));
    assert!(stdout.contains(r"\x1b[31m: write by \xfe at ä"), "{stdout}");
    let (status, stdout, _) = run_on(trace, "json");
    assert_eq!(status, Some(66));
    assert_eq!(
        report(&stdout)["first"]["races"][0]["earlier"]["thread"],
        r"\xff"
    );
}

#[test]
fn a_trace_that_no_buffer_holds() {
    // A line at every offset of the blocks that are read.
    let mut trace = String::new();
    for number in 0..200_000 {
        trace += &format!("T{}|r(V{number})|{}\n", number % 7, number % 100);
    }
    trace += "T7|w(V1)|last\n";
    let (status, stdout, stderr) = run_on(trace.as_bytes(), "json");
    assert_eq!((status, stderr.as_str()), (Some(66), ""));
    let report = report(&stdout);
    assert_eq!(report["events"], 200_001);
    assert_eq!(report["threads"], 8);
    assert_eq!(report["first"]["event"], 200_001);
    assert_eq!(report["first"]["races"][0]["earlier"]["site"], "1");
}

/// One line on standard error, nothing on standard output, status 2.
#[track_caller]
fn bad((status, stdout, stderr): Run, expected: &str) {
    assert_eq!(stderr, format!("cargo-race: {expected}\n"));
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
}

#[test]
fn malformed_traces() {
    for (trace, expected) in [
        (
            &b"T0|w(x)|1\n\n# x\nT0|foo(x)|2\nT0|w(x)|3\n"[..],
            "line 4: expected an operation such as `r(x)`, found `foo(x)`",
        ),
        (
            b"racecheck-trace/2\nT0|w(x)|1\n",
            "line 1: expected the format `racecheck-trace/1`, found `racecheck-trace/2`",
        ),
        (
            b"T0|w(0x10+99999999999)|1",
            "line 1: expected a range within 64-bit memory, as in `0x7f00+8`, found `0x10+99999999999`",
        ),
        (
            b"T0|w(x)|1\n\0\xff\x80",
            "line 2: expected three fields, as in `thread|operation(arguments)|place`, found `\\x00\\xff\\x80`",
        ),
        // Read, but impossible. Races that came before don't count.
        (
            b"T0|w(x)|1\nT1|w(x)|1\nT0|join(T9)|2",
            "line 3: the joined thread has never begun (`T9`)",
        ),
        (
            b"T0|fork(T0)|1",
            "line 1: a thread can't fork or join itself (`T0`)",
        ),
        (
            b"T1|w(x)|1\nT0|fork(T1)|1",
            "line 2: the forked thread has begun before (`T1`)",
        ),
        (
            b"racecheck-trace/1\nT0|end|1\nT0|w(x)|1",
            "line 3: the thread has ended before (`T0`)",
        ),
        (
            b"T0|fork(T1)|1\nT0|join(T1)|1\nT1|w(x)|1",
            "line 3: the thread has ended before (`T1`)",
        ),
        (
            b"T0|send(m)|1\nT0|send(m)|1",
            "line 2: the message was sent before, and not received (`m`)",
        ),
        (
            b"T0|recv(m)|1",
            "line 1: the message was not sent before (`m`)",
        ),
        (
            b"T0|leave(b)|1",
            "line 1: the thread has not arrived at the barrier (`b`)",
        ),
    ] {
        for format in ["text", "json"] {
            bad(
                run_on(trace, format),
                &format!("standard input: {expected}"),
            );
        }
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    bad(
        run(&["replay", "none.trace"]),
        "none.trace: No such file or directory (os error 2)",
    );
    bad(
        run(&["replay", "."]),
        ".: line 1: Is a directory (os error 21)",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.trace");
    fs::write(&path, "T0|r(x)|1\nT0|r(x)\n").unwrap();
    let path = path.to_str().unwrap();
    bad(
        run(&["replay", path]),
        &format!(
            "{path}: line 2: expected three fields, as in `thread|operation(arguments)|place`, found `T0|r(x)`"
        ),
    );
}

#[test]
fn bad_arguments() {
    for (arguments, expected) in [
        (
            &["replay"][..],
            "the following required arguments were not provided: <FILE>",
        ),
        (&["replay", "a", "b"], "unexpected argument 'b' found"),
        (
            &["replay", "a", "--fast"],
            "unexpected argument '--fast' found",
        ),
        (
            &["replay", "a", "--format", "xml"],
            "invalid value 'xml' for '--format <FORMAT>' [possible values: text, json]",
        ),
        (
            &["reply"],
            "unrecognized subcommand 'reply'; a similar subcommand exists: 'replay'",
        ),
        (
            &[],
            "'cargo race' requires a subcommand but one was not provided [subcommands: test, run, bench, build, nextest, clean, doctor, replay, help]",
        ),
        (
            &["race"],
            "'cargo race' requires a subcommand but one was not provided [subcommands: test, run, bench, build, nextest, clean, doctor, replay, help]",
        ),
    ] {
        bad(run(arguments), expected);
    }
}

#[test]
fn help() {
    for arguments in [
        &["--help"][..],
        &["race", "replay", "--help"],
        &["--version"],
    ] {
        let (status, stdout, stderr) = run(arguments);
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains("race"), "{stdout}");
    }
}

/// `cargo-race replay trace | head -0`
#[test]
fn nobody_reads_the_output() {
    for arguments in [
        &["replay", "-"][..],
        &["replay", "-", "--format=json"],
        &["--help"],
    ] {
        let mut child = cargo_race(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closed before there is anything to print: the child waits for its input, or hasn't been scheduled, or gets the error now.
        drop(child.stdout.take());
        let input = child
            .stdin
            .take()
            .unwrap()
            .write_all(b"T0|w(x)|1\nT1|w(x)|2\n");
        let (status, _, stderr) = texts(child.wait_with_output().unwrap());
        assert_eq!(stderr, "");
        if arguments[0] == "replay" {
            input.unwrap();
            assert_eq!(status, Some(66));
        } else {
            assert_eq!(status, Some(0));
        }
    }
}

/// The output is lost: that must not look like a verdict.
#[cfg(target_os = "linux")]
#[test]
fn the_output_cannot_be_written() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = cargo_race(&["replay", "lock.racy.trace"])
        .stdout(full)
        .output();
    bad(
        texts(run.unwrap()),
        "standard output: No space left on device (os error 28)",
    );
}

/// docs/traces.md shows what is really printed.
#[test]
fn the_documentation_is_real() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/traces.md");
    let page = fs::read_to_string(page).unwrap();
    let block = |start: &str| {
        let from = page.find(start).unwrap();
        let (_, block) = page[from..].split_once('\n').unwrap();
        let (block, _) = block.split_once("```").unwrap();
        block.to_owned()
    };
    let (_, printed, _) = run(&["replay", "several.racy.trace"]);
    assert_eq!(timeless(&block("```text\nfirst race")), timeless(&printed));
    let (_, printed, _) = run(&["replay", "free.racy.trace", "--format", "json"]);
    let shown: Value = serde_json::from_str(&block("```json\n{")).unwrap();
    assert_eq!(report(&format!("{shown}\n")), report(&printed));
    let example = block("```text\nracecheck-trace/1");
    let (status, printed, _) = run_on(example.as_bytes(), "text");
    assert_eq!(
        (status, timeless(&printed).as_str()),
        (Some(0), "no races\n8 events of 2 threads in ...\n")
    );
}
