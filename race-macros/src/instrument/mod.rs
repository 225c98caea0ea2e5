//! `#[racecheck::instrument]`: code that is written on `std` is checked as if it were written on racecheck.

mod macros;
mod places;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, parse2};

use crate::arguments::Crate;

pub(crate) fn expand(_: TokenStream, item: TokenStream, checked: bool) -> TokenStream {
    if !checked {
        return item;
    }
    match parse2::<Item>(item) {
        Ok(mut item) => {
            places::announce(&mut item, &Crate::default());
            item.into_token_stream()
        }
        Err(error) => error.into_compile_error(),
    }
}
