//! What is read by matching: `let`, `if let`, `while let` and `match` on a place in raw memory.
//!
//! Each binding by value reads what it binds. Their places are found by matching first with bindings by reference, or, where the pattern can't fail, by
//! fields. A literal or a range reads a scalar. The tag of an enum has no address that a macro could know: it is not announced.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprBinary, FieldPat, Local, Member, Pat, Path, parse_quote_spanned};

use super::frees;
use super::names::Named;
use super::probe::{Access, Probe};
use super::region::{Region, pass_on, take};
use super::spine::{self, Root};

/// What a place is matched with.
enum Patterns<'a> {
    /// One that can't fail.
    Certain(&'a Pat),
    /// Several, and whether each has a guard.
    Tried(Vec<(&'a Pat, bool)>),
}

/// `if`, `while` and `match`.
pub(super) fn visit(region: &mut Region<'_>, expr: &mut Expr) {
    match expr {
        Expr::Match(matched) => {
            let arms = matched
                .arms
                .iter()
                .map(|arm| (&arm.pat, arm.guard.is_some()));
            let arms = Patterns::Tried(arms.collect());
            let announced = scrutinee(region, &mut matched.expr, &arms);
            for arm in &mut matched.arms {
                if let Some((_, guard)) = &mut arm.guard {
                    region.value(guard);
                }
                region.value(&mut arm.body);
            }
            before(region, announced, expr);
        }
        Expr::If(branch) => {
            let announced = condition(region, &mut branch.cond);
            region.visit_block_mut(&mut branch.then_branch);
            if let Some((_, otherwise)) = &mut branch.else_branch {
                region.value(otherwise);
            }
            before(region, announced, expr);
        }
        Expr::While(repeated) => {
            let announced = condition(region, &mut repeated.cond);
            region.visit_block_mut(&mut repeated.body);
            if announced.is_empty() {
                return;
            }
            let span = region.probe(&repeated.while_token).span;
            let (label, cond, body) = (&repeated.label, &repeated.cond, &repeated.body);
            *expr = Expr::Verbatim(quote_spanned! { span=>
                #label loop { #announced if #cond #body else { break } }
            });
        }
        _ => {}
    }
}

/// A block that executes the statements and then is what the expression is. A match has no temporaries beyond its scrutinee's, which has none.
fn before(region: &Region<'_>, announced: TokenStream, expr: &mut Expr) {
    if !announced.is_empty() {
        let span = region.probe(expr).span;
        let matched = take(expr);
        *expr = Expr::Verbatim(quote_spanned! { span=> { #announced #matched } });
    }
}

/// The condition of an `if` or a `while`. A `let` by itself gives what stands before it; those of a chain stay in it.
fn condition(region: &mut Region<'_>, cond: &mut Expr) -> TokenStream {
    match cond {
        Expr::Let(only) => {
            let pattern = Patterns::Tried(vec![(&only.pat, false)]);
            scrutinee(region, &mut only.expr, &pattern)
        }
        Expr::Binary(chain) if matches!(chain.op, BinOp::And(_)) && has_let(cond) => {
            let mut links = Vec::new();
            flatten(take(cond), &mut links);
            let mut whole: Option<Expr> = None;
            for mut link in links {
                let mut announced = TokenStream::new();
                match &mut link {
                    Expr::Let(one) => {
                        let pattern = Patterns::Tried(vec![(&one.pat, false)]);
                        announced = scrutinee(region, &mut one.expr, &pattern);
                    }
                    link => region.value(link),
                }
                if !announced.is_empty() {
                    let span = region.probe(&link).span;
                    let block = quote_spanned! { span=> { #announced true } };
                    whole = Some(and(whole, Expr::Verbatim(block)));
                }
                whole = Some(and(whole, link));
            }
            *cond = whole.expect("a chain has links");
            TokenStream::new()
        }
        cond => {
            region.value(cond);
            TokenStream::new()
        }
    }
}

fn has_let(cond: &Expr) -> bool {
    match cond {
        Expr::Let(_) => true,
        Expr::Binary(chain) if matches!(chain.op, BinOp::And(_)) => {
            has_let(&chain.left) || has_let(&chain.right)
        }
        _ => false,
    }
}

fn flatten(cond: Expr, links: &mut Vec<Expr>) {
    match cond {
        Expr::Binary(chain) if matches!(chain.op, BinOp::And(_)) => {
            flatten(*chain.left, links);
            flatten(*chain.right, links);
        }
        link => links.push(link),
    }
}

fn and(whole: Option<Expr>, link: Expr) -> Expr {
    match whole {
        None => link,
        Some(whole) => Expr::Binary(ExprBinary {
            attrs: Vec::new(),
            left: Box::new(whole),
            op: BinOp::And(syn::Token![&&](link.span())),
            right: Box::new(link),
        }),
    }
}

/// A `let`. Gives the statement that stands before it.
pub(super) fn local(region: &mut Region<'_>, local: &mut Local) -> TokenStream {
    let Some(init) = &mut local.init else {
        return TokenStream::new();
    };
    let certain = init.diverge.is_none();
    if let Some((_, otherwise)) = &mut init.diverge {
        region.value(otherwise);
    }
    let (pat, value) = (without_type(&local.pat), &mut *init.expr);
    match pat {
        Pat::Wild(_) if frees::is_from_raw(value) => {
            frees::freed(region, value);
            TokenStream::new()
        }
        Pat::Wild(_) => {
            region.place(value);
            TokenStream::new()
        }
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            region.value(value);
            TokenStream::new()
        }
        // Whether the statement is there at all is for its attributes to say.
        _ if !local.attrs.is_empty() => {
            region.place(value);
            TokenStream::new()
        }
        pat => {
            let patterns = match certain {
                true => Patterns::Certain(pat),
                false => Patterns::Tried(vec![(pat, false)]),
            };
            let announced = scrutinee(region, value, &patterns);
            let span = region.probe(value).span;
            match announced.is_empty() {
                true => announced,
                false => quote_spanned! { span=> { #announced } },
            }
        }
    }
}

fn without_type(pat: &Pat) -> &Pat {
    match pat {
        Pat::Type(typed) => without_type(&typed.pat),
        Pat::Paren(paren) => without_type(&paren.pat),
        pat => pat,
    }
}

/// A place that is matched. Gives what stands before it.
fn scrutinee(region: &mut Region<'_>, place: &mut Expr, arms: &Patterns<'_>) -> TokenStream {
    if !spine::is_place(place) {
        region.value(place);
        return TokenStream::new();
    }
    let probe = region.probe(place);
    let known = spine::has_plain_indices(place);
    match spine::root(place) {
        Root::Deref(operand) if spine::is_plain(operand) => {
            let mut announced = probe.loads(place);
            let reads = reads(&probe, place, arms);
            if known && !reads.is_empty() {
                announced.extend(probe.if_raw(operand, reads));
            }
            region.parts(place);
            announced
        }
        Root::Deref(_) => {
            let before = place.clone();
            region.parts(place);
            if known && !reads(&probe, &before, arms).is_empty() {
                pass_on(&probe, &before, place, |place| reads(&probe, &place, arms));
            }
            TokenStream::new()
        }
        Root::Name(path) if region.named(path) == Named::Mutable => {
            let reads = if known {
                reads(&probe, place, arms)
            } else {
                TokenStream::new()
            };
            region.parts(place);
            reads
        }
        _ => {
            region.parts(place);
            TokenStream::new()
        }
    }
}

/// Statements that announce what the arms read of the place, which is in raw memory; none if they read nothing that is known.
fn reads(probe: &Probe<'_>, place: &Expr, arms: &Patterns<'_>) -> TokenStream {
    let arms = match arms {
        Patterns::Certain(pat) => match Fields::of(probe, place, pat) {
            Some(fields) => return fields,
            None => &vec![(*pat, false)],
        },
        Patterns::Tried(arms) => arms,
    };
    let span = probe.span;
    let mut announced = TokenStream::new();
    if arms.first().is_some_and(|(pat, _)| tests_a_scalar(pat)) {
        announced.extend(probe.access(Access::Compare, place));
    }
    let mut bindings = 0;
    let mut all = TokenStream::new();
    for (pat, guarded) in arms {
        let mut pat = (*pat).clone();
        let mut by_reference = ByReference {
            probe,
            place,
            bind: !guarded,
            reads: Vec::new(),
            seen: Vec::new(),
            opaque: false,
        };
        by_reference.visit_pat_mut(&mut pat);
        if by_reference.opaque {
            return announced;
        }
        let reads = &by_reference.reads;
        bindings += reads.len();
        all.extend(quote_spanned! { span=> #[allow(unreachable_patterns, non_shorthand_field_patterns)] #pat => { #(#reads)* } });
    }
    if bindings > 0 {
        announced.extend(quote_spanned! { span=>
            match #place { #all #[allow(unreachable_patterns)] _ => {} }
        });
    }
    announced
}

/// Whether a pattern compares the value itself with constants.
fn tests_a_scalar(pat: &Pat) -> bool {
    match pat {
        Pat::Lit(_) | Pat::Range(_) | Pat::Path(_) => true,
        Pat::Ident(name) => is_constant(name) && name.subpat.is_none(),
        Pat::Or(or) => or.cases.first().is_some_and(tests_a_scalar),
        Pat::Paren(paren) => tests_a_scalar(&paren.pat),
        _ => false,
    }
}

/// Names that begin with a capital are constants, unit structs or variants.
fn is_constant(name: &syn::PatIdent) -> bool {
    name.ident.to_string().starts_with(char::is_uppercase)
}

/// Makes all bindings of a pattern references, those that were none to be announced; or no bindings at all.
struct ByReference<'a, 'b> {
    probe: &'a Probe<'b>,
    place: &'a Expr,
    bind: bool,
    reads: Vec<TokenStream>,
    seen: Vec<syn::Ident>,
    /// There is something in it that can't be seen into.
    opaque: bool,
}

impl VisitMut for ByReference<'_, '_> {
    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        match pat {
            Pat::Ident(name) if is_constant(name) => {}
            Pat::Ident(name) => {
                if let Some((_, pat)) = &mut name.subpat {
                    self.visit_pat_mut(pat);
                }
                let site = self.probe.site;
                if self.bind && name.by_ref.is_none() {
                    let (ident, runtime, place) = (&name.ident, self.probe.runtime(), self.place);
                    if !self.seen.contains(ident) {
                        self.seen.push(ident.clone());
                        self.reads
                            .push(quote_spanned! { site=> #runtime::read_within(&raw const #place, #ident); });
                    }
                    name.by_ref = Some(syn::Token![ref](name.ident.span()));
                    name.mutability = None;
                } else {
                    *pat = match name.subpat.take() {
                        Some((_, pat)) => *pat,
                        None => wild(site),
                    };
                }
            }
            // What is behind a reference is not in the place.
            Pat::Reference(reference) => {
                let bind = std::mem::replace(&mut self.bind, false);
                self.visit_pat_mut(&mut reference.pat);
                self.bind = bind;
            }
            Pat::Macro(_) | Pat::Verbatim(_) => self.opaque = true,
            pat => visit_mut::visit_pat_mut(self, pat),
        }
    }

    fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
        field.colon_token.get_or_insert_with(Default::default);
        self.visit_pat_mut(&mut field.pat);
    }

    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

fn wild(span: proc_macro2::Span) -> Pat {
    Pat::Wild(syn::PatWild {
        attrs: Vec::new(),
        underscore_token: syn::Token![_](span),
    })
}

/// A struct or a tuple that is taken apart by a pattern that can't fail. Its fields are known by name, so there is no need of references, which those of
/// a packed struct could not have.
struct Fields<'a, 'b> {
    probe: &'a Probe<'b>,
    whole: &'a Expr,
    announced: TokenStream,
}

impl Fields<'_, '_> {
    /// None if the pattern is of another kind.
    fn of(probe: &Probe<'_>, place: &Expr, pat: &Pat) -> Option<TokenStream> {
        let mut fields = Fields {
            probe,
            whole: place,
            announced: TokenStream::new(),
        };
        fields.take_apart(place, pat).then_some(fields.announced)
    }

    fn take_apart(&mut self, place: &Expr, pat: &Pat) -> bool {
        match pat {
            Pat::Struct(pat) if is_struct(&pat.path) => {
                for field in &pat.fields {
                    self.field(place, &field.member, &field.pat);
                }
            }
            Pat::Tuple(pat) => self.elements(place, &pat.elems),
            Pat::TupleStruct(pat) if is_struct(&pat.path) => self.elements(place, &pat.elems),
            Pat::Paren(pat) => return self.take_apart(place, &pat.pat),
            _ => return false,
        }
        true
    }

    /// What comes after `..` has a number that only its type knows.
    fn elements(&mut self, place: &Expr, pats: &Punctuated<Pat, syn::Token![,]>) {
        for (index, pat) in pats.iter().enumerate() {
            if matches!(pat, Pat::Rest(_)) {
                break;
            }
            self.field(place, &Member::from(index), pat);
        }
    }

    fn field(&mut self, place: &Expr, member: &Member, pat: &Pat) {
        let (span, site) = (self.probe.span, self.probe.site);
        let place: Expr = parse_quote_spanned! { span=> (#place).#member };
        match pat {
            Pat::Ident(name) if name.by_ref.is_none() && !is_constant(name) => {
                let (runtime, whole) = (self.probe.runtime(), self.whole);
                self.announced.extend(quote_spanned! { site=>
                    #runtime::read_within(&raw const #whole, &raw const #place);
                });
            }
            pat => {
                self.take_apart(&place, pat);
            }
        }
    }
}

/// Whether a path in a pattern is more likely a struct's than a variant's.
fn is_struct(path: &Path) -> bool {
    let mut names = path
        .segments
        .iter()
        .rev()
        .map(|segment| segment.ident.to_string());
    let last = names.next().unwrap_or_default();
    let of_a_type = names
        .next()
        .is_some_and(|name| name.starts_with(char::is_uppercase));
    !of_a_type && !["Some", "Ok", "Err"].contains(&&*last)
}
