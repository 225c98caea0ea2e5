//! The text of `RACE_OPTIONS`: words, keys and values, and what is wrong with them.
//!
//! Nothing here may touch a file or the environment: text in, options or an error out, so that any
//! text at all can be tried.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{ColorChoice, Format, Frames, LogTarget, Options, VARIABLE};
use crate::report::suppressions::{OneLine, SuppressionError};

/// What the text says; the files that it names have not been opened yet.
#[derive(Default)]
pub(super) struct Parsed {
    /// The options, with no suppressions and the log's prefix as it was typed.
    pub(super) options: Options,
    /// The path of the suppression file.
    pub(super) suppressions: Option<PathBuf>,
}

/// Takes the value of one key, or says what is allowed.
type Set = fn(&mut Parsed, &str) -> Result<(), &'static str>;

/// Every key there is, Go's first.
const KEYS: [(&str, Set); 11] = [
    ("log_path", |parsed, value| {
        parsed.options.log = match value {
            "" => return Err("stderr, stdout or the path of a file"),
            "stderr" => LogTarget::Stderr,
            "stdout" => LogTarget::Stdout,
            _ => LogTarget::File(value.into()),
        };
        Ok(())
    }),
    ("exitcode", |parsed, value| {
        parsed.options.exit_code = number(value).ok_or("a number from 0 to 255")?;
        Ok(())
    }),
    ("strip_path_prefix", |parsed, value| {
        parsed.options.strip_path_prefix = value.to_owned();
        Ok(())
    }),
    ("halt_on_error", |parsed, value| {
        parsed.options.halt_on_error = switch(value)?;
        Ok(())
    }),
    ("atexit_sleep_ms", |parsed, value| {
        let ms = number(value).ok_or("a number of milliseconds")?;
        parsed.options.atexit_sleep = Duration::from_millis(ms);
        Ok(())
    }),
    ("suppressions", |parsed, value| {
        if value.is_empty() {
            return Err("the path of a file");
        }
        parsed.suppressions = Some(value.into());
        Ok(())
    }),
    ("format", |parsed, value| {
        parsed.options.format = match value {
            "text" => Format::Text,
            "json" => Format::Json,
            _ => return Err("text or json"),
        };
        Ok(())
    }),
    ("color", |parsed, value| {
        parsed.options.color = match value {
            "auto" => ColorChoice::Auto,
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            _ => return Err("auto, always or never"),
        };
        Ok(())
    }),
    ("max_reports", |parsed, value| {
        parsed.options.max_reports = number(value).ok_or("a number, 0 for no limit")?;
        Ok(())
    }),
    ("frames", |parsed, value| {
        parsed.options.frames = match value {
            "user" => Frames::User,
            "all" => Frames::All,
            _ => return Err("user or all"),
        };
        Ok(())
    }),
    ("deadlocks", |parsed, value| {
        parsed.options.deadlocks = switch(value)?;
        Ok(())
    }),
];

fn switch(value: &str) -> Result<bool, &'static str> {
    match value {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("0 or 1"),
    }
}

/// Reads a decimal number. Digits only: `FromStr` would also take `+1`.
fn number<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Reads the text of `RACE_OPTIONS` up to the first thing that is wrong with it.
pub(super) fn parse(text: &OsStr) -> Result<Parsed, OptionsError> {
    let text = str::from_utf8(text.as_encoded_bytes()).map_err(|error| OptionsError::NotUtf8 {
        text: text.to_string_lossy().into_owned(),
        at: error.valid_up_to(),
    })?;
    let mut parsed = Parsed::default();
    let mut seen = [false; KEYS.len()];
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        let (name, after) = split_name(rest)?;
        let Some(key) = KEYS.iter().position(|(key, _)| *key == name) else {
            return Err(OptionsError::UnknownKey {
                name: name.to_owned(),
            });
        };
        let (name, set) = KEYS[key];
        if seen[key] {
            return Err(OptionsError::Repeated { name });
        }
        seen[key] = true;
        let (value, after) = split_value(name, after)?;
        set(&mut parsed, value).map_err(|expected| OptionsError::BadValue {
            name,
            value: value.to_owned(),
            expected,
        })?;
        rest = after.trim_ascii_start();
    }
    Ok(parsed)
}

