//! `#[racecheck::instrument]`: code that is written on `std` is checked as if it were written on racecheck.
//!
//! Two passes over the parsed item, which know nothing of each other: [`paths`] has what it calls by paths of `std` come from racecheck, and [`places`]
//! has its accesses to raw memory announced. Without the feature `race-check` the item is not even parsed: its tokens are given back.
//!
//! All tokens keep their places, so what the compiler says of the item's code, and where a report says that an access is, is where it is written.

mod macros;
mod nested;
mod paths;
mod places;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Item, Path, Result, Token, Visibility, parenthesized, parse2};

use self::paths::Kept;
use crate::arguments::{self, Crate, error_beside};

/// What the attribute was told.
#[derive(Default)]
struct Arguments {
    krate: Crate,
    kept: Kept,
    skip: bool,
}

impl Arguments {
    fn parse(tokens: TokenStream) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        let mut names: Vec<Ident> = Vec::new();
        let known = ["crate", "keep", "skip"];
        arguments::parse(tokens, "racecheck::instrument", &known, |name, input| {
            match name.to_string().as_str() {
                "crate" => arguments.krate = Crate::parse(name, input)?,
                "keep" => keep(name, input, &mut arguments.kept)?,
                _ => arguments.skip = true,
            }
            names.push(name.clone());
            Ok(())
        })?;
        let other = names.iter().find(|name| *name != "skip");
        if let (true, Some(other)) = (arguments.skip, other) {
            let message = "`skip` leaves the whole item as it is: it stands alone";
            return Err(Error::new(other.span(), message));
        }
        Ok(arguments)
    }
}

/// The parentheses of `keep`.
fn keep(name: &Ident, input: ParseStream, kept: &mut Kept) -> Result<()> {
    const EXAMPLE: &str = "`keep` takes names and paths of `std`: `keep(Arc, std::thread)`";
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(name.span(), EXAMPLE));
    }
    let list;
    parenthesized!(list in input);
    if list.is_empty() {
        return Err(Error::new(name.span(), EXAMPLE));
    }
    let path = |input: ParseStream| {
        let at = input.span();
        Path::parse_mod_style(input).map_err(|_| Error::new(at, EXAMPLE))
    };
    let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&list, path)
        .map_err(|error| Error::new(error.span(), EXAMPLE))?;
    paths.iter().try_for_each(|path| kept.add(path))
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream, checked: bool) -> TokenStream {
    if let Err(error) = refuse_what_is_no_item.parse2(item.clone()) {
        // The compiler has refused it already, and will say so; one of the statements may still bring names.
        let is_let = item
            .clone()
            .into_iter()
            .any(|token| token.to_string() == "let");
        let item = if is_let { item } else { TokenStream::new() };
        return error_beside(error, item, None);
    }
    expand_or_error(arguments, item.clone(), checked)
        .unwrap_or_else(|error| error_beside(error, item, None))
}

fn expand_or_error(
    arguments: TokenStream,
    item: TokenStream,
    checked: bool,
) -> Result<TokenStream> {
    let arguments = Arguments::parse(arguments)?;
    refuse_what_has_no_inside.parse2(item.clone())?;
    if !checked || arguments.skip {
        return Ok(item);
    }
    let mut item: Item = parse2(item).map_err(|error| {
        let message = format!("#[racecheck::instrument] can't read this: {error}");
        Error::new(error.span(), message)
    })?;
    nested::set_aside(&mut item, &arguments.krate);
    paths::rewrite(&mut item, &arguments.krate, &arguments.kept)?;
    places::announce(&mut item, &arguments.krate);
    Ok(item.into_token_stream())
}

/// An error for a statement or an expression, by how it begins.
fn refuse_what_is_no_item(input: ParseStream) -> Result<()> {
    input.call(Attribute::parse_outer)?;
    let at = input.span();
    let is_expression = match input.parse::<TokenTree>()? {
        TokenTree::Ident(name) => match name.to_string().as_str() {
            "break" | "continue" | "for" | "if" | "let" | "loop" | "match" | "move" | "return"
            | "while" => true,
            "async" | "const" | "unsafe" => input.peek(syn::token::Brace),
            "static" => input.peek(Token![|]) || input.peek(Token![||]) || input.peek(Token![move]),
            _ => false,
        },
        TokenTree::Punct(punct) => punct.as_char() != ':',
        // A fragment of a macro's has delimiters that nobody sees.
        TokenTree::Group(group) => group.delimiter() != Delimiter::None,
        TokenTree::Literal(_) => true,
    };
    input.parse::<TokenStream>()?;
    if is_expression {
        let message = "#[racecheck::instrument] goes on an item: a `mod name { … }`, an `impl`, a `trait`, a `fn` or any other";
        return Err(Error::new(at, message));
    }
    Ok(())
}

/// An error for an item of which nothing can be seen.
fn refuse_what_has_no_inside(input: ParseStream) -> Result<()> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let at = input.span();
    let is_file = input.peek(Token![mod]) && input.peek3(Token![;]);
    let is_call = input.call(Path::parse_mod_style).is_ok() && input.peek(Token![!]);
    input.parse::<TokenStream>()?;
    let message = if is_file {
        "a module in a file of its own can't be seen from here: #[racecheck::instrument] goes on `mod name { … }`, which may be all that the file has in it"
    } else if is_call {
        "what a macro makes of its tokens can't be seen from here: #[racecheck::instrument] goes on the items themselves"
    } else {
        return Ok(());
    };
    Err(Error::new(at, message))
}
