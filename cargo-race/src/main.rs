//! `cargo race`: data races in crates as they are, and what else there is to do with racecheck besides `cargo test`.
//!
//! This file has the arguments and the exit status; each subcommand is a module.

#![forbid(unsafe_code)]

mod allocator;
mod arguments;
mod cache;
mod cargo;
mod clean;
mod doctor;
mod flags;
mod progress;
mod project;
mod replay;
mod rlib;
mod runner;
mod runtime;
mod suppressions;
mod sysroot;
mod threads_lock;
mod toolchain;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::Action;
use project::CargoFailed;

/// Exit status: something raced. The library's, too.
const RACED: u8 = 66;
/// Exit status: arguments or input are bad.
const BAD: u8 = 2;
/// Exit status: `doctor` has found something missing.
const UNWELL: u8 = 1;

/// Finds data races
///
/// `test`, `run`, `bench`, `build` and `nextest` take cargo's own arguments. The exit status is cargo's, or 66 if a program raced.
#[derive(Parser)]
#[command(
    name = "cargo-race",
    bin_name = "cargo race",
    version,
    arg_required_else_help = false
)]
struct Args {
    /// Also report the races that are known to be there by design, in crates, in std or below
    #[arg(long)]
    no_suppressions: bool,
    #[command(subcommand)]
    command: Subcommand,
}

#[derive(clap::Subcommand)]
enum Subcommand {
    /// Run the tests: `cargo test` [alias: t]
    Test,
    /// Run a program or an example: `cargo run` [alias: r]
    Run,
    /// Run the benchmarks: `cargo bench`
    Bench,
    /// Build without running: `cargo build` [alias: b]
    Build,
    /// Run the tests, a process each: `cargo nextest`, which is to be installed
    Nextest,
    Clean(clean::Args),
    Doctor(doctor::Args),
    Replay(replay::Args),
}

/// What a subcommand comes to: what to print, and whether something raced.
struct Outcome {
    output: String,
    raced: bool,
}

fn main() -> ExitCode {
    let words: Vec<OsString> = arguments().collect();
    if let Some(test) = runner::called_as(&words) {
        return exit(runner::run(&test));
    }
    let (ours, cargos) = split(&words);
    let args = match Args::try_parse_from(ours) {
        Ok(args) => args,
        Err(error) => return no_arguments(&error),
    };
    let carry_out = |action| cargo::run(action, cargos, !args.no_suppressions);
    exit(match args.command {
        Subcommand::Test => carry_out(Action::Test),
        Subcommand::Run => carry_out(Action::Run),
        Subcommand::Bench => carry_out(Action::Bench),
        Subcommand::Build => carry_out(Action::Build),
        Subcommand::Nextest => carry_out(Action::Nextest),
        Subcommand::Clean(args) => clean::run(&args).map(|()| 0),
        Subcommand::Doctor(doctor::Args {}) => doctor::run().and_then(|findings| {
            print(&findings.text)?;
            Ok(if findings.well { 0 } else { UNWELL })
        }),
        Subcommand::Replay(args) => replay::run(&args).and_then(|outcome| {
            print(&outcome.output)?;
            Ok(if outcome.raced { RACED } else { 0 })
        }),
    })
}

/// The arguments without the `race` that cargo puts in front when it runs `cargo race`.
fn arguments() -> impl Iterator<Item = OsString> {
    let by_cargo = env::args_os().nth(1).is_some_and(|first| first == "race");
    env::args_os()
        .enumerate()
        .filter(move |(index, _)| !(by_cargo && *index == 1))
        .map(|(_, argument)| argument)
}

/// What is ours, with cargo's words in full, and what follows one of them: that is cargo's, `--` and all, but for a question for help.
fn split(words: &[OsString]) -> (Vec<OsString>, &[OsString]) {
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let command = words.iter().skip(1).position(|word| !is_option(word));
    let Some((before, [word, rest @ ..])) = command.map(|at| words.split_at(at + 1)) else {
        return (words.to_vec(), &[]);
    };
    let Some(action) = Action::of(word) else {
        return (words.to_vec(), &[]);
    };
    let help = rest
        .first()
        .filter(|word| *word == "--help" || *word == "-h");
    let ours = before.iter().cloned().chain([action.word().into()]);
    (ours.chain(help.cloned()).collect(), rest)
}

fn exit(outcome: anyhow::Result<u8>) -> ExitCode {
    match outcome {
        Ok(status) => status.into(),
        Err(error) => match error.downcast_ref::<CargoFailed>() {
            Some(CargoFailed(status)) => cargo::code(*status).into(),
            None => bad(&format!("{error:#}")),
        },
    }
}

/// Help was asked for, or the arguments are wrong.
fn no_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = print(&error.to_string());
        return printed.map_or_else(|error| bad(&format!("{error:#}")), |()| ExitCode::SUCCESS);
    }
    // What clap says first, and what may have been meant, without its usage and hints: one line.
    let text = error.to_string();
    let said = text.lines().take_while(|line| !line.trim().is_empty());
    let mut line = said.map(str::trim).collect::<Vec<_>>().join(" ");
    let mut tips = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    if let Some(similar) = tips.find(|tip| tip.contains("similar")) {
        line += &format!("; {similar}");
    }
    bad(line.strip_prefix("error: ").unwrap_or(&line))
}
fn bad(problem: &str) -> ExitCode {
    // If standard error is closed, the status has to do.
    let _ = writeln!(io::stderr(), "cargo-race: {problem}");
    BAD.into()
}

/// Prints to standard output. A reader that has seen enough, as `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("standard output"))
        }
        _ => Ok(()),
    }
}