/// Splits `name=rest` at the `=`.
fn split_name(text: &str) -> Result<(&str, &str), OptionsError> {
    let (word, _) = split_word(text);
    match word.find('=') {
        Some(0) => Err(OptionsError::NoName {
            word: word.to_owned(),
        }),
        Some(end) => Ok((&text[..end], &text[end + 1..])),
        None => Err(OptionsError::NoValue {
            word: word.to_owned(),
        }),
    }
}

/// Splits the value of `name` from the text after it, and takes the quotes off.
fn split_value<'a>(name: &'static str, text: &'a str) -> Result<(&'a str, &'a str), OptionsError> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        return Ok(split_word(text));
    };
    let Some((value, after)) = text[1..].split_once(quote) else {
        return Err(OptionsError::OpenQuote {
            name,
            text: text.to_owned(),
        });
    };
    match split_word(after) {
        ("", after) => Ok((value, after)),
        (word, _) => Err(OptionsError::TextAfterQuote {
            name,
            word: word.to_owned(),
        }),
    }
}

/// Splits the text at the first white space, which stays with the second part.
fn split_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Returns the key that was probably meant by `name`.
fn nearest_key(name: &str) -> Option<&'static str> {
    // Jaro-Winkler counts a common start, so that a key cut short is known too. Slips and cut keys
    // come out above 0.82, names of other tools' options below 0.76.
    const NEAR: f64 = 0.8;
    let name = name.to_ascii_lowercase();
    let nearness = |key| strsim::jaro_winkler(&name, key);
    let nearest = KEYS
        .iter()
        .map(|(key, _)| (nearness(key), *key))
        .filter(|(nearness, _)| *nearness > NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.map(|(_, key)| key)
}

