//! `docs/macros.md` shows what the macros give: each "Before" there is expanded, in both builds, and compared with what follows it.
//!
//! `UPDATE_EXPECT=1 cargo test -p race-macros` writes the page anew.

use std::env;
use std::fs;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Item, Meta, parse_file, parse_quote};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/macros.md");

/// The file, with each attribute of ours on an item in it expanded, outermost first, as the compiler does it.
fn expand_all(source: &str, checked: bool) -> String {
    let mut file = parse_file(source).unwrap();
    while let Some(index) = file
        .items
        .iter()
        .position(|item| attribute_of(item).is_some())
    {
        let mut item = file.items.remove(index);
        let (name, arguments) = take_attribute(&mut item);
        let expand = match name.as_str() {
            "test" => crate::test::expand,
            "instrument" => crate::instrument::expand,
            "main" => crate::main_function::expand,
            "shared" => crate::shared::expand,
            _ => panic!("no macro `{name}`"),
        };
        let tokens = expand(arguments, item.into_token_stream(), checked);
        let expanded: syn::File = parse_quote! { #tokens };
        file.items.splice(index..index, expanded.items);
    }
    prettyplease::unparse(&file)
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        _ => &[],
    }
}

fn attribute_of(item: &Item) -> Option<usize> {
    let ours = |attribute: &Attribute| attribute.path().segments[0].ident == "racecheck";
    attributes(item).iter().position(ours)
}

/// The name of the first of ours, and its arguments.
fn take_attribute(item: &mut Item) -> (String, TokenStream) {
    let index = attribute_of(item).unwrap();
    let attribute = match item {
        Item::Fn(item) => item.attrs.remove(index),
        Item::Mod(item) => item.attrs.remove(index),
        Item::Struct(item) => item.attrs.remove(index),
        Item::Static(item) => item.attrs.remove(index),
        _ => unreachable!("`attributes` knows no other"),
    };
    let arguments = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    (attribute.path().segments[1].ident.to_string(), arguments)
}

const BEFORE: &str = "\nBefore:\n\n```rust\n";
const AFTER: [(&str, bool); 2] = [
    ("\nWith `race-check`:\n\n```rust\n", true),
    ("\nWithout:\n\n```rust\n", false),
];

/// The page as it should be, and how many sources it expands.
fn with_true_expansions(page: &str) -> (String, usize) {
    let mut sections = page.split(BEFORE);
    let mut out = sections.next().unwrap().to_owned();
    let mut found = 0;
    for section in sections {
        let (source, mut rest) = section.split_once("```\n").unwrap();
        out += &format!("{BEFORE}{source}```\n");
        for (heading, checked) in AFTER {
            let (between, shown) = rest.split_once(heading).unwrap();
            rest = shown.split_once("```\n").unwrap().1;
            let expanded = expand_all(source, checked);
            out += &format!("{between}{heading}{expanded}```\n");
        }
        out += rest;
        found += 1;
    }
    (out, found)
}

#[test]
fn the_page_shows_what_the_macros_give() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (expected, found) = with_true_expansions(&page);
    assert!(found >= 5, "{found} expansions found");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(PAGE, expected).unwrap();
    } else {
        assert_eq!(page, expected, "UPDATE_EXPECT=1 writes docs/macros.md anew");
    }
}
