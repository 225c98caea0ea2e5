//! What stands in the parentheses of an attribute: names, each at most once, some with a value.
//!
//! Every mistake is one error, at the token that is wrong, that says what would be right.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, LitStr, Path, Result, Token, parse2};

/// Parses `tokens`, the arguments of `attribute`, and calls `argument` with each name, which is one of `known`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: &str,
    known: &[&str],
    mut argument: impl FnMut(&Ident, ParseStream) -> Result<()>,
) -> Result<()> {
    let list = |input: ParseStream| {
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let expected = |error: Error| {
                let known = known.join(", ");
                Error::new(error.span(), format!("#[{attribute}] takes {known}"))
            };
            let name = input.call(Ident::parse_any).map_err(expected)?;
            if !known.iter().any(|known| name == known) {
                return Err(unknown(&name, attribute, known));
            }
            if seen.contains(&name) {
                let message = format!("`{name}` is given more than once");
                return Err(Error::new(name.span(), message));
            }
            argument(&name, input)?;
            seen.push(name);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    list.parse2(tokens)
}

/// The one of `known` that `name` was perhaps meant to be.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let nearness = |known: &str| strsim::jaro_winkler(name, known);
    let by_nearness = |a: &&str, b: &&str| nearness(a).total_cmp(&nearness(b));
    let nearest = known.iter().copied().max_by(by_nearness);
    nearest.filter(|nearest| nearness(nearest) > 0.7)
}

fn unknown(name: &Ident, attribute: &str, known: &[&str]) -> Error {
    let hint = match nearest(&name.to_string(), known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("it takes {}", known.join(", ")),
    };
    Error::new(
        name.span(),
        format!("unknown argument `{name}` of #[{attribute}]; {hint}"),
    )
}

/// The value after `name =`; `example` says how it is written.
pub(crate) fn value<T: syn::parse::Parse>(
    name: &Ident,
    input: ParseStream,
    example: &str,
) -> Result<T> {
    let message = format!("`{name}` needs a value: `{example}`");
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), message));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() {
        return Err(Error::new(name.span(), message));
    }
    let at = input.span();
    input.parse().map_err(|_| Error::new(at, message))
}

/// The text after `name =`, if there is one.
pub(crate) fn optional_text(name: &Ident, input: ParseStream) -> Result<Option<LitStr>> {
    if !input.peek(Token![=]) {
        return Ok(None);
    }
    value(name, input, &format!("{name} = \"text\"")).map(Some)
}

/// The path by which the code that a macro gives names racecheck.
#[derive(Clone)]
pub(crate) struct Crate(TokenStream);

impl Default for Crate {
    fn default() -> Crate {
        Crate(quote! { ::racecheck })
    }
}

impl Crate {
    /// `crate = path`.
    pub(crate) fn parse(name: &Ident, input: ParseStream) -> Result<Crate> {
        let path: Path = value(name, input, "crate = path::to::racecheck")?;
        Ok(Crate(path.into_token_stream()))
    }

    /// The same path with this span: what is called by it has that for its place in reports.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        let respanned = |mut token: proc_macro2::TokenTree| {
            token.set_span(span);
            token
        };
        self.0.clone().into_iter().map(respanned).collect()
    }
}

impl ToTokens for Crate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// What an attribute gives if it can't be expanded: the error, and the item as it was, because one mistake should not make every use of the item
/// an error. `helper` is the name of attributes within that nobody else knows.
pub(crate) fn error_beside(error: Error, item: TokenStream, helper: Option<&str>) -> TokenStream {
    let error = error.into_compile_error();
    let item = match (helper, parse2::<syn::Item>(item.clone())) {
        (Some(helper), Ok(mut parsed)) => {
            crate::shared::strip(&mut parsed, helper);
            parsed.into_token_stream()
        }
        _ => item,
    };
    quote! { #error #item }
}
