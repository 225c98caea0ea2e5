//! Pass 1: what the item calls by a path of `std`, `core` or `alloc` becomes racecheck's, where racecheck has it.
//!
//! A path is led to a module of racecheck's that has all that `std`'s module of that name has, tracked or not (`racecheck::__private::tracked`); so
//! what a glob, a module's other name or a path through either brings is right without being looked at. Names are followed only for what is to stay
//! `std`'s although its module has been replaced: what `keep` says, what is called where the compiler evaluates, and the cells of thread-locals.
//!
//! Attributes, visibilities and the names of macros are never touched, nor is a path that begins with a name of the item's own.

mod names;
mod scopes;
#[cfg(test)]
mod tests;
mod uses;

pub(super) use names::Kept;

use proc_macro2::{Ident, Span};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Error, Expr, ExprCall, ExprClosure, ExprPath, ExprRepeat, ExprStruct,
    GenericArgument, ImplItemConst, ImplItemFn, Item, ItemConst, ItemFn, ItemMod, ItemStatic,
    Macro, PatTupleStruct, Path, PathArguments, PathSegment, QSelf, Receiver, Result, Token,
    TraitItemConst, TraitItemFn, Type, TypeArray, TypePath, Variant, Visibility, parse2,
};

use self::names::{Root, StdPath};
use self::scopes::Scopes;
use super::macros::{self, Part};
use crate::arguments::Crate;

/// Rewrites the item, but for what is kept. An error is of the program's code: nothing that could be given would compile.
pub(super) fn rewrite(item: &mut Item, krate: &Crate, kept: &Kept) -> Result<()> {
    let mut paths = Paths {
        krate,
        kept,
        scopes: Scopes::default(),
        evaluated: false,
        of_thread: false,
        error: None,
    };
    match item {
        // Only its user's crate knows where else this name is used.
        Item::ExternCrate(_) => {}
        item => paths.visit_item_mut(item),
    }
    paths.error.map_or(Ok(()), Err)
}

struct Paths<'a> {
    krate: &'a Crate,
    kept: &'a Kept,
    scopes: Scopes,
    /// In what the compiler evaluates.
    evaluated: bool,
    /// In the type or the value of a thread-local.
    of_thread: bool,
    error: Option<Error>,
}

