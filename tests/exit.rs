//! The end of a program that raced: its status, and that nothing of its output is lost.

#![cfg(feature = "race-check")]

#[path = "support/programs.rs"]
mod programs;

use std::fs;

use programs::{Run, reports, run};

/// Checks the log of a program that raced, and its status.
#[track_caller]
fn raced(times: usize, run: &Run) {
    assert_eq!(reports(&run.stderr), times, "{run:#?}");
    let found = format!("Found {times} data race(s)\n");
    assert!(run.stderr.ends_with(&found), "{run:#?}");
    assert_eq!(run.status, Some(66), "{run:#?}");
}

/// Every way to end, with the status that is the program's own.
const ENDS: [(&str, i32); 6] = [
    ("return", 0),
    ("panic", 101),
    ("exit-0", 0),
    ("exit-3", 3),
    ("exit-3-in-a-thread", 3),
    ("exit-3-in-a-thread-of-std", 3),
];

#[test]
fn the_status_is_66_however_the_program_ends() {
    for (how, _) in ENDS {
        raced(1, &run("exits", "", &[how, "racy"]));
    }
}

#[test]
fn a_program_without_races_keeps_its_own_status() {
    for (how, status) in ENDS {
        let run = run("exits", "", &[how, "ordered"]);
        assert_eq!(run.status, Some(status), "{how}: {run:#?}");
        assert_eq!(reports(&run.stderr), 0, "{how}: {run:#?}");
        assert_eq!(run.stderr.is_empty(), how != "panic", "{how}: {run:#?}");
    }
}

#[test]
fn a_panic_of_main_is_printed_as_ever() {
    let run = run("exits", "", &["panic", "racy"]);
    assert!(run.stderr.contains("the end"), "{run:#?}");
}

/// A handler finds a race that is counted, so all of them have run before the count is printed; and what they have written is there.
#[test]
fn exit_handlers_run_first_and_their_output_is_there() {
    for how in ["return", "exit"] {
        let run = run("output", "", &[how]);
        raced(1, &run);
        let mut expected =
            "main by Rust, main by C, last registered\nfirst registered\n".to_owned();
        if cfg!(target_os = "linux") {
            expected += "destructor\n";
        }
        assert_eq!(run.stdout, expected, "{how}");
    }
}

/// `std` can do that, so a program under racecheck can.
#[test]
fn an_exit_handler_may_start_threads() {
    let run = run("exits", "", &["exit-handler-starts-threads", "racy"]);
    raced(1, &run);
    assert_eq!(run.stdout, "one other");
}

#[test]
fn the_log_file_is_complete_however_the_program_ends() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("races");
    for (how, _) in ENDS {
        let mut run = run(
            "exits",
            &format!("log_path={}", log.display()),
            &[how, "racy"],
        );
        let text = fs::read_to_string(format!("{}.{}", log.display(), run.pid)).unwrap();
        assert_eq!(run.stderr.is_empty(), how != "panic", "{how}: {run:#?}");
        run.stderr = text;
        raced(1, &run);
    }
}

#[test]
fn the_same_pair_of_lines_a_thousand_times_is_one_report() {
    raced(1, &run("repeats", "", &[]));
}

mod check {
    use super::*;

    #[test]
    fn its_races_do_not_count() {
        let run = run("checks", "", &["collected"]);
        assert_eq!(run.stdout, "collected 1\n");
        assert_eq!((run.status, &run.stderr[..]), (Some(0), ""));
    }

    #[test]
    fn a_panic_inside_prints_what_was_found() {
        let run = run("checks", "", &["panic"]);
        raced(1, &run);
        assert!(run.stderr.contains("halfway"), "{run:#?}");
        assert_eq!(run.stdout, "");
    }

    #[test]
    fn exit_inside_prints_what_was_found() {
        for (how, times) in [("exit", 1), ("exit-in-a-thread", 1), ("exit-nested", 2)] {
            let run = run("checks", "", &[how]);
            raced(times, &run);
            assert_eq!(run.stdout, "", "{how}");
        }
    }

    /// No exit handler runs, so nothing sums up, and the status is the program's own.
    #[test]
    #[cfg(target_os = "linux")]
    fn ending_without_exit_handlers_prints_what_was_found() {
        for how in ["abort", "_exit", "abort-in-a-thread", "_exit-in-a-thread"] {
            let run = run("checks", "", &[how]);
            assert_eq!(reports(&run.stderr), 1, "{run:#?}");
            assert!(!run.stderr.contains("Found"), "{run:#?}");
            let status = how.starts_with("_exit").then_some(5);
            assert_eq!((run.status, &run.stdout[..]), (status, ""), "{how}");
        }
    }

    /// A pair of lines is news to each collector, and to the log.
    #[test]
    fn what_was_reported_before_is_collected_and_the_reverse() {
        let run = run("checks", "", &["before-and-after"]);
        raced(2, &run);
        assert_eq!(run.stdout, "collected 1\ncollected 1\n");
    }

    #[test]
    fn a_thread_that_outlives_it_reports_to_the_log() {
        let run = run("checks", "log_path=stdout", &["outlived"]);
        let (before, after) = run.stdout.split_once("joined\n").unwrap();
        assert!(before.starts_with("collected 0\n"), "{run:#?}");
        assert_eq!(reports(before), 1, "when it is found: {run:#?}");
        assert_eq!(after, "Found 1 data race(s)\n");
        assert_eq!(run.status, Some(66));
    }
}
