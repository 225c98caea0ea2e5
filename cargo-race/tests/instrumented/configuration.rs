//! What the user has set stays as it was set.

use std::fs;

use super::{Zoo, run};

const RUN: &str = "run -q --example example";
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Where cargo takes flags from, each of them without the others.
#[test]
fn flags_stay() {
    let zoo = Zoo::new();
    let with_environment = run(zoo.command(RUN).env("RUSTFLAGS", "--cfg from_environment"));
    let environment = "from_environment: true";
    with_environment.assert(0).assert_says(environment);

    zoo.write(
        ".cargo/config.toml",
        "build.rustflags = ['--cfg', 'from_build']",
    );
    let with_build = zoo.run(RUN);
    with_build.assert(0).assert_says("from_build: true");
    let line = format!("{RUN} --config build.rustflags=['--cfg=from_command_line']");
    let with_both = zoo.run_racing("example", &line);
    with_both.assert(66).assert_says("from_build: true");
    with_both.assert_says("from_command_line: true");

    let target = format!("[target.{HOST}]\nrustflags = ['--cfg', 'from_target']\nlinker = 'cc'");
    zoo.write(".cargo/config.toml", &target);
    let with_target = zoo.run_racing("example", RUN);
    with_target.assert(66).assert_says("from_target: true");
    with_target.assert_says("from_build: false");
}

/// A runner, and the environment that tests see.
#[test]
fn the_runner_and_the_environment_stay() {
    let zoo = Zoo::new();
    zoo.write(
        "runner",
        "#!/bin/sh\necho \"runner: $1\"\nshift\nexec \"$@\"\n",
    );
    let runner = zoo.path("runner");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&runner, mode).unwrap();
    let config = format!("target.{HOST}.runner = ['{}', 'mine']", runner.display());
    zoo.write(".cargo/config.toml", &config);
    let test = "#[test]\nfn names() {\n for (name, _) in std::env::vars_os() { println!(\"{}\", name.display()) }\n}";
    zoo.write("tests/environment.rs", test);
    let mut command = zoo.command("test --test environment --test integration -- --nocapture");
    let run = run(command
        .env("ZOO", "integration")
        .env("RUSTFLAGS", "--cfg x"));
    run.assert(66).assert_says("runner: mine");
    run.assert_says("\nRUSTFLAGS\n");
    for ours in [
        "\nCARGO_ENCODED_RUSTFLAGS\n",
        "\nCARGO_ENCODED_RUSTDOCFLAGS\n",
        "\nCARGO_RACE_RUNNER\n",
        "_RUNNER\n",
    ] {
        run.assert_says_nothing_of(ours);
    }
}

#[test]
fn the_target_folder_is_in_the_users() {
    let zoo = Zoo::new();
    let build = "build --example example";
    run(zoo.command(build).env("CARGO_TARGET_DIR", "by-variable")).assert(0);
    let built = format!("{HOST}/race/examples/example");
    assert!(zoo.path("by-variable/race").join(&built).is_file());
    zoo.run(&format!("{build} --target-dir=by-option"))
        .assert(0);
    assert!(zoo.path("by-option").join(&built).is_file());
    assert!(!zoo.path("target").exists());
}

/// Link-time optimisation would need bitcode that the instrumented std has no more.
#[test]
fn a_profile_of_the_users_is_used() {
    let zoo = Zoo::new();
    let manifest = fs::read_to_string(zoo.path("Cargo.toml")).unwrap();
    let profile =
        "[profile.release]\nlto = 'fat'\ncodegen-units = 1\nstrip = true\npanic = 'abort'\n";
    zoo.write("Cargo.toml", &format!("{manifest}{profile}"));
    let run = zoo.run_racing("example", "run --release --example example");
    run.assert(66).assert_says("debug_assertions: false");
    run.assert_says("Using profile `release`, as asked, but without link-time optimisation");
    for place in zoo.places("examples/example.rs") {
        run.assert_says(&place);
    }
}
