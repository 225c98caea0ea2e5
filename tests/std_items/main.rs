//! What of `std` there is here, against the documentation that comes with the toolchain: `docs/std.md` is written by this test.
//!
//! Every stable item of the modules below, and each of its functions and traits, is tracked, re-exported, or explained in [`why`]. When `std`
//! or racecheck has something new, this fails until the list says so:
//!
//! ```console
//! $ RACE_BLESS=1 cargo test --features race-check --test std_items
//! ```

#![cfg(feature = "race-check")]

#[expect(dead_code, reason = "what it prints is in its pages")]
#[path = "../support/cargo.rs"]
mod cargo;
mod html;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use html::{Item, Reexports};
use why::{ALWAYS, MACROS, WHERE_WE_HAVE_IT, WHY};

/// What `std` has and we haven't: `sync::Thing`, `sync::Thing::function`, `const sync::Thing::function` or `sync::Thing: Trait`.
type Gap = String;

#[test]
fn std_is_here_or_it_says_why_not() {
    let Some(stds) = stds_documentation() else {
        return;
    };
    let ours = our_documentation();
    let bless = env::var_os("RACE_BLESS").is_some();
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/std.md");
    let written = fs::read_to_string(&list).unwrap_or_default();
    let version = rustc(&["--version"]);
    if !bless && minor(&version) < written.find("Rust 1.").and_then(|at| minor(&written[at..])) {
        say("skipped: this toolchain is older than docs/std.md");
        return;
    }

    let mut text = introduction(minor(&version).unwrap());
    let (mut unexplained, mut used) = (Vec::new(), BTreeSet::new());
    let mut modules: Vec<&str> = ALWAYS.to_vec();
    modules.extend(
        WHERE_WE_HAVE_IT
            .iter()
            .filter(|name| folder(&ours, name).exists()),
    );
    for module in modules {
        let (section, gaps) = compare(module, &stds, &ours);
        text += &section;
        let mut explained = BTreeMap::new();
        for gap in gaps {
            match WHY.iter().find(|(pattern, _)| matches(pattern, &gap)) {
                Some((pattern, reason)) => {
                    used.insert(*pattern);
                    explained.insert(*pattern, *reason);
                }
                None => unexplained.push(gap),
            }
        }
        if !explained.is_empty() {
            text += "\n| not here | why |\n| --- | --- |\n";
        }
        for (pattern, reason) in explained {
            writeln!(text, "| `{pattern}` | {reason} |").unwrap();
        }
    }

    assert!(
        unexplained.is_empty(),
        "neither here nor explained in tests/std_items/why.rs: {unexplained:#?}"
    );
    let of_a_module = |pattern: &str| {
        let optional = |name: &&str| pattern.starts_with(&format!("{name}::"));
        let of_another = WHERE_WE_HAVE_IT.iter().find(|name| optional(name));
        of_another.is_none_or(|name| folder(&ours, name).exists())
    };
    let idle: Vec<_> = WHY.iter().map(|(pattern, _)| *pattern).collect();
    let idle: Vec<_> = idle
        .into_iter()
        .filter(|pattern| !used.contains(pattern) && of_a_module(pattern))
        .collect();
    assert!(
        idle.is_empty(),
        "explained in tests/std_items/why.rs, and here all the same: {idle:#?}"
    );
    if bless {
        fs::write(&list, text).unwrap();
    } else {
        assert!(
            text == written,
            "docs/std.md is out of date: RACE_BLESS=1 cargo test --features race-check --test std_items"
        );
    }
}

/// The documentation of `std` that the toolchain has brought along, if it has.
fn stds_documentation() -> Option<PathBuf> {
    let folder = Path::new(&rustc(&["--print", "sysroot"])).join("share/doc/rust/html/std");
    if !folder.exists() {
        say(
            "skipped: the toolchain has no documentation; `rustup component add rust-docs` gets it",
        );
        return None;
    }
    Some(folder)
}

/// Past the test harness, which would show it for a test that fails only.
fn say(message: &str) {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "std_items: {message}").unwrap();
}

