//! The test suites of real crates, unmodified, under `cargo race test`: what they report, and how long they take against a plain run.
//!
//! A crate's source is what crates.io serves, with the lock file that is in it, in a folder of its own. `docs/suites.md` has the results. The tests are ignored unless
//! asked for, because they need the network and take from seconds to minutes each:
//!
//! ```sh
//! cargo test -p cargo-race --test suites -- --ignored --nocapture --test-threads=1 [flume]
//! ```

mod reports;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use reports::{Report, Reports, pairs};

/// Seconds after which a suite hangs.
const PLAIN_LIMIT: &str = "600";
const RACE_LIMIT: &str = "3600";

/// GNU time, which runs a test executable, and appends to the file that is named next how many KiB it has had at most, and its seconds of a processor: its own, and the
/// kernel's for it.
const TIME: &str = "/usr/bin/time --append --format=%M,%U,%S --output";

/// The profile of `cargo race`, for the plain run.
const PROFILE: &[&str] = &[
    "--profile=race",
    "--config=profile.race.inherits='dev'",
    "--config=profile.race.opt-level=3",
    "--config=profile.race.debug='limited'",
    "--config=profile.race.incremental=false",
];

struct Suite {
    name: &'static str,
    version: &'static str,
    /// Of cargo: which tests, which features.
    cargo: &'static [&'static str],
    /// Tests that ask that something be done in so many milliseconds. That one fails only under race says how busy the machine was.
    clock: &'static [&'static str],
    /// Races that are the crate's own, by a function or file of each side. Why each is one stands in `docs/suites.md`.
    races: &'static [[&'static str; 2]],
}

macro_rules! suites {
    ($($test:ident: $name:literal $version:literal, $cargo:expr, $clock:expr, $races:expr;)*) => {$(
        #[test]
        #[ignore = "builds crates from the network"]
        fn $test() {
            run(&Suite { name: $name, version: $version, cargo: &$cargo, clock: &$clock, races: &$races });
        }
    )*};
}

suites! {
    crossbeam_utils: "crossbeam-utils" "0.8.23", ["--tests"], [], [];
    crossbeam_queue: "crossbeam-queue" "0.3.14", ["--tests"], [], [];
    crossbeam_channel: "crossbeam-channel" "0.5.17", ["--tests"], ["recv_race", "ready"], [["atomic_load", "atomic_cell.rs"]];
    crossbeam_epoch: "crossbeam-epoch" "0.9.21", ["--tests"], [], [];
    crossbeam_deque: "crossbeam-deque" "0.8.8", ["--tests"], [], [["steal", "push"]];
    parking_lot: "parking_lot" "0.12.5", ["--tests"], [], [];
    once_cell: "once_cell" "1.21.4", ["--tests"], [], [];
    arc_swap: "arc-swap" "1.9.3", ["--tests"], [], [];
    flume: "flume" "0.12.0", ["--tests"], FLUME_CLOCK, [];
    rayon_core: "rayon-core" "1.13.0", ["--tests"], [], [["steal", "push"]];
    dashmap: "dashmap" "6.2.1", ["--tests"], [], [];
    tokio: "tokio" "1.54.1", TOKIO, [], [];
}

/// Five milliseconds are to suffice for a thread to get its turn; in the last one, five seconds for all tasks.
const FLUME_CLOCK: [&str; 3] = [
    "recv_deadline",
    "send_timeout",
    "parallel_streams_and_async_recv",
];

/// The runtime with threads, and what tasks synchronise by. The registry's `tokio-test` is to use this very tokio.
const TOKIO: [&str; 9] = [
    "--config=patch.crates-io.tokio.path='.'",
    "--features=full,test-util",
    "--test=rt_basic",
    "--test=rt_common",
    "--test=rt_handle",
    "--test=rt_threaded",
    "--test=rt_spawn_blocking",
    "--test=rt_shutdown_err",
    "--test=sync_*",
];

/// What one run of a suite came to.
struct Outcome {
    passed: usize,
    failed: BTreeSet<String>,
    /// As the test executables measured it: without cargo's own time.
    seconds: f64,
    /// Of a processor, the kernel's work for them included.
    busy: f64,
    /// Of the largest test executable, in MiB.
    memory: u64,
    output: String,
}

fn run(suite: &Suite) {
    let folder = source(suite);
    let beside = |what: &str| folder.with_file_name(format!("{}-{what}", suite.name));
    let reports = Reports::new(&beside("reports"));
    let plain = Way {
        cargo: &["cargo"],
        arguments: PROFILE,
        target: beside("plain"),
        usage: beside("plain-usage"),
        limit: PLAIN_LIMIT,
        options: None,
    };
    let race = Way {
        // What the shipped list hides is in the suites' own lists.
        cargo: &[env!("CARGO_BIN_EXE_cargo-race"), "--no-suppressions"],
        arguments: &[],
        target: beside("race"),
        usage: beside("race-usage"),
        limit: RACE_LIMIT,
        options: Some(reports.options()),
    };
    let plain = plain.run(suite, &folder);
    let race = race.run(suite, &folder);
    let found = reports.read();

    println!(
        "| {} {} | {} | {:.2} s | {:.2} s | {} | {:.2} s | {:.2} s | {} | {} MiB | {} MiB | {} |",
        suite.name,
        suite.version,
        race.count(),
        plain.seconds,
        race.seconds,
        times(race.seconds, plain.seconds),
        plain.busy,
        race.busy,
        times(race.busy, plain.busy),
        plain.memory,
        race.memory,
        pairs(&found).len(),
    );
    for (pair, count) in pairs(&found) {
        println!("    {count} times: {pair}");
    }
    let newly = race.failed.difference(&plain.failed);
    let newly: Vec<_> = newly
        .filter(|t| !suite.clock.contains(&t.as_str()))
        .collect();
    assert!(
        newly.is_empty(),
        "fail only under race: {newly:?}\n{}",
        race.output
    );
    assert_eq!(race.count(), plain.count(), "{}", race.output);
    let of_theirs = |report: &Report| suite.races.iter().any(|race| report.is_of(*race));
    // They may or may not come about in one run.
    let unknown: Vec<_> = found.into_iter().filter(|r| !of_theirs(r)).collect();
    assert!(unknown.is_empty(), "{:?}", pairs(&unknown));
}

