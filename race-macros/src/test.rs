//! `#[racecheck::test]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::ParseStream;
use syn::{
    Attribute, Error, Expr, ExprLit, ItemFn, Lit, LitInt, LitStr, Meta, MetaNameValue, Result,
    ReturnType, Type, parenthesized, parse_quote, parse2,
};

use crate::arguments::{self, Crate, error_beside};
use crate::main_function::drive;
use crate::shared::locals;

/// What the attribute was told.
#[derive(Default)]
struct Arguments {
    krate: Crate,
    /// `Some("")` for any race.
    should_race: Option<String>,
    runs: Option<LitInt>,
    ignore: Option<TokenStream>,
    should_panic: Option<TokenStream>,
    /// An attribute above has made the function a test already.
    wrap: bool,
}

impl Arguments {
    fn parse(tokens: TokenStream) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        let known = [
            "should_race",
            "runs",
            "ignore",
            "should_panic",
            "wrap",
            "crate",
        ];
        // The arguments that the attribute above should have had instead.
        let mut for_the_maker = Vec::new();
        arguments::parse(tokens, "racecheck::test", &known, |name, input| {
            match name.to_string().as_str() {
                "should_race" => {
                    let text = arguments::optional_text(name, input)?;
                    arguments.should_race =
                        Some(text.map_or_else(String::new, |text| text.value()));
                }
                "runs" => arguments.runs = Some(runs(name, input)?),
                "ignore" => {
                    let reason = arguments::optional_text(name, input)?;
                    let reason = reason.map(|reason| quote! { = #reason });
                    arguments.ignore = Some(quote! { #[#name #reason] });
                    for_the_maker.push(name.clone());
                }
                "should_panic" => {
                    let expected = expected(name, input)?;
                    let expected = expected.map(|expected| quote! { (expected = #expected) });
                    arguments.should_panic = Some(quote! { #[#name #expected] });
                    for_the_maker.push(name.clone());
                }
                "wrap" => arguments.wrap = true,
                _ => arguments.krate = Crate::parse(name, input)?,
            }
            Ok(())
        })?;
        match for_the_maker.first() {
            Some(name) if arguments.wrap => Err(Error::new(
                name.span(),
                format!(
                    "with `wrap` the test is made above this attribute: put `#[{name}]` on the function"
                ),
            )),
            _ => Ok(arguments),
        }
    }
}

fn runs(name: &Ident, input: ParseStream) -> Result<LitInt> {
    let runs: LitInt = arguments::value(name, input, "runs = 100")?;
    if runs.base10_parse::<u32>().is_ok_and(|runs| runs > 0) {
        Ok(runs)
    } else {
        Err(Error::new(runs.span(), "a number from 1 is expected"))
    }
}

/// The text after `should_panic`, if there is one: `= "text"`, or `(expected = "text")` as in the attribute of that name.
fn expected(name: &Ident, input: ParseStream) -> Result<Option<LitStr>> {
    if !input.peek(syn::token::Paren) {
        return arguments::optional_text(name, input);
    }
    let inner;
    parenthesized!(inner in input);
    let mut text = None;
    let within = inner.parse::<TokenStream>()?;
    arguments::parse(within, "should_panic", &["expected"], |name, input| {
        text = Some(arguments::value(name, input, "expected = \"text\"")?);
        Ok(())
    })?;
    Ok(text)
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream, checked: bool) -> TokenStream {
    expand_or_error(arguments, item.clone(), checked)
        .unwrap_or_else(|error| error_beside(error, item, Some("shared")))
}

fn expand_or_error(
    arguments: TokenStream,
    item: TokenStream,
    checked: bool,
) -> Result<TokenStream> {
    let Arguments {
        krate,
        should_race,
        runs,
        ignore,
        should_panic,
        wrap,
    } = Arguments::parse(arguments)?;
    let mut function: ItemFn = parse2(item)
        .map_err(|error| Error::new(error.span(), "#[racecheck::test] goes on a function"))?;
    let has = |name: &str| {
        let is = |attribute: &Attribute| attribute.path().is_ident(name);
        function.attrs.iter().any(is)
    };
    let made_below = function.attrs.iter().any(makes_tests);
    let made_here = !wrap && !made_below;
    if let Some(argument) = function.sig.inputs.first()
        && made_here
    {
        return Err(Error::new_spanned(argument, "a test takes no arguments"));
    }
    let cant_race =
        (!checked && should_race.is_some() && !wrap && !has("ignore") && ignore.is_none())
            .then(|| quote! { #[ignore = "no race is found without the feature `race-check`"] });
    let added: TokenStream = [ignore, should_panic, cant_race]
        .into_iter()
        .flatten()
        .collect();
    function.attrs.extend(parse_attributes(added)?);
    locals::expand(&mut function.block, &krate, checked)?;

    if checked {
        wrap_body(
            &mut function,
            &krate,
            should_race.as_deref(),
            runs,
            made_below,
        )?;
    } else if function.sig.asyncness.is_some() && !made_below {
        drive(&mut function, &krate)?;
    }
    let test = made_here.then(|| quote! { #[::core::prelude::v1::test] });
    Ok(quote! { #test #function })
}

fn parse_attributes(tokens: TokenStream) -> Result<Vec<Attribute>> {
    use syn::parse::Parser;
    Attribute::parse_outer.parse2(tokens)
}

/// Whether an attribute below makes tests of the function, however it is called there. Those that need `#[test]` beside them are not among them.
fn makes_tests(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| {
        [
            "test",
            "rstest",
            "test_case",
            "test_matrix",
            "wasm_bindgen_test",
            "quickcheck",
        ]
        .iter()
        .any(|name| segment.ident == name)
    })
}

/// Puts the body into runs that are judged.
fn wrap_body(
    function: &mut ItemFn,
    krate: &Crate,
    should_race: Option<&str>,
    runs: Option<LitInt>,
    made_below: bool,
) -> Result<()> {
    let ItemFn {
        attrs, sig, block, ..
    } = &*function;
    // A closure can't say `impl Trait`; then what it returns has to be clear without.
    let output = match &sig.output {
        ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => None,
        output => Some(output),
    };
    let private = quote! { #krate::__private };
    let run = match (&sig.asyncness, made_below) {
        (None, _) => quote! { #private::observe(|| #output #block) },
        (Some(_), true) => quote! { #private::observe_async((async || #output #block)()).await },
        (Some(_), false) => quote! {
            #private::observe(|| #private::block_on((async || #output #block)()))
        },
    };
    let is_should_panic = |attribute: &&Attribute| attribute.path().is_ident("should_panic");
    let expected = attrs.iter().find(is_should_panic).map(|attribute| {
        // `""` is in every message, as no expectation is.
        let text = expected_message(attribute).map_or_else(String::new, |text| text.value());
        quote! { #text, }
    });
    let should_race = match should_race {
        Some(text) => quote! { ::core::option::Option::Some(#text) },
        None => quote! { ::core::option::Option::None },
    };
    let method = |plain: &str, panics: &str| {
        let name = if expected.is_some() { panics } else { plain };
        Ident::new(name, Span::call_site())
    };
    let body = match runs {
        None => {
            let verdict = method("verdict", "verdict_should_panic");
            quote! { #private::Test::new(#should_race, 1).#verdict(#expected #run) }
        }
        Some(runs) => {
            let verdict = method("verdict_or_next", "verdict_or_next_should_panic");
            // Names that the body can't see.
            let test = Ident::new("test", Span::mixed_site());
            let value = Ident::new("value", Span::mixed_site());
            quote! {
                let mut #test = #private::Test::new(#should_race, #runs);
                loop {
                    if let ::core::option::Option::Some(#value) = #test.#verdict(#expected #run) {
                        break #value;
                    }
                }
            }
        }
    };
    if !made_below {
        function.sig.asyncness = None;
    }
    // A body that another macro has put together may have braces to spare, which are nobody's to mend; inside a closure the compiler minds them.
    function
        .attrs
        .push(parse_quote! { #[allow(unused_braces)] });
    *function.block = parse2(quote! { { #body } })?;
    Ok(())
}

/// The text in `#[should_panic(expected = "text")]` or `#[should_panic = "text"]`.
fn expected_message(should_panic: &Attribute) -> Option<LitStr> {
    let text = |value: &Expr| match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.clone()),
        _ => None,
    };
    match &should_panic.meta {
        Meta::Path(_) => None,
        Meta::NameValue(pair) => text(&pair.value),
        Meta::List(list) => {
            let pair: MetaNameValue = list.parse_args().ok()?;
            text(&pair.value)
        }
    }
}
