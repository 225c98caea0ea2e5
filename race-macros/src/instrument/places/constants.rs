//! Constants that read a `static mut`. The compiler refuses them when it evaluates them, and says what has happened but not what would be right.
//!
//! Only what is certainly read is an error: a place that is borrowed, or whose method is called, may be so in a constant.

use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, Item};

use super::names::{Named, Names};
use super::spine::{self, Root};

/// The names in an initialiser that it must not read become errors.
pub(super) fn check(names: &Names, initializer: &mut Expr) {
    Initializer(names).visit_expr_mut(initializer);
}

struct Initializer<'a>(&'a Names);

impl Initializer<'_> {
    /// The error for a place in a `static mut`, at its name.
    fn read(&self, place: &Expr) -> Option<Error> {
        let Root::Name(path) = spine::root(place) else {
            return None;
        };
        if self.0.of(&path.path) != Named::Mutable {
            return None;
        }
        let name = &path.path.segments.last()?.ident;
        let message = format!(
            "`{name}` is a `static mut`, which changes while the program runs, and this is evaluated before: read it in a function"
        );
        Some(Error::new_spanned(path, message))
    }

    /// A place that isn't read, but whose indices are.
    fn borrowed(&mut self, place: &mut Expr) {
        if !matches!(spine::root(place), Root::Name(_)) {
            self.visit_expr_mut(place);
        }
    }
}

impl VisitMut for Initializer<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some(error) = self.read(expr) {
            *expr = Expr::Verbatim(error.into_compile_error());
            return;
        }
        match expr {
            Expr::Reference(reference) => self.borrowed(&mut reference.expr),
            Expr::RawAddr(address) => self.borrowed(&mut address.expr),
            Expr::MethodCall(call) => {
                self.borrowed(&mut call.receiver);
                for argument in &mut call.args {
                    self.visit_expr_mut(argument);
                }
            }
            // They are for later.
            Expr::Closure(_) | Expr::Async(_) => {}
            expr => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
}
