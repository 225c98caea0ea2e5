//! The options of a run: what the environment variable `RACE_OPTIONS` says.
//!
//! They are read once, before `main`. This module must never panic, whatever the variable holds,
//! never guess at an option that it does not understand, and never keep a log file that holds no
//! report. It decides nothing about the program: an error is returned, and the caller prints it and
//! exits.
//!
//! The text is read in `parse.rs`; this file says what the options are and tries the files they
//! name.

mod parse;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::path::{self, Path, PathBuf};
use std::process;
use std::time::Duration;

use crate::report::suppressions::Suppressions;

pub use parse::OptionsError;

/// The environment variable that holds the options.
const VARIABLE: &str = "RACE_OPTIONS";

/// What the user has asked for: the value of `RACE_OPTIONS`.
///
/// The variable holds `key=value` pairs with white space between them, as Go's `GORACE` does. A
/// value that contains white space is put in single or double quotes right after the `=`; there is
/// no escape character, a quote inside the value is of the other kind. Each key may be given once.
///
/// | key | value | default |
/// | --- | --- | --- |
/// | `log_path` | `stderr`, `stdout`, or a path: reports go to the file `PATH.PID` | `stderr` |
/// | `exitcode` | 0 to 255: the exit status after a race | 66 |
/// | `strip_path_prefix` | what to take off the front of every path in a report | nothing |
/// | `halt_on_error` | 0 or 1 (or `false`, `true`): exit after the first report | 0 |
/// | `atexit_sleep_ms` | milliseconds to wait before the program exits | 0 |
/// | `suppressions` | a file of races not to report, see [`Suppressions`] | none |
/// | `format` | `text` or `json` | `text` |
/// | `color` | `auto`, `always` or `never` | `auto` |
/// | `max_reports` | how many reports to print; races beyond are only counted; 0: no limit | 0 |
/// | `frames` | `user` or `all`: whether reports show frames of `std` and the like | `user` |
/// | `deadlocks` | 0 or 1 (or `false`, `true`): look for deadlocks, too | 1 |
///
/// Paths are relative to the directory in which the program was started.
///
/// # Example
///
/// ```
/// # use race_core::options::{Options, LogTarget};
/// let options = Options::parse("exitcode=3 strip_path_prefix='/home/me/my project/'")?;
/// assert_eq!(options.exit_code, 3);
/// assert_eq!(options.strip_path_prefix, "/home/me/my project/");
/// assert_eq!(options.log, LogTarget::Stderr);
///
/// let error = Options::parse("halt_on_error=maybe").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "RACE_OPTIONS: bad value `maybe` for `halt_on_error`: expected 0 or 1",
/// );
/// # Ok::<(), race_core::options::OptionsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where reports go (`log_path`).
    pub log: LogTarget,
    /// The exit status of a program in which a race was found (`exitcode`).
    pub exit_code: u8,
    /// What is taken off the front of every path in a report (`strip_path_prefix`).
    pub strip_path_prefix: String,
    /// Whether the program ends after its first report (`halt_on_error`).
    pub halt_on_error: bool,
    /// How long to wait before the program exits (`atexit_sleep_ms`).
    ///
    /// Go's default is a second, to let other threads run into a race still. Ours is nothing: a
    /// race is found from what happens before what, which waiting does not change, so only a
    /// program whose `main` returns while its threads are at work would gain, and every program
    /// would be slower.
    pub atexit_sleep: Duration,
    /// The races not to report (`suppressions`).
    pub suppressions: Suppressions,
    /// The form of a report (`format`).
    pub format: Format,
    /// Whether reports are coloured (`color`); see [`Options::colored`] for the decision.
    pub color: ColorChoice,
    /// How many reports are printed, 0 for all (`max_reports`); races beyond that are only counted.
    pub max_reports: u64,
    /// Which frames of a stack are printed (`frames`).
    pub frames: Frames,
    /// Whether deadlocks are looked for (`deadlocks`).
    pub deadlocks: bool,
}

/// Where reports go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// To standard error.
    #[default]
    Stderr,
    /// To standard output.
    Stdout,
    /// To the file `PREFIX.PID`, see [`LogTarget::file`]. The prefix is an absolute path, so that a
    /// program may change its current directory.
    File(PathBuf),
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Go's layout, for people.
    #[default]
    Text,
    /// One JSON object a report, for programs.
    Json,
}

