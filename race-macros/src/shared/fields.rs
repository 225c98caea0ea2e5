//! `#[racecheck::shared]` on a struct: its fields, a constructor that names them, and accessors.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Field, Fields, Ident, ItemStruct, Member, Meta, Path, Result, Token, Type,
    Visibility, parse2,
};

use super::{Arguments, label, synchronised, wrapped};
use crate::arguments::{self, Crate};

/// A field, with what is left of it to generate.
struct Part {
    member: Member,
    /// The parameter of the constructor.
    parameter: Ident,
    /// What the accessors are called after: `reqs`, or `0`.
    name: String,
    /// The type that the user has written.
    ty: Type,
    vis: Visibility,
    /// Whoever isn't there has no accessors.
    cfgs: Vec<Attribute>,
    shared: bool,
}

pub(super) fn expand(
    mut item: ItemStruct,
    arguments: &Arguments,
    checked: bool,
) -> Result<TokenStream> {
    if matches!(item.fields, Fields::Unit) || item.fields.is_empty() {
        let message = format!("`{}` has no fields to share", item.ident);
        return Err(Error::new(item.ident.span(), message));
    }
    refuse_packed(&item.attrs)?;
    let derives_default = take_derived_default(&mut item.attrs, arguments.no_default.is_none())?;
    let krate = &arguments.krate;
    let mut parts = Vec::new();
    for (index, field) in item.fields.iter_mut().enumerate() {
        parts.push(part(index, field, krate)?);
    }
    let constructor = arguments
        .no_new
        .is_none()
        .then(|| constructor(&item, &parts, arguments, checked));
    let default = (derives_default || arguments.no_default.is_none())
        .then(|| default(&item, &parts, krate, checked));
    let accessors = arguments
        .no_accessors
        .is_none()
        .then(|| accessors(&item, &parts));
    Ok(quote! { #item #constructor #default #accessors })
}

fn part(index: usize, field: &mut Field, krate: &Crate) -> Result<Part> {
    let skip = take_skip(&mut field.attrs)?;
    let shared = !skip && !synchronised::is(&field.ty);
    let ty = field.ty.clone();
    if shared {
        field.ty = parse2(wrapped(krate, &ty))?;
    }
    let (member, parameter, name) = match &field.ident {
        Some(name) => (name.clone().into(), name.clone(), name.unraw().to_string()),
        None => (
            index.into(),
            format_ident!("field_{index}"),
            index.to_string(),
        ),
    };
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    Ok(Part {
        member,
        parameter,
        name,
        ty,
        vis: field.vis.clone(),
        cfgs: field.attrs.iter().filter(is_cfg).cloned().collect(),
        shared,
    })
}

/// Whether there is a `#[shared(skip)]`, which is taken off.
fn take_skip(attributes: &mut Vec<Attribute>) -> Result<bool> {
    let Some(index) = attributes
        .iter()
        .position(|attribute| attribute.path().is_ident("shared"))
    else {
        return Ok(false);
    };
    match attributes.remove(index).meta {
        Meta::List(list) if !list.tokens.is_empty() => {
            arguments::parse(list.tokens, "shared", &["skip"], |_, _| Ok(()))?;
            Ok(true)
        }
        other => {
            let message =
                "on a field it is `#[shared(skip)]`; without it the field is shared anyway";
            Err(Error::new_spanned(other, message))
        }
    }
}

fn refuse_packed(attributes: &[Attribute]) -> Result<()> {
    for attribute in attributes {
        let Meta::List(list) = &attribute.meta else {
            continue;
        };
        if !list.path.is_ident("repr") {
            continue;
        }
        let is_packed = |token: &proc_macro2::TokenTree| matches!(token, proc_macro2::TokenTree::Ident(name) if name == "packed");
        if let Some(token) = list.tokens.clone().into_iter().find(is_packed) {
            let message = "a packed struct's fields can't be borrowed, so they can't be shared one by one: wrap the whole value";
            return Err(Error::new(token.span(), message));
        }
    }
    Ok(())
}

/// Takes `Default` out of the derives, because the derived one would name nothing; returns whether it was there. `Copy` can't be derived.
fn take_derived_default(attributes: &mut [Attribute], take: bool) -> Result<bool> {
    let mut found = false;
    for attribute in attributes {
        let Meta::List(list) = &mut attribute.meta else {
            continue;
        };
        if !list.path.is_ident("derive") {
            continue;
        }
        let derives = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)?;
        let is = |path: &Path, name| path.segments.last().is_some_and(|last| last.ident == name);
        if let Some(copy) = derives.iter().find(|path| is(path, "Copy")) {
            let message =
                "what threads share has one place and can't be `Copy`; `Clone` can be derived";
            return Err(Error::new_spanned(copy, message));
        }
        if take && derives.iter().any(|path| is(path, "Default")) {
            found = true;
            let others = derives.iter().filter(|path| !is(path, "Default"));
            list.tokens = quote! { #(#others),* };
        }
    }
    Ok(found)
}

/// The struct expression in which each shared field has its name for reports, from these values.
fn literal(
    item: &ItemStruct,
    parts: &[Part],
    krate: &Crate,
    checked: bool,
    value: impl Fn(&Part) -> TokenStream,
) -> TokenStream {
    let fields = parts.iter().map(|part| {
        let Part { member, cfgs, .. } = part;
        let value = value(part);
        if !part.shared {
            return quote! { #(#cfgs)* #member: #value };
        }
        let label = label(
            krate,
            "field",
            &format!("{}.{}", item.ident.unraw(), part.name),
            checked,
        );
        quote! { #(#cfgs)* #member: #krate::Shared::new(#value) #label }
    });
    quote! { Self { #(#fields),* } }
}

fn constructor(
    item: &ItemStruct,
    parts: &[Part],
    arguments: &Arguments,
    checked: bool,
) -> TokenStream {
    let (vis, ident) = (&item.vis, &item.ident);
    let (generics, of, bounds) = item.generics.split_for_impl();
    let name = arguments
        .new
        .clone()
        .unwrap_or_else(|| Ident::new("new", ident.span()));
    let parameters = parts.iter().map(|part| {
        let Part {
            parameter,
            ty,
            cfgs,
            ..
        } = part;
        quote! { #(#cfgs)* #parameter: #ty }
    });
    let literal = literal(item, parts, &arguments.krate, checked, |part| {
        part.parameter.to_token_stream()
    });
    let doc = format!(
        "A `{ident}` of these values. The place of the call is the \"created at\" of the reports."
    );
    quote! {
        impl #generics #ident #of #bounds {
            #[doc = #doc]
            #[allow(dead_code, private_interfaces, clippy::too_many_arguments)]
            #[track_caller]
            #[must_use]
            #vis const fn #name(#(#parameters),*) -> Self {
                #literal
            }
        }
    }
}

/// Where every field has a default. The binder keeps the compiler from deciding at once that one has not, which would be an error.
fn default(item: &ItemStruct, parts: &[Part], krate: &Crate, checked: bool) -> TokenStream {
    let ident = &item.ident;
    let (generics, of, bounds) = item.generics.split_for_impl();
    let given = bounds.map(|bounds| bounds.predicates.iter());
    let given = given.into_iter().flatten();
    let defaults = parts
        .iter()
        .filter(|part| part.cfgs.is_empty())
        .map(|part| {
            let ty = &part.ty;
            quote! { for<'__any> #ty: ::core::default::Default }
        });
    let literal = literal(item, parts, krate, checked, |_| {
        quote! { ::core::default::Default::default() }
    });
    quote! {
        impl #generics ::core::default::Default for #ident #of
        where
            #(#given,)*
            #(#defaults,)*
        {
            #[track_caller]
            fn default() -> Self {
                #literal
            }
        }
    }
}

fn accessors(item: &ItemStruct, parts: &[Part]) -> TokenStream {
    let ident = &item.ident;
    let (generics, of, bounds) = item.generics.split_for_impl();
    let methods = parts.iter().filter(|part| part.shared).map(|part| {
        let Part {
            member,
            name,
            ty,
            vis,
            cfgs,
            parameter,
            ..
        } = part;
        let at = parameter.span();
        let method = |pattern: &str| Ident::new(&pattern.replace('*', name), at);
        let (get, set, update) = (method("get_*"), method("set_*"), method("update_*"));
        let (with, with_mut) = (method("with_*"), method("with_*_mut"));
        let doc = |what: &str| format!("{what} `{name}`.");
        let (doc_get, doc_set) = (doc("Reads"), doc("Writes"));
        let doc_update =
            format!("Reads `{name}`, calls `f` with it, and writes what that returns.");
        let doc_with =
            format!("Calls `f` with `{name}`: a read, from the beginning of the call to its end.");
        let doc_with_mut =
            format!("Calls `f` with `{name}`: a write, from the beginning of the call to its end.");
        let attributes = quote! { #(#cfgs)* #[allow(dead_code)] #[track_caller] };
        quote! {
            #attributes
            #[doc = #doc_get]
            #vis fn #get(&self) -> #ty
            where
                for<'__any> #ty: ::core::marker::Copy,
            {
                self.#member.get()
            }

            #attributes
            #[doc = #doc_set]
            #vis fn #set(&self, value: #ty) {
                self.#member.set(value);
            }

            #attributes
            #[doc = #doc_update]
            #vis fn #update(&self, f: impl ::core::ops::FnOnce(#ty) -> #ty)
            where
                for<'__any> #ty: ::core::marker::Copy,
            {
                self.#member.update(f);
            }

            #attributes
            #[doc = #doc_with]
            #vis fn #with<__R>(&self, f: impl ::core::ops::FnOnce(&#ty) -> __R) -> __R {
                self.#member.with(f)
            }

            #attributes
            #[doc = #doc_with_mut]
            #vis fn #with_mut<__R>(&self, f: impl ::core::ops::FnOnce(&mut #ty) -> __R) -> __R {
                self.#member.with_mut(f)
            }
        }
    });
    quote! {
        impl #generics #ident #of #bounds {
            #(#methods)*
        }
    }
}
