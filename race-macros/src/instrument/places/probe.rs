//! The code that announces, made of names in `racecheck::__private::instrument` only.
//!
//! Its tokens have the place of the access in the user's source, which a report names, and names of their own that no name of the user's can meet. What it
//! has of the user's tokens are places, whose address is taken by `&raw const`; in the branch of a pointer that isn't raw the borrow checker sees nothing.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, parse_quote_spanned};

use super::Context;
use super::closures::Closures;
use super::names::{Named, Names};
use super::spine::{self, Root};
use crate::arguments::Crate;

/// What is done with a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Its value is taken.
    Read,
    /// It gets another value.
    Write,
    /// It is compared: a read of a scalar.
    Compare,
    /// An operator gives it another value: a read and a write of a scalar.
    Update,
    /// Its method is called, one that takes scalars by value.
    Receive,
}

/// Makes probes for the accesses of one expression.
pub(super) struct Probe<'a> {
    pub(super) names: &'a Names,
    closures: &'a Closures,
    krate: &'a Crate,
    /// What has it can't meet names of the user's.
    pub(super) span: Span,
    /// What has it is where a report says that the access is: a call with the other span would be where the attribute is.
    pub(super) site: Span,
}

impl<'a> Probe<'a> {
    /// For accesses that are written where `at` begins.
    pub(super) fn new(context: Context<'a>, at: &impl Spanned) -> Probe<'a> {
        let site = at.span();
        Probe {
            names: context.names,
            closures: context.closures,
            krate: context.krate,
            span: Span::mixed_site().located_at(site),
            site,
        }
    }

    /// The module that has everything.
    pub(super) fn runtime(&self) -> TokenStream {
        let (site, krate) = (self.site, self.krate.at(self.site));
        quote_spanned! { site=> #krate::__private::instrument }
    }

    /// The statement that announces an access to a place, which must be in raw memory.
    pub(super) fn access(&self, access: Access, place: &impl ToTokens) -> TokenStream {
        let (site, runtime) = (self.site, self.runtime());
        let place =
            quote_spanned! { site=> #[allow(dangerous_implicit_autorefs)] &raw const #place };
        match access {
            Access::Read => quote_spanned! { site=> #runtime::read(#place); },
            Access::Write => quote_spanned! { site=> #runtime::write(#place); },
            Access::Compare => quote_spanned! { site=> #runtime::Place::new(#place).compared(); },
            Access::Update => quote_spanned! { site=> #runtime::Place::new(#place).updated(); },
            Access::Receive => quote_spanned! { site=> #runtime::Place::new(#place).received(); },
        }
    }

    /// The place by its address, which is found once: the access is announced if it is in raw memory. That is for `pointer` to say, if it is known.
    pub(super) fn by_address(
        &self,
        access: Access,
        place: &Expr,
        pointer: Option<TokenStream>,
    ) -> TokenStream {
        let (site, runtime) = (self.site, self.runtime());
        let mutable = matches!(access, Access::Write | Access::Update);
        let place = match mutable {
            true => quote_spanned! { site=> #[allow(dangerous_implicit_autorefs)] &raw mut #place },
            false => {
                quote_spanned! { site=> #[allow(dangerous_implicit_autorefs)] &raw const #place }
            }
        };
        let typed = match &pointer {
            Some(pointer) => quote_spanned! { site=> #pointer.place(#place) },
            None => quote_spanned! { site=> #runtime::Place::new(#place) },
        };
        match (access, pointer) {
            (Access::Read, Some(pointer)) => quote_spanned! { site=> #pointer.reading(#place) },
            (Access::Read, None) => quote_spanned! { site=> #runtime::read(#place) },
            (Access::Write, Some(pointer)) => quote_spanned! { site=> #pointer.writing(#place) },
            (Access::Write, None) => quote_spanned! { site=> #runtime::writing(#place) },
            (Access::Update, _) => quote_spanned! { site=> #typed.updated() },
            (Access::Compare | Access::Receive, _) => quote_spanned! { site=> #typed.compared() },
        }
    }

    /// Statements that make `pointer`, of the type of a plain operand, which is neither touched nor borrowed.
    fn typed(&self, operand: &Expr) -> TokenStream {
        let (span, runtime) = (self.span, self.runtime());
        // A constant has no address; a packed field has no reference.
        let address = match spine::without_parentheses(operand) {
            Expr::Path(path) => quote_spanned! { span=> &#path },
            operand => {
                quote_spanned! { span=> #[allow(dangerous_implicit_autorefs)] &raw const #operand }
            }
        };
        let ask = |name: &Ident| {
            quote_spanned! { span=>
                let #name = #runtime::Pointer::anywhere();
                #[allow(static_mut_refs, unreachable_code)]
                if false { loop {} #name.is(#address); }
            }
        };
        match self.closures.captured(self, operand, ask) {
            Some(outside) => quote_spanned! { span=> let pointer = &*#outside; },
            None => ask(&Ident::new("pointer", span)),
        }
    }

    /// An expression of type `Pointer`: that of a plain operand.
    pub(super) fn pointer(&self, operand: &Expr) -> TokenStream {
        let (span, typed) = (self.span, self.typed(operand));
        quote_spanned! { span=> ({ #typed pointer }) }
    }

    /// A statement that executes `announce` if the plain operand is a raw pointer.
    pub(super) fn if_raw(&self, operand: &Expr, announce: TokenStream) -> TokenStream {
        let (span, typed) = (self.span, self.typed(operand));
        quote_spanned! { span=> {
            #typed
            if pointer.is_raw() {
                pointer.proof();
                #announce
            }
        } }
    }

    /// The operand, a value, which is passed on (in a tuple: parentheses would be unneeded there, or needed): `announce` is executed if it is a raw pointer, by the name that it gets.
    pub(super) fn passing(
        &self,
        operand: &Expr,
        announce: impl FnOnce(Expr) -> TokenStream,
    ) -> Expr {
        let (span, runtime) = (self.span, self.runtime());
        let announce = announce(parse_quote_spanned! { span=> value });
        Expr::Verbatim(quote_spanned! { span=>
            (match (#operand,) {
                (value,) => {
                    let pointer = #runtime::Pointer::of(&value);
                    if pointer.is_raw() {
                        pointer.proof();
                        #announce
                    }
                    value
                }
            })
        })
    }

    /// Statements that announce the loads by which a plain place is found, innermost first: those of pointers that lie in raw memory themselves.
    pub(super) fn loads(&self, place: &Expr) -> TokenStream {
        match spine::root(place) {
            Root::Deref(operand) => {
                let mut loads = self.loads(operand);
                loads.extend(self.load(operand));
                loads
            }
            Root::Name(_) | Root::Value => TokenStream::new(),
        }
    }

    /// A statement that announces that a plain operand is loaded, if its own place is in raw memory.
    fn load(&self, operand: &Expr) -> TokenStream {
        let (span, loaded) = (self.span, self.pointer(operand));
        match spine::root(operand) {
            Root::Deref(outer) => {
                let load = self.access(Access::Read, operand);
                let load = quote_spanned! { span=> if #loaded.is_loaded() { #load } };
                self.if_raw(outer, load)
            }
            Root::Name(path) => match self.names.of(&path.path) {
                Named::Mutable => {
                    let load = self.access(Access::Read, operand);
                    quote_spanned! { span=> if #loaded.is_loaded() { #load } }
                }
                Named::Perhaps => self.perhaps(operand),
                Named::Other => TokenStream::new(),
            },
            Root::Value => TokenStream::new(),
        }
    }

    /// A statement that announces a read of what may be a constant: nothing is done unless its type is `Copy`.
    ///
    /// The reference is to memory that is read next, by the user's own code, so a race with it would be a race with that.
    pub(super) fn perhaps(&self, place: &Expr) -> TokenStream {
        let (span, site, runtime) = (self.span, self.site, self.runtime());
        let read = quote_spanned! { site=> #runtime::read(&#place); };
        quote_spanned! { span=> {
            let value = #runtime::Value::new();
            #[allow(static_mut_refs, unreachable_code)]
            if false { loop {} value.is(&#place); }
            #[allow(static_mut_refs)]
            if value.is_copy() {
                value.proof();
                #read
            }
        } }
    }

    /// The value, after these statements; the value itself if there are none.
    pub(super) fn then(&self, announced: TokenStream, value: Expr) -> Expr {
        if announced.is_empty() {
            return value;
        }
        let (span, runtime) = (self.span, self.runtime());
        Expr::Verbatim(quote_spanned! { span=> #runtime::then({ #announced }, #value) })
    }

    /// The value, before these statements.
    pub(super) fn after(&self, value: Expr, announced: TokenStream) -> Expr {
        if announced.is_empty() {
            return value;
        }
        let (span, runtime) = (self.span, self.runtime());
        Expr::Verbatim(quote_spanned! { span=> #runtime::after(#value, { #announced }) })
    }

    /// The place that an expression for a pointer leads to, after these statements.
    pub(super) fn behind(&self, announced: TokenStream, pointer: TokenStream) -> Expr {
        let (span, pointer) = (self.span, self.then(announced, Expr::Verbatim(pointer)));
        Expr::Verbatim(quote_spanned! { span=> (*#pointer) })
    }
}
