//! The programs of `race-rt/tests/programs`, in plain `std` and `unsafe`, judged end to end: built by `cargo race build`, run, and their JSON reports held against
//! the lines that are marked in their sources. Every expected pair of lines must be reported in every run, and nothing else; a program free of races says nothing.
//!
//! Some reports are here word for word too (`tests/programs/*.stderr`), for what the memory was, whose it was, and who freed it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use expect_test::expect_file;
use serde_json::Value;

/// With how many threads a program is run, and how often: a program free of races, and one with some, whose verdict is the same in every run and whose reports take
/// longer.
const THREADS: [(&str, usize, usize); 2] = [("2", 20, 3), ("8", 20, 2)];
/// What a program with findings exits with.
const RACED: i32 = 66;

/// A line of the programs' sources: the file's name, and the number.
type Site = (String, u64);
/// Both lines of a report, in their order.
type Pair = (Site, Site);

struct Program {
    executable: &'static Path,
    name: String,
    /// Whether what is expected is a deadlock, and no race.
    is_deadlock: bool,
    /// What its tags are, by the lines on which they stand. None if it is free of races.
    expected: BTreeMap<Pair, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../race-rt/tests/programs")
}

/// Without what the caller's environment might change.
fn in_clean_surroundings(command: &mut Command) {
    command.current_dir(folder());
    for variable in [
        "CARGO_BUILD_TARGET",
        // Left to the profile: what is optimised together decides which lines stay apart.
        "CARGO_INCREMENTAL",
        // By it a report finds out which paths to shorten.
        "CARGO_MANIFEST_DIR",
        "CARGO_RACE_RUNTIME",
        "CARGO_TARGET_DIR",
        "RACE_OPTIONS",
        "RUSTFLAGS",
    ] {
        command.env_remove(variable);
    }
}

/// The executables that they are in, built as any crate is.
static EXECUTABLES: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let ours = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut build = Command::new(env!("CARGO_BIN_EXE_cargo-race"));
    in_clean_surroundings(&mut build);
    // The instrumented std is shared with the tests in `instrumented`.
    if env::var_os("CARGO_RACE_CACHE").is_none() {
        build.env("CARGO_RACE_CACHE", ours.join("cache"));
    }
    build
        .args(["build", "--bins", "--message-format=json", "--target-dir"])
        .arg(ours.join("programs"));
    let output = build.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let messages = String::from_utf8(output.stdout).unwrap();
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["executable"].as_str().map(PathBuf::from)
    };
    messages.lines().filter_map(executable).collect()
});

fn program(executable: &Path, name: &str, threads: &str, options: &str) -> Command {
    let mut command = Command::new(executable);
    in_clean_surroundings(&mut command);
    command
        .args([name, threads])
        .env("RACE_OPTIONS", options)
        .stdout(Stdio::null());
    command
}

/// The tags in the sources, each with its lines.
fn tags() -> BTreeMap<String, Vec<Site>> {
    let mut tags = BTreeMap::<String, Vec<Site>>::new();
    let src = folder().join("src");
    let within = |of: PathBuf| fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    let files = within(src.clone()).chain(within(src.join("posix")));
    for path in files.filter(|path| path.is_file()) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let tagged = [" // race: ", " // deadlock: "]
                .iter()
                .find_map(|tag| line.split_once(tag));
            // Not those in prose.
            if let Some((code, list)) = tagged
                && !code.trim_start().starts_with("//")
            {
                for tag in list.split(", ") {
                    let site = (file.to_owned(), number);
                    tags.entry(tag.to_owned()).or_default().push(site);
                }
            }
        }
    }
    tags
}

