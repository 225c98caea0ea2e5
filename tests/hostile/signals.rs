//! Signal handlers: what they order is taken to order everything, what they access isn't checked, and they may come at any time.

use crate::programs::run;
use crate::{is_silent, raced};

/// Thousands of handlers, most of them in the middle of the engine.
#[test]
fn what_a_handler_orders_is_never_a_false_report() {
    for how in ["acquire", "relaxed-and-fence", "release"] {
        let run = run("signals", "", &[how]);
        is_silent(&run);
        assert_eq!(run.stdout, "done\n", "{how}");
    }
}

#[test]
fn races_between_threads_are_found_all_the_same() {
    for how in ["race-under-signals", "race-after-an-acquire"] {
        raced(1, &run("signals", "", &[how]));
    }
}

/// A handler may interrupt `malloc`, where the engine can't have any memory.
#[test]
fn a_handler_that_interrupts_the_allocator_does_not_hang() {
    is_silent(&run("signals", "", &["allocator"]));
}

#[test]
fn the_program_sees_its_own_handlers() {
    let run = run("signals", "", &["installed"]);
    is_silent(&run);
    assert_eq!(run.stdout, "done\n");
}

#[test]
fn a_handler_that_exits_loses_no_race() {
    for how in ["exit", "exit-in-a-check"] {
        raced(1, &run("signals", "", &[how]));
    }
}
