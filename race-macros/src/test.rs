//! `#[racecheck::test]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, ItemFn, Lit, LitStr, Meta, MetaNameValue, parse2};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand_or_error(arguments, item.clone()) {
        Ok(tokens) => tokens,
        Err(error) => {
            // The item too: one mistake should not make every use of the function an error.
            let error = error.into_compile_error();
            quote! { #error #item }
        }
    }
}

fn expand_or_error(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "#[racecheck::test] takes no arguments",
        ));
    }
    let function: ItemFn = parse2(item)
        .map_err(|error| Error::new(error.span(), "#[racecheck::test] goes on a function"))?;
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        return Err(Error::new_spanned(
            token,
            "#[racecheck::test] can't run an `async fn`: make it a plain `fn` that blocks on the future",
        ));
    }
    if let Some(argument) = signature.inputs.first() {
        return Err(Error::new_spanned(argument, "a test takes no arguments"));
    }
    if !cfg!(feature = "race-check") {
        return Ok(quote! {
            #[::core::prelude::v1::test]
            #function
        });
    }
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = &function;
    let output = &sig.output;
    let body = quote! { || #output #block };
    let call = match attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("should_panic"))
    {
        None => quote! { ::racecheck::__private::run_test(#body) },
        Some(attribute) => {
            // `""` is in every message, as no expectation is.
            let expected = expected_message(attribute).map_or_else(String::new, |it| it.value());
            quote! { ::racecheck::__private::run_should_panic(#expected, #body) }
        }
    };
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis #sig {
            #call
        }
    })
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
