//! Calls of `std`'s macros whose arguments are code: what is in them is seen as if it stood outside.
//!
//! Macros are known by their last names. Whatever doesn't parse as `std`'s macro of that name would is left as it is, and so are all other macros:
//! what they make of their tokens is theirs to know.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Macro, Pat, Result, Token, Type, Visibility};

/// A piece of code in the arguments.
pub(super) enum Part<'a> {
    Expr(&'a mut Expr),
    Pat(&'a mut Pat),
    /// The type of a thread-local, and its first value.
    ThreadLocal(&'a mut Type, &'a mut Expr),
}

/// Hands out each piece of code in the arguments, in their order, and puts back what has become of it.
pub(super) fn edit(mac: &mut Macro, each: impl FnMut(Part<'_>)) {
    let Some(name) = mac.path.segments.last() else {
        return;
    };
    let tokens = || mac.tokens.clone();
    let edited = match name.ident.to_string().as_str() {
        "assert" | "assert_eq" | "assert_ne" | "dbg" | "debug_assert" | "debug_assert_eq"
        | "debug_assert_ne" | "eprint" | "eprintln" | "format" | "format_args" | "panic"
        | "print" | "println" | "todo" | "unimplemented" | "unreachable" | "write" | "writeln" => {
            edit_with(
                Punctuated::<Expr, Token![,]>::parse_terminated,
                tokens(),
                |list| {
                    list.iter_mut().map(Part::Expr).for_each(each);
                },
            )
        }
        "vec" => edit_with(Elements::parse, tokens(), |elements| match elements {
            Elements::List(list) => list.iter_mut().map(Part::Expr).for_each(each),
            Elements::Repeat(value, _, length) => {
                [value, length].into_iter().map(Part::Expr).for_each(each);
            }
        }),
        "matches" => edit_with(Matches::parse, tokens(), |matches| matches.edit(each)),
        "thread_local" => edit_with(thread_locals, tokens(), |statics| {
            let parts = statics.0.iter_mut();
            let parts = parts.map(|one| Part::ThreadLocal(&mut one.ty, &mut one.value));
            parts.for_each(each);
        }),
        _ => None,
    };
    if let Some(edited) = edited {
        mac.tokens = edited;
    }
}

fn edit_with<T: ToTokens>(
    parse: impl FnOnce(ParseStream) -> Result<T>,
    tokens: TokenStream,
    edit: impl FnOnce(&mut T),
) -> Option<TokenStream> {
    let mut parsed = parse.parse2(tokens).ok()?;
    edit(&mut parsed);
    Some(parsed.into_token_stream())
}

/// What `vec!` takes.
enum Elements {
    List(Punctuated<Expr, Token![,]>),
    Repeat(Expr, Token![;], Expr),
}

impl Elements {
    fn parse(input: ParseStream) -> Result<Elements> {
        let mut list = Punctuated::new();
        if input.is_empty() {
            return Ok(Elements::List(list));
        }
        let first = input.parse()?;
        if input.peek(Token![;]) {
            return Ok(Elements::Repeat(first, input.parse()?, input.parse()?));
        }
        list.push_value(first);
        if let Some(comma) = input.parse()? {
            list.push_punct(comma);
            list.extend(Punctuated::<Expr, Token![,]>::parse_terminated(input)?.into_pairs());
        }
        Ok(Elements::List(list))
    }
}

impl ToTokens for Elements {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Elements::List(list) => list.to_tokens(tokens),
            Elements::Repeat(value, semicolon, length) => {
                tokens.extend(quote! { #value #semicolon #length });
            }
        }
    }
}

/// What `matches!` takes.
struct Matches {
    value: Expr,
    comma: Token![,],
    pat: Pat,
    guard: Option<(Token![if], Expr)>,
    last: Option<Token![,]>,
}

impl Matches {
    fn parse(input: ParseStream) -> Result<Matches> {
        Ok(Matches {
            value: input.parse()?,
            comma: input.parse()?,
            pat: Pat::parse_multi_with_leading_vert(input)?,
            guard: match input.parse()? {
                Some(token) => Some((token, input.parse()?)),
                None => None,
            },
            last: input.parse()?,
        })
    }

    fn edit(&mut self, mut each: impl FnMut(Part<'_>)) {
        each(Part::Expr(&mut self.value));
        each(Part::Pat(&mut self.pat));
        if let Some((_, guard)) = &mut self.guard {
            each(Part::Expr(guard));
        }
    }
}

impl ToTokens for Matches {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Matches {
            value,
            comma,
            pat,
            guard,
            last,
        } = self;
        let guard = guard
            .as_ref()
            .map(|(token, guard)| quote! { #token #guard });
        tokens.extend(quote! { #value #comma #pat #guard #last });
    }
}

/// What `thread_local!` takes: statics, the last of which needs no semicolon.
struct ThreadLocals(Vec<ThreadLocal>);

struct ThreadLocal {
    attributes: Vec<Attribute>,
    vis: Visibility,
    static_token: Token![static],
    name: Ident,
    colon: Token![:],
    ty: Type,
    equals: Token![=],
    value: Expr,
    semicolon: Option<Token![;]>,
}

fn thread_locals(input: ParseStream) -> Result<ThreadLocals> {
    let mut statics = Vec::new();
    while !input.is_empty() {
        statics.push(ThreadLocal {
            attributes: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            static_token: input.parse()?,
            name: input.parse()?,
            colon: input.parse()?,
            ty: input.parse()?,
            equals: input.parse()?,
            value: input.parse()?,
            semicolon: input.parse()?,
        });
    }
    Ok(ThreadLocals(statics))
}

impl ToTokens for ThreadLocals {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for one in &self.0 {
            let ThreadLocal {
                attributes,
                vis,
                static_token,
                name,
                colon,
                ty,
                equals,
                value,
                semicolon,
            } = one;
            tokens.extend(quote! {
                #(#attributes)* #vis #static_token #name #colon #ty #equals #value #semicolon
            });
        }
    }
}
