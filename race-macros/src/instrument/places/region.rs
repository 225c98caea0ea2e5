//! Which expressions of a region access which places, and how.
//!
//! [`Region::value`] is for an expression whose value is wanted, [`Region::place`] for one that is only a place: borrowed, assigned to, or part of another.
//! There are four ways to announce an access, by what the place is:
//!
//! | the pointer is | the indices are | the announcement is |
//! | --- | --- | --- |
//! | a place | plain | beside the access: the place is found twice, by loads |
//! | a place | anything | between finding the place, once, by its address, and the access |
//! | a value | plain | where the pointer is passed on to the dereference |
//! | a value | anything | as in the second line, whatever the type of the pointer: it is an access all the same |

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprAssign, ExprPath, Item, Local, Macro, Stmt, UnOp};

use super::names::Named;
use super::probe::{Access, Probe};
use super::spine::{self, Root};
use super::{Context, Items, calls, frees, methods, patterns};

pub(super) struct Region<'a>(pub(super) Context<'a>);

impl<'a> Region<'a> {
    /// For what is written where `at` begins.
    pub(super) fn probe(&self, at: &impl Spanned) -> Probe<'a> {
        Probe::new(self.0, at)
    }

    /// An expression whose value is wanted.
    pub(super) fn value(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Paren(paren) => self.value(&mut paren.expr),
            Expr::Group(group) => self.value(&mut group.expr),
            expr if spine::is_place(expr) => self.read(expr),
            Expr::Assign(assign) => self.assign(assign),
            Expr::Binary(binary) if spine::is_compound(&binary.op) => {
                self.value(&mut binary.right);
                // The left side is evaluated second if both are scalars, and first if not: so all is announced there.
                self.by_address(Access::Update, &mut binary.left);
            }
            Expr::Binary(binary) if spine::is_comparison(&binary.op) => {
                self.compared(&mut binary.left);
                self.compared(&mut binary.right);
            }
            Expr::Reference(reference) => {
                let loads = self.place(&mut reference.expr);
                self.put_before(loads, expr);
            }
            Expr::RawAddr(address) => {
                let loads = self.place(&mut address.expr);
                self.put_before(loads, expr);
            }
            Expr::MethodCall(_) => methods::call(self, expr),
            Expr::Call(call) => {
                if let Some(made) = frees::dropped(call) {
                    return frees::freed(self, made);
                }
                call.args
                    .iter_mut()
                    .for_each(|argument| self.value(argument));
                // A function pointer is read, but a closure is borrowed.
                let loads = self.place(&mut call.func);
                self.put_before(loads, expr);
            }
            Expr::If(_) | Expr::While(_) | Expr::Match(_) => patterns::visit(self, expr),
            Expr::Let(condition) => {
                self.place(&mut condition.expr);
            }
            Expr::Repeat(repeat) => self.value(&mut repeat.expr),
            Expr::Struct(literal) => {
                for field in &mut literal.fields {
                    self.value(&mut field.expr);
                }
                if let Some(rest) = &mut literal.rest {
                    // Some of its fields are read: nobody knows which.
                    self.place(rest);
                }
            }
            Expr::Const(_) => {}
            Expr::Closure(_) | Expr::Async(_) => {
                let probe = self.probe(expr);
                let closures = self.0.closures;
                closures.inside(&probe, expr, |expr| visit_mut::visit_expr_mut(self, expr));
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    /// An expression that stays a place. Gives what its finding loads, for whoever can put it before.
    pub(super) fn place(&mut self, expr: &mut Expr) -> TokenStream {
        if !spine::is_place(expr) {
            self.value(expr);
            return TokenStream::new();
        }
        let loads = self.loads(expr);
        self.parts(expr);
        loads
    }

    /// What a place's finding loads, as long as it is evaluated as it stands.
    pub(super) fn loads(&self, place: &Expr) -> TokenStream {
        match spine::root(place) {
            Root::Deref(operand) if spine::is_plain(operand) => self.probe(place).loads(place),
            _ => TokenStream::new(),
        }
    }

    /// The values in a place's spine: its indices, and what it begins with.
    pub(super) fn parts(&mut self, place: &mut Expr) {
        match place {
            Expr::Paren(paren) => self.parts(&mut paren.expr),
            Expr::Group(group) => self.parts(&mut group.expr),
            Expr::Field(field) => self.parts(&mut field.base),
            Expr::Index(index) => {
                self.parts(&mut index.expr);
                self.value(&mut index.index);
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => {
                if spine::is_plain(&unary.expr) {
                    self.parts(&mut unary.expr);
                } else {
                    self.value(&mut unary.expr);
                }
            }
            Expr::Path(_) => {}
            value => self.value(value),
        }
    }

    /// Has these statements executed before the expression.
    pub(super) fn put_before(&self, announced: TokenStream, expr: &mut Expr) {
        if !announced.is_empty() {
            let probe = self.probe(expr);
            *expr = probe.then(announced, take(expr));
        }
    }

    fn read(&mut self, place: &mut Expr) {
        let probe = self.probe(place);
        match spine::root(place) {
            Root::Deref(operand) if frees::is_from_raw(operand) => {
                self.parts(place);
                frees::taken(&probe, place);
            }
            Root::Name(path) if self.named(path) == Named::Perhaps => {
                let announced = match spine::has_plain_indices(place) {
                    true => probe.perhaps(place),
                    false => TokenStream::new(),
                };
                self.parts(place);
                *place = probe.then(announced, take(place));
            }
            _ if spine::is_plain(place) => {
                let announced = self.announced(&probe, Access::Read, place);
                self.parts(place);
                *place = probe.then(announced, take(place));
            }
            _ => self.by_address(Access::Read, place),
        }
    }

    fn assign(&mut self, assign: &mut ExprAssign) {
        let (place, value) = (&mut *assign.left, &mut *assign.right);
        if !spine::is_place(place) {
            // A pattern, of places or of nothing: what it reads and writes isn't announced.
            match place {
                Expr::Infer(_) if frees::is_from_raw(value) => frees::freed(self, value),
                _ => drop(self.place(value)),
            }
            Assignees(self).visit_expr_mut(place);
            return;
        }
        self.value(value);
        if spine::is_plain(place) {
            let probe = self.probe(place);
            let announced = self.announced(&probe, Access::Write, place);
            self.parts(place);
            *assign.right = probe.after(take(&mut assign.right), announced);
        } else {
            self.by_address(Access::Write, place);
        }
    }

    /// Statements that announce what is done with a plain place, and first what its finding loads.
    fn announced(&self, probe: &Probe<'_>, access: Access, place: &Expr) -> TokenStream {
        match spine::root(place) {
            Root::Deref(operand) => {
                let mut announced = probe.loads(place);
                announced.extend(probe.if_raw(operand, probe.access(access, place)));
                announced
            }
            Root::Name(path) if self.is_static(path, access) => probe.access(access, place),
            Root::Name(_) | Root::Value => TokenStream::new(),
        }
    }

    /// Whether an access to this name is one to a `static mut`. A constant can't be written.
    fn is_static(&self, path: &ExprPath, access: Access) -> bool {
        match self.named(path) {
            Named::Mutable => true,
            Named::Perhaps => matches!(access, Access::Write | Access::Update),
            Named::Other => false,
        }
    }

    /// Has a place found once, and the access announced by its address; or, if its pointer is a value, where that is passed on.
    pub(super) fn by_address(&mut self, access: Access, place: &mut Expr) {
        let probe = self.probe(place);
        let (announced, pointer) = match spine::root(place) {
            Root::Deref(operand) if spine::is_plain(operand) => {
                (probe.loads(place), Some(probe.pointer(operand)))
            }
            Root::Deref(_) if spine::has_plain_indices(place) => {
                let before = place.clone();
                self.parts(place);
                pass_on(&probe, &before, place, |place| probe.access(access, &place));
                return;
            }
            Root::Deref(_) => (TokenStream::new(), None),
            Root::Name(path) if self.is_static(path, access) => (TokenStream::new(), None),
            Root::Name(_) | Root::Value => return self.parts(place),
        };
        self.parts(place);
        let address = probe.by_address(access, place, pointer);
        *place = probe.behind(announced, address);
    }

    /// A side of a comparison: a scalar is read, a reference to anything else is taken.
    pub(super) fn compared(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Paren(paren) => self.compared(&mut paren.expr),
            expr if spine::is_place(expr) => self.by_address(Access::Compare, expr),
            expr => self.value(expr),
        }
    }

    pub(super) fn named(&self, path: &ExprPath) -> Named {
        match path.qself {
            Some(_) => Named::Other,
            None => self.0.names.of(&path.path),
        }
    }
}

/// The expression, which is put together anew.
pub(super) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Verbatim(TokenStream::new()))
}

