//! Programs that deadlock, or could have: their reports, their status, and the options that concern them.

#![cfg(feature = "race-check")]

#[path = "examples/normalise.rs"]
mod normalise;
#[path = "support/programs.rs"]
mod programs;

use std::fs;

use programs::{Run, reports, run};
use serde_json::Value;

fn deadlocks(options: &str, way: &str) -> Run {
    run("deadlocks", options, &[way])
}

/// The report from its first line on, with threads, code offsets and the state of a thread left out.
fn normalised(text: &str) -> String {
    let mut normal = String::new();
    for line in text.lines() {
        let line = line.split(" +0x").next().unwrap();
        normal += &line.replace("(finished)", "(running)");
        normal.push('\n');
    }
    normal
}

#[test]
fn a_lock_order_is_reported_and_fails_the_program() {
    let run = deadlocks("", "orders");
    assert_eq!(run.status, Some(66), "{run:#?}");
    let (report, expected) = (
        normalised(&run.stderr),
        expect_test::expect_file!["deadlocks/orders.stderr"],
    );
    if cfg!(debug_assertions) {
        expected.assert_eq(&report);
    } else {
        // The program has no debug information, so callers that were inlined are gone.
        assert_eq!(
            normalise::without_callers(&report),
            normalise::without_callers(&expected.data())
        );
    }
}

/// lock_03: each thread of the ring, where it waits, and what it has locked where.
#[test]
fn lock_03_a_ring_of_waiting_threads_ends_the_process() {
    for (way, threads) in [("ring-2", 2), ("ring-3", 3), ("ring-with-a-writer", 2)] {
        let run = deadlocks("", way);
        assert_eq!(run.status, Some(66), "{run:#?}");
        let report = &run.stderr;
        assert_eq!(reports(report), 0, "no races: {report}");
        assert!(
            report.starts_with("==================\nWARNING: DEADLOCK\nWait for a "),
            "{report}"
        );
        assert!(report.ends_with("Found 1 deadlock(s)\n"), "{report}");
        let waits = |line: &&str| line.starts_with("Wait for a ");
        assert_eq!(report.lines().filter(waits).count(), threads, "{report}");
        let held =
            |line: &&str| line.contains(" held: ") && line.contains(" locked at tests/programs/");
        assert_eq!(report.lines().filter(held).count(), threads, "{report}");
    }
    let run = deadlocks("", "ring-with-a-writer");
    assert!(
        run.stderr.contains("RwLock #2 for reading locked at")
            || run.stderr.contains("RwLock #1 for reading locked at"),
        "{run:#?}"
    );
}

#[test]
fn a_thread_that_wants_what_its_joiner_holds() {
    for (way, wait) in [
        ("join", "Wait for the end of thread 2 by main thread:"),
        ("scope", "Wait for the threads of a scope by main thread:"),
    ] {
        let run = deadlocks("", way);
        assert_eq!(run.status, Some(66), "{run:#?}");
        assert!(run.stderr.contains("WARNING: DEADLOCK"), "{run:#?}");
        for line in [wait, "Wait for a lock of Mutex #1 by thread 2:"] {
            assert!(run.stderr.contains(line), "{line}: {run:#?}");
        }
    }
}

/// The panic ends the main thread, the report gives the status.
#[test]
fn lock_02_a_second_lock_is_a_report_and_a_panic() {
    let run = deadlocks("", "twice");
    assert_eq!(run.status, Some(66), "{run:#?}");
    assert!(
        run.stderr
            .contains("WARNING: DEADLOCK\nWait for a lock of Mutex #1 by main thread:"),
        "{run:#?}"
    );
    assert!(
        run.stderr
            .contains("Main held: Mutex #1 locked at tests/programs/deadlocks.rs:"),
        "{run:#?}"
    );
    assert!(
        run.stderr
            .contains("racecheck: this thread waits for itself: it holds the Mutex"),
        "{run:#?}"
    );
}

#[test]
fn what_a_check_collects_does_not_fail_the_program() {
    let run = deadlocks("", "orders-checked");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "collected 1\n"),
        "{run:#?}"
    );
    assert_eq!(run.stderr, "");
}

