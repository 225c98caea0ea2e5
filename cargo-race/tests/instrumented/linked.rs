//! What programs are linked with, and by what.

use std::env;
use std::path::Path;

use super::{Zoo, run};

/// What isn't seen, so that nothing is checked.
const UNSEEN: &str = "racecheck: not all that this program's allocator gives out is seen, so nothing is checked: it may replace malloc, or not be linked by rust-lld\n";

/// Whose lock the engine would wait for, if it met a thread there for the first time.
#[test]
fn an_allocator_in_place_of_malloc_is_let_be() {
    let run = Zoo::of("malloc").run("run -q");
    run.assert(0);
    assert_eq!(run.text, format!("done\n{UNSEEN}"));
}

/// Whether a program starts, and its reports have all that they need.
fn links_with(linker: &str) {
    let zoo = Zoo::new();
    let mut command = zoo.command("run -q --example example");
    command.env("RUSTFLAGS", format!("-Clink-arg=-fuse-ld={linker}"));
    let quiet = run(&mut command);
    quiet.assert(0).assert_says_nothing_of("racecheck");
    let racy = run(command.env("ZOO", "example"));
    racy.assert(66);
    for place in zoo.places("examples/example.rs") {
        racy.assert_says(&place);
    }
}

#[test]
fn gnu_ld_will_do() {
    links_with("bfd");
}

/// It has all of its memory from elsewhere than `malloc`, and GNU's linker leaves the calls alone that are in one object with it.
#[test]
fn an_allocator_that_gnu_ld_hides_is_noticed() {
    let zoo = Zoo::new();
    zoo.write("examples/arena.rs", include_str!("arena.rs"));
    let line = "run -q --example arena";
    let seen = zoo.run(line);
    seen.assert(0);
    assert_eq!(seen.text, "done\n");
    let mut hidden = zoo.command(line);
    let hidden = run(hidden.env("RUSTFLAGS", "-Clink-arg=-fuse-ld=bfd"));
    hidden.assert(0);
    assert_eq!(hidden.text, format!("done\n{UNSEEN}"));
}

/// Where it is installed.
#[test]
fn mold_will_do() {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|folder| Path::new(&folder).join("ld.mold").is_file()) {
        links_with("mold");
    }
}