/// Has `place`'s own pointer passed on by what announces an access to it. `before` is the place as it was, for its address.
pub(super) fn pass_on(
    probe: &Probe<'_>,
    before: &Expr,
    place: &mut Expr,
    announce: impl FnOnce(Expr) -> TokenStream,
) {
    let Root::Deref(operand) = spine::root(place) else {
        unreachable!("its root is a dereference");
    };
    let operand = probe.passing(operand, |value| {
        announce(spine::with_operand(before, value))
    });
    *place = spine::with_operand(place, operand);
}

/// The left side of a destructuring assignment: only its places are visited, not announced.
struct Assignees<'a, 'b>(&'a mut Region<'b>);

impl VisitMut for Assignees<'_, '_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if spine::is_place(expr) {
            self.0.parts(expr);
        } else {
            visit_mut::visit_expr_mut(self, expr);
        }
    }
}

impl VisitMut for Region<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        self.value(expr);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let mut statements = Vec::with_capacity(block.stmts.len());
        for mut statement in block.stmts.drain(..) {
            match &mut statement {
                Stmt::Local(local) => {
                    let announced = patterns::local(self, local);
                    if !announced.is_empty() {
                        statements.push(Stmt::Expr(Expr::Verbatim(announced), None));
                    }
                }
                Stmt::Expr(expr, Some(_)) if frees::is_from_raw(expr) => {
                    frees::freed(self, expr);
                }
                statement => self.visit_stmt_mut(statement),
            }
            statements.push(statement);
        }
        block.stmts = statements;
    }

    fn visit_local_mut(&mut self, _: &mut Local) {
        unreachable!("`visit_block_mut` has them");
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        Items(self.0).visit_item_mut(item);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        calls::in_region(self, mac);
    }

    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_path_mut(&mut self, _: &mut syn::Path) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
}
