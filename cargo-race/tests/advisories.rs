//! Races that were published as RustSec advisories: each is reported with the version that has the flaw, and nothing with the next one, that hasn't.
//!
//! The programs are in `race-rt/tests/advisories`, a folder each, with two lock files for the same source. Their dependencies come from crates.io, so the tests
//! are ignored unless asked for:
//!
//! ```sh
//! cargo test -p cargo-race --test advisories -- --ignored --nocapture
//! ```

mod reports;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reports::{Report, Reports, pairs};

/// How often the affected program runs; it must race each time.
const AFFECTED_RUNS: usize = 5;
const MENDED_RUNS: usize = 20;

macro_rules! advisories {
    ($($name:ident: $id:literal;)*) => {$(
        #[test]
        #[ignore = "builds crates from the network"]
        fn $name() {
            judge($id);
        }
    )*};
}

advisories! {
    spin_rwlock: "RUSTSEC-2019-0013";
    futures_util_futures_unordered: "RUSTSEC-2020-0062";
    tokio_local_set_abort: "RUSTSEC-2021-0072";
    tokio_oneshot_close: "RUSTSEC-2021-0124";
    thread_local_iter: "RUSTSEC-2022-0006";
    rust_i18n_support_atomic_str: "RUSTSEC-2024-0007";
    tokio_broadcast_clone: "RUSTSEC-2025-0023";
    oneshot_receiver_drop: "RUSTSEC-2026-0005";
}

/// One of the two versions, built.
struct Program {
    folder: PathBuf,
    version: String,
}

fn judge(id: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../race-rt/tests/advisories")
        .join(id);
    let text = fs::read_to_string(source.join("main.rs")).unwrap();
    let head = |key: &str| {
        let key = format!("//! {key}: ");
        text.lines()
            .find_map(|line| line.strip_prefix(&key))
            .unwrap_or_else(|| panic!("{id}: no line `{key}`"))
    };
    let name = head("crate");
    let (one, other) = head("race").split_once(" / ").unwrap();
    let race = [one, other];

    let affected = Program::prepare(&source, id, name, "affected");
    let mut found = Vec::new();
    for _ in 0..AFFECTED_RUNS {
        let reports = affected.run();
        assert!(
            reports.iter().any(|report| report.is_of(race)),
            "{id}: nothing of {race:?} in {name} {}: {:?}",
            affected.version,
            pairs(&reports),
        );
        found.extend(reports);
    }
    let mended = Program::prepare(&source, id, name, "mended");
    for _ in 0..MENDED_RUNS {
        let reports = mended.run();
        assert!(
            reports.is_empty(),
            "{id}: false reports in {name} {}: {:?}",
            mended.version,
            pairs(&reports),
        );
    }
    found.retain(|report| report.is_of(race));
    println!(
        "| {id} | {name} | {} | {} | {} |",
        affected.version,
        mended.version,
        pairs(&found).into_keys().collect::<Vec<_>>().join("<br>"),
    );
}

impl Program {
    fn prepare(source: &Path, id: &str, name: &str, which: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("advisories")
            .join(format!("{id}-{which}"));
        fs::create_dir_all(&folder).unwrap();
        for file in ["Cargo.toml", "main.rs"] {
            fs::copy(source.join(file), folder.join(file)).unwrap();
        }
        let lock = source.join(format!("{which}.lock"));
        fs::copy(&lock, folder.join("Cargo.lock")).unwrap();
        let lock = fs::read_to_string(lock).unwrap();
        let version = lock
            .split("[[package]]")
            .find(|package| package.contains(&format!("name = \"{name}\"\n")))
            .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
            .unwrap_or_else(|| panic!("{id}: no {name} in {which}.lock"));
        let program = Self {
            version: version.to_owned(),
            folder,
        };
        let output = program.cargo_race("build").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{id}, {which}: {said}");
        program
    }

    fn cargo_race(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
        command
            .args([subcommand, "--locked", "--target-dir"])
            .arg(self.folder.with_file_name("target"))
            .current_dir(&self.folder)
            .env_remove("RACE_OPTIONS")
            // That of the test's own build is for this workspace.
            .env_remove("CARGO_TARGET_DIR")
            // Of the program that panics, nothing but its reports is looked at.
            .env("RUST_BACKTRACE", "0");
        command
    }

    /// Runs it once. Its exit status has to agree with what it reports.
    fn run(&self) -> Vec<Report> {
        let reports = Reports::new(&self.folder.join("reports"));
        let output = self
            .cargo_race("run")
            .env("RACE_OPTIONS", reports.options())
            .output()
            .unwrap();
        let reports = reports.read();
        let status = if reports.is_empty() { 0 } else { 66 };
        assert_eq!(
            output.status.code(),
            Some(status),
            "{}: {:?}\n{}",
            self.folder.display(),
            pairs(&reports),
            String::from_utf8_lossy(&output.stderr),
        );
        reports
    }
}
