//! Suppressions: the races that the user has said not to print.
//!
//! The file format is ThreadSanitizer's: one `race:PATTERN`, `race_top:PATTERN` or
//! `deadlock:PATTERN` a line, blank lines, and lines that start with `#`. A pattern is a substring of a name; `*` stands for any
//! text, a leading `^` for the start of the name and a trailing `$` for its end. `FUNCTION in FILE` are two
//! patterns, which have to match one frame both.
//!
//! This module must never hide a race that no pattern names. So a line that it does not understand
//! is an error and not skipped, and a name that is empty (a symbol that could not be resolved)
//! matches nothing, not even `*`.
//!
//! Deliberate deviations from `TemplateMatch` in LLVM's `sanitizer_common`:
//!
//! - `foo$` matches every name that ends in `foo`. LLVM takes the first `foo` and looks no further,
//!   so that its `foo$` does not match `foofoo`.
//! - `^` and `$` elsewhere than at the two ends are ordinary characters. LLVM drops whatever
//!   follows a `$`, which makes the pattern match more than was written.
//! - White space around a pattern is dropped. LLVM keeps it after the colon, where it never
//!   matches.
//! - A function is looked at as `name` and as `name()`, so that a line copied from a report works.
//! - LLVM has no `FUNCTION in FILE`. Where there are line tables only, a function has no path to its name, and
//!   the name alone would hide the races of others. `FILE` is compared with the whole path, which is the same whether
//!   a crate is checked itself or stands below another.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The suppressions of one file, in the order of its lines.
///
/// # Example
///
/// ```
/// use std::path::Path;
/// # use race_core::report::suppressions::{Family, Suppressions};
///
/// let text = "# the counter is approximate on purpose\nrace:stats::Counter::add\n";
/// let suppressions = Suppressions::parse(text, Path::new("races.supp"))?;
///
/// let frames = [(0, "core::ptr::write", None), (1, "stats::Counter::add", Some("src/stats.rs"))];
/// let hit = suppressions.suppresses(Family::Race, Path::new("/home/me"), frames.into_iter(), None).unwrap();
/// assert_eq!(hit.line, 2);
/// # Ok::<(), race_core::report::suppressions::SuppressionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressions {
    entries: Vec<Suppression>,
}

/// One line of a suppression file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Which names of a report are compared with the pattern.
    pub kind: SuppressionKind,
    /// The pattern as it was written, without the white space around it.
    pub pattern: String,
    /// The line of the file, counted from 1.
    pub line: usize,
    matcher: Matcher,
    /// Of the file, where the pattern says `FUNCTION in FILE`.
    file: Option<Matcher>,
}

/// Which names of a report a [`Suppression`] is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionKind {
    /// `race:`: the function and the file of every frame, and the location's label.
    Race,
    /// `race_top:`: the function and the file of each stack's innermost user frame.
    RaceTop,
    /// `deadlock:`: the function and the file of every frame of a deadlock's stacks.
    Deadlock,
}

/// Between a function's pattern and a file's.
const IN: &str = " in ";

/// What kind of finding a report is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// A data race.
    Race,
    /// A deadlock, or one that could have been.
    Deadlock,
}

impl SuppressionKind {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "race" => Some(Self::Race),
            "race_top" => Some(Self::RaceTop),
            "deadlock" => Some(Self::Deadlock),
            _ => None,
        }
    }

    fn looks_at(self, family: Family, depth: usize) -> bool {
        match self {
            Self::Race => family == Family::Race,
            Self::RaceTop => family == Family::Race && depth == 0,
            Self::Deadlock => family == Family::Deadlock,
        }
    }
}

/// No suppression file is as long: the path is that of a device, or of something else that has no end.
const MAX_BYTES: u64 = 16 << 20;

