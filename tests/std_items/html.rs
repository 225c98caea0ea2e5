//! What rustdoc's HTML says of a module: its items, and their methods and traits.
//!
//! Reads `std`'s pages and ours alike. It relies on ids and classes that rustdoc has had for years; should they change, nothing is found, which
//! [`module`] doesn't take for an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// An item that has a page.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// Whether it is racecheck's; otherwise it is `std`'s, and perhaps re-exported.
    pub(crate) is_ours: bool,
    /// Its inherent functions, and which of them are `const`.
    pub(crate) functions: BTreeMap<String, bool>,
    /// The traits that it implements.
    pub(crate) traits: BTreeSet<String>,
}

/// Of the traits that types have without being asked, those that are stable.
const AUTO: [&str; 5] = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

/// The stable items of a module whose pages are in `folder`, by name.
pub(crate) fn module(folder: &Path) -> BTreeMap<String, Item> {
    let mut items = BTreeMap::new();
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for file in files {
        let file = file.unwrap().file_name().into_string().unwrap();
        if let Some(name) = item_name(&file) {
            let page = fs::read_to_string(folder.join(&file)).unwrap();
            if !is_unstable(&page) {
                items.insert(name.to_owned(), item(&page));
            }
        }
    }
    assert!(!items.is_empty(), "no item in {folder:?}");
    items
}

/// What a module takes over from elsewhere, as it is.
#[derive(Debug, Default)]
pub(crate) struct Reexports {
    names: BTreeSet<String>,
    /// Whether it takes over all that it doesn't have itself.
    all: bool,
}

impl Reexports {
    /// Those of the module whose pages are in `folder`.
    pub(crate) fn of(folder: &Path) -> Reexports {
        let index = fs::read_to_string(folder.join("index.html")).unwrap();
        let ids = index.split("id=\"reexport.").skip(1);
        Reexports {
            names: ids.map(|rest| before(rest, "\"").to_owned()).collect(),
            all: text(&index).contains("::*;"),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

/// `struct.Mutex.html` is that of `Mutex`.
fn item_name(file: &str) -> Option<&str> {
    let (kind, name) = file.strip_suffix(".html")?.split_once('.')?;
    let is_item = [
        "struct", "enum", "union", "trait", "type", "fn", "constant", "static", "macro",
    ]
    .contains(&kind);
    // Of a macro there is one more, a redirection.
    (is_item && !name.ends_with('!')).then_some(name)
}

/// Whether it is marked so, between its declaration and its text.
fn is_unstable(page: &str) -> bool {
    let after = page
        .split_once("</code></pre>")
        .map_or("", |(_, after)| after);
    let marks = before(before(before(after, "<details"), "<h2"), "</main>");
    marks.contains("stab unstable")
}

fn item(page: &str) -> Item {
    // What follows is other types' or everybody's: methods by way of `Deref`, and blanket implementations.
    let own = before(page, "id=\"blanket-implementations\"");
    let (own, synthetic) = cut(own, "id=\"synthetic-implementations\"");
    let (inherent, implemented) = cut(own, "id=\"trait-implementations\"");
    let inherent = before(inherent, "id=\"deref-methods-");
    let heading = before(page, "</code></pre>");
    let mut item = Item {
        is_ours: heading.contains("/src/racecheck/"),
        ..Item::default()
    };
    for (section, marks) in sections(inherent, "method") {
        let declaration = text(after(section, "<h4"));
        let declaration = after(&declaration, ">");
        if let Some((modifiers, rest)) = declaration.split_once("fn ")
            && !marks.contains("stab unstable")
        {
            let name = rest.split(['<', '(']).next().unwrap_or(rest);
            item.functions
                .insert(name.to_owned(), modifiers.contains("const"));
        }
    }
    for (section, _) in sections(implemented, "impl") {
        // All that is stable in `std` says since when, and nothing of ours does.
        let is_stable = item.is_ours || section.contains("class=\"since\"");
        if is_stable && !section.contains("<strong>Windows</strong>") {
            item.traits.extend(trait_of(section));
        }
    }
    for (section, _) in sections(synthetic, "impl") {
        let name = trait_of(section);
        item.traits
            .extend(name.filter(|name| AUTO.contains(&name.trim_start_matches('!'))));
    }
    // What a type needs to be what it is, not what it is used by.
    item.traits.remove("Drop");
    item.traits.remove("StructuralPartialEq");
    item
}

/// The sections of this class, each with the marks after it.
fn sections<'a>(page: &'a str, class: &str) -> Vec<(&'a str, &'a str)> {
    let class = format!("class=\"{class}\">");
    let starts = page.split("<section id=\"").skip(1);
    let of_class = starts.filter(|section| {
        let id = before(section, "\" ");
        section[id.len()..].starts_with(&format!("\" {class}"))
    });
    of_class
        .map(|section| {
            let (section, rest) = cut(section, "</section>");
            (section, before(rest, "</summary>"))
        })
        .collect()
}

/// The trait in `impl<T> Trait<U> for Type<T>`; with the type, where that isn't the whole of the page's.
fn trait_of(section: &str) -> Option<String> {
    let heading = before(
        before(after(section, "<h3"), "</h3>"),
        "<div class=\"where\"",
    );
    let heading = text(heading);
    let heading = after(&heading, ">").strip_prefix("impl")?.trim_start();
    let heading = match heading.strip_prefix('<') {
        Some(generics) => &generics[length_to_closing(generics)?..],
        None => heading,
    };
    let (name, of) = heading.trim().split_once(" for ")?;
    let is_everything = !of.starts_with('&')
        && after(of, "<")
            .trim_end_matches('>')
            .split(", ")
            .all(|argument| argument.len() <= 1 || argument.starts_with('\''));
    if is_everything || !of.contains(['<', '&']) {
        Some(name.to_owned())
    } else {
        Some(format!("{name} for {}", without_names(of)))
    }
}

/// Where the `>` is, and what follows it, of a `<` that has been read.
fn length_to_closing(generics: &str) -> Option<usize> {
    let mut depth = 1;
    let mut previous = ' ';
    for (at, c) in generics.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if previous != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
        previous = c;
    }
    None
}

/// Lifetimes without their names, and types without their allocators.
fn without_names(of: &str) -> String {
    let lifetimes = regex_lite::Regex::new(r"'\w+").unwrap();
    lifetimes.replace_all(of, "'_").replace(", A>", ">")
}

/// HTML as it reads.
fn text(html: &str) -> String {
    let tags = regex_lite::Regex::new(r"<[^>]*>").unwrap();
    tags.replace_all(html, "")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        .replace("&nbsp;", " ")
}

fn cut<'a>(text: &'a str, at: &str) -> (&'a str, &'a str) {
    text.split_once(at).unwrap_or((text, ""))
}

fn before<'a>(text: &'a str, end: &str) -> &'a str {
    cut(text, end).0
}

fn after<'a>(text: &'a str, start: &str) -> &'a str {
    cut(text, start).1
}
