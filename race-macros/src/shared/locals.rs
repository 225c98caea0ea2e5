//! `#[racecheck::shared] let`, in the body of a function that a macro of ours is on.
//!
//! A macro can't stand on a statement by itself (not on stable), so the one on the function does it.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Error, Expr, Local, LocalInit, Meta, Pat, PatType, Result, parse2};

use super::{labelled, refuse_synchronised, wrapped};
use crate::arguments::Crate;

/// Rewrites all marked `let`s of a body, those in closures and inner functions included; returns how many there were.
pub(crate) fn expand(block: &mut Block, krate: &Crate, checked: bool) -> Result<usize> {
    let mut locals = Locals {
        krate,
        checked,
        found: 0,
        error: None,
    };
    locals.visit_block_mut(block);
    match locals.error {
        Some(error) => Err(error),
        None => Ok(locals.found),
    }
}

/// Whether this is the attribute, by whatever path: on a `let` there can be no other of its name.
pub(super) fn is_shared(attribute: &Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "shared")
}

struct Locals<'a> {
    krate: &'a Crate,
    checked: bool,
    found: usize,
    error: Option<Error>,
}

impl VisitMut for Locals<'_> {
    fn visit_local_mut(&mut self, local: &mut Local) {
        visit_mut::visit_local_mut(self, local);
        let Some(index) = local.attrs.iter().position(is_shared) else {
            return;
        };
        let attribute = local.attrs.remove(index);
        self.found += 1;
        if let Err(error) = self.expand(local, &attribute)
            && self.error.is_none()
        {
            self.error = Some(error);
        }
    }
}

impl Locals<'_> {
    fn expand(&self, local: &mut Local, attribute: &Attribute) -> Result<()> {
        if !matches!(attribute.meta, Meta::Path(_)) {
            let message = "on a `let` it takes no arguments";
            return Err(Error::new_spanned(&attribute.meta, message));
        }
        let Some(LocalInit { expr, diverge, .. }) = &mut local.init else {
            let message = "a shared variable is written through `&`, and needs a value from the start: `let name = value;`";
            return Err(Error::new_spanned(&local.pat, message));
        };
        if diverge.is_some() {
            return Err(not_a_name(&local.pat));
        }
        let (pat, ty) = match &mut local.pat {
            Pat::Type(PatType { pat, ty, .. }) => (&**pat, Some(ty)),
            pat => (&*pat, None),
        };
        let Pat::Ident(name) = pat else {
            return Err(not_a_name(pat));
        };
        if name.by_ref.is_some() || name.subpat.is_some() {
            return Err(not_a_name(pat));
        }
        if let Some(ty) = &ty {
            refuse_synchronised(ty)?;
        }
        let name = name.ident.unraw().to_string();
        let value = labelled(
            self.krate,
            ty.as_deref().map(|ty| &**ty),
            expr,
            "variable",
            &name,
            self.checked,
        );
        if let Some(ty) = ty {
            **ty = parse2(wrapped(self.krate, ty))?;
        }
        **expr = Expr::Verbatim(value);
        Ok(())
    }
}

fn not_a_name(pat: &Pat) -> Error {
    let message = "a shared variable is one name: `let name = value;`";
    Error::new_spanned(pat.to_token_stream(), message)
}