/// Ours, made for this.
fn our_documentation() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nested/doc/racecheck");
    if folder.exists() {
        // rustdoc leaves the pages of items that are gone.
        fs::remove_dir_all(&folder).unwrap();
    }
    let arguments = "doc --package racecheck --lib --no-deps --features race-check";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let run = cargo::cargo(Path::new(env!("CARGO_MANIFEST_DIR")), &arguments);
    assert!(run.success, "{}", run.stderr);
    folder
}

fn rustc(arguments: &[&str]) -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// 95 of `rustc 1.95.0`.
fn minor(version: &str) -> Option<u32> {
    let after = version.split_once("1.")?.1;
    let end = after.find(|c: char| !c.is_ascii_digit());
    after[..end.unwrap_or(after.len())].parse().ok()
}

fn folder(documentation: &Path, module: &str) -> PathBuf {
    documentation.join(module.replace("::", "/"))
}

/// The list of a module, and what isn't here.
fn compare(module: &str, stds: &Path, ours: &Path) -> (String, Vec<Gap>) {
    let std = html::module(&folder(stds, module));
    let (own, taken_over) = if folder(ours, module).exists() {
        let folder = folder(ours, module);
        (html::module(&folder), Reexports::of(&folder))
    } else {
        Default::default()
    };
    let prefix = if module.is_empty() {
        String::new()
    } else {
        format!("{module}::")
    };
    let mut text = format!(
        "\n## `std{}{module}`\n\n",
        if module.is_empty() { "" } else { "::" }
    );
    text += "| item | here | its functions | its traits |\n| --- | --- | --- | --- |\n";
    let mut gaps = Vec::new();
    for (name, item) in &std {
        if module.is_empty() && !MACROS.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let here = own.get(name);
        if taken_over.has(name) && here.is_none() || here.is_some_and(|own| !own.is_ours) {
            writeln!(text, "| `{name}` | re-exported | | |").unwrap();
        } else if let Some(own) = here {
            writeln!(
                text,
                "| `{name}` | tracked | {} | {} |",
                quoted(item.functions.keys(), |it| own.functions.contains_key(it)),
                quoted(item.traits.iter(), |it| own.traits.contains(it)),
            )
            .unwrap();
            gaps.extend(gaps_of(&path, item, own));
        } else {
            writeln!(text, "| `{name}` | absent | | |").unwrap();
            gaps.push(path);
        }
    }
    (text, gaps)
}

/// What `std`'s item has and ours lacks.
fn gaps_of(path: &str, std: &Item, own: &Item) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (name, is_const) in &std.functions {
        match own.functions.get(name) {
            None => gaps.push(format!("{path}::{name}")),
            Some(false) if *is_const => gaps.push(format!("const {path}::{name}")),
            Some(_) => {}
        }
    }
    let traits = std.traits.difference(&own.traits);
    gaps.extend(traits.map(|name| format!("{path}: {name}")));
    gaps
}

/// The names; those that aren't here are struck out.
fn quoted<'a>(names: impl Iterator<Item = &'a String>, is_here: impl Fn(&str) -> bool) -> String {
    let quoted = names.map(|name| {
        if is_here(name) {
            format!("`{name}`")
        } else {
            format!("~~`{name}`~~")
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Whether a gap is one of those that `pattern` stands for: a `*` is any part of a name.
fn matches(pattern: &str, gap: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == gap,
        Some((start, end)) => gap.strip_prefix(start).is_some_and(|rest| {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let name = name.unwrap_or(rest.len());
            (0..=name).any(|length| rest.is_char_boundary(length) && matches(end, &rest[length..]))
        }),
    }
}

fn introduction(minor: u32) -> String {
    format!(
        "# What of `std` is here\n\n\
         Every stable item of `std`'s modules that racecheck has too, as of Rust 1.{minor}, with the feature `race-check`. *Tracked* is racecheck's own type, \
         with `std`'s functions and traits; what is struck out it lacks, and each table's end says why. *Re-exported* is `std`'s own. \
         Without the feature all are `std`'s own, but for `cell`.\n\n\
         This file is written and checked by `tests/std_items`, which reads the documentation that comes with the toolchain.\n"
    )
}
