//! Cargo's own arguments, which are passed on as they are: what they say that matters here, and where ours can be put in.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::bail;

/// What to have cargo do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    Test,
    Run,
    Bench,
    Build,
    Nextest,
}

/// What the arguments say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// How many arguments come before the place where ours belong.
    pub(crate) before: usize,
    pub(crate) targets: Vec<String>,
    pub(crate) profile: Option<String>,
    pub(crate) target_dir: Option<PathBuf>,
    pub(crate) manifest_path: Option<OsString>,
    pub(crate) config: Vec<String>,
    pub(crate) quiet: bool,
}

/// The options of `cargo run` that take a value: what follows any other is the program's.
const WITH_VALUE: [&str; 18] = [
    "-F",
    "-Z",
    "-j",
    "-p",
    "--bin",
    "--color",
    "--config",
    "--example",
    "--exclude",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "--message-format",
    "--package",
    "--profile",
    "--target",
    "--target-dir",
];
/// What of nextest's builds.
const NEXTEST: [&str; 4] = ["run", "r", "list", "archive"];

impl Action {
    /// The word for it, and cargo's short one.
    pub(crate) fn of(word: &OsStr) -> Option<Self> {
        Some(match word.to_str()? {
            "test" | "t" => Self::Test,
            "run" | "r" => Self::Run,
            "bench" => Self::Bench,
            "build" | "b" => Self::Build,
            "nextest" => Self::Nextest,
            _ => return None,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Run => "run",
            Self::Bench => "bench",
            Self::Build => "build",
            Self::Nextest => "nextest",
        }
    }

    /// nextest has profiles of its own.
    pub(crate) fn profile_option(self) -> &'static str {
        if self == Self::Nextest {
            "--cargo-profile"
        } else {
            "--profile"
        }
    }
}

/// Reads the arguments after the action's word.
pub(crate) fn read(action: Action, arguments: &[OsString]) -> anyhow::Result<Said> {
    let mut said = Said::default();
    if action == Action::Nextest {
        let is_word = |a: &OsString| NEXTEST.iter().any(|word| a == word);
        let Some(at) = arguments.iter().position(is_word) else {
            bail!("say what nextest is to do: cargo race nextest run");
        };
        said.before = at + 1;
    }
    let mut rest = arguments[said.before..].iter();
    while let Some(argument) = rest.next() {
        // What isn't UTF-8 is no option of cargo's.
        let argument = argument.to_str().unwrap_or_default();
        if argument == "--" {
            break;
        }
        if action == Action::Run && !argument.starts_with('-') {
            break;
        }
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(OsString::from(value))),
            _ => (argument, None),
        };
        if value.is_none() && (WITH_VALUE.contains(&name) || name == action.profile_option()) {
            value = rest.next().cloned();
        }
        let text = || value.as_ref().map(|v| v.to_string_lossy().into_owned());
        match name {
            "--target" => said.targets.extend(text()),
            "--target-dir" => said.target_dir = value.map(PathBuf::from),
            "--manifest-path" => said.manifest_path = value,
            "--config" => said.config.extend(text()),
            "--release" | "-r" => said.profile = Some("release".to_owned()),
            "--quiet" | "-q" => said.quiet = true,
            name if name == action.profile_option() => said.profile = text(),
            _ => {}
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: Action, arguments: &str) -> Said {
        let arguments = arguments.split_whitespace().map(OsString::from);
        read(action, &arguments.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn options_are_read_in_both_forms() {
        let expected = Said {
            targets: vec!["a".into(), "b".into()],
            profile: Some("mine".into()),
            target_dir: Some("there".into()),
            manifest_path: Some("x/Cargo.toml".into()),
            config: vec!["a.b=1".into(), "c.d=2".into()],
            ..Said::default()
        };
        for line in [
            "name --target a --target=b --profile mine --target-dir there --manifest-path x/Cargo.toml --config a.b=1 --config=c.d=2",
            "--config a.b=1 --profile=mine --target-dir=there --manifest-path=x/Cargo.toml --target a --config c.d=2 --target b -p q --release-not",
        ] {
            assert_eq!(said(Action::Test, line), expected, "{line}");
        }
        assert_eq!(said(Action::Bench, "-r -q").profile.unwrap(), "release");
        assert!(said(Action::Build, "--quiet").quiet);
    }

    #[test]
    fn what_is_the_programs_is_not_ours() {
        for line in [
            "-- --release --target a",
            "--features x -- --release --target a",
        ] {
            assert_eq!(said(Action::Test, line), Said::default(), "{line}");
        }
        let line = "--example two -F x word --release -- --target a";
        assert_eq!(said(Action::Run, line), Said::default());
        let line = "word --release";
        assert_eq!(said(Action::Test, line).profile.unwrap(), "release");
    }

    #[test]
    fn nextest_has_a_word_first_and_its_own_profiles() {
        let run = said(Action::Nextest, "run --profile ci --cargo-profile mine");
        assert_eq!((run.before, run.profile.as_deref()), (1, Some("mine")));
        let coloured = said(Action::Nextest, "--no-pager list --profile ci");
        assert_eq!((coloured.before, coloured.profile), (2, None));
        let error = read(Action::Nextest, &["rum".into()]).unwrap_err();
        assert!(error.to_string().contains("cargo race nextest run"));
    }
}
