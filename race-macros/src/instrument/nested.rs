//! Attributes of ours on items inside of one that is instrumented.
//!
//! `skip` leaves the item as it is; one with other arguments is expanded for itself, later, by the compiler; one without any says what is so anyway.
//! What is left alone becomes `Item::Verbatim`, which no pass looks into.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ForeignItem, Ident, ImplItem, Item, Meta, TraitItem};

use crate::arguments::Crate;

/// Sets all such items aside, and takes off the attributes that have had their effect.
pub(super) fn set_aside(item: &mut Item, krate: &Crate) {
    let krate = krate.to_token_stream().to_string();
    let krate = krate.trim_start_matches(":: ").to_owned();
    // Of the item itself, others may stand below the one that is being expanded: they are for the compiler.
    match item {
        Item::Verbatim(_) => {}
        item => visit_mut::visit_item_mut(&mut Nested { krate }, item),
    }
}

struct Nested {
    /// As it is written, but for a leading `::`.
    krate: String,
}

/// What an attribute says.
enum Said {
    Nothing,
    Skip,
    /// With arguments of its own.
    More,
}

impl Nested {
    fn said(&self, attribute: &Attribute) -> Option<Said> {
        let last = attribute.path().segments.last()?;
        if last.ident != "instrument" {
            return None;
        }
        let said = match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => Said::Nothing,
            Meta::List(list) => match syn::parse2::<Ident>(list.tokens.clone()) {
                Ok(name) if name == "skip" => Said::Skip,
                _ => Said::More,
            },
            _ => Said::Nothing,
        };
        let path = attribute.path().to_token_stream().to_string();
        let krate = path.trim_start_matches(":: ").strip_suffix(":: instrument");
        match krate.map(str::trim_end) {
            Some(krate) if krate == self.krate || krate == "racecheck" => Some(said),
            // Others have an attribute of this name too. None of them is told only `skip`.
            None if matches!(said, Said::Skip) => Some(said),
            _ => None,
        }
    }

    /// Whether an item with these attributes is left alone.
    fn leaves(&self, attributes: &mut Vec<Attribute>) -> bool {
        let mut leaves = false;
        attributes.retain(|attribute| match self.said(attribute) {
            None => true,
            Some(Said::Nothing) => false,
            Some(Said::Skip) => {
                leaves = true;
                false
            }
            Some(Said::More) => {
                leaves = true;
                true
            }
        });
        leaves
    }
}

impl VisitMut for Nested {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if attributes(item).is_some_and(|attributes| self.leaves(attributes)) {
            *item = Item::Verbatim(item.to_token_stream());
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_impl_item_mut(&mut self, item: &mut ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &mut item.attrs,
            ImplItem::Fn(item) => &mut item.attrs,
            ImplItem::Macro(item) => &mut item.attrs,
            ImplItem::Type(item) => &mut item.attrs,
            _ => return,
        };
        if self.leaves(attributes) {
            *item = ImplItem::Verbatim(item.to_token_stream());
        }
        visit_mut::visit_impl_item_mut(self, item);
    }

    fn visit_trait_item_mut(&mut self, item: &mut TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &mut item.attrs,
            TraitItem::Fn(item) => &mut item.attrs,
            TraitItem::Macro(item) => &mut item.attrs,
            TraitItem::Type(item) => &mut item.attrs,
            _ => return,
        };
        if self.leaves(attributes) {
            *item = TraitItem::Verbatim(item.to_token_stream());
        }
        visit_mut::visit_trait_item_mut(self, item);
    }

    fn visit_foreign_item_mut(&mut self, item: &mut ForeignItem) {
        let attributes = match item {
            ForeignItem::Fn(item) => &mut item.attrs,
            ForeignItem::Macro(item) => &mut item.attrs,
            ForeignItem::Static(item) => &mut item.attrs,
            ForeignItem::Type(item) => &mut item.attrs,
            _ => return,
        };
        if self.leaves(attributes) {
            *item = ForeignItem::Verbatim(item.to_token_stream());
        }
    }
}

fn attributes(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        Item::Const(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::ExternCrate(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::ForeignMod(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Macro(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        Item::Static(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::TraitAlias(item) => &mut item.attrs,
        Item::Type(item) => &mut item.attrs,
        Item::Union(item) => &mut item.attrs,
        Item::Use(item) => &mut item.attrs,
        _ => return None,
    })
}
