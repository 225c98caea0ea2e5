//! What is wrong is said in one line, or by cargo itself, with the status that it has.

use super::{Run, Zoo, run};

fn assert_one_line(run: &Run, line: &str) {
    run.assert(2);
    assert_eq!(run.text, format!("cargo-race: {line}\n"));
}

#[test]
fn a_typing_error_gets_the_nearest_word() {
    let zoo = Zoo::new();
    assert_one_line(
        &zoo.run("tset"),
        "unrecognized subcommand 'tset'; a similar subcommand exists: 'test'",
    );
    assert_one_line(
        &zoo.run("--no-supressions test"),
        "unexpected argument '--no-supressions' found; a similar argument exists: '--no-suppressions'",
    );
    assert_one_line(
        &zoo.run("nextest rum"),
        "say what nextest is to do: cargo race nextest run",
    );
}

#[test]
fn another_target_is_refused() {
    let zoo = Zoo::new();
    assert_one_line(
        &zoo.run("test --target wasm32-unknown-unknown"),
        "--target wasm32-unknown-unknown: programs are checked where they are built, on x86_64-unknown-linux-gnu: leave it out",
    );
    zoo.write(
        ".cargo/config.toml",
        "build.target = 'wasm32-unknown-unknown'",
    );
    assert_one_line(
        &zoo.run("test"),
        "build.target is wasm32-unknown-unknown in cargo's configuration, and programs are checked where they are built, on x86_64-unknown-linux-gnu: say --target x86_64-unknown-linux-gnu",
    );
}

#[test]
fn gold_is_refused() {
    let zoo = Zoo::new();
    let mut command = zoo.command("test");
    assert_one_line(
        &run(command.env("RUSTFLAGS", "-Clink-arg=-fuse-ld=gold")),
        "-fuse-ld=gold: gold leaves constructors out that a checked program needs: use rust-lld, GNU ld or mold",
    );
}

#[test]
fn cargos_errors_are_cargos() {
    let zoo = Zoo::new();
    zoo.write("src/lib.rs", "no Rust");
    let bad = zoo.run("test");
    bad.assert(101).assert_says("could not compile `zoo`");
    zoo.run("test --no-such-option").assert(1);
    let elsewhere = tempfile::tempdir().unwrap();
    let run = run(zoo.command("test").current_dir(elsewhere.path()));
    run.assert(101).assert_says("could not find `Cargo.toml`");
}

/// A compiler that is one of another host, or whose std has no bitcode.
#[test]
fn a_toolchain_that_cannot_be_served_is_told_what_would_be_right() {
    let zoo = Zoo::new();
    let rustc = |host: &str, sysroot: &str| {
        let text = format!(
            "#!/bin/sh\ncase $1 in -vV) echo 'rustc 1.95.0 (fake)'; echo 'host: {host}';; *) echo {sysroot};; esac\n"
        );
        zoo.write("rustc", &text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(zoo.path("rustc"), mode).unwrap();
        run(zoo.command("test").env("RUSTC", zoo.path("rustc")))
    };
    assert_one_line(
        &rustc("aarch64-apple-darwin", "/"),
        "rustc 1.95.0 (fake) compiles for aarch64-apple-darwin, and this cargo-race checks programs for x86_64-unknown-linux-gnu: use a toolchain of that host, or install cargo-race with this one",
    );
}
