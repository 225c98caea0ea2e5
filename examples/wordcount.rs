//! A parallel word count. The threads add their counts to one table: a data race, unless `--fixed` puts a mutex around it.
//!
//! ```sh
//! cargo run --features race-check --example wordcount                  # this repository's documentation: a report, and exit status 66
//! cargo run --features race-check --example wordcount -- --fixed a.txt # silent
//! wc -w a.txt                                                          # the same number
//! ```

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

const WORKERS: usize = 4;

/// Counts words as `wc -w` does, by four threads, and lists the ten most frequent
#[derive(Parser)]
struct Args {
    /// Hold a mutex around the table
    #[arg(long)]
    fixed: bool,
    /// What to count; if nothing, this repository's README.md and docs/*.md
    files: Vec<PathBuf>,
}

type Table = HashMap<String, u64>;

struct Counter {
    table: Shared<Table>,
    lock: Mutex<()>,
    fixed: bool,
}

impl Counter {
    fn count(&self, text: &str) {
        let mut counts = Table::new();
        for word in text.split_whitespace() {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        self.add(counts);
    }

    fn add(&self, counts: Table) {
        let _guard = self.fixed.then(|| self.lock.lock().unwrap());
        self.table.with_mut(|table| {
            for (word, count) in counts {
                *table.entry(word).or_default() += count;
            }
        });
    }
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wordcount: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: Args) -> Result<(), String> {
    let files = if args.files.is_empty() {
        documentation()?
    } else {
        args.files
    };
    // All are read before a thread starts: an unreadable one ends the program before there is a race.
    let texts: Result<Vec<String>, String> = files.iter().map(|file| read(file)).collect();
    let mut shares = vec![Vec::new(); WORKERS];
    for (index, text) in texts?.into_iter().enumerate() {
        shares[index % WORKERS].push(text);
    }

    let counter = Arc::new(Counter {
        table: Shared::new(Table::new()),
        lock: Mutex::new(()),
        fixed: args.fixed,
    });
    let workers: Vec<_> = shares
        .into_iter()
        .enumerate()
        .map(|(i, share)| {
            let counter = counter.clone();
            thread::Builder::new()
                .name(format!("counter-{i}"))
                .spawn(move || share.iter().for_each(|text| counter.count(text)))
                .unwrap()
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    counter.table.with(print);
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// This repository's README.md and docs/*.md.
fn documentation() -> Result<Vec<PathBuf>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = root.join("docs");
    let entries = fs::read_dir(&docs).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let entries = entries.map_err(|error| format!("{}: {error}", docs.display()))?;
    let mut files: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.push(root.join("README.md"));
    Ok(files)
}

/// The total as `wc` prints it, and the most frequent words as `uniq -c` does. `wc` also counts what has no letter or digit, such as a dash;
/// the list leaves that out.
fn print(table: &Table) {
    println!("{} total", table.values().sum::<u64>());
    let mut words: Vec<_> = table
        .iter()
        .filter(|(word, _)| word.contains(char::is_alphanumeric))
        .collect();
    words.sort_by_key(|(word, count)| (Reverse(**count), *word));
    for (word, count) in words.into_iter().take(10) {
        println!("{count:7} {word}");
    }
}
