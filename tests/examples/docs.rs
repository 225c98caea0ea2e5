//! The documentation tells the truth: its reports are what the examples print, and its list of `unsafe` files is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use serde_json::Value;

use super::{CHECKED, documentation, example, normalise};

/// The fenced blocks of a page that start with `start`.
fn blocks(page: &str, start: &str) -> Vec<String> {
    page.split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .filter(|(_, content)| content.starts_with(start))
        .map(|(_, content)| format!("{content}\n"))
        .collect()
}

/// A report in the documentation that is an example's is, whole, in what [`super`] compares the example with.
#[test]
fn reports_in_the_documentation_are_real() {
    let mut found = Vec::new();
    for page in documentation() {
        let text = fs::read_to_string(&page).unwrap();
        for report in blocks(&text, "====") {
            let Some((_, after)) = report.split_once("      examples/") else {
                continue;
            };
            let (name, _) = after.split_once(".rs:").unwrap();
            let golden = format!(
                "{}/tests/examples/{name}.stderr",
                env!("CARGO_MANIFEST_DIR")
            );
            let golden = fs::read_to_string(golden).unwrap();
            let report = normalise::run(&report);
            assert!(
                golden.contains(&report),
                "in {}:\n{report}\nwhich isn't in:\n{golden}",
                page.display()
            );
            found.push(page.file_name().unwrap().to_owned());
        }
    }
    for page in ["README.md", "reading-a-report.md"] {
        assert!(found.iter().any(|found| found == page), "{page}: {found:?}");
    }
}

/// The example in docs/json.md has the fields that a real line has, and no others.
#[test]
fn json_in_the_documentation_is_real() {
    if !CHECKED {
        return;
    }
    let page = format!("{}/docs/json.md", env!("CARGO_MANIFEST_DIR"));
    let shown = blocks(&fs::read_to_string(page).unwrap(), "{");
    let output = example("racy_counter")
        .env("RACE_OPTIONS", "format=json")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(shown.len(), 2, "a race and a summary");
    assert_eq!(printed.lines().count(), 2, "{printed}");
    for (shown, printed) in shown.iter().zip(printed.lines()) {
        assert_eq!(fields(shown), fields(printed));
    }
}

/// The paths of all fields, with their kinds; those of all elements of a list together.
fn fields(json: &str) -> BTreeSet<String> {
    fn collect(value: &Value, path: &str, out: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    collect(value, &format!("{path}.{name}"), out);
                }
            }
            Value::Array(elements) => {
                out.insert(format!("{path}: list"));
                for element in elements {
                    collect(element, &format!("{path}[]"), out);
                }
            }
            Value::Null => out.extend([format!("{path}: null")]),
            Value::Bool(_) => out.extend([format!("{path}: bool")]),
            Value::Number(_) => out.extend([format!("{path}: number")]),
            Value::String(_) => out.extend([format!("{path}: string")]),
        }
    }
    let mut out = BTreeSet::new();
    collect(&serde_json::from_str(json).unwrap(), "", &mut out);
    out
}

/// The README lists every file with `unsafe` code, and no other.
#[test]
fn unsafe_files_are_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    // The macros have none, and forbid it: they only speak of it.
    for folder in ["src", "race-core/src", "race-interface/src", "race-rt/src"] {
        sources(&root.join(folder), &mut files);
    }
    let word = Regex::new(r"\bunsafe\b").unwrap();
    let is_unsafe = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let mut code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| word.is_match(line))
    };
    files.retain(is_unsafe);
    let files: BTreeSet<_> = files
        .iter()
        .map(|file| file.strip_prefix(root).unwrap())
        .collect();

    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let listed: BTreeSet<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(file, _)| Path::new(file))
        .collect();
    assert_eq!(listed, files);
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}
