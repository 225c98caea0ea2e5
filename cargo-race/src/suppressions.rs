//! The races that are known to be there by design below the user's crates, and are not reported: the list ships inside.
//!
//! The runtime reads one file of suppressions. If the user names one in `RACE_OPTIONS`, it is given both, joined.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// The environment variable with the runtime's options.
pub(crate) const VARIABLE: &str = "RACE_OPTIONS";
const SHIPPED: &str = include_str!("../suppressions.txt");
const KEY: &str = "suppressions";

/// The value of `RACE_OPTIONS` with the shipped list, for which a file is written in `folder`; `None` if it can stay as it is.
pub(crate) fn options(folder: &Path) -> anyhow::Result<Option<String>> {
    match env::var(VARIABLE) {
        Ok(options) => with(SHIPPED, &options, folder),
        Err(env::VarError::NotPresent) => with(SHIPPED, "", folder),
        // The runtime will say that it isn't UTF-8.
        Err(env::VarError::NotUnicode(_)) => Ok(None),
    }
}

fn with(shipped: &str, options: &str, folder: &Path) -> anyhow::Result<Option<String>> {
    if lines(shipped).next().is_none() {
        return Ok(None);
    }
    let (mut kept, theirs) = split(options);
    let mut text = shipped.to_owned();
    for file in theirs {
        let read = fs::read_to_string(file);
        text += &read.with_context(|| format!("{VARIABLE}: {KEY}: {file}"))?;
    }
    let file = folder.join("suppressions.txt");
    fs::write(&file, text).with_context(|| file.display().to_string())?;
    let ours = format!("{KEY}='{}'", file.display());
    kept.push(&ours);
    Ok(Some(kept.join(" ")))
}

/// The lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The options that aren't suppressions, and the files that are. What is wrong in them stays, for the runtime to say.
fn split(options: &str) -> (Vec<&str>, Vec<&str>) {
    let mut others = Vec::new();
    let mut files = Vec::new();
    let mut rest = options.trim_start();
    while !rest.is_empty() {
        // A quote begins right after the `=`, and white space in it is the value's.
        let value = rest.find('=').map_or(0, |at| at + 1);
        let quote = rest[value..].chars().next().filter(|c| "'\"".contains(*c));
        let unquoted = || rest.find(char::is_whitespace);
        let in_this_word = unquoted().is_none_or(|space| value <= space);
        let end = match quote.filter(|_| in_this_word) {
            Some(quote) => rest[value + 1..].find(quote).map(|at| value + at + 2),
            None => unquoted(),
        };
        let (word, following) = rest.split_at(end.unwrap_or(rest.len()));
        match word
            .strip_prefix(KEY)
            .and_then(|word| word.strip_prefix('='))
        {
            Some(file) => files.push(file.trim_matches(['\'', '"'])),
            None => others.push(word),
        }
        rest = following.trim_start();
    }
    (others, files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_taken_apart_at_their_spaces() {
        for (options, others, files) in [
            ("", vec![], vec![]),
            ("a=1  b=2 ", vec!["a=1", "b=2"], vec![]),
            ("a=1 suppressions=f b", vec!["a=1", "b"], vec!["f"]),
            (
                "suppressions='my file' a='x y'",
                vec!["a='x y'"],
                vec!["my file"],
            ),
            ("a suppressions=\"it's\"", vec!["a"], vec!["it's"]),
            (
                "x b='y z' suppressions='open",
                vec!["x", "b='y z'"],
                vec!["open"],
            ),
        ] {
            assert_eq!(split(options), (others, files), "{options}");
        }
    }

    #[test]
    fn a_file_of_the_users_is_joined_with_ours() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, "race:theirs\n").unwrap();
        let options = format!("color=never suppressions='{}'", theirs.display());
        let joined = with("# why\nrace:ours\n", &options, folder.path())
            .unwrap()
            .unwrap();
        let file = joined
            .strip_prefix("color=never suppressions='")
            .and_then(|rest| rest.strip_suffix('\''))
            .unwrap();
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(text, "# why\nrace:ours\nrace:theirs\n");
        assert_eq!(with("# nothing\n", &options, folder.path()).unwrap(), None);
    }

    #[test]
    fn what_is_shipped_can_be_read_and_has_its_reasons() {
        race_core::report::suppressions::Suppressions::parse(
            SHIPPED,
            Path::new("suppressions.txt"),
        )
        .unwrap();
        let mut before = "";
        for line in SHIPPED.lines() {
            let says = lines(line).next().is_some();
            assert!(!says || before.starts_with('#'), "no reason above `{line}`");
            before = line;
        }
    }
}