/// How many times as long it took. Of hundredths of a second nobody can tell.
fn times(race: f64, plain: f64) -> String {
    if plain < 0.05 {
        return String::new();
    }
    format!("{:.1}", race / plain)
}

/// One of the two ways to run a suite.
struct Way {
    /// With what stands before the word `test`.
    cargo: &'static [&'static str],
    arguments: &'static [&'static str],
    target: PathBuf,
    /// Where the memory and the time of each test executable are written.
    usage: PathBuf,
    limit: &'static str,
    /// `RACE_OPTIONS`.
    options: Option<String>,
}

impl Way {
    fn command(&self, suite: &Suite, folder: &Path) -> Command {
        // Rustup's variable is inherited, so that a crate's `rust-toolchain.toml`, which dashmap has, changes nothing.
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", self.limit])
            .args(self.cargo)
            .args(["test", "--no-fail-fast"])
            .arg("--target-dir")
            .arg(&self.target)
            .args(self.arguments)
            .args(suite.cargo)
            .current_dir(folder)
            .env_remove("RACE_OPTIONS")
            .env_remove("CARGO_TARGET_DIR")
            // Many tests panic on purpose, and are not to be timed for what they print of that.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null());
        command
    }

    /// Builds, and then runs.
    fn run(&self, suite: &Suite, folder: &Path) -> Outcome {
        let built = self
            .command(suite, folder)
            .arg("--no-run")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{}: {said}", suite.name);
        let mut command = self.command(suite, folder);
        if let Some(options) = &self.options {
            command.env("RACE_OPTIONS", options);
        }
        fs::write(&self.usage, "").unwrap();
        let runner = format!("{TIME} {}", self.usage.display());
        command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
        let mut outcome = Outcome::of(command.output().unwrap());
        outcome.take_usage(&fs::read_to_string(&self.usage).unwrap());
        outcome
    }
}

impl Outcome {
    fn of(output: Output) -> Self {
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
        let mut outcome = Self {
            passed: 0,
            failed: BTreeSet::new(),
            seconds: 0.0,
            busy: 0.0,
            memory: 0,
            output: String::new(),
        };
        for line in stdout.lines() {
            if let Some(result) = line.strip_prefix("test result: ") {
                let before = |text: &str| result.split(text).next()?.split(' ').next_back();
                let number = |text: &str| before(text)?.parse::<f64>().ok();
                outcome.passed += number(" passed").map_or(0, |passed| passed as usize);
                let seconds = result.split("finished in ").nth(1);
                let seconds =
                    seconds.and_then(|text| text.trim_end_matches('s').parse::<f64>().ok());
                outcome.seconds += seconds.unwrap_or(0.0);
            } else if let Some(name) = line
                .strip_prefix("test ")
                .and_then(|line| line.strip_suffix(" ... FAILED"))
            {
                outcome.failed.insert(name.to_owned());
            }
        }
        outcome.output = stdout + &stderr;
        outcome
    }

    /// From what GNU time has written.
    fn take_usage(&mut self, text: &str) {
        // Of an executable that failed, there is a line in words as well.
        for line in text.lines() {
            let numbers: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
            if let Ok([kib, own, kernels]) = numbers.as_deref() {
                self.memory = self.memory.max(*kib as u64 / 1024);
                self.busy += own + kernels;
            }
        }
    }

    /// How many tests ran. Ignored ones didn't.
    fn count(&self) -> usize {
        self.passed + self.failed.len()
    }
}

/// The crate as the registry has it, in a folder where it is no part of this workspace.
fn source(suite: &Suite) -> PathBuf {
    let all = std::env::temp_dir().join("race-suites");
    let of = |what: &str| all.join(format!("{}-{what}", suite.name));
    let fetch = of("fetch");
    fs::create_dir_all(fetch.join("src")).unwrap();
    fs::write(fetch.join("src/lib.rs"), "").unwrap();
    let manifest = format!(
        "[package]\nname = \"fetch\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{} = \"={}\"\n",
        suite.name, suite.version,
    );
    fs::write(fetch.join("Cargo.toml"), manifest).unwrap();
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version=1"])
        .current_dir(&fetch)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == suite.name);
    let manifest = Path::new(package.unwrap()["manifest_path"].as_str().unwrap());

    let folder = of(suite.version);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let copied = Command::new("cp")
        .arg("-R")
        .args([manifest.parent().unwrap(), &folder])
        .status();
    assert!(copied.unwrap().success());
    folder
}
