//! What programs that `cargo race` has run reported: their JSON, see `docs/json.md`, as pairs of places.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A folder for the reports of the processes of one run.
pub(crate) struct Reports {
    folder: PathBuf,
}

/// Two accesses that raced, or what else was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Report {
    /// Both, in an order that doesn't depend on which came first.
    pub(crate) sites: [String; 2],
    /// The functions and files of both stacks, innermost first.
    pub(crate) frames: [Vec<String>; 2],
}

impl Reports {
    /// An empty folder at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        if path.exists() {
            fs::remove_dir_all(path).unwrap();
        }
        fs::create_dir_all(path).unwrap();
        Self {
            folder: path.to_owned(),
        }
    }

    /// The value of `RACE_OPTIONS` that brings reports here.
    pub(crate) fn options(&self) -> String {
        format!("format=json log_path='{}/report'", self.folder.display())
    }

    /// All reports, in no particular order.
    pub(crate) fn read(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        for entry in fs::read_dir(&self.folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let values = text.lines().map(|line| match serde_json::from_str(line) {
                Ok(value) => value,
                // A process that was killed may have written half a line.
                Err(error) => panic!("{line}: {error}"),
            });
            reports.extend(values.filter_map(|value: Value| Report::of(&value)));
        }
        reports
    }
}

impl Report {
    fn of(value: &Value) -> Option<Self> {
        let mut sides = match value["type"].as_str() {
            Some("data-race") => [&value["current"], &value["previous"]].map(|access| {
                let operation = access["operation"].as_str().unwrap();
                Self::side(operation, &access["stack"])
            }),
            Some("deadlock") => {
                let waiters = value["waiters"].as_array().unwrap();
                let kind = value["kind"].as_str().unwrap();
                [waiters.first(), waiters.last()].map(|w| Self::side(kind, &w.unwrap()["stack"]))
            }
            _ => return None,
        };
        sides.sort();
        let [(site_a, frames_a), (site_b, frames_b)] = sides;
        Some(Self {
            sites: [site_a, site_b],
            frames: [frames_a, frames_b],
        })
    }

    /// What was done and where: in the innermost function that isn't the standard library's, if there is one.
    fn side(operation: &str, stack: &Value) -> (String, Vec<String>) {
        let file = |frame: &Value| frame["file"].as_str().unwrap_or("?").to_owned();
        let function = |frame: &Value| frame["function"].as_str().unwrap_or("?").to_owned();
        let stack = stack.as_array().map_or(&[][..], Vec::as_slice);
        let frames = stack
            .iter()
            .map(|f| format!("{} {}", function(f), file(f)))
            .collect();
        let own = |frame: &&Value| !file(frame).contains("/rustc/");
        let site = match stack.iter().find(own).or(stack.first()) {
            Some(frame) => {
                let (path, line) = (file(frame), frame["line"].as_u64().unwrap_or(0));
                format!("{operation} {} ({}:{line})", function(frame), tail(&path))
            }
            None => format!("{operation} ?"),
        };
        (site, frames)
    }

    /// Whether a function or a file of one stack contains one text, and of the other stack the other.
    pub(crate) fn is_of(&self, [one, other]: [&str; 2]) -> bool {
        let of = |side: usize, text| self.frames[side].iter().any(|frame| frame.contains(text));
        (of(0, one) && of(1, other)) || (of(1, one) && of(0, other))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.sites;
        if one == other {
            write!(f, "{one}, twice")
        } else {
            write!(f, "{one}; {other}")
        }
    }
}

/// A crate's path without where the registry keeps it.
fn tail(path: &str) -> &str {
    let registry = path
        .find("/registry/src/")
        .map(|at| &path[at + "/registry/src/".len()..]);
    let in_crate = registry.and_then(|rest| rest.split_once('/'));
    in_crate.map_or(path, |(_, rest)| rest)
}

/// Each pair of places once, with how often it was reported.
pub(crate) fn pairs(reports: &[Report]) -> BTreeMap<String, usize> {
    let mut pairs = BTreeMap::new();
    for report in reports {
        *pairs.entry(report.to_string()).or_default() += 1;
    }
    pairs
}
