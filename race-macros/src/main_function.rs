//! `#[racecheck::main]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Error, ItemFn, Result, parse2};

use crate::arguments::{self, Crate, error_beside};
use crate::shared::locals;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream, checked: bool) -> TokenStream {
    expand_or_error(arguments, item.clone(), checked)
        .unwrap_or_else(|error| error_beside(error, item, Some("shared")))
}

fn expand_or_error(tokens: TokenStream, item: TokenStream, checked: bool) -> Result<TokenStream> {
    let mut krate = Crate::default();
    arguments::parse(tokens, "racecheck::main", &["crate"], |name, input| {
        krate = Crate::parse(name, input)?;
        Ok(())
    })?;
    let mut function: ItemFn = parse2(item)
        .map_err(|error| Error::new(error.span(), "#[racecheck::main] goes on `fn main`"))?;
    let signature = &function.sig;
    if signature.ident != "main" {
        let message = "#[racecheck::main] goes on `fn main`, where the program begins";
        return Err(Error::new(signature.ident.span(), message));
    }
    if let Some(argument) = signature.inputs.first() {
        let error = Error::new_spanned(argument, "`main` takes no arguments").into_compile_error();
        // The compiler would say so once more of the function itself.
        return Ok(quote! { #error fn main() {} });
    }
    locals::expand(&mut function.block, &krate, checked)?;
    if signature.asyncness.is_some() && !function.attrs.iter().any(makes_main) {
        drive(&mut function, &krate)?;
    }
    Ok(function.into_token_stream())
}

/// Whether another attribute below, `#[tokio::main]` for one, has a runtime of its own for the body.
fn makes_main(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "main")
}

/// Makes an `async fn` a plain one that drives its body to the end.
pub(crate) fn drive(function: &mut ItemFn, krate: &Crate) -> Result<()> {
    function.sig.asyncness = None;
    let (output, block) = (&function.sig.output, &function.block);
    *function.block = parse2(quote! {
        { #krate::__private::block_on((async || #output #block)()) }
    })?;
    Ok(())
}
