//! Boxes that are made of a raw pointer only to be freed: a write of all that is freed.
//!
//! Seen are `drop(Box::from_raw(p))`, `Box::from_raw(p);`, `let _ = Box::from_raw(p)` and, as a value, `*Box::from_raw(p)`. What becomes of a box that goes
//! anywhere else, only its owner knows.

use quote::quote_spanned;
use syn::{Expr, ExprCall, Ident};

use super::probe::Probe;
use super::region::{Region, take};
use super::spine;

/// Whether it is a call of `Box::from_raw`.
pub(super) fn is_from_raw(expr: &Expr) -> bool {
    let Expr::Call(call) = spine::without_parentheses(expr) else {
        return false;
    };
    let Expr::Path(path) = &*call.func else {
        return false;
    };
    let mut names = path.path.segments.iter().rev();
    call.args.len() == 1
        && names.next().is_some_and(|name| name.ident == "from_raw")
        && names.next().is_some_and(|name| name.ident == "Box")
}

/// Has the box announced that this expression makes and nobody keeps.
pub(super) fn freed(region: &mut Region<'_>, expr: &mut Expr) {
    let probe = region.probe(expr);
    region.value(expr);
    announce(&probe, expr, "freed");
}

/// The argument of `drop`, if it is such a box.
pub(super) fn dropped(call: &mut ExprCall) -> Option<&mut Expr> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let is_drop = path.path.segments.last()?.ident == "drop" && call.args.len() == 1;
    let argument = call.args.first_mut()?;
    (is_drop && is_from_raw(argument)).then_some(argument)
}

/// The same for the box that a place is behind, and that lives no longer than the value is taken out of it.
pub(super) fn taken(probe: &Probe<'_>, place: &mut Expr) {
    let mut at = place;
    loop {
        at = match at {
            Expr::Field(field) => &mut field.base,
            Expr::Index(index) => &mut index.expr,
            Expr::Paren(paren) => &mut paren.expr,
            Expr::Group(group) => &mut group.expr,
            Expr::Unary(unary) => &mut unary.expr,
            made => return announce(probe, made, "taken"),
        };
    }
}

fn announce(probe: &Probe<'_>, made: &mut Expr, how: &str) {
    let mut at = made;
    loop {
        at = match at {
            Expr::Paren(paren) => &mut paren.expr,
            Expr::Group(group) => &mut group.expr,
            Expr::Call(call) => {
                let (site, runtime) = (probe.site, probe.runtime());
                let how = Ident::new(how, site);
                for pointer in &mut call.args {
                    let value = take(pointer);
                    *pointer = Expr::Verbatim(quote_spanned! { site=> #runtime::#how(#value) });
                }
                return;
            }
            _ => return,
        };
    }
}