/// Whether reports are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, if the environment variable `NO_COLOR` is unset or empty.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which frames of a stack are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frames {
    /// The user's own: those of `std`, the test harness and racecheck are left out.
    #[default]
    User,
    /// All of them.
    All,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: LogTarget::default(),
            exit_code: 66,
            strip_path_prefix: String::new(),
            halt_on_error: false,
            atexit_sleep: Duration::ZERO,
            suppressions: Suppressions::default(),
            format: Format::default(),
            color: ColorChoice::default(),
            max_reports: 0,
            frames: Frames::default(),
            deadlocks: true,
        }
    }
}

impl Options {
    /// Reads the options from the environment variable `RACE_OPTIONS`; unset is the same as empty.
    ///
    /// # Errors
    ///
    /// As [`Options::parse`].
    pub fn from_env() -> Result<Self, OptionsError> {
        Self::parse(env::var_os(VARIABLE).unwrap_or_default())
    }

    /// Reads the options from `text`, the value of `RACE_OPTIONS`.
    ///
    /// No file is touched unless all of the text is right. Then the suppression file is read, and
    /// the log file is opened for writing, to find out before the program runs whether it can be;
    /// if that has created the file it is removed again, so that a run without reports leaves none.
    ///
    /// # Errors
    ///
    /// For the first thing that is wrong: text that is not UTF-8, an unknown or repeated key, a
    /// missing `=` or closing quote, a value that is not allowed, a suppression file that cannot be
    /// read or understood, a log file that cannot be written.
    pub fn parse(text: impl AsRef<OsStr>) -> Result<Self, OptionsError> {
        let parse::Parsed {
            mut options,
            suppressions,
        } = parse::parse(text.as_ref())?;
        if let Some(path) = suppressions {
            // A relative path in the error would leave open what it is relative to: `cargo test`
            // runs each package's tests in that package's directory. Where the current directory is
            // gone, the path as it was typed has to do.
            let path = path::absolute(&path).unwrap_or(path);
            options.suppressions = Suppressions::read(&path).map_err(OptionsError::Suppressions)?;
        }
        if let LogTarget::File(prefix) = &mut options.log {
            *prefix = path::absolute(&*prefix).map_err(|error| OptionsError::Log {
                path: prefix.clone(),
                error,
            })?;
            let path = log_file(prefix, process::id());
            try_to_write(&path).map_err(|error| OptionsError::Log { path, error })?;
        }
        Ok(options)
    }

    /// Returns whether reports are to be coloured, which under [`ColorChoice::Auto`] depends on
    /// where they go.
    pub fn colored(&self) -> bool {
        let terminal = match self.log {
            LogTarget::Stderr => io::stderr().is_terminal(),
            LogTarget::Stdout => io::stdout().is_terminal(),
            LogTarget::File(_) => false,
        };
        self.color
            .decide(terminal, env::var_os("NO_COLOR").as_deref())
    }
}

impl LogTarget {
    /// Returns the file that the process `pid` writes its reports to, if they go to a file.
    pub fn file(&self, pid: u32) -> Option<PathBuf> {
        match self {
            Self::Stderr | Self::Stdout => None,
            Self::File(prefix) => Some(log_file(prefix, pid)),
        }
    }
}

