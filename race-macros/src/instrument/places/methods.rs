//! Method calls: those of raw pointers and `NonNull` that access memory, and those by which a scalar in raw memory is read.
//!
//! A receiver may be of any type, whose method of this name takes it by value or by reference. So a receiver that is a place stays one, and what is
//! announced stands before the call, or in an argument; one that is a value is passed on, with methods of ours if it is a pointer.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprMethodCall, Ident, Macro};

use super::names::Named;
use super::probe::{Access, Probe};
use super::region::{Region, take};
use super::spine::{self, Root};

pub(super) fn call(region: &mut Region<'_>, expr: &mut Expr) {
    let Expr::MethodCall(method) = expr else {
        return;
    };
    let before = method.clone();
    let probe = region.probe(&before.receiver);
    for argument in &mut method.args {
        region.value(argument);
    }
    let mut announced = region.loads(&before.receiver);
    let name = method.method.to_string();
    if is_accessing(&name, method.args.len()) {
        region.place(&mut method.receiver);
        if !spine::is_place(&before.receiver) {
            track(&probe, method);
        } else if spine::is_plain(&before.receiver) && !Changes::any(&before) {
            announced.extend(accessing(&probe, &name, &before, method));
        }
    } else if is_by_value(&name) {
        announced.extend(received(region, &probe, method));
    } else {
        region.place(&mut method.receiver);
    }
    region.put_before(announced, expr);
}

/// The methods that access the memory behind a pointer, by how many arguments they have.
fn is_accessing(name: &str, arguments: usize) -> bool {
    match name {
        "read" | "read_volatile" | "read_unaligned" | "drop_in_place" => arguments == 0,
        "write" | "write_volatile" | "write_unaligned" | "replace" | "swap" => arguments == 1,
        "write_bytes"
        | "copy_to"
        | "copy_to_nonoverlapping"
        | "copy_from"
        | "copy_from_nonoverlapping" => arguments == 2,
        _ => false,
    }
}

