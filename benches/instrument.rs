//! What `#[racecheck::instrument]` costs at compile time: `cargo check` of a crate of one module of 10,000 lines, with the attribute and without.
//!
//! `cargo bench --features race-check --bench instrument`. The crate is checked anew each time, the two in turn; what it depends on is built before.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

const LINES: usize = 10_000;
const ROUNDS: usize = 9;

/// Of ordinary code: two in three of its lines call nothing by a path of `std`.
const PART: &str = r#"
pub struct Queue@<T> {
    items: Mutex<Vec<T>>,
    taken: atomic::AtomicUsize,
    last: std::cell::Cell<Option<usize>>,
}

impl<T: fmt::Debug + Clone> Queue@<T> {
    pub fn push(&self, item: T) -> std::sync::LockResult<usize> {
        let mut items = match self.items.lock() {
            Ok(items) => items,
            Err(error) => return Err(std::sync::PoisonError::new(error.get_ref().len())),
        };
        items.push(item);
        self.last.set(Some(items.len()));
        Ok(items.len())
    }

    pub fn take(&self, at: usize) -> Option<T> {
        let order = atomic::Ordering::Relaxed;
        self.taken.fetch_add(1, order);
        let items = self.items.lock().unwrap();
        assert!(at < items.len(), "{at} of {:?}", &items[..]);
        let item = unsafe { ptr::read(items.as_ptr().add(at)) };
        std::mem::forget(item.clone());
        Some(item).filter(|item| matches!(format!("{item:?}").len(), 1..=80))
    }
}

pub fn sum@(values: &[u64]) -> u64 {
    let total = Arc::new(Mutex::new(0));
    let mut handles = vec![];
    for chunk in values.chunks(values.len() / 4 + 1) {
        let (chunk, total) = (chunk.to_vec(), Arc::clone(&total));
        handles.push(thread::spawn(move || {
            let mut sum = 0;
            for value in &chunk {
                sum += if value % 2 == 0 { value / 2 } else { 3 * value + 1 };
            }
            *total.lock().unwrap() += sum;
        }));
    }
    for handle in handles {
        handle.join().unwrap();
    }
    let total = total.lock().unwrap();
    *total
}
"#;

fn module(attribute: &str) -> String {
    let mut text = format!("{attribute}\npub mod large {{\n");
    text += "use std::{fmt, ptr, sync::{Arc, Mutex, atomic}, thread};\n";
    for number in 0.. {
        if text.lines().count() >= LINES {
            break;
        }
        write!(text, "{}", PART.replace('@', &number.to_string())).unwrap();
    }
    text + "}\n"
}

fn check(folder: &Path, text: &str) -> Duration {
    fs::write(folder.join("src/lib.rs"), text).unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["check", "--quiet", "--offline"]);
    cargo.current_dir(folder).env("CARGO_INCREMENTAL", "0");
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/nested");
    cargo.env("CARGO_TARGET_DIR", target);
    let start = Instant::now();
    assert!(cargo.status().unwrap().success());
    start.elapsed()
}

fn main() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "[package]\nname = \"large\"\nedition = \"2024\"\n[dependencies]\n\
         racecheck = {{ path = '{root}', features = [\"race-check\"] }}\n"
    );
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::copy(
        Path::new(root).join("Cargo.lock"),
        folder.path().join("Cargo.lock"),
    )
    .unwrap();

    let variants = [
        ("without", module("")),
        ("with", module("#[racecheck::instrument]")),
    ];
    check(folder.path(), "");
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for ((_, text), times) in variants.iter().zip(&mut times) {
            times.push(check(folder.path(), text));
        }
    }
    for ((name, text), mut times) in variants.into_iter().zip(times) {
        times.sort();
        let (lines, [least, .., most]) = (text.lines().count(), &times[..]) else {
            unreachable!("there are rounds");
        };
        let median = times[ROUNDS / 2];
        println!("{name}: {lines} lines, {median:.2?} ({least:.2?} to {most:.2?})");
    }
}