impl Suppressions {
    /// Whether nothing is suppressed: then no symbols need to be looked up to ask.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads and parses the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); also when the file cannot be read, is not UTF-8, or does not end.
    pub fn read(path: &Path) -> Result<Self, SuppressionError> {
        let fail = |problem| Err(SuppressionError::new(path, problem));
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 == MAX_BYTES => return fail(Problem::Endless),
            Ok(_) => {}
            Err(error) => return fail(Problem::Unreadable(error)),
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, path),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
                fail(Problem::NotUtf8 { line })
            }
        }
    }

    /// Parses the text of a suppression file; `source` is what errors call it.
    ///
    /// # Errors
    ///
    /// At the first line that is neither blank, nor a comment, nor `race:PATTERN`,
    /// `race_top:PATTERN` or `deadlock:PATTERN` with a pattern that says something.
    pub fn parse(text: &str, source: &Path) -> Result<Self, SuppressionError> {
        // Some editors start a UTF-8 file with a byte order mark; it is no part of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut entries = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let (line, text) = (index + 1, text.trim());
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            entries.push(
                parse_line(line, text).map_err(|problem| SuppressionError::new(source, problem))?,
            );
        }
        Ok(Self { entries })
    }

    /// Returns the suppression that a report falls under, if there is one.
    ///
    /// `frames` are the frames of both stacks, one stack after the other: the depth of the frame in
    /// its own stack (0 for the innermost user frame), the function, and the file if it is known.
    /// `root` is the folder that the files are relative to, as far as they are. `location` is the label of the memory that was raced on.
    ///
    /// Frames are taken in the order given and the location last; where several lines match the
    /// same frame, the first line is returned. Without any suppression no frame is taken at all, so
    /// that an iterator which resolves symbols as it goes costs nothing.
    pub fn suppresses<'a>(
        &self,
        family: Family,
        root: &Path,
        frames: impl Iterator<Item = (usize, &'a str, Option<&'a str>)>,
        location: Option<&str>,
    ) -> Option<&Suppression> {
        if self.entries.is_empty() {
            return None;
        }
        for (depth, function, file) in frames {
            let called = if function.is_empty() {
                String::new()
            } else {
                format!("{function}()")
            };
            let names = [function, &called, file.unwrap_or_default()];
            let hit = self
                .entries
                .iter()
                .find(|entry| entry.kind.looks_at(family, depth) && entry.matches(names, root));
            if hit.is_some() {
                return hit;
            }
        }
        let location = location?;
        self.entries.iter().find(|entry| {
            entry.kind == SuppressionKind::Race
                && entry.file.is_none()
                && entry.matcher.matches(location)
        })
    }
}

impl Suppression {
    /// `names` are a frame's function, both ways, and its file.
    fn matches(&self, names: [&str; 3], root: &Path) -> bool {
        let [function, called, file] = names;
        let Some(of_file) = &self.file else {
            return names.iter().any(|name| self.matcher.matches(name));
        };
        let of_function = [function, called]
            .iter()
            .any(|name| self.matcher.matches(name));
        of_function && !file.is_empty() && of_file.matches(&root.join(file).to_string_lossy())
    }
}

/// Parses a line that is neither blank nor a comment and has no white space around it.
fn parse_line(line: usize, text: &str) -> Result<Suppression, Problem> {
    let Some((name, pattern)) = text.split_once(':') else {
        return Err(Problem::NoKind {
            line,
            text: text.to_owned(),
        });
    };
    let Some(kind) = SuppressionKind::from_name(name) else {
        return Err(Problem::UnknownKind {
            line,
            name: name.to_owned(),
            text: text.to_owned(),
        });
    };
    let pattern = pattern.trim();
    let empty = || Problem::EmptyPattern {
        line,
        text: text.to_owned(),
    };
    let matcher = |pattern: &str| Matcher::new(pattern.trim()).ok_or_else(empty);
    let (matcher, file) = match pattern.split_once(IN) {
        Some((function, file)) => (matcher(function)?, Some(matcher(file)?)),
        None => (matcher(pattern)?, None),
    };
    Ok(Suppression {
        kind,
        pattern: pattern.to_owned(),
        line,
        matcher,
        file,
    })
}

