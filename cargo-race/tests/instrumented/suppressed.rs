//! The shipped list hides exactly what it names: not the function beside it, nor one of the same name in another crate.

use super::Zoo;

#[test]
fn races_by_design_are_reported_only_if_asked_for() {
    let crates = Zoo::of("by-design");
    for debug in ["\"line-tables-only\"", "2"] {
        let run = |ours: &str, program: &str| {
            let settings =
                format!("--config profile.race.debug={debug} --config profile.race.inherits='dev'");
            crates.run(&format!("{ours} run {settings} -- {program}"))
        };
        for program in ["slot", "cell"] {
            run("", program)
                .assert(0)
                .assert_says_nothing_of("DATA RACE");
        }
        for (ours, program, functions) in [
            ("--no-suppressions", "slot", ["read", "write"]),
            ("", "neighbour-of-slot", ["read", "dealloc"]),
            ("", "namesake-of-slot", ["read", "write"]),
            ("--no-suppressions", "cell", ["atomic_load", "atomic_store"]),
            ("", "neighbour-of-cell", ["atomic_store", "atomic_store"]),
        ] {
            let reported = run(ours, program);
            reported.assert(66).assert_says("Found 1 data race(s)");
            for function in functions {
                // With its type where there are line tables only.
                let named = [format!("  {function}<u64>()"), format!("::{function}()")];
                assert!(
                    named.iter().any(|name| reported.text.contains(name)),
                    "no {function} in: {}",
                    reported.text
                );
            }
        }
    }
}
