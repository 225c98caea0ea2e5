//! The table of an executable's programs, and what its arguments choose.

use std::process::ExitCode;

/// What is expected of a program, and the program, which is given the number of threads.
pub(crate) type Entry = (&'static str, &'static str, fn(usize));

/// The table of a module's programs, by their verdicts.
macro_rules! programs {
    ($($verdict:ident: $($name:ident),+;)+) => {
        pub(crate) const PROGRAMS: &[crate::entries::Entry] = &[$($((stringify!($verdict), stringify!($name), $name)),+),+];
    };
}
pub(crate) use programs;

/// Runs the program that the arguments name, or lists all.
pub(crate) fn run(modules: &[&[Entry]]) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let threads = arguments
        .next()
        .map_or(2, |threads| threads.parse().expect("a number of threads"));
    let all = || modules.iter().copied().flatten();
    if wanted == "list" {
        for (verdict, name, _) in all() {
            println!("{verdict} {name}");
        }
        return ExitCode::SUCCESS;
    }
    let Some((_, _, program)) = all().find(|(_, name, _)| *name == wanted) else {
        eprintln!("no such program: {wanted}");
        return ExitCode::from(2);
    };
    program(threads);
    ExitCode::SUCCESS
}