/// Why `RACE_OPTIONS` cannot be used: one line that names the value, and what would be right.
///
/// The line is made to follow the tool's name, as in
/// `` racecheck: RACE_OPTIONS: bad value `maybe` for `halt_on_error`: expected 0 or 1 ``.
#[derive(Debug)]
#[non_exhaustive]
pub enum OptionsError {
    /// The text is not UTF-8.
    NotUtf8 {
        /// The text, with what is not UTF-8 replaced.
        text: String,
        /// How many bytes of it are UTF-8.
        at: usize,
    },
    /// A word has no `=`.
    NoValue {
        /// The word.
        word: String,
    },
    /// A word has nothing before its `=`.
    NoName {
        /// The word.
        word: String,
    },
    /// There is no such key.
    UnknownKey {
        /// What stands in the key's place.
        name: String,
    },
    /// A key is given twice.
    Repeated {
        /// The key.
        name: &'static str,
    },
    /// A quoted value does not end.
    OpenQuote {
        /// The key.
        name: &'static str,
        /// The text from the quote on.
        text: String,
    },
    /// Something stands right behind the quote that ends a value.
    TextAfterQuote {
        /// The key.
        name: &'static str,
        /// What stands there.
        word: String,
    },
    /// The value is not one that the key takes.
    BadValue {
        /// The key.
        name: &'static str,
        /// The value.
        value: String,
        /// What the key takes.
        expected: &'static str,
    },
    /// The file of `suppressions` cannot be read or understood.
    Suppressions(SuppressionError),
    /// The file of `log_path` cannot be written.
    Log {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = OneLine(f);
        write!(out, "{VARIABLE}: ")?;
        match self {
            Self::NotUtf8 { text, at } => write!(out, "not UTF-8 after {at} bytes of `{text}`"),
            Self::NoValue { word } => write!(
                out,
                "no `=` in `{word}`: expected key=value, in quotes if the value has spaces"
            ),
            Self::NoName { word } => {
                write!(
                    out,
                    "nothing before the `=` in `{word}`: expected key=value"
                )
            }
            Self::UnknownKey { name } => {
                write!(out, "unknown option `{name}`; ")?;
                if let Some(key) = nearest_key(name) {
                    return write!(out, "did you mean `{key}`?");
                }
                write!(
                    out,
                    "the options are {}",
                    KEYS.map(|(key, _)| key).join(", ")
                )
            }
            Self::Repeated { name } => {
                write!(
                    out,
                    "`{name}` is given more than once: expected each option once"
                )
            }
            Self::OpenQuote { name, text } => {
                write!(out, "the value of `{name}` has no closing quote: `{text}`")
            }
            Self::TextAfterQuote { name, word } => write!(
                out,
                "`{word}` right after the quoted value of `{name}`: expected a space"
            ),
            Self::BadValue {
                name,
                value,
                expected,
            } => {
                write!(out, "bad value `{value}` for `{name}`: expected {expected}")
            }
            Self::Suppressions(error) => write!(out, "bad `suppressions` file: {error}"),
            Self::Log { path, error } => {
                write!(
                    out,
                    "cannot write the `log_path` file `{}`: {error}",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for OptionsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options(text: &str) -> Options {
        parse(OsStr::new(text)).unwrap().options
    }

    fn error(text: impl AsRef<OsStr>) -> String {
        let Err(error) = parse(text.as_ref()) else {
            panic!("accepted {:?}", text.as_ref())
        };
        let error = error.to_string();
        error.strip_prefix("RACE_OPTIONS: ").unwrap().to_owned()
    }

    #[test]
    fn every_key_takes_its_values() {
        let parsed = parse(OsStr::new(
            "log_path=/tmp/log exitcode=0 strip_path_prefix=/home/me/\thalt_on_error=1\n\
             atexit_sleep_ms=1000 suppressions=a.supp format=json color=never  max_reports=7 \
             frames=all deadlocks=0",
        ))
        .unwrap();
        let expected = Options {
            log: LogTarget::File("/tmp/log".into()),
            exit_code: 0,
            strip_path_prefix: "/home/me/".to_owned(),
            halt_on_error: true,
            atexit_sleep: Duration::from_secs(1),
            format: Format::Json,
            color: ColorChoice::Never,
            max_reports: 7,
            frames: Frames::All,
            deadlocks: false,
            ..Options::default()
        };
        assert_eq!(parsed.options, expected);
        assert_eq!(parsed.suppressions, Some("a.supp".into()));
    }

    #[test]
    fn words_stand_for_values() {
        assert_eq!(options("log_path=stdout").log, LogTarget::Stdout);
        assert_eq!(options("log_path=stderr").log, LogTarget::Stderr);
        assert_eq!(
            options("log_path=./stdout").log,
            LogTarget::File("./stdout".into())
        );
        assert!(options("halt_on_error=true").halt_on_error);
        assert!(!options("halt_on_error=false").halt_on_error);
        assert_eq!(options("color=always").color, ColorChoice::Always);
    }

    #[test]
    fn numbers_go_to_their_limits() {
        assert_eq!(options("exitcode=255").exit_code, 255);
        assert_eq!(
            options("max_reports=18446744073709551615").max_reports,
            u64::MAX
        );
        let longest = options("atexit_sleep_ms=18446744073709551615").atexit_sleep;
        assert_eq!(longest, Duration::from_millis(u64::MAX));
    }

    #[test]
    fn quotes_hold_a_value_together() {
        let strip = |text| options(text).strip_path_prefix;
        assert_eq!(strip("strip_path_prefix='/a b/' exitcode=1"), "/a b/");
        assert_eq!(strip("strip_path_prefix=\"it's\n\"\nexitcode=1"), "it's\n");
        assert_eq!(strip("strip_path_prefix=''"), "");
        assert_eq!(strip("strip_path_prefix= exitcode=1"), "");
        assert_eq!(strip("strip_path_prefix=it's=\"here\""), "it's=\"here\"");
    }

    #[test]
    fn a_bad_value_says_what_is_allowed() {
        for (name, values, expected) in [
            (
                "log_path",
                &["", "''"][..],
                "stderr, stdout or the path of a file",
            ),
            (
                "exitcode",
                &["256", "-1", "+1", "", "6a", "٣"][..],
                "a number from 0 to 255",
            ),
            ("halt_on_error", &["maybe", "", "2", "TRUE"][..], "0 or 1"),
            (
                "atexit_sleep_ms",
                &["1s", "18446744073709551616"][..],
                "a number of milliseconds",
            ),
            ("suppressions", &[""][..], "the path of a file"),
            ("format", &["xml"][..], "text or json"),
            ("color", &["yes"][..], "auto, always or never"),
            ("max_reports", &["many"][..], "a number, 0 for no limit"),
            ("frames", &["none"][..], "user or all"),
            ("deadlocks", &["no", ""][..], "0 or 1"),
        ] {
            for value in values {
                let bare = value.trim_matches('\'');
                assert_eq!(
                    error(format!("{name}={value}")),
                    format!("bad value `{bare}` for `{name}`: expected {expected}")
                );
            }
        }
    }

    #[test]
    fn an_unknown_key_gives_the_nearest_one() {
        for (given, meant) in [
            ("suppresions", "suppressions"),
            ("suppression", "suppressions"),
            ("supp", "suppressions"),
            ("exit_code", "exitcode"),
            ("log", "log_path"),
            ("logpath", "log_path"),
            ("log-path", "log_path"),
            ("LOG_PATH", "log_path"),
            ("colour", "color"),
            ("halt", "halt_on_error"),
            ("max", "max_reports"),
            ("atexit_sleep", "atexit_sleep_ms"),
            ("max_report", "max_reports"),
            ("frame", "frames"),
            ("fram", "frames"),
            ("fromat", "format"),
            ("strip_prefix", "strip_path_prefix"),
        ] {
            assert_eq!(
                error(format!("{given}=1")),
                format!("unknown option `{given}`; did you mean `{meant}`?")
            );
        }
    }

    #[test]
    fn an_unknown_key_that_is_near_to_none_gives_them_all() {
        for given in [
            "history_size",
            "verbosity",
            "x",
            "second_deadlock_stack",
            "日本",
        ] {
            assert_eq!(
                error(format!("{given}=1")),
                format!(
                    "unknown option `{given}`; the options are log_path, exitcode, \
                     strip_path_prefix, halt_on_error, atexit_sleep_ms, suppressions, format, \
                     color, max_reports, frames, deadlocks"
                )
            );
        }
    }

    #[test]
    fn broken_words_are_errors() {
        assert_eq!(
            error("halt_on_error exitcode=1"),
            "no `=` in `halt_on_error`: expected key=value, in quotes if the value has spaces"
        );
        assert_eq!(
            error("=1"),
            "nothing before the `=` in `=1`: expected key=value"
        );
        assert_eq!(
            error("exitcode=1 color=auto exitcode=1"),
            "`exitcode` is given more than once: expected each option once"
        );
        assert_eq!(
            error("log_path='/a b exitcode=1"),
            "the value of `log_path` has no closing quote: `'/a b exitcode=1`"
        );
        assert_eq!(
            error("log_path='/a b'.txt exitcode=1"),
            "`.txt` right after the quoted value of `log_path`: expected a space"
        );
    }

    #[test]
    fn the_first_error_is_the_one_reported() {
        assert!(error("exitcode=x color=x").contains("`exitcode`"));
        assert!(error("colour=x exitcode=x").contains("`colour`"));
    }

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(
            error("format='a\nb\u{1b}[0m\u{2028}'"),
            "bad value `a\\nb\\u{1b}[0m\\u{2028}` for `format`: expected text or json"
        );
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_not_utf8_is_an_error() {
        use std::os::unix::ffi::OsStrExt as _;
        let text = OsStr::from_bytes(b"log_path=/\xff/a");
        assert_eq!(
            error(text),
            "not UTF-8 after 10 bytes of `log_path=/\u{fffd}/a`"
        );
    }

    /// Parses, and checks what must hold of any text: no panic, and an error of one line.
    fn check(text: &OsStr) -> Result<(), TestCaseError> {
        if let Err(error) = parse(text) {
            let error = error.to_string();
            prop_assert!(error.starts_with("RACE_OPTIONS: "), "{}", error);
            prop_assert!(!error.contains(char::is_control), "{}", error);
        }
        Ok(())
    }

    proptest! {
        #[cfg(unix)]
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            use std::os::unix::ffi::OsStrExt as _;
            check(OsStr::from_bytes(&bytes))?;
        }

        #[test]
        fn no_text_near_the_grammar_panics(
            words in prop::collection::vec((0..KEYS.len(), "=?['\" ]?\\PC{0,4}['\"\n]?"), 0..6),
        ) {
            let text: String =
                words.iter().map(|(key, rest)| format!("{}{rest} ", KEYS[*key].0)).collect();
            check(OsStr::new(&text))?;
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[^']*") {
            let parsed = options(&format!("strip_path_prefix='{value}' exitcode=1"));
            prop_assert_eq!(parsed.strip_path_prefix, value);
            prop_assert_eq!(parsed.exit_code, 1);
        }
    }
}