impl Paths<'_> {
    /// Whether it is left to `std` here.
    fn stays(&self, path: &StdPath) -> bool {
        self.kept.has(path)
            || self.evaluated && path.is_const_in_std_only()
            // `LocalKey` has methods for cells of `std`'s, and for no others. Each is one thread's.
            || self.of_thread && path.is_cell()
    }

    /// What the path means, whole, and how many of its segments stand for the first `usize` of its names.
    fn resolve(&self, path: &Path) -> Option<(StdPath, usize, usize)> {
        let names = path.segments.iter();
        let mut names: Vec<String> = names.map(|segment| segment.ident.to_string()).collect();
        let is_global = path.leading_colon.is_some();
        if is_global {
            names.insert(0, String::new());
        }
        let (base, taken) = self.scopes.resolve(&names)?;
        let known = base.names.len();
        let whole = names[taken..]
            .iter()
            .fold(base, |path, name| path.join(name));
        Some((whole, taken - usize::from(is_global), known))
    }

    /// Rewrites what the path begins with; returns how many segments it has more now.
    fn rewrite(&self, path: &mut Path) -> isize {
        let Some((meant, taken, known)) = self.resolve(path) else {
            return 0;
        };
        let span = path.segments[taken - 1].ident.span();
        let stays = self.stays(&meant);
        let is_tracked = |module: &String| meant.root.has_tracked(module);
        let mut start: Path = match (known, meant.names.first()) {
            (0, Some(module)) if is_tracked(module) && !stays => {
                let Ok(mut krate) = parse2::<Path>(self.krate.at(span)) else {
                    return 0;
                };
                for name in ["__private", "tracked", meant.root.name()] {
                    krate.segments.push(Ident::new(name, span).into());
                }
                krate
            }
            // By a name that has been led elsewhere.
            _ if stays && self.is_led(path, &meant, known) => std_path(&meant, known, span),
            _ => return 0,
        };
        let before = path.segments.len();
        let mut rest = std::mem::take(&mut path.segments)
            .into_iter()
            .skip(taken - 1);
        let arguments = rest.next().map(|segment| segment.arguments);
        if let Some(last) = start.segments.last_mut() {
            last.arguments = arguments.unwrap_or(PathArguments::None);
        }
        start.segments.extend(rest);
        *path = start;
        path.segments.len().cast_signed() - before.cast_signed()
    }

    /// Whether the path begins with a name that a `use` here has brought from racecheck, and not with the crate's own.
    fn is_led(&self, path: &Path, meant: &StdPath, known: usize) -> bool {
        let first = path.segments[0].ident.to_string();
        let mut brought = meant.clone();
        brought.names.truncate(known);
        path.leading_colon.is_none()
            && (Root::named(&first).is_none() || self.scopes.sees(&first))
            && !self.kept.has(&brought)
    }

    /// The same where a type may stand before the path, in angle brackets, with the trait that the path begins with.
    fn rewrite_qualified(&mut self, qself: &mut Option<QSelf>, path: &mut Path) {
        if let Some(qself) = qself {
            self.visit_type_mut(&mut qself.ty);
            visit_mut::visit_path_mut(self, path);
            if qself.position > 0 {
                qself.position = qself.position.saturating_add_signed(self.rewrite(path));
            }
        } else {
            self.visit_path_mut(path);
        }
    }

    /// The tracked `Arc` in a receiver's type: itself, behind a reference, or pinned.
    fn arc_in<'a>(&self, ty: &'a Type) -> Option<&'a Path> {
        let path = match ty {
            Type::Reference(reference) => return self.arc_in(&reference.elem),
            Type::Paren(paren) => return self.arc_in(&paren.elem),
            Type::Path(TypePath { qself: None, path }) => path,
            _ => return None,
        };
        if let Some((meant, ..)) = self.resolve(path)
            && meant.names == ["sync", "Arc"]
        {
            return (!self.stays(&meant)).then_some(path);
        }
        let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(ty) => self.arc_in(ty),
            _ => None,
        })
    }

    fn evaluated(&mut self, evaluated: bool, visit: impl FnOnce(&mut Self)) {
        let around = std::mem::replace(&mut self.evaluated, evaluated);
        visit(self);
        self.evaluated = around;
    }

    /// Of a function, or of whatever else runs by itself.
    fn body(&mut self, constness: Option<Token![const]>, block: &mut Block) {
        let of_thread = std::mem::take(&mut self.of_thread);
        self.evaluated(constness.is_some(), |paths| paths.visit_block_mut(block));
        self.of_thread = of_thread;
    }
}

/// The first `known` names of a path, from its root.
fn std_path(meant: &StdPath, known: usize, span: Span) -> Path {
    let names = std::iter::once(meant.root.name());
    let names = names.chain(meant.names[..known].iter().map(String::as_str));
    let segment = |name| PathSegment::from(Ident::new(name, span));
    Path {
        leading_colon: Some(Token![::](span)),
        segments: names.map(segment).collect(),
    }
}

