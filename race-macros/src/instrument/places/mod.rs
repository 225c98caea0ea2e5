//! The second pass: accesses to raw memory in `unsafe` code are announced to the engine before they happen.
//!
//! A region is an `unsafe` block or the body of an `unsafe fn`, with its closures and blocks; an item within starts anew. Nothing is known of types here:
//! what an expansion announces is decided by the type of the pointer, when it is compiled (`racecheck::__private::instrument`).
//!
//! An expansion must never change what the code means: nothing is evaluated twice but loads, no temporary lives shorter or longer, and no place becomes a
//! value where one isn't wanted. And it must never announce more than the code touches: what isn't certain isn't announced.
//!
//! | file | what |
//! | --- | --- |
//! | [`names`] | which names are of a `static mut` |
//! | [`spine`] | place expressions taken apart |
//! | [`probe`] | the code that announces |
//! | [`region`] | which expressions access which places, and how |
//! | [`patterns`] | what `let`, `if let`, `while let` and `match` read |
//! | [`methods`] | methods of raw pointers |
//! | [`frees`] | boxes that are freed |
//! | [`closures`] | what a closure may mention |
//! | [`calls`] | macros of `std` |
//! | [`constants`] | constants that read a `static mut` |

mod calls;
mod closures;
mod constants;
mod frees;
mod methods;
mod names;
mod patterns;
mod probe;
mod region;
mod spine;

use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprConst, ExprUnsafe, ImplItemFn, Item, ItemConst, ItemFn, ItemStatic};
use syn::{ImplItemConst, Signature, TraitItemConst, TraitItemFn, Type, Variant};

use self::closures::Closures;
use self::names::Names;
use self::probe::Probe;
use self::region::Region;
use crate::arguments::Crate;

/// Has the accesses in all regions of the item announced.
pub(super) fn announce(item: &mut Item, krate: &Crate) {
    let mut names = Names::default();
    names.visit_item_mut(item);
    let context = Context {
        names: &names,
        closures: &Closures::default(),
        krate,
    };
    Items(context).visit_item_mut(item);
}

/// What is known all over the item.
#[derive(Clone, Copy)]
struct Context<'a> {
    names: &'a Names,
    closures: &'a Closures,
    krate: &'a Crate,
}

/// Looks for the regions. What is evaluated by the compiler can't announce anything.
struct Items<'a>(Context<'a>);

impl Items<'_> {
    fn function(&mut self, signature: &Signature, body: &mut Block) {
        if signature.constness.is_some() {
            // What it has in it may not be evaluated by the compiler: but nobody knows.
            return;
        }
        self.0.closures.outside(|| match signature.unsafety {
            Some(_) => self.region(body),
            None => self.visit_block_mut(body),
        });
    }

    fn region(&mut self, body: &mut Block) {
        Region(self.0).visit_block_mut(body);
    }
}

impl VisitMut for Items<'_> {
    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        self.function(&item.sig, &mut item.block);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        self.function(&item.sig, &mut item.block);
    }

    fn visit_trait_item_fn_mut(&mut self, item: &mut TraitItemFn) {
        if let Some(body) = &mut item.default {
            self.function(&item.sig, body);
        }
    }

    fn visit_expr_unsafe_mut(&mut self, expr: &mut ExprUnsafe) {
        self.region(&mut expr.block);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if !matches!(expr, Expr::Closure(_) | Expr::Async(_)) {
            return visit_mut::visit_expr_mut(self, expr);
        }
        let probe = Probe::new(self.0, expr);
        let closures = self.0.closures;
        closures.inside(&probe, expr, |expr| visit_mut::visit_expr_mut(self, expr));
    }

    fn visit_expr_repeat_mut(&mut self, expr: &mut syn::ExprRepeat) {
        self.visit_expr_mut(&mut expr.expr);
    }

    fn visit_macro_mut(&mut self, mac: &mut syn::Macro) {
        calls::visit(mac, |expr| self.visit_expr_mut(expr));
    }

    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_const_mut(&mut self, item: &mut ItemConst) {
        constants::check(self.0.names, &mut item.expr);
    }

    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        constants::check(self.0.names, &mut item.expr);
    }

    fn visit_impl_item_const_mut(&mut self, item: &mut ImplItemConst) {
        constants::check(self.0.names, &mut item.expr);
    }

    fn visit_trait_item_const_mut(&mut self, item: &mut TraitItemConst) {
        if let Some((_, initializer)) = &mut item.default {
            constants::check(self.0.names, initializer);
        }
    }

    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_variant_mut(&mut self, _: &mut Variant) {}
    fn visit_generics_mut(&mut self, _: &mut syn::Generics) {}
    fn visit_path_mut(&mut self, _: &mut syn::Path) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
}
