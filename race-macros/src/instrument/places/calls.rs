//! Calls of `std`'s macros whose arguments are expressions.
//!
//! Most take references to their arguments, as comparisons do. `assert!` prints its argument as it is written: what that has become must not be printed.
//! `dbg!` can't be told what to print, and so isn't looked into.

use quote::quote;
use syn::{Expr, Macro};

use super::super::macros::{Part, edit};
use super::region::Region;

fn name(mac: &Macro) -> String {
    let last = mac.path.segments.last();
    last.map(|name| name.ident.to_string()).unwrap_or_default()
}

/// Hands out the arguments of a macro outside of any region.
pub(super) fn visit(mac: &mut Macro, mut each: impl FnMut(&mut Expr)) {
    as_written(mac, |_, part| {
        if let Part::Expr(expr) | Part::ThreadLocal(_, expr) = part {
            each(expr);
        }
    });
}

/// Has the accesses in the arguments announced.
pub(super) fn in_region(region: &mut Region<'_>, mac: &mut Macro) {
    let name = name(mac);
    as_written(mac, |index, part| match part {
        Part::Expr(Expr::Lit(_)) | Part::Pat(_) | Part::ThreadLocal(..) => {}
        Part::Expr(expr) => match name.as_str() {
            "vec" => region.value(expr),
            "assert" | "debug_assert" if index == 0 => region.value(expr),
            // Its second expression is a guard.
            "matches" if index > 0 => region.value(expr),
            "write" | "writeln" if index == 0 => {
                region.place(expr);
            }
            _ => match expr {
                Expr::Assign(named) => region.compared(&mut named.right),
                expr => region.compared(expr),
            },
        },
    });
}

/// Edits the arguments, with the number of each, and has what prints them print what was written.
fn as_written(mac: &mut Macro, mut each: impl FnMut(usize, Part<'_>)) {
    let name = name(mac);
    if name == "dbg" {
        return;
    }
    let written = mac.tokens.to_string();
    let mut index = 0;
    edit(mac, |part| {
        each(index, part);
        index += 1;
    });
    let is_assertion = matches!(name.as_str(), "assert" | "debug_assert");
    if is_assertion && index == 1 && mac.tokens.to_string() != written {
        let message = format!("assertion failed: {}", written.trim_end_matches([',', ' ']));
        let condition = mac.tokens.clone();
        let comma = (!condition.to_string().ends_with(',')).then(|| quote! { , });
        mac.tokens = quote! { #condition #comma "{}", #message };
    }
}
