//! Tracked values in statics, used before `main` and after it.

use crate::programs::run;
use crate::{is_silent, raced};

#[test]
fn before_main() {
    raced(1, &run("outside_main", "", &["constructor", "racy"]));
    is_silent(&run("outside_main", "", &["constructor", "ordered"]));
}

#[test]
fn after_main() {
    for how in ["exit-handler", "threads-of-an-exit-handler"] {
        raced(1, &run("outside_main", "", &[how, "racy"]));
        is_silent(&run("outside_main", "", &[how, "ordered"]));
    }
}
