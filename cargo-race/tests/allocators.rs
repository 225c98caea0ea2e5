//! Global allocators of C's, as crates.io has them: memory that they hand from thread to thread isn't reported, and a use after free is.
//!
//! Those without dependencies are among the judged programs (`race-rt/tests/programs/src/allocators.rs`). The tests are ignored unless asked for, because they need the
//! network and a C compiler, and jemalloc takes a minute and a half of a processor to build:
//!
//! ```sh
//! cargo test -p cargo-race --test allocators -- --ignored
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a program with findings exits with.
const RACED: i32 = 66;

/// The program with an allocator, `dependency` in its manifest, that is called `path` in its code.
struct Allocator {
    name: &'static str,
    dependency: &'static str,
    path: &'static str,
}

impl Allocator {
    /// Writes and builds the program, and returns its folder. This is by itself, because it takes most of the time: if a limit ends the test, one
    /// sees which of them it was.
    fn build(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"user\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{}\n",
            self.dependency
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let path = self.path;
        let allocator = format!("#[global_allocator]\nstatic ALLOCATOR: {path} = {path};\n");
        let source = allocator + include_str!("allocators/user.rs");
        fs::write(folder.join("src/main.rs"), source).unwrap();
        let built = race(&folder, &["build"]);
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "not built: {said}");
        folder
    }

    fn judge(&self) {
        let folder = self.build();
        let quiet = run(&folder, "quiet");
        let said = String::from_utf8_lossy(&quiet.stderr);
        assert_eq!(quiet.status.code(), Some(0), "{said}");
        // Cargo says so when it waits for another cargo.
        let mut lines = said.lines().map(str::trim_start);
        assert!(lines.all(|line| line.starts_with("Blocking")), "{said}");
        let racy = run(&folder, "racy");
        let said = String::from_utf8_lossy(&racy.stderr);
        assert_eq!(racy.status.code(), Some(RACED), "{said}");
        for expected in [
            "\nRead at ",
            "\nPrevious free at ",
            "\nLocation is heap block of size 48 at ",
            "\nFound 1 data race(s)\n",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}

/// Runs the program one way.
fn run(folder: &Path, way: &str) -> Output {
    race(folder, &["run", "--quiet", "--", way])
}

/// `cargo race` with these arguments, in a folder.
fn race(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
    for variable in ["CARGO_TARGET_DIR", "RACE_OPTIONS", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
#[ignore = "builds crates from the network"]
fn jemalloc() {
    Allocator {
        name: "jemalloc",
        dependency: "tikv-jemallocator = \"=0.6.1\"",
        path: "tikv_jemallocator::Jemalloc",
    }
    .judge();
}

/// In place of `malloc`, too: then nothing is checked, and a line says so.
#[test]
#[ignore = "builds crates from the network"]
fn mimalloc_in_place_of_malloc() {
    let replacing = Allocator {
        name: "mimalloc-override",
        dependency: "mimalloc = { version = \"=0.1.52\", features = [\"override\"] }",
        path: "mimalloc::MiMalloc",
    };
    let folder = replacing.build();
    for way in ["quiet", "racy"] {
        let output = run(&folder, way);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("may replace malloc"), "{said}");
    }
}

#[test]
#[ignore = "builds crates from the network"]
fn mimalloc() {
    Allocator {
        name: "mimalloc",
        dependency: "mimalloc = \"=0.1.52\"",
        path: "mimalloc::MiMalloc",
    }
    .judge();
}