/// The report is in the test's output, and the test fails by a panic.
#[test]
fn a_test_with_a_lock_order_fails() {
    let run = deadlocks("", "orders-tested");
    assert_eq!(run.status, Some(101), "{run:#?}");
    for text in [
        "WARNING: POTENTIAL DEADLOCK",
        "deadlock detected during execution of test (1 found)",
    ] {
        assert_eq!(run.stderr.matches(text).count(), 1, "{run:#?}");
    }
}

#[test]
fn what_a_check_has_collected_is_there_when_a_ring_ends_the_process() {
    let run = deadlocks("", "orders-checked-then-ring");
    assert_eq!(run.status, Some(66), "{run:#?}");
    assert_eq!(
        run.stderr.matches("WARNING: POTENTIAL DEADLOCK").count(),
        1,
        "{run:#?}"
    );
    assert_eq!(
        run.stderr.matches("WARNING: DEADLOCK").count(),
        1,
        "{run:#?}"
    );
    assert!(run.stderr.ends_with("Found 2 deadlock(s)\n"), "{run:#?}");
}

#[test]
fn no_deadlocks() {
    let run = deadlocks("deadlocks=0", "orders");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
}

#[test]
fn exit_codes() {
    assert_eq!(deadlocks("exitcode=3", "orders").status, Some(3));
    assert_eq!(deadlocks("exitcode=0", "orders").status, Some(0));
    assert_eq!(deadlocks("exitcode=3", "ring-2").status, Some(3));
    // A program that would have hung is no success.
    assert_eq!(deadlocks("exitcode=0", "ring-2").status, Some(66));
    assert_eq!(deadlocks("", "none").status, Some(3));
}

#[test]
fn reports_are_limited_and_go_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let run = deadlocks(&format!("log_path={}", path.display()), "orders");
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (Some(66), ""),
        "{run:#?}"
    );
    let log = fs::read_to_string(format!("{}.{}", path.display(), run.pid)).unwrap();
    assert!(log.contains("WARNING: POTENTIAL DEADLOCK"), "{log}");

    let run = deadlocks("max_reports=1", "orders-checked-then-ring");
    assert_eq!(run.stderr.matches("WARNING: ").count(), 1, "{run:#?}");
    assert!(run.stderr.ends_with("Found 2 deadlock(s)\n"), "{run:#?}");

    let run = deadlocks("halt_on_error=1", "orders");
    assert!(run.stderr.ends_with("Found 1 deadlock(s)\n"), "{run:#?}");
}

#[test]
fn a_suppression_silences_its_own_kind_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.supp");
    for (line, status) in [("deadlock:lock_both", 0), ("race:lock_both", 66)] {
        fs::write(&path, line).unwrap();
        let run = deadlocks(&format!("suppressions={}", path.display()), "orders");
        assert_eq!(run.status, Some(status), "{run:#?}");
        assert_eq!(run.stderr.is_empty(), status == 0, "{run:#?}");
    }
}

#[test]
fn json() {
    let run = deadlocks("format=json", "orders");
    let lines: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [report, summary] = &lines[..] else {
        panic!("{run:#?}");
    };
    assert_eq!(report["type"], "deadlock");
    assert_eq!(report["kind"], "lock-order");
    let waiters = report["waiters"].as_array().unwrap();
    assert_eq!(waiters.len(), 2);
    for waiter in waiters {
        assert_eq!(waiter["goal"]["what"], "lock");
        assert_eq!(waiter["goal"]["lock"]["kind"], "Mutex");
        let held = waiter["held"].as_array().unwrap();
        assert_eq!(held.len(), 1);
        assert_ne!(held[0]["lock"]["number"], waiter["goal"]["lock"]["number"]);
        assert!(held[0]["locked_at"]["line"].is_u64());
        assert!(!waiter["stack"].as_array().unwrap().is_empty());
    }
    assert_eq!(summary["type"], "summary");
    assert_eq!(
        (&summary["races"], &summary["deadlocks"]),
        (&0.into(), &1.into())
    );
    let ring = deadlocks("format=json", "join");
    let report: Value = serde_json::from_str(ring.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(report["kind"], "deadlock");
}