/// A pattern made ready: the pieces between its `*`, never an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Matcher {
    at_start: bool,
    first: Vec<String>,
    last: String,
    at_end: bool,
}

impl Matcher {
    /// Returns `None` for a pattern that names nothing: an empty one, or anchors alone.
    fn new(pattern: &str) -> Option<Self> {
        let (at_start, body) = match pattern.strip_prefix('^') {
            Some(body) => (true, body),
            None => (false, pattern),
        };
        let (at_end, body) = match body.strip_suffix('$') {
            Some(body) => (true, body),
            None => (false, body),
        };
        if body.is_empty() {
            return None;
        }
        let mut first: Vec<String> = body.split('*').map(str::to_owned).collect();
        let last = first.pop()?;
        Some(Self {
            at_start,
            first,
            last,
            at_end,
        })
    }

    fn matches(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let mut rest = text;
        let mut at_start = self.at_start;
        for piece in &self.first {
            // The leftmost place leaves the most text for the pieces to come, so there is never a
            // reason to come back and try another.
            let found = if at_start {
                rest.strip_prefix(piece.as_str())
            } else {
                rest.split_once(piece.as_str()).map(|(_, after)| after)
            };
            let Some(after) = found else { return false };
            (rest, at_start) = (after, false);
        }
        let last = self.last.as_str();
        match (at_start, self.at_end) {
            (true, true) => rest == last,
            (true, false) => rest.starts_with(last),
            (false, true) => rest.ends_with(last),
            (false, false) => rest.contains(last),
        }
    }
}

/// Why a suppression file cannot be used: one line that names the file, the line and what would be
/// right.
#[derive(Debug)]
pub struct SuppressionError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Unreadable(io::Error),
    Endless,
    NotUtf8 {
        line: usize,
    },
    NoKind {
        line: usize,
        text: String,
    },
    UnknownKind {
        line: usize,
        name: String,
        text: String,
    },
    EmptyPattern {
        line: usize,
        text: String,
    },
}

