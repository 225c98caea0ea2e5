//! `doctor` and `clean`.

use std::fs;

use super::{Zoo, run};

#[test]
fn the_doctor_finds_what_is_there() {
    let zoo = Zoo::new();
    let run = zoo.run("doctor");
    run.assert(0);
    for what in [
        "  ok  runtime: ",
        "  ok  toolchain: rustc ",
        "  ok  host: x86_64-unknown-linux-gnu\n",
        "  ok  rust-lld: ",
        "  ok  bitcode: ",
        "  ok  cache: ",
        "  ok  a race: built, run, and found\n",
    ] {
        run.assert_says(what);
    }
}

#[test]
fn the_doctor_finds_what_is_missing() {
    let zoo = Zoo::new();
    let no_runtime = run(zoo
        .command("doctor")
        .env("CARGO_RACE_RUNTIME", "/no/such.o"));
    no_runtime
        .assert(1)
        .assert_says(" bad  a race: CARGO_RACE_RUNTIME: no file /no/such.o\n");
    let no_rustc = run(zoo.command("doctor").env("RUSTC", "/no/rustc"));
    no_rustc
        .assert(1)
        .assert_says(" bad  toolchain: `/no/rustc -vV`: ");
}

#[test]
fn cleaning_removes_what_was_made() {
    let zoo = Zoo::new();
    zoo.run("test --lib").assert(0);
    // Its own folder, so that the other tests' stays.
    let cache = zoo.path("cache");
    fs::create_dir_all(cache.join("std-entry")).unwrap();
    fs::copy(
        super::cache().join("CACHEDIR.TAG"),
        cache.join("CACHEDIR.TAG"),
    )
    .unwrap();
    fs::create_dir(zoo.path("target/debug")).unwrap();
    let clean = |line: &str| run(zoo.command(line).env("CARGO_RACE_CACHE", &cache));
    clean("clean --cache").assert(0);
    assert!(!cache.exists());
    assert!(zoo.path("target/race").exists());
    clean("clean").assert(0);
    assert!(!zoo.path("target/race").exists());
    assert!(zoo.path("target/debug").exists());
}
