//! A global allocator that uses tracked types, and is called by the engine, among others; one that nobody sees at work.

use crate::programs::run;
use crate::{is_silent, raced};

#[test]
fn tracked_atomics_simply_work() {
    let run = run("allocator", "", &["counters"]);
    is_silent(&run);
    assert_eq!(run.stdout, "done\n");
}

#[test]
fn races_are_found_all_the_same() {
    raced(1, &run("allocator", "", &["racy"]));
}

/// The engine allocates while the thread holds the lock. Each program looks for seconds before it says so, so they run side by side.
#[test]
fn a_tracked_lock_ends_the_program_with_a_word() {
    let ends_with_a_word = |how: &'static str, word: &str| {
        let run = run("allocator", "", &[how]);
        assert_eq!(run.status, Some(2), "{run:#?}");
        assert!(
            run.stderr.starts_with("racecheck: the global allocator"),
            "{run:#?}"
        );
        assert!(run.stderr.contains(word), "{run:#?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    };
    let (mutex, rw_lock) = ["Mutex", "RwLock"]
        .map(|lock| format!("for a tracked {lock} (made at tests/programs/allocator.rs:"))
        .into();
    std::thread::scope(|s| {
        s.spawn(|| ends_with_a_word("mutex", &mutex));
        s.spawn(|| ends_with_a_word("rw-lock", &rw_lock));
        s.spawn(|| {
            let word = "for a lock made of a tracked atomic: use std::sync::atomic there";
            ends_with_a_word("spin-lock", word);
        });
    });
}

/// A pool orders a free before the next allocation by itself. As long as nobody sees that, raw memory isn't checked, and a line says so.
#[test]
fn memory_from_a_pool_is_not_checked_unless_it_is_seen() {
    let run = run("pools", "", &["unseen"]);
    assert_eq!(
        (run.status, &run.stdout[..]),
        (Some(0), "true\n"),
        "{run:#?}"
    );
    let line = "racecheck: nobody sees which memory this program's allocator gives out";
    assert!(run.stderr.starts_with(line), "{run:#?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
}

#[test]
fn memory_from_a_wrapped_pool_has_no_past() {
    let run = run("pools", "", &["wrapped"]);
    is_silent(&run);
    assert_eq!(run.stdout, "true\n");
}

#[test]
fn races_on_memory_are_found_beside_a_wrapped_pool() {
    raced(1, &run("pools", "", &["racy"]));
}
