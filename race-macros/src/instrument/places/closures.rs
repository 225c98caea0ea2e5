//! Closures capture what they mention, and an expansion that mentions a pointer by itself, to ask its type, would have more captured than the user's code.
//!
//! So of a variable that a closure gets from outside, the type is asked outside: before the outermost closure that gets it from there. What the closure is
//! given is a reference that lives as long as the type, by a dereference, which captures no variable. A `move` closure captures whole variables anyway.

use std::cell::RefCell;
use std::collections::HashSet;
use std::mem::take;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Ident, PatIdent};

use super::probe::Probe;
use super::spine::{self, Root};

/// The closures around the code that is visited, outermost first.
#[derive(Default)]
pub(super) struct Closures(RefCell<Vec<Closure>>);

struct Closure {
    moves: bool,
    /// The names of its parameters and of all variables in it.
    declares: HashSet<String>,
    /// What stands before it.
    asked: Vec<(String, Ident, TokenStream)>,
}

impl Closures {
    /// Visits something that captures nothing: an item.
    pub(super) fn outside<T>(&self, visit: impl FnOnce() -> T) -> T {
        let around = take(&mut *self.0.borrow_mut());
        let result = visit();
        *self.0.borrow_mut() = around;
        result
    }

    /// Visits a closure or an `async` block, which now has the statements before it that it needs; whatever else it is given is not visited.
    pub(super) fn inside(&self, probe: &Probe<'_>, expr: &mut Expr, visit: impl FnOnce(&mut Expr)) {
        let moves = match expr {
            Expr::Closure(closure) => closure.capture.is_some(),
            Expr::Async(block) => block.capture.is_some(),
            _ => return,
        };
        let mut declared = Declared(HashSet::new());
        declared.visit_expr_mut(&mut expr.clone());
        self.0.borrow_mut().push(Closure {
            moves,
            declares: declared.0,
            asked: Vec::new(),
        });
        visit(expr);
        let visited = self.0.borrow_mut().pop();
        let asked = visited.into_iter().flat_map(|closure| closure.asked);
        let asked: TokenStream = asked.map(|(_, _, statements)| statements).collect();
        if !asked.is_empty() {
            let span = probe.span;
            *expr = Expr::Verbatim(quote_spanned! { span=> { #asked #expr } });
        }
    }

    /// The name under which the type of a variable, or of a field of one, is known in here; none if that is to be asked here.
    pub(super) fn captured(
        &self,
        probe: &Probe<'_>,
        operand: &Expr,
        ask: impl FnOnce(&Ident) -> TokenStream,
    ) -> Option<Ident> {
        let variable = variable(operand)?;
        let mut closures = self.0.borrow_mut();
        let depth = closures.len();
        let gets = |closure: &&mut Closure| !closure.moves && !closure.declares.contains(&variable);
        let (level, outermost) = closures
            .iter_mut()
            .rev()
            .take_while(gets)
            .enumerate()
            .last()?;
        let written = operand.to_token_stream().to_string();
        if let Some((_, name, _)) = outermost.asked.iter().find(|(asked, ..)| *asked == written) {
            return Some(name.clone());
        }
        let name = format_ident!(
            "pointer{}_{}",
            depth - level,
            outermost.asked.len(),
            span = probe.span
        );
        let statements = ask(&name);
        outermost.asked.push((written, name.clone(), statements));
        Some(name)
    }
}

/// The variable that an expression is, or is a field of.
fn variable(expr: &Expr) -> Option<String> {
    let Root::Name(path) = spine::root(expr) else {
        return None;
    };
    let name = path.path.get_ident()?.to_string();
    (spine::has_no_indices(expr) && !name.starts_with(char::is_uppercase)).then_some(name)
}

struct Declared(HashSet<String>);

impl VisitMut for Declared {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        self.0.insert(pat.ident.to_string());
        visit_mut::visit_pat_ident_mut(self, pat);
    }
}
