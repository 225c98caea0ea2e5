//! Place expressions taken apart: fields, indices and parentheses over a dereference, over a name, or over a value.
//!
//! The parts of a spine are looked at, never evaluated: what may be evaluated a second time, for its address, is decided by [`is_plain`].

use syn::{BinOp, Expr, ExprPath, UnOp};

/// What a place expression comes to in the end.
pub(super) enum Root<'a> {
    /// `*e`; this is `e`.
    Deref(&'a Expr),
    /// A variable, a static or a constant.
    Name(&'a ExprPath),
    /// A value in memory of its own, or what is behind its dereference.
    Value,
}

/// The expression below a field, an index or parentheses.
fn below(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Field(field) => Some(&field.base),
        Expr::Index(index) => Some(&index.expr),
        Expr::Paren(paren) => Some(&paren.expr),
        Expr::Group(group) => Some(&group.expr),
        _ => None,
    }
}

fn below_mut(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Field(field) => Some(&mut field.base),
        Expr::Index(index) => Some(&mut index.expr),
        Expr::Paren(paren) => Some(&mut paren.expr),
        Expr::Group(group) => Some(&mut group.expr),
        _ => None,
    }
}

pub(super) fn root(place: &Expr) -> Root<'_> {
    match place {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => Root::Deref(&unary.expr),
        Expr::Path(path) => Root::Name(path),
        _ => below(place).map_or(Root::Value, root),
    }
}

/// Whether it is a place expression, of whatever root.
pub(super) fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(_) | Expr::Group(_) => below(expr).is_some_and(is_place),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)),
        Expr::Field(_) | Expr::Index(_) | Expr::Path(_) => true,
        _ => false,
    }
}

/// The place with another pointer dereferenced.
pub(super) fn with_operand(place: &Expr, operand: Expr) -> Expr {
    let mut place = place.clone();
    let mut at = &mut place;
    while !matches!(at, Expr::Unary(_)) {
        at = below_mut(at).expect("its root is a dereference");
    }
    if let Expr::Unary(unary) = at {
        *unary.expr = operand;
    }
    place
}

pub(super) fn without_parentheses(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(_) | Expr::Group(_) => below(expr).map_or(expr, without_parentheses),
        _ => expr,
    }
}

/// Whether finding the place again does no more than loads: nothing is called, nothing is moved.
pub(super) fn is_plain(place: &Expr) -> bool {
    has_plain_indices(place)
        && match root(place) {
            Root::Deref(operand) => is_plain(operand),
            Root::Name(_) => true,
            Root::Value => false,
        }
}

/// The same for the spine's own indices, whatever the root.
pub(super) fn has_plain_indices(place: &Expr) -> bool {
    match place {
        Expr::Index(index) => is_plain_value(&index.index) && has_plain_indices(&index.expr),
        _ => below(place).is_none_or(has_plain_indices),
    }
}

/// Whether a place is found by fields alone from its root.
pub(super) fn has_no_indices(place: &Expr) -> bool {
    !matches!(place, Expr::Index(_)) && below(place).is_none_or(has_no_indices)
}

/// Numbers, as an index may be, and places.
pub(super) fn is_plain_value(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Paren(_) | Expr::Group(_) => below(expr).is_some_and(is_plain_value),
        Expr::Cast(cast) => is_plain_value(&cast.expr),
        Expr::Unary(unary) if !matches!(unary.op, UnOp::Deref(_)) => is_plain_value(&unary.expr),
        Expr::Binary(binary) => {
            !is_compound(&binary.op)
                && is_plain_value(&binary.left)
                && is_plain_value(&binary.right)
        }
        _ => is_place(expr) && is_plain(expr),
    }
}

/// `+=` and its like.
pub(super) fn is_compound(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Operators that take references, but of scalars.
pub(super) fn is_comparison(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
    )
}
