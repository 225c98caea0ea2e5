//! `fork` without `exec`: the child can use tracked types, whatever the parent's other threads were at, and answers for its own races only.

use std::fs;

use crate::programs::{Run, reports, run};
use crate::{is_silent, raced};

fn forks(how: &str) -> Run {
    run("forks", "", &[how])
}

#[test]
fn the_child_can_use_tracked_types() {
    for how in ["alone", "busy", "while-reporting"] {
        is_silent(&forks(how));
    }
}

#[test]
fn the_child_is_silent_about_the_parents_races() {
    let run = forks("nothing-new");
    raced(1, &run);
    assert_eq!(run.stderr.matches("Found").count(), 1, "{run:#?}");
    assert_eq!(run.stdout, "status 7\n");
    let run = forks("command");
    raced(1, &run);
    assert_eq!(run.stdout, "status 0\n");
}

#[test]
fn the_child_reports_its_own_races_once() {
    let run = forks("same-race");
    assert_eq!(reports(&run.stderr), 2, "one of each: {run:#?}");
    assert_eq!(run.stderr.matches("Found 1 data race(s)\n").count(), 2);
    assert_eq!((run.status, &run.stdout[..]), (Some(66), "status 66\n"));
    let run = forks("grandchild");
    assert_eq!(reports(&run.stderr), 1, "{run:#?}");
    assert_eq!((run.status, &run.stdout[..]), (Some(0), "status 66\n"));
}

#[test]
fn each_process_has_a_log_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("races");
    let run = run(
        "forks",
        &format!("log_path={}", log.display()),
        &["same-race"],
    );
    let files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2);
    assert!(files.contains(&folder.path().join(format!("races.{}", run.pid))));
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(reports(&text), 1, "{text}");
        assert!(text.ends_with("Found 1 data race(s)\n"), "{text}");
    }
}

#[test]
fn what_was_done_before_is_ordered_before_the_child() {
    let run = forks("before-and-after");
    is_silent(&run);
    assert_eq!(run.stdout, "status 0\n");
}

#[test]
fn a_check_that_both_go_on_with_is_two() {
    let run = forks("in-a-check");
    is_silent(&run);
    assert_eq!(run.stdout, "status 0 races 1\n");
    let run = forks("child-in-a-check");
    is_silent(&run);
    assert_eq!(run.stdout, "status 11 races 1\n");
}
