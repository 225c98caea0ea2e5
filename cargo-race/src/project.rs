//! What cargo knows of the user's crate: where its workspace is, where it is built, and which profiles it has.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::Context;
use serde::Deserialize;
use toml::{Table, Value};

use crate::arguments::Said;

/// The profile that is used if the user names none.
pub(crate) const PROFILE: &str = "race";

pub(crate) struct Project {
    /// Where checked programs are built.
    pub(crate) target_dir: PathBuf,
    /// The workspace's `[profile]` table.
    profiles: Table,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// Cargo has said what is wrong, on standard error.
#[derive(Debug)]
pub(crate) struct CargoFailed(pub(crate) ExitStatus);

impl Display for CargoFailed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cargo failed: {}", self.0)
    }
}

impl Error for CargoFailed {}

impl Project {
    pub(crate) fn find(cargo: &Path, said: &Said) -> anyhow::Result<Self> {
        let mut command = Command::new(cargo);
        command.args(["metadata", "--no-deps", "--format-version=1"]);
        if let Some(manifest) = &said.manifest_path {
            command.arg("--manifest-path").arg(manifest);
        }
        for config in &said.config {
            command.args(["--config", config]);
        }
        let output = command
            .output()
            .with_context(|| cargo.display().to_string())?;
        if !output.status.success() {
            // Its warnings come again when it builds.
            let _ = io::stderr().write_all(&output.stderr);
            return Err(CargoFailed(output.status).into());
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("`cargo metadata`")?;
        let manifest = metadata.workspace_root.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
        let mut manifest_table: Table = text
            .parse()
            .with_context(|| manifest.display().to_string())?;
        let profiles = match manifest_table.remove("profile") {
            Some(Value::Table(profiles)) => profiles,
            _ => Table::new(),
        };
        // Whoever names a folder on the command line gets that one.
        let own = said.target_dir.clone();
        let target_dir = own.unwrap_or_else(|| metadata.target_directory.join("race"));
        Ok(Self {
            target_dir,
            profiles,
        })
    }

    /// Settings of the profile that is used, in the form of `--config`.
    ///
    /// Ours has what the workspace doesn't say of it. Of the user's, only what would leave nothing to check or to name is set: link-time optimisation needs the
    /// bitcode that the instrumented std has no more, and a report needs symbols and lines.
    pub(crate) fn settings(&self, profile: Option<&str>) -> Vec<OsString> {
        let name = profile.unwrap_or(PROFILE);
        let table = self.profiles.get(name).and_then(Value::as_table);
        let says = |key: &str| table.and_then(|table| table.get(key));
        let has_lines = says("debug").is_some_and(|debug| match debug {
            Value::Boolean(debug) => *debug,
            Value::Integer(debug) => *debug > 0,
            Value::String(debug) => debug != "none",
            _ => false,
        });
        let mut settings = vec![("lto", "\"off\""), ("strip", "\"none\"")];
        if !has_lines {
            settings.push(("debug", "\"limited\""));
        }
        if profile.is_none() {
            let ours = [
                ("inherits", "\"dev\""),
                ("opt-level", "3"),
                ("split-debuginfo", "\"off\""),
                // Cut into many parts as for an incremental build, code is optimised in another way, and some lines of it are lost.
                ("incremental", "false"),
            ];
            settings.extend(ours.into_iter().filter(|(key, _)| says(key).is_none()));
        }
        let setting = |(key, value)| format!("profile.{name}.{key}={value}").into();
        settings.into_iter().map(setting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(manifest: &str, profile: Option<&str>) -> Vec<String> {
        let project = Project {
            target_dir: PathBuf::new(),
            profiles: manifest.parse().unwrap(),
        };
        let mut settings: Vec<String> = project
            .settings(profile)
            .into_iter()
            .map(|setting| setting.into_string().unwrap())
            .collect();
        settings.sort();
        settings
    }

    #[test]
    fn the_profile_is_ours_where_the_workspace_says_nothing() {
        let expected = [
            "profile.race.debug=\"limited\"",
            "profile.race.incremental=false",
            "profile.race.inherits=\"dev\"",
            "profile.race.lto=\"off\"",
            "profile.race.opt-level=3",
            "profile.race.split-debuginfo=\"off\"",
            "profile.race.strip=\"none\"",
        ];
        assert_eq!(settings("[dev]\ndebug = 0", None), expected);
        let mine = "[race]\ninherits = 'release'\nopt-level = 1\ndebug = 2\nlto = true\nincremental = true";
        let expected = [
            "profile.race.lto=\"off\"",
            "profile.race.split-debuginfo=\"off\"",
            "profile.race.strip=\"none\"",
        ];
        assert_eq!(settings(mine, None), expected);
    }

    #[test]
    fn of_the_users_profile_only_what_must_be_is_set() {
        let without = [
            "profile.release.lto=\"off\"",
            "profile.release.strip=\"none\"",
        ];
        let with = ["profile.release.debug=\"limited\"", without[0], without[1]];
        for (debug, expected) in [
            ("", &with[..]),
            ("debug = false", &with),
            ("debug = 0", &with),
            ("debug = 'none'", &with),
            ("debug = true", &without),
            ("debug = 1", &without),
            ("debug = 'limited'", &without),
        ] {
            let manifest = format!("[release]\n{debug}");
            assert_eq!(settings(&manifest, Some("release")), expected, "{debug}");
        }
    }
}
