//! `#[racecheck::shared]`: values become tracked, and get the name that the source gives them.
//!
//! What a value is called in reports is decided here and nowhere else: [`labelled`].

mod fields;
pub(crate) mod locals;
mod synchronised;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Error, Expr, Item, ItemFn, ItemStatic, Result, StaticMutability, Type, parse2};

use crate::arguments::{self, Crate, error_beside};

/// What the attribute was told.
#[derive(Default)]
struct Arguments {
    krate: Crate,
    /// What the constructor is called, if not `new`.
    new: Option<Ident>,
    no_new: Option<Span>,
    no_default: Option<Span>,
    no_accessors: Option<Span>,
}

impl Arguments {
    fn parse(tokens: TokenStream) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        let known = ["crate", "new", "no_new", "no_default", "no_accessors"];
        arguments::parse(tokens, "racecheck::shared", &known, |name, input| {
            let span = Some(name.span());
            match name.to_string().as_str() {
                "crate" => arguments.krate = Crate::parse(name, input)?,
                "new" => arguments.new = Some(arguments::value(name, input, "new = with_values")?),
                "no_new" => arguments.no_new = span,
                "no_default" => arguments.no_default = span,
                _ => arguments.no_accessors = span,
            }
            Ok(())
        })?;
        if let (Some(name), Some(_)) = (&arguments.new, arguments.no_new) {
            let message = "`new` names the constructor that `no_new` leaves out";
            return Err(Error::new(name.span(), message));
        }
        Ok(arguments)
    }

    /// An argument that only means something on a struct.
    fn refuse_those_of_structs(&self) -> Result<()> {
        let new = self.new.as_ref().map(Ident::span);
        let of_structs = [new, self.no_new, self.no_default, self.no_accessors];
        match of_structs.into_iter().flatten().next() {
            Some(span) => Err(Error::new(span, "this goes with a struct only")),
            None => Ok(()),
        }
    }
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
    let arguments = Arguments::parse(arguments)?;
    let parsed: Item = parse2(item).map_err(|error| Error::new(error.span(), EXPECTED))?;
    if !matches!(parsed, Item::Struct(_)) {
        arguments.refuse_those_of_structs()?;
    }
    match parsed {
        Item::Struct(item) => fields::expand(item, &arguments, checked),
        Item::Static(item) => expand_static(item, &arguments.krate, checked),
        Item::Fn(item) => expand_function(item, &arguments.krate, checked),
        Item::Enum(item) => Err(Error::new(
            item.enum_token.span,
            "an enum's fields can't be shared one by one, since a write may change which of them there are: wrap the whole value, `Shared<E>`",
        )),
        Item::Union(item) => Err(Error::new(
            item.union_token.span,
            "a union's fields can't be shared one by one, since they overlap: wrap the whole value, `Shared<U>`, or put it in a `racecheck::cell::UnsafeCell`",
        )),
        Item::Const(item) => Err(Error::new(
            item.const_token.span,
            "a `const` is a new value at each use, which nobody shares: make it a `static`",
        )),
        other => Err(Error::new(first_token(&other), EXPECTED)),
    }
}

const EXPECTED: &str = "#[racecheck::shared] goes on a struct, on a static, or on a function with `#[racecheck::shared] let` in it";

fn first_token(item: &Item) -> Span {
    item.to_token_stream()
        .into_iter()
        .next()
        .map_or_else(Span::call_site, |token| token.span())
}

fn expand_static(mut item: ItemStatic, krate: &Crate, checked: bool) -> Result<TokenStream> {
    if let StaticMutability::Mut(token) = &item.mutability {
        return Err(Error::new(
            token.span,
            "a shared static is written through `&`: remove the `mut`",
        ));
    }
    refuse_synchronised(&item.ty)?;
    let value = labelled(
        krate,
        Some(&item.ty),
        &item.expr,
        "static",
        &item.ident.unraw().to_string(),
        checked,
    );
    item.ty = parse2(wrapped(krate, &item.ty))?;
    item.expr = Box::new(Expr::Verbatim(value));
    Ok(item.into_token_stream())
}

fn expand_function(mut item: ItemFn, krate: &Crate, checked: bool) -> Result<TokenStream> {
    if locals::expand(&mut item.block, krate, checked)? == 0 {
        let message = "no `#[racecheck::shared] let` in this function";
        return Err(Error::new(item.sig.ident.span(), message));
    }
    Ok(item.into_token_stream())
}

/// The attribute would do nothing, and whoever has written it thinks otherwise.
fn refuse_synchronised(ty: &Type) -> Result<()> {
    if synchronised::is(ty) {
        let message = "this type is synchronised, or tracked, already: remove the attribute";
        return Err(Error::new(ty.span(), message));
    }
    Ok(())
}

/// `Shared<T>`.
fn wrapped(krate: &Crate, ty: &Type) -> TokenStream {
    let krate = krate.at(ty.span());
    quote_spanned! { ty.span()=> #krate::Shared<#ty> }
}

/// A `Shared` with this value, and this name in reports. Its place of creation is that of the value's expression.
fn labelled(
    krate: &Crate,
    ty: Option<&Type>,
    value: &Expr,
    kind: &str,
    name: &str,
    checked: bool,
) -> TokenStream {
    let here = krate.at(value.span());
    let of = ty.map(|ty| quote! { ::<#ty> });
    let new = quote_spanned! { value.span()=> #here::Shared #of::new(#value) };
    let label = label(krate, kind, name, checked);
    quote! { #new #label }
}

/// The call that names a `Shared`; nothing in the plain build.
fn label(krate: &Crate, kind: &str, name: &str, checked: bool) -> Option<TokenStream> {
    checked.then(|| {
        quote! {
            .labelled(const { &#krate::__private::Label { kind: #kind, name: #name } })
        }
    })
}

/// Takes the attributes of this name off whatever is inside: without us, nobody knows them.
pub(crate) fn strip(item: &mut Item, helper: &str) {
    struct Strip<'a>(&'a str);
    impl VisitMut for Strip<'_> {
        fn visit_field_mut(&mut self, field: &mut syn::Field) {
            field
                .attrs
                .retain(|attribute| !attribute.path().is_ident(self.0));
        }
        fn visit_local_mut(&mut self, local: &mut syn::Local) {
            local
                .attrs
                .retain(|attribute| !locals::is_shared(attribute));
            syn::visit_mut::visit_local_mut(self, local);
        }
    }
    Strip(helper).visit_item_mut(item);
}