impl SuppressionError {
    fn new(path: &Path, problem: Problem) -> Self {
        Self {
            path: path.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for SuppressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let mut out = OneLine(f);
        match &self.problem {
            Problem::Unreadable(error) => write!(out, "{path}: cannot be read: {error}"),
            Problem::Endless => write!(
                out,
                "{path}: longer than {} MiB: not a suppression file",
                MAX_BYTES >> 20
            ),
            Problem::NotUtf8 { line } => write!(out, "{path}:{line}: not UTF-8 text"),
            Problem::NoKind { line, text } => write!(
                out,
                "{path}:{line}: `{text}` has no kind: expected race:PATTERN, race_top:PATTERN or deadlock:PATTERN"
            ),
            Problem::UnknownKind { line, name, text } => write!(
                out,
                "{path}:{line}: unknown kind `{name}` in `{text}`: expected race:PATTERN, \
                 race_top:PATTERN or deadlock:PATTERN"
            ),
            Problem::EmptyPattern { line, text } => write!(
                out,
                "{path}:{line}: `{text}` names nothing: expected part of a function, file or \
                 location after the colon"
            ),
        }
    }
}

impl std::error::Error for SuppressionError {}

/// Passes text on with everything escaped that would end the line or upset a terminal: an error
/// quotes the user's bytes, and must stay one line of a log whatever they are.
pub(crate) struct OneLine<W>(pub(crate) W);

impl<W: fmt::Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                // Harmless in a line, and a path should read as it was typed.
                '\'' | '"' | '\\' => self.0.write_char(c)?,
                _ => write!(self.0, "{}", c.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    const ROOT: &str = "/home/me/ring-1.2.3";

    type Frame<'a> = (usize, &'a str, Option<&'a str>);

    fn parse(text: &str) -> Suppressions {
        Suppressions::parse(text, Path::new("t.supp")).unwrap()
    }

    fn parse_error(text: &str) -> String {
        Suppressions::parse(text, Path::new("t.supp"))
            .unwrap_err()
            .to_string()
    }

    fn hit_line(
        suppressions: &Suppressions,
        frames: &[Frame<'_>],
        location: Option<&str>,
    ) -> usize {
        suppressions
            .suppresses(
                Family::Race,
                Path::new(ROOT),
                frames.iter().copied(),
                location,
            )
            .map_or(0, |hit| hit.line)
    }

    fn matches(pattern: &str, text: &str) -> bool {
        Matcher::new(pattern).unwrap().matches(text)
    }

    #[test]
    fn a_pattern_is_a_substring_unless_anchored() {
        assert!(matches("bank", "my::bank::main"));
        assert!(!matches("bank", "my::ban::kmain"));
        assert!(matches("^my", "my::bank"));
        assert!(!matches("^bank", "my::bank"));
        assert!(matches("bank$", "my::bank"));
        assert!(!matches("my$", "my::bank"));
        assert!(matches("^my::bank$", "my::bank"));
        assert!(!matches("^my::bank$", "my::bank2"));
        assert!(!matches("^y::bank$", "my::bank"));
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("a*c", "xabbbcx"));
        assert!(matches("a*c", "ac"));
        assert!(!matches("a*c", "ca"));
        assert!(
            !matches("aa*aa", "aaa"),
            "two pieces must not share a character"
        );
        assert!(matches("^a*c$", "abc"));
        assert!(!matches("^a*c$", "abcd"));
        assert!(matches("^*c", "abc"));
        assert!(matches("a*$", "xab"));
        assert!(matches("*", "anything"));
    }

    #[test]
    fn an_end_anchor_looks_at_the_last_occurrence() {
        assert!(matches("foo$", "foofoo"));
        assert!(matches("a*foo$", "a foo foo"));
    }

    #[test]
    fn anchors_in_the_middle_are_ordinary_characters() {
        assert!(matches("closure$0", "a::closure$0"));
        assert!(!matches("closure$0", "a::closure"));
        assert!(matches("a^b", "xa^b"));
    }

    #[test]
    fn an_unresolved_name_matches_nothing() {
        assert!(!matches("*", ""));
        let all = parse("race:*\nrace:()");
        assert_eq!(
            hit_line(&all, &[(0, "", Some("")), (1, "", None)], Some("")),
            0
        );
    }

    #[test]
    fn race_looks_at_every_frame_and_race_top_at_the_innermost() {
        let frames = [
            (0, "a::inner", Some("src/in.rs")),
            (1, "a::outer", Some("src/out.rs")),
        ];
        for (line, expected) in [
            ("race:a::inner", true),
            ("race:a::outer", true),
            ("race:in.rs", true),
            ("race:out.rs", true),
            ("race_top:a::inner", true),
            ("race_top:a::outer", false),
            ("race_top:in.rs", true),
            ("race_top:out.rs", false),
            ("race:b::", false),
        ] {
            assert_eq!(
                hit_line(&parse(line), &frames, None) == 1,
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn a_function_in_a_file_is_one_frame_of_both() {
        let below = "/registry/ring-1.2.3/src/lib.rs";
        let hits = |line: &str, frames: &[Frame<'_>], location| {
            hit_line(&parse(line), frames, location) == 1
        };
        let line = "race_top:^read<* in /ring-*/src/lib.rs$";
        for (frames, expected) in [
            // The crate below another one, and itself, where its paths are relative.
            (&[(0, "read<u8>", Some(below))][..], true),
            (&[(0, "read<u8>", Some("src/lib.rs"))], true),
            // Its neighbours, and namesakes elsewhere.
            (&[(0, "write<u8>", Some(below))], false),
            (&[(0, "read<u8>", Some("src/bin/lib.rs"))], false),
            (
                &[(0, "read<u8>", Some("/registry/bell-1.2.3/src/lib.rs"))],
                false,
            ),
            (&[(0, "read<u8>", None)], false),
            (
                &[(0, "read<u8>", Some("")), (0, "main", Some(below))],
                false,
            ),
            (
                &[(0, "main", Some(below)), (1, "read<u8>", Some(below))],
                false,
            ),
        ] {
            assert_eq!(hits(line, frames, None), expected, "{frames:?}");
        }
        let outer = [(0, "main", None), (1, "read<u8>", Some(below))];
        assert!(hits("race:read in lib.rs", &outer, None));
        assert!(hits("race:read<u8>() in lib.rs", &outer, None));
        assert!(!hits("race:* in *", &[], Some("read in lib.rs")));
    }

    #[test]
    fn both_stacks_have_an_innermost_frame() {
        let frames = [
            (0, "a::write", None),
            (1, "a::main", None),
            (0, "a::read", None),
        ];
        assert_eq!(hit_line(&parse("race_top:a::read"), &frames, None), 1);
    }

    #[test]
    fn each_kind_is_for_its_own_family() {
        let frames = || [(0, "a::lock", None)].into_iter();
        for (line, race, deadlock) in [
            ("race:a::lock", true, false),
            ("race_top:a::lock", true, false),
            ("deadlock:a::lock", false, true),
        ] {
            let hits = |family| {
                parse(line)
                    .suppresses(family, Path::new(ROOT), frames(), None)
                    .is_some()
            };
            assert_eq!(
                (hits(Family::Race), hits(Family::Deadlock)),
                (race, deadlock)
            );
        }
    }

    #[test]
    fn only_race_looks_at_the_location() {
        let frames = [(0, "a::write", None)];
        assert_eq!(hit_line(&parse("race:^stats$"), &frames, Some("stats")), 1);
        assert_eq!(
            hit_line(&parse("race_top:^stats$"), &frames, Some("stats")),
            0
        );
        assert_eq!(hit_line(&parse("race:^stats$"), &frames, None), 0);
    }

    #[test]
    fn a_function_copied_from_a_report_matches_that_function_alone() {
        let suppressions = parse("race:^bank::main()$");
        assert_eq!(hit_line(&suppressions, &[(0, "bank::main", None)], None), 1);
        assert_eq!(
            hit_line(&suppressions, &[(0, "bank::main2", None)], None),
            0
        );
    }

    #[test]
    fn lines_are_counted_and_comments_and_blanks_skipped() {
        let suppressions =
            parse("\u{feff}# why\r\n\r\n   # indented\n\t race: a::b \t\r\nrace_top:<X as Y>::z\n");
        let [first, second] = &suppressions.entries[..] else {
            panic!("{suppressions:?}")
        };
        assert_eq!((first.kind, first.line), (SuppressionKind::Race, 4));
        assert_eq!(first.pattern, "a::b");
        assert_eq!((second.kind, second.line), (SuppressionKind::RaceTop, 5));
        assert_eq!(second.pattern, "<X as Y>::z");
    }

    #[test]
    fn the_first_matching_line_of_the_first_matching_frame_is_returned() {
        let suppressions = parse("race:outer\nrace:inner\nrace:in\n");
        let frames = [(0, "inner", None), (1, "outer", None)];
        assert_eq!(hit_line(&suppressions, &frames, None), 2);
    }

    #[test]
    fn without_suppressions_no_frame_is_taken() {
        let frames = std::iter::from_fn(|| -> Option<Frame<'static>> { panic!("taken") });
        assert_eq!(
            Suppressions::default().suppresses(Family::Race, Path::new(ROOT), frames, Some("x")),
            None
        );
    }

    #[test]
    fn errors_name_the_file_the_line_and_what_is_right() {
        assert_eq!(
            parse_error("race:a\n\nbank main"),
            "t.supp:3: `bank main` has no kind: expected race:PATTERN, race_top:PATTERN or deadlock:PATTERN"
        );
        for kind in [
            "thread",
            "mutex",
            "signal",
            "called_from_lib",
            "RACE",
            "race ",
        ] {
            assert_eq!(
                parse_error(&format!("{kind}:x")),
                format!(
                    "t.supp:1: unknown kind `{kind}` in `{kind}:x`: expected race:PATTERN, \
                     race_top:PATTERN or deadlock:PATTERN"
                )
            );
        }
        for pattern in ["", "  ", "^", "$", "^$"] {
            let error = parse_error(&format!("race:{pattern}"));
            assert!(error.contains("names nothing"), "{error}");
        }
    }

    #[test]
    fn an_error_is_one_line() {
        let path = Path::new("a\nb.supp");
        let error = Suppressions::parse("\u{1b}[2J\u{2028}x", path)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a\\nb.supp:1: `\\u{1b}[2J\\u{2028}x` has no kind"),
            "{error}"
        );
    }

    #[test]
    fn read_names_the_file_that_it_could_not_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.supp");
        let missing = Suppressions::read(&path).unwrap_err().to_string();
        assert!(
            missing.starts_with(&format!("{}: cannot be read: ", path.display())),
            "{missing}"
        );

        fs::write(&path, b"race:a\nrace:b\nrace:\xff\n").unwrap();
        let binary = Suppressions::read(&path).unwrap_err().to_string();
        assert_eq!(binary, format!("{}:3: not UTF-8 text", path.display()));

        fs::write(&path, "race:a\n").unwrap();
        assert_eq!(Suppressions::read(&path).unwrap(), parse("race:a"));
    }

    /// The meaning of a pattern, by trying everything; the pattern is a list of `*` and characters.
    fn matches_whole(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', after @ ..], _) => {
                (0..=text.len()).any(|skip| matches_whole(after, &text[skip..]))
            }
            ([p, pattern @ ..], [t, text @ ..]) => p == t && matches_whole(pattern, text),
            _ => false,
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_an_error() {
        let error = Suppressions::read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/dev/zero: longer than 16 MiB: not a suppression file"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_fail_in_one_line(bytes: Vec<u8>, named: bool) {
            let file = tempfile::NamedTempFile::new().unwrap();
            let kind: &[u8] = if named { b"race:" } else { b"" };
            fs::write(file.path(), [kind, &bytes].concat()).unwrap();
            match Suppressions::read(file.path()) {
                Ok(suppressions) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let frames = [(0, &*text, Some(&*text)), (1, "", None)];
                    suppressions.suppresses(Family::Race, Path::new(ROOT), frames.into_iter(), Some(&text));
                }
                Err(error) => prop_assert!(!error.to_string().contains(char::is_control)),
            }
        }

        #[test]
        fn any_text_parses_or_fails_in_one_line(text in ".*|(race(_top)?:[\\PC\r\n]*\n)*") {
            if let Err(error) = Suppressions::parse(&text, Path::new("t.supp")) {
                prop_assert!(!error.to_string().contains(char::is_control));
            }
        }

        #[test]
        fn matching_agrees_with_trying_everything(
            at_start: bool,
            body in "[ab*]{1,6}",
            at_end: bool,
            text in "[ab]{1,8}",
        ) {
            let pattern = format!(
                "{}{body}{}",
                if at_start { "^" } else { "" },
                if at_end { "$" } else { "" },
            );
            let whole = format!(
                "{}{body}{}",
                if at_start { "" } else { "*" },
                if at_end { "" } else { "*" },
            );
            let whole: Vec<char> = whole.chars().collect();
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(matches(&pattern, &text), matches_whole(&whole, &chars));
        }
    }
}
