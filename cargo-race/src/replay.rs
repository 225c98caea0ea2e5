//! `cargo race replay`: the engine's verdict on a trace.
//!
//! Reads, replays and collects in one pass, on one thread. What is a race is decided in `race_core::replay`, never here.

mod findings;
mod json;
mod text;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use race_core::replay::{Error, Machine};
use race_core::trace::names::{Names, Printable};
use race_core::trace::read::Reader;
use race_core::trace::{Event, Operation};

use crate::Outcome;
use findings::Findings;

/// What is read at once: large enough that reading costs nothing, small enough for the processor's cache.
const BLOCK: usize = 128 << 10;

/// Decide which accesses of a recorded trace race
///
/// The format is described in docs/traces.md. The exit status is 0 if nothing races, 66 if something does, 2 for a bad trace.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The trace; `-` is standard input
    file: PathBuf,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object on one line
    Json,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let findings = read(&args.file).with_context(|| shown(&args.file))?;
    let output = match args.format {
        Format::Text => text::render(&findings),
        Format::Json => json::render(&findings),
    };
    Ok(Outcome {
        output,
        raced: findings.races() != 0,
    })
}

/// The file's name for an error.
fn shown(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".into()
    } else {
        file.display().to_string()
    }
}

fn read(file: &Path) -> anyhow::Result<Findings> {
    let (input, size): (Box<dyn Read>, _) = if file == Path::new("-") {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(file)?;
        let metadata = file.metadata()?;
        let size = metadata.is_file().then_some(metadata.len());
        (Box::new(file), size)
    };
    // Drawn on standard error, and only if that is a terminal.
    let progress = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = if size.is_some() {
        "{wide_bar} {bytes} of {total_bytes}, {eta} left"
    } else {
        "{bytes}"
    };
    progress.set_style(ProgressStyle::with_template(template)?);
    let input = progress.wrap_read(input);
    let findings = replay(Reader::new(BufReader::with_capacity(BLOCK, input)));
    progress.finish_and_clear();
    findings
}

fn replay<R: io::BufRead>(mut reader: Reader<R>) -> anyhow::Result<Findings> {
    let start = Instant::now();
    let mut machine = Machine::new();
    let mut findings = Findings::default();
    while let Some(event) = reader.next() {
        let event = event?;
        findings.events += 1;
        let step = if event.operation == Operation::End && reader.version().is_none() {
            // RAPID's: the end of a block that should be atomic. It orders nothing, and the thread goes on.
            let operation = Operation::Begin;
            machine.step(&Event { operation, ..event })
        } else {
            machine.step(&event)
        };
        match step {
            Ok([]) => {}
            Ok(races) => findings.add(reader.line(), races),
            Err(error) => return Err(impossible(reader.line(), error, reader.names())),
        }
    }
    findings.took = start.elapsed();
    findings.names = reader.into_names();
    Ok(findings)
}

/// An event that can't follow those before it.
#[cold]
fn impossible(line: u64, error: Error, names: &Names) -> anyhow::Error {
    let name = match error {
        Error::Ended(id) | Error::Forked(id) | Error::Itself(id) | Error::Unknown(id) => {
            names.threads.name(id)
        }
        Error::SentTwice(id) | Error::NotSent(id) => names.messages.name(id),
        Error::NotArrived(id) => names.barriers.name(id),
        _ => None,
    };
    match name {
        Some(name) => anyhow!("line {line}: {error} (`{}`)", Printable(name)),
        None => anyhow!("line {line}: {error}"),
    }
}
