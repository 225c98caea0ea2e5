use proc_macro::TokenStream;

/// The number four.
#[proc_macro]
pub fn four(_: TokenStream) -> TokenStream {
    "4".parse().unwrap()
}
