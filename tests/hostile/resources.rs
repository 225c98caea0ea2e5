//! Too little memory, and locks of the system's that somebody else has.

use crate::programs::run;
use crate::raced;

/// Names need tens of megabytes; a report without them is better than none.
#[test]
fn a_report_without_memory_for_names() {
    let run = run("resources", "", &["little-memory"]);
    raced(1, &run);
    let said = "racecheck: too little memory to look up names: reports have addresses instead\n";
    assert_eq!(run.stderr.matches(said).count(), 1, "{run:#?}");
    assert!(
        run.stderr.contains("tests/programs/resources.rs:"),
        "{run:#?}"
    );
    assert_eq!(run.stdout, "done");
}

#[test]
fn shadow_that_there_is_no_memory_for_is_dropped_with_a_word() {
    let run = run("resources", "", &["raw-memory"]);
    assert_eq!(
        (run.status, &run.stderr[..]),
        (
            Some(0),
            "racecheck: out of memory: accesses to raw memory are no longer checked where there were none before\n"
        ),
    );
    assert_eq!(run.stdout, "done");
}

/// Symbols are looked up under a lock that the racing thread has already.
#[test]
fn a_race_inside_dl_iterate_phdr() {
    let run = run("resources", "", &["loader"]);
    raced(1, &run);
    assert!(run.stderr.contains("resources::race"), "{run:#?}");
}

/// A thread that waits for input has locked C's stdin.
#[test]
fn the_exit_does_not_wait_for_a_reader() {
    let run = run("resources", "", &["getchar"]);
    raced(1, &run);
    assert_eq!(run.stdout, "doneby C");
}