fn programs() -> Vec<Program> {
    let lists = EXECUTABLES.iter().map(|executable| {
        let list = Command::new(executable).arg("list").output().unwrap();
        (&**executable, String::from_utf8(list.stdout).unwrap())
    });
    let lists: Vec<_> = lists.collect();
    let mut tags = tags();
    let of = |name: &str, tag: &str| tag.split('.').next() == Some(name);
    let lines = |(executable, list): &'_ (&'static Path, String)| -> Vec<_> {
        let lines = list.lines().map(str::to_owned);
        lines.map(|line| (*executable, line)).collect()
    };
    let programs = lists.iter().flat_map(lines).map(|(executable, line)| {
        let (verdict, name) = line.split_once(' ').unwrap();
        let mut expected = BTreeMap::new();
        for (tag, sites) in tags.extract_if(.., |tag, _| of(name, tag)) {
            let pair = match &sites[..] {
                [one] => (one.clone(), one.clone()),
                [a, b] => sorted(a.clone(), b.clone()),
                _ => panic!("{tag} is on more than two lines"),
            };
            assert!(expected.insert(pair, tag).is_none(), "{name}: one pair");
        }
        assert_eq!(verdict != "none", !expected.is_empty(), "{name}");
        let is_deadlock = verdict == "deadlock";
        let name = name.to_owned();
        Program {
            executable,
            name,
            is_deadlock,
            expected,
        }
    });
    let programs = programs.collect();
    assert!(tags.is_empty(), "of no program: {tags:?}");
    programs
}

fn sorted(a: Site, b: Site) -> Pair {
    if a < b { (a, b) } else { (b, a) }
}

/// The innermost line of the programs in a stack. What is common to them isn't meant.
fn site(stack: &Value) -> Site {
    let frames = stack.as_array().unwrap().iter();
    let place = |frame: &Value| Some((frame["file"].as_str()?.to_owned(), frame["line"].as_u64()?));
    let mut places = frames.filter_map(place);
    let ours = places.find_map(|(file, line)| {
        let name = file.strip_prefix("src/")?;
        (name != "support.rs").then(|| (name.to_owned(), line))
    });
    ours.unwrap_or_else(|| ("no line of the programs".to_owned(), 0))
}

/// What is wrong with one run, if anything.
fn judge(program: &Program, status: Option<i32>, stderr: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut missing: BTreeSet<_> = program.expected.keys().collect();
    for line in stderr.lines() {
        let report: Value = match serde_json::from_str(line) {
            Ok(report) => report,
            Err(_) => {
                wrong.push(format!("says: {line}"));
                continue;
            }
        };
        let stacks = match (report["type"].as_str(), program.is_deadlock) {
            (Some("data-race"), false) => {
                ["current", "previous"].map(|access| &report[access]["stack"])
            }
            // Those of the first and of the last who wait.
            (Some("deadlock"), true) if report["kind"] != "lock-order" => {
                let waiters = report["waiters"].as_array().unwrap();
                [0, waiters.len() - 1].map(|index| &waiters[index]["stack"])
            }
            (Some("summary"), _) => continue,
            _ => {
                wrong.push(format!("not expected: {report}"));
                continue;
            }
        };
        let [one, other] = stacks.map(site);
        let pair = sorted(one, other);
        missing.remove(&pair);
        if !program.expected.contains_key(&pair) {
            wrong.push(format!("not expected: {pair:?}: {report}"));
        }
    }
    for pair in missing {
        wrong.push(format!(
            "not reported: {}: {pair:?}",
            program.expected[pair]
        ));
    }
    let expected = if program.expected.is_empty() {
        0
    } else {
        RACED
    };
    if status != Some(expected) {
        wrong.push(format!("exited with {status:?}"));
    }
    wrong
}

#[test]
fn each_has_its_verdict() {
    let programs = programs();
    let mut runs = Vec::new();
    for program in &programs {
        for (threads, quiet, racy) in THREADS {
            let times = if program.expected.is_empty() {
                quiet
            } else {
                racy
            };
            runs.push((program, threads, times));
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((program, threads, times)) = runs.get(next.fetch_add(1, Relaxed)) {
            for _ in 0..*times {
                let options = "format=json";
                let output =
                    self::program(program.executable, &program.name, threads, options).output();
                let output = output.unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr);
                let wrong = judge(program, output.status.code(), &stderr);
                if !wrong.is_empty() {
                    let wrong = wrong.join("\n  ");
                    let failure = format!("{} {threads}\n  {wrong}", program.name);
                    failures.lock().unwrap().push(failure);
                    break;
                }
            }
        }
    };
    thread::scope(|s| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            s.spawn(work);
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn run(name: &str, options: &str) -> String {
    let executable = EXECUTABLES.iter().find(|path| path.ends_with("programs"));
    let output = program(executable.unwrap(), name, "2", options).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(RACED));
    String::from_utf8(output.stderr).unwrap()
}

/// A program's first finding, as JSON.
fn first_line(name: &str) -> String {
    let lines = run(name, "format=json");
    lines.lines().next().unwrap_or_default().to_owned()
}

/// The text of a program's report up to its "Why", which says what the threads last did by chance; without what differs in the next run.
fn report(name: &str) -> String {
    let text = run(name, "");
    let (text, _) = text.split_once("Why: ").unwrap();
    let text = text.replace("(running)", "(running or finished)");
    let mut words = text.replace("(finished)", "(running or finished)");
    for (prefix, shown) in [(" 0x", " [address]"), (" +0x", " +[offset]")] {
        let mut parts = words.split(prefix);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text += shown;
            text += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        }
        words = text;
    }
    words
}

