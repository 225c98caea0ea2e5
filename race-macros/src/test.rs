//! `#[racecheck::test]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, parse2};

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
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis #sig {
            ::racecheck::__private::run_test(|| #output #block)
        }
    })
}
