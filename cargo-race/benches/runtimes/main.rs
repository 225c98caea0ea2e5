//! racecheck's runtime beside LLVM's: the same instrumented program, with the same instrumented std, linked with one and with the other, and the same
//! without instrumentation. The operations are in `program`, and are timed there.
//!
//! `cargo bench -p cargo-race --bench runtimes` prints a table in Markdown: medians of five rounds. In each round the three run in turn, each in a process of its own, so that
//! what else the machine does meets all three, and the most memory is the operation's. Names behind `--` choose rows; `cargo race`'s own variables hold here, too.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

const ROUNDS: usize = 5;

/// The three that each operation is measured with, in the order of the columns.
const BUILDS: [Build; 3] = [Build::Plain, Build::Ours, Build::Llvm];

#[derive(Clone, Copy)]
enum Build {
    Plain,
    Ours,
    Llvm,
}

/// What an operation took with one of the builds.
#[derive(Clone, Copy)]
struct Cost {
    milliseconds: f64,
    mib: f64,
}

fn main() -> anyhow::Result<()> {
    // Cargo says `--bench` to every benchmark.
    let chosen: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut programs = Vec::new();
    for build in BUILDS {
        programs.push(build.program()?);
    }
    let rows = rows(&programs[0])?;
    for name in &chosen {
        let known = || rows.iter().map(|(name, _)| name.as_str());
        let said = || known().collect::<Vec<_>>().join(", ");
        ensure!(known().any(|n| n == name), "{name}: one of {}", said());
    }
    println!(
        "| operation | plain | `cargo race` | LLVM's runtime | ours / LLVM's | memory: plain | `cargo race` | LLVM's runtime | ours / LLVM's |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for (name, what) in rows {
        if !chosen.is_empty() && !chosen.contains(&name) {
            continue;
        }
        let [plain, ours, llvm] = measure(&programs, &name)?;
        let time = ours.milliseconds / llvm.milliseconds;
        let mib = ours.mib / llvm.mib;
        println!(
            "| {what} | {:.1} ms | {:.1} ms | {:.1} ms | {time:.2} | {:.1} MiB | {:.1} MiB | {:.1} MiB | {mib:.2} |",
            plain.milliseconds, ours.milliseconds, llvm.milliseconds, plain.mib, ours.mib, llvm.mib,
        );
        times.push(time);
        memory.push(mib);
    }
    println!(
        "| geometric mean | | | | {:.2} | | | | {:.2} |",
        geometric_mean(&times),
        geometric_mean(&memory),
    );
    Ok(())
}

impl Build {
    /// Builds the program so, and returns it. Each has a target folder of its own.
    fn program(self) -> anyhow::Result<PathBuf> {
        let name = match self {
            Self::Plain => "plain",
            Self::Ours => "ours",
            Self::Llvm => "llvm",
        };
        let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("runtimes")
            .join(name);
        let mut command = match self {
            Self::Plain => Command::new(env!("CARGO")),
            Self::Ours | Self::Llvm => Command::new(env!("CARGO_BIN_EXE_cargo-race")),
        };
        clean(&mut command)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/runtimes/program"))
            .args(["build", "--quiet", "--target-dir"])
            .arg(&target_dir);
        match self {
            Self::Plain => command.args(["--profile", "race"]),
            Self::Ours => &mut command,
            Self::Llvm => command.env("CARGO_RACE_RUNTIME", llvm_runtime()?),
        };
        let status = command.status()?;
        ensure!(status.success(), "the program can't be built: {name}");
        // `cargo race` names the host to cargo, which then puts it into the path.
        let folders = [target_dir.join("race"), target_dir.join(HOST).join("race")];
        let mut programs = folders.map(|folder| folder.join("rows")).into_iter();
        let program = programs.find(|program| program.is_file());
        program.with_context(|| format!("no program in {}", target_dir.display()))
    }
}

/// Where there is a runtime to compare.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Without what would change one side or the other.
fn clean(command: &mut Command) -> &mut Command {
    for variable in [
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MANIFEST_DIR",
        "CARGO_RACE_RUNTIME",
        "CARGO_TARGET_DIR",
        "RACE_OPTIONS",
        "RUSTFLAGS",
    ] {
        command.env_remove(variable);
    }
    command
}

/// The one that comes with the toolchain.
fn llvm_runtime() -> anyhow::Result<PathBuf> {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let folder = PathBuf::from(folder.trim_end());
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_rt.tsan.a") {
            return Ok(path);
        }
    }
    bail!("no runtime of LLVM's in {}", folder.display())
}

/// What the program can do: names, and what they stand for.
fn rows(program: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let list = output(&mut Command::new(program))?;
    let row = |line: &str| {
        let (name, what) = line.split_once(' ')?;
        Some((name.to_owned(), what.to_owned()))
    };
    list.lines().map(row).collect::<Option<_>>().context(list)
}

fn measure(programs: &[PathBuf], name: &str) -> anyhow::Result<[Cost; 3]> {
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (program, costs) in programs.iter().zip(&mut costs) {
            costs.push(once(program, name)?);
        }
    }
    Ok(costs.map(|costs| Cost {
        milliseconds: median(costs.iter().map(|cost| cost.milliseconds)),
        mib: median(costs.iter().map(|cost| cost.mib)),
    }))
}

fn once(program: &Path, name: &str) -> anyhow::Result<Cost> {
    let mut command = Command::new(program);
    clean(&mut command).arg(name);
    // It understands no fences, and so takes std's own `Arc`s for races. Printing a report takes longer than some operations; what finds it stays.
    command.env("TSAN_OPTIONS", "report_bugs=0");
    let said = output(&mut command)?;
    let numbers = said.trim_end().split_once(' ');
    let (nanoseconds, kib) = numbers.with_context(|| said.clone())?;
    Ok(Cost {
        milliseconds: nanoseconds.parse::<f64>()? / 1e6,
        mib: kib.parse::<f64>()? / 1024.0,
    })
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (logarithms / ratios.len() as f64).exp()
}