#[test]
fn heap_block() {
    expect_file!["programs/heap_block.stderr"].assert_eq(&report("heap_block"));
}

#[test]
fn global() {
    expect_file!["programs/global.stderr"].assert_eq(&report("global"));
}

#[test]
fn stack_of_another_thread() {
    let report = report("stack_of_another_thread");
    expect_file!["programs/stack_of_another_thread.stderr"].assert_eq(&report);
}

/// Of which C code has used a lock before the runtime began.
#[test]
fn stack_of_main() {
    let report = report("stack_of_main");
    let place = "\nLocation is stack of main thread (8 bytes)\n";
    assert!(report.contains(place), "{report}");
}

#[test]
fn volatile() {
    expect_file!["programs/volatile.stderr"].assert_eq(&report("volatile"));
}

/// Threads that nothing of `std`'s has started: the lines that call C are where they were made.
#[test]
fn threads_of_c() {
    for name in ["racy_pthread_created", "racy_c11_created"] {
        expect_file![format!("programs/{name}.stderr")].assert_eq(&report(name));
    }
}

/// Where nothing but a spawn orders two threads, the last order has the line that called whoever starts threads: std, or C.
#[test]
fn a_spawn_as_the_last_order() {
    for (name, order) in [
        (
            "old_access",
            "main spawned thread 2 (src/stacks.rs:38), before this write",
        ),
        (
            "racy_c11_created",
            "main spawned thread 2 (src/posix/racy_c11_created.rs:29), before this read",
        ),
    ] {
        let text = run(name, "");
        let line = format!("Last order between them: {order}.");
        assert!(text.contains(&line), "{text}");
    }
}

/// Of an operation in std's code, a "Why" says in which of its functions.
#[test]
fn an_order_by_a_channel() {
    let text = run("pub_08_changed_after_the_send", "");
    let sent = "stored to an atomic (in std::sync::mpmc::list::Channel<T>::send)";
    assert!(text.contains(sent), "{text}");
}

#[test]
fn freed_block() {
    expect_file!["programs/freed_block.stderr"].assert_eq(&report("used_after_free"));
}

#[test]
fn freed_by_a_race() {
    expect_file!["programs/freed_by_a_race.stderr"].assert_eq(&report("freed_after_use"));
}

/// Neither access is the free: it is named beside the allocation.
#[test]
fn freed_before() {
    expect_file!["programs/freed_before.stderr"].assert_eq(&report("used_twice_after_free"));
}

/// What locks twice in C has no guard to drop. Some locks may be made such that their owner locks them again.
#[test]
fn help_for_who_locks_twice() {
    let recursive =
        |name: &str| format!("unlock it before locking it again, or make it recursive ({name}).");
    for (name, help) in [
        ("c_locked_twice", recursive("PTHREAD_MUTEX_RECURSIVE")),
        ("c11_locked_twice", recursive("mtx_recursive")),
        (
            "c_spun_twice",
            "unlock it before locking it again.".to_owned(),
        ),
        (
            "c_written_while_read",
            "unlock it before locking it again.".to_owned(),
        ),
    ] {
        let found: Value = serde_json::from_str(&first_line(name)).unwrap();
        assert_eq!(found["help"], help, "{name}");
    }
}

/// Both stacks, though a million calls lie between the two.
#[test]
fn old_access() {
    expect_file!["programs/old_access.stderr"].assert_eq(&report("old_access"));
}