impl VisitMut for Paths<'_> {
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}

    fn visit_visibility_mut(&mut self, _: &mut Visibility) {}

    fn visit_item_mut(&mut self, item: &mut Item) {
        let instead = match item {
            Item::Use(item) => self.rewrite_use(item),
            Item::ExternCrate(item) => self.rewrite_extern_crate(item),
            item => return visit_mut::visit_item_mut(self, item),
        };
        if let Some(instead) = instead {
            *item = instead;
        }
    }

    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        let Some((_, items)) = &mut module.content else {
            return;
        };
        self.scopes.enter_module(items);
        for item in items {
            self.visit_item_mut(item);
        }
        self.scopes.leave();
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scopes.enter_block(block);
        visit_mut::visit_block_mut(self, block);
        self.scopes.leave();
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        if path.segments.len() > 1 || self.of_thread {
            self.rewrite(path);
        }
    }

    fn visit_expr_path_mut(&mut self, expr: &mut ExprPath) {
        self.rewrite_qualified(&mut expr.qself, &mut expr.path);
    }

    fn visit_expr_struct_mut(&mut self, expr: &mut ExprStruct) {
        self.rewrite_qualified(&mut expr.qself, &mut expr.path);
        for field in &mut expr.fields {
            self.visit_field_value_mut(field);
        }
        if let Some(rest) = &mut expr.rest {
            self.visit_expr_mut(rest);
        }
    }

    fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
        self.rewrite_qualified(&mut ty.qself, &mut ty.path);
    }

    fn visit_pat_tuple_struct_mut(&mut self, pat: &mut PatTupleStruct) {
        self.rewrite_qualified(&mut pat.qself, &mut pat.path);
        for pat in &mut pat.elems {
            self.visit_pat_mut(pat);
        }
    }

    fn visit_pat_struct_mut(&mut self, pat: &mut syn::PatStruct) {
        self.rewrite_qualified(&mut pat.qself, &mut pat.path);
        for field in &mut pat.fields {
            self.visit_field_pat_mut(field);
        }
    }

    /// A function that a `use` has brought: elsewhere a name alone may be a variable.
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        if let Expr::Path(ExprPath {
            qself: None, path, ..
        }) = &mut *call.func
            && path.segments.len() == 1
            && self.evaluated
        {
            self.rewrite(path);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        macros::edit(mac, |part| match part {
            Part::Expr(expr) => self.visit_expr_mut(expr),
            Part::Pat(pat) => self.visit_pat_mut(pat),
            Part::ThreadLocal(ty, expr) => {
                let around = std::mem::replace(&mut self.of_thread, true);
                self.visit_type_mut(ty);
                self.visit_expr_mut(expr);
                self.of_thread = around;
            }
        });
    }

    fn visit_receiver_mut(&mut self, receiver: &mut Receiver) {
        if receiver.colon_token.is_some()
            && let Some(arc) = self.arc_in(&receiver.ty)
        {
            let message = "only `std`'s `Arc` can be a receiver: `keep(Arc)` among the attribute's arguments, or make it an argument, `this: Arc<Self>`";
            let error = Error::new_spanned(arc, message);
            self.error.get_or_insert(error);
        }
        visit_mut::visit_receiver_mut(self, receiver);
    }

    // What the compiler evaluates, and what is in there and runs all the same.

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        self.visit_signature_mut(&mut function.sig);
        self.body(function.sig.constness, &mut function.block);
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        self.visit_signature_mut(&mut function.sig);
        self.body(function.sig.constness, &mut function.block);
    }

    fn visit_trait_item_fn_mut(&mut self, function: &mut TraitItemFn) {
        self.visit_signature_mut(&mut function.sig);
        if let Some(block) = &mut function.default {
            self.body(function.sig.constness, block);
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        let evaluated = closure.constness.is_some();
        self.evaluated(evaluated, |paths| {
            visit_mut::visit_expr_closure_mut(paths, closure)
        });
    }

    fn visit_item_const_mut(&mut self, item: &mut ItemConst) {
        self.visit_type_mut(&mut item.ty);
        self.evaluated(true, |paths| paths.visit_expr_mut(&mut item.expr));
    }

    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        self.visit_type_mut(&mut item.ty);
        self.evaluated(true, |paths| paths.visit_expr_mut(&mut item.expr));
    }

    fn visit_impl_item_const_mut(&mut self, item: &mut ImplItemConst) {
        self.visit_type_mut(&mut item.ty);
        self.evaluated(true, |paths| paths.visit_expr_mut(&mut item.expr));
    }

    fn visit_trait_item_const_mut(&mut self, item: &mut TraitItemConst) {
        self.visit_type_mut(&mut item.ty);
        if let Some((_, value)) = &mut item.default {
            self.evaluated(true, |paths| paths.visit_expr_mut(value));
        }
    }

    fn visit_variant_mut(&mut self, variant: &mut Variant) {
        self.visit_fields_mut(&mut variant.fields);
        if let Some((_, value)) = &mut variant.discriminant {
            self.evaluated(true, |paths| paths.visit_expr_mut(value));
        }
    }

    fn visit_type_array_mut(&mut self, array: &mut TypeArray) {
        self.visit_type_mut(&mut array.elem);
        self.evaluated(true, |paths| paths.visit_expr_mut(&mut array.len));
    }

    fn visit_expr_repeat_mut(&mut self, array: &mut ExprRepeat) {
        self.visit_expr_mut(&mut array.expr);
        self.evaluated(true, |paths| paths.visit_expr_mut(&mut array.len));
    }

    fn visit_expr_const_mut(&mut self, expr: &mut syn::ExprConst) {
        self.evaluated(true, |paths| paths.visit_block_mut(&mut expr.block));
    }

    fn visit_generic_argument_mut(&mut self, argument: &mut GenericArgument) {
        let evaluated = match argument {
            GenericArgument::Const(_) | GenericArgument::AssocConst(_) => true,
            _ => self.evaluated,
        };
        self.evaluated(evaluated, |paths| {
            visit_mut::visit_generic_argument_mut(paths, argument)
        });
    }

    fn visit_const_param_mut(&mut self, parameter: &mut syn::ConstParam) {
        self.evaluated(true, |paths| {
            visit_mut::visit_const_param_mut(paths, parameter)
        });
    }
}