/// Methods that scalars have, `NonNull` included, and that read all of what they are called on.
fn is_by_value(name: &str) -> bool {
    let prefixes = [
        "wrapping_",
        "checked_",
        "saturating_",
        "overflowing_",
        "is_",
        "to_",
    ];
    let names = [
        "abs",
        "add",
        "addr",
        "as_mut",
        "as_ptr",
        "as_ref",
        "byte_add",
        "byte_offset",
        "byte_sub",
        "cast",
        "cast_const",
        "cast_mut",
        "clone",
        "count_ones",
        "leading_zeros",
        "max",
        "min",
        "offset",
        "offset_from",
        "pow",
        "rotate_left",
        "rotate_right",
        "sub",
        "then",
        "then_some",
        "trailing_zeros",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// A receiver that is read if it is a scalar in raw memory. Gives what stands before the call.
fn received(
    region: &mut Region<'_>,
    probe: &Probe<'_>,
    method: &mut ExprMethodCall,
) -> TokenStream {
    let receiver = &mut *method.receiver;
    let receive = |receiver: &Expr| probe.access(Access::Receive, receiver);
    let announced = match spine::root(receiver) {
        _ if !spine::has_plain_indices(receiver) => TokenStream::new(),
        Root::Deref(operand) if spine::is_plain(operand) => {
            probe.if_raw(operand, receive(receiver))
        }
        Root::Deref(_) => {
            region.by_address(Access::Receive, receiver);
            return TokenStream::new();
        }
        Root::Name(path) if region.named(path) == Named::Mutable => receive(receiver),
        _ => TokenStream::new(),
    };
    region.place(receiver);
    announced
}

/// A receiver that is a value.
fn track(probe: &Probe<'_>, method: &mut ExprMethodCall) {
    let (span, runtime) = (probe.span, probe.runtime());
    let receiver = take(&mut method.receiver);
    *method.receiver = Expr::Verbatim(quote_spanned! { span=>
        (match (#receiver,) { (value,) => #runtime::Pointer::of(&value).tracked(value) })
    });
}

/// A receiver that is a plain place: what a method without arguments does stands before the call, for the caller to put there; that of others in an argument.
fn accessing(
    probe: &Probe<'_>,
    name: &str,
    before: &ExprMethodCall,
    method: &mut ExprMethodCall,
) -> TokenStream {
    let (span, receiver) = (probe.span, &before.receiver);
    let site = probe.site;
    let behind = quote_spanned! { span=> pointer.behind(&raw const #receiver) };
    let does = |what: &str, count: &TokenStream| {
        let what = Ident::new(what, site);
        quote_spanned! { site=> #behind.#what(#count); }
    };
    let does_at = |what: &str, address: &dyn ToTokens, count: &TokenStream| {
        let what = Ident::new(what, site);
        quote_spanned! { site=> #behind.#what(&#address, #count); }
    };
    let one = quote_spanned! { span=> &1 };
    let value = quote_spanned! { span=> value };
    let counted = quote_spanned! { span=> &value };
    let announced = match name {
        "read" | "read_unaligned" => does("reads", &one),
        "read_volatile" => does("reads_volatile", &one),
        "drop_in_place" => does("drops", &TokenStream::new()),
        "write" | "write_unaligned" | "replace" => does("writes", &one),
        "write_volatile" => does("writes_volatile", &one),
        "swap" => {
            let announced = [does("writes", &one), does_at("writes_at", &value, &one)];
            bind(probe, receiver, &mut method.args[0], announced);
            return TokenStream::new();
        }
        "write_bytes" => {
            bind(
                probe,
                receiver,
                &mut method.args[1],
                [does("writes", &counted)],
            );
            return TokenStream::new();
        }
        _ => {
            let (other, count) = (&before.args[0], &before.args[1]);
            let to = name.starts_with("copy_to");
            let copies = |other: &dyn ToTokens, count: &TokenStream| match to {
                true => [does("reads", count), does_at("writes_at", other, count)],
                false => [does_at("reads_at", other, count), does("writes", count)],
            };
            // One of the two is evaluated first, and both must be known.
            if spine::is_plain_value(other) {
                let announced = copies(&quote_spanned! { span=> (#other) }, &counted);
                bind(probe, receiver, &mut method.args[1], announced);
            } else if spine::is_plain_value(count) {
                let announced = copies(&value, &quote_spanned! { span=> &(#count) });
                bind(probe, receiver, &mut method.args[0], announced);
            } else {
                let own = does(if to { "reads" } else { "writes" }, &counted);
                bind(probe, receiver, &mut method.args[1], [own]);
            }
            return TokenStream::new();
        }
    };
    let announced = probe.if_raw(receiver, announced);
    match method.args.last_mut() {
        Some(last) => {
            *last = probe.after(take(last), announced);
            TokenStream::new()
        }
        None => announced,
    }
}

/// The argument, after these statements, in which it has a name.
fn bind<const N: usize>(
    probe: &Probe<'_>,
    receiver: &Expr,
    argument: &mut Expr,
    announced: [TokenStream; N],
) {
    let span = probe.span;
    let announced = probe.if_raw(receiver, announced.into_iter().collect());
    let evaluated = take(argument);
    *argument = Expr::Verbatim(quote_spanned! { span=>
        match (#evaluated,) { (value,) => { #announced value } }
    });
}

/// Whether the arguments of a call may give its receiver, which is evaluated first, another value.
struct Changes {
    receiver: String,
    found: bool,
}

impl Changes {
    fn any(method: &ExprMethodCall) -> bool {
        let receiver = name(&method.receiver);
        let mut changes = Changes {
            receiver,
            found: false,
        };
        for mut argument in method.args.clone() {
            changes.visit_expr_mut(&mut argument);
        }
        changes.found
    }
}

/// The variable that a plain place begins with.
fn name(place: &Expr) -> String {
    match spine::root(place) {
        Root::Deref(operand) => name(operand),
        Root::Name(path) => path.to_token_stream().to_string(),
        Root::Value => String::new(),
    }
}

impl VisitMut for Changes {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let changed = match &*expr {
            Expr::Assign(assign) => Some(&assign.left),
            Expr::Binary(binary) if spine::is_compound(&binary.op) => Some(&binary.left),
            Expr::Reference(reference) if reference.mutability.is_some() => Some(&reference.expr),
            Expr::RawAddr(address) => Some(&address.expr),
            _ => None,
        };
        self.found |= changed.is_some_and(|place| name(place) == self.receiver);
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.found |= mac.tokens.to_string().contains(&self.receiver);
    }
}