impl ColorChoice {
    fn decide(self, terminal: bool, no_color: Option<&OsStr>) -> bool {
        match self {
            Self::Auto => terminal && no_color.is_none_or(OsStr::is_empty),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

fn log_file(prefix: &Path, pid: u32) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!(".{pid}"));
    name.into()
}

/// Finds out whether `path` can be written to, without leaving a file there that was not.
fn try_to_write(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => {
            // In a directory where files can be made but not removed, an empty file stays behind:
            // no reason to refuse to run.
            let _ = fs::remove_file(path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().append(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::suppressions::Family;

    use std::process::Command;

    fn log_at(path: &Path) -> Result<Options, OptionsError> {
        Options::parse(format!("log_path='{}'", path.display()))
    }

    #[test]
    fn nothing_said_is_the_defaults() {
        let defaults = Options::default();
        assert_eq!(Options::parse("").unwrap(), defaults);
        assert_eq!(Options::parse(" \n\t ").unwrap(), defaults);
        assert_eq!(
            (defaults.exit_code, defaults.atexit_sleep),
            (66, Duration::ZERO)
        );
        assert_eq!((defaults.log, defaults.max_reports), (LogTarget::Stderr, 0));
    }

    /// The environment belongs to the whole process, so the variable is set for a child: this test
    /// again, which then takes the other branch.
    #[test]
    fn the_variable_is_read() {
        const IS_CHILD: &str = "RACE_OPTIONS_TEST_IS_CHILD";
        if env::var_os(IS_CHILD).is_some() {
            let expected = Options {
                exit_code: 7,
                format: Format::Json,
                ..Options::default()
            };
            assert_eq!(Options::from_env().unwrap(), expected);
            return;
        }
        let (_crate, module) = module_path!().split_once("::").unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("{module}::the_variable_is_read")])
            .env(IS_CHILD, "1")
            .env(VARIABLE, "exitcode=7 format=json")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && output.contains("1 passed"),
            "{output}"
        );
    }

    #[test]
    fn trying_the_log_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("my log");
        let options = log_at(&prefix).unwrap();
        assert_eq!(options.log, LogTarget::File(prefix.clone()));
        assert_eq!(options.log.file(12), Some(dir.path().join("my log.12")));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn trying_the_log_keeps_a_file_that_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("log");
        let file = log_file(&prefix, process::id());
        fs::write(&file, "an earlier report").unwrap();
        log_at(&prefix).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "an earlier report");
    }

    #[test]
    fn a_log_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("missing/log");
        let error = log_at(&prefix).unwrap_err().to_string();
        let file = log_file(&prefix, process::id());
        let start = format!(
            "RACE_OPTIONS: cannot write the `log_path` file `{}`: ",
            file.display()
        );
        assert!(error.starts_with(&start), "{error}");

        let prefix = dir.path().join("log");
        fs::create_dir(log_file(&prefix, process::id())).unwrap();
        assert!(matches!(log_at(&prefix), Err(OptionsError::Log { .. })));
    }

    #[test]
    fn a_relative_log_path_is_made_absolute() {
        let name = format!("racecheck-options-test-{}", process::id());
        let options = Options::parse(format!("log_path={name}")).unwrap();
        assert_eq!(
            options.log,
            LogTarget::File(env::current_dir().unwrap().join(name))
        );
    }

    #[test]
    fn the_suppression_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("races.supp");
        let text = format!("suppressions='{}'", path.display());

        let error = Options::parse(&text).unwrap_err().to_string();
        let start = format!(
            "RACE_OPTIONS: bad `suppressions` file: {}: cannot be read: ",
            path.display()
        );
        assert!(error.starts_with(&start), "{error}");

        fs::write(&path, "# why\nthread:leaked\n").unwrap();
        let error = Options::parse(&text).unwrap_err().to_string();
        let start = format!(
            "RACE_OPTIONS: bad `suppressions` file: {}:2: ",
            path.display()
        );
        assert!(error.starts_with(&start), "{error}");

        fs::write(&path, "race:stats\n").unwrap();
        let options = Options::parse(&text).unwrap();
        let frames = [(0, "stats::add", None)];
        assert!(
            options
                .suppressions
                .suppresses(Family::Race, Path::new(""), frames.into_iter(), None)
                .is_some()
        );
    }

    #[test]
    fn no_file_is_touched_when_the_text_is_wrong() {
        let error = Options::parse("log_path=/missing/log suppressions=/missing/file exitcode=x");
        assert!(
            matches!(error, Err(OptionsError::BadValue { .. })),
            "{error:?}"
        );
    }

    #[test]
    fn color_is_for_terminals_unless_said_otherwise() {
        let some = |text| Some(OsStr::new(text));
        assert!(ColorChoice::Auto.decide(true, None));
        assert!(ColorChoice::Auto.decide(true, some("")));
        assert!(!ColorChoice::Auto.decide(true, some("1")));
        assert!(!ColorChoice::Auto.decide(false, None));
        assert!(ColorChoice::Always.decide(false, some("1")));
        assert!(!ColorChoice::Never.decide(true, None));

        let to_file = LogTarget::File("log".into());
        let options = Options {
            log: to_file,
            ..Options::default()
        };
        assert!(!options.colored());
        assert!(
            Options {
                color: ColorChoice::Always,
                ..options
            }
            .colored()
        );
    }
}
