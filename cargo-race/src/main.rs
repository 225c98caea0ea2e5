//! `cargo race`: what there is to do with racecheck besides `cargo test`.
//!
//! This file has the arguments and the exit status; each subcommand is a module.

mod replay;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Exit status: something raced. The library's, too.
const RACED: u8 = 66;
/// Exit status: arguments or input are bad.
const BAD: u8 = 2;

/// Finds data races
#[derive(Parser)]
#[command(
    name = "cargo-race",
    bin_name = "cargo race",
    version,
    arg_required_else_help = false
)]
enum Args {
    Replay(replay::Args),
}

/// What a subcommand comes to: what to print, and whether something raced.
struct Outcome {
    output: String,
    raced: bool,
}

fn main() -> ExitCode {
    let args = match Args::try_parse_from(arguments()) {
        Ok(args) => args,
        Err(error) => return no_arguments(&error),
    };
    let outcome = match args {
        Args::Replay(args) => replay::run(&args),
    };
    match outcome.and_then(|outcome| {
        print(&outcome.output)?;
        Ok(outcome.raced)
    }) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => RACED.into(),
        Err(error) => bad(&format!("{error:#}")),
    }
}

/// The arguments without the `race` that cargo puts in front when it runs `cargo race`.
fn arguments() -> impl Iterator<Item = std::ffi::OsString> {
    let by_cargo = env::args_os().nth(1).is_some_and(|first| first == "race");
    env::args_os()
        .enumerate()
        .filter(move |(index, _)| !(by_cargo && *index == 1))
        .map(|(_, argument)| argument)
}

/// Help was asked for, or the arguments are wrong.
fn no_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = print(&error.to_string());
        return printed.map_or_else(|error| bad(&format!("{error:#}")), |()| ExitCode::SUCCESS);
    }
    // What clap says first, without its usage and hints: one line.
    let text = error.to_string();
    let said = text.lines().take_while(|line| !line.trim().is_empty());
    let line = said.map(str::trim).collect::<Vec<_>>().join(" ");
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
