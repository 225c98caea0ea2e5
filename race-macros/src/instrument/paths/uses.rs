//! `use` and `extern crate`: a tree is split where a part of it is to come from elsewhere.
//!
//! What is taken from where is decided for each leaf, so that no name is brought twice, and none is lost. An item becomes several, in one
//! `Item::Verbatim`, which can stand wherever the item stood.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Item, ItemExternCrate, ItemUse, UseGroup, UsePath, UseTree};

use super::Paths;
use super::names::{Root, StdPath};

/// What becomes of a part of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It stays as it is.
    Written,
    /// It comes from racecheck.
    Tracked,
    /// It comes from `std`, although the name before it doesn't any more.
    Std,
}

/// A `use` that is split.
#[derive(Default)]
struct Split {
    /// With the root that the tree begins with.
    tracked: Vec<UseTree>,
    /// As trees from `std`'s root, beginning with its name.
    std: Vec<UseTree>,
    /// Modules all of whose names are brought.
    globs: Vec<StdPath>,
    /// Whether something that is brought may have had its only uses led elsewhere: unused, it would be the program's fault no more.
    may_idle: bool,
}

impl Paths<'_> {
    /// Rewrites a `use`, if there is anything of `std`'s to come from elsewhere.
    pub(super) fn rewrite_use(&self, item: &ItemUse) -> Option<Item> {
        let mut split = Split::default();
        let written = self.split_root(item, item.tree.clone(), &mut split);
        let kept = split
            .globs
            .iter()
            .flat_map(|module| self.kept.within(module));
        // What the program calls so itself comes before a glob's, and would clash with this.
        let is_free = |path: &StdPath| {
            !path
                .names
                .last()
                .is_some_and(|name| self.scopes.binds(name))
        };
        let kept: Vec<StdPath> = kept.filter(is_free).collect();
        if split.tracked.is_empty() && split.std.is_empty() && kept.is_empty() {
            return None;
        }
        let ItemUse {
            attrs,
            vis,
            use_token,
            leading_colon,
            semi_token,
            ..
        } = item;
        let allow = split.may_idle.then(allow_idle);
        let mut tokens = TokenStream::new();
        if let Some(tree) = written {
            tokens.extend(quote! { #(#attrs)* #vis #use_token #leading_colon #tree #semi_token });
        }
        for tree in split.tracked {
            let krate = self.krate.at(tree.span());
            let within = quote_spanned! { tree.span()=> #krate::__private::tracked };
            tokens.extend(quote! { #allow #(#attrs)* #vis #use_token #within::#tree #semi_token });
        }
        for tree in split.std {
            tokens.extend(quote! { #(#attrs)* #vis #use_token ::#tree #semi_token });
        }
        for kept in kept {
            let ident = |name: &str| Ident::new(name, use_token.span);
            let root = ident(kept.root.name());
            let names = kept.names.iter().map(|name| ident(name));
            let allow = allow_idle();
            tokens.extend(quote_spanned! { use_token.span=>
                #allow
                #(#attrs)* #vis use ::#root #(::#names)*;
            });
        }
        Some(Item::Verbatim(tokens))
    }

    /// Takes out of `tree`, the whole of `item`'s or one of the trees in its outermost braces, what is to come from elsewhere; returns the rest.
    fn split_root(&self, item: &ItemUse, tree: UseTree, split: &mut Split) -> Option<UseTree> {
        let first = match &tree {
            UseTree::Group(_) => {
                return map_group(tree, |tree| self.split_root(item, tree, split));
            }
            UseTree::Path(inner) => &inner.ident,
            UseTree::Name(leaf) => &leaf.ident,
            UseTree::Rename(leaf) => &leaf.ident,
            UseTree::Glob(_) => return Some(tree),
        };
        let mut path = Vec::new();
        if item.leading_colon.is_some() {
            path.push(String::new());
        }
        path.push(first.to_string());
        if let UseTree::Path(inner) = &tree
            && let Some(next) = module_of_alloc(&inner.tree)
        {
            path.extend([next, String::new()]);
        }
        let Some((base, _)) = self.scopes.resolve(&path) else {
            return Some(tree);
        };
        // The crate itself, by its own name; any other name for it comes from a `use`, which is rewritten too.
        let is_root = base.names.is_empty() && first == base.root.name();
        let mut may_idle = false;
        let mut source = |path: &StdPath, is_glob: bool| {
            may_idle |= path.is_module() || path.is_cell() || path.is_const_in_std_only();
            self.source(path, is_root, is_glob)
        };
        let mut at = base.clone();
        let parts = match &tree {
            UseTree::Path(inner) => {
                let prefix = inner.ident.clone();
                let inner = (*inner.tree).clone();
                divide(inner, &mut at, &mut source, &mut split.globs)
                    .map(|part| part.map(|part| under(prefix.clone(), part)))
            }
            _ => divide_leaf(tree, source(&base, false)),
        };
        split.may_idle |= may_idle;
        let [written, tracked, std] = parts;
        split.tracked.extend(tracked);
        if let Some(tree) = std {
            split.std.push(from_root(tree, &base));
        }
        written
    }

    fn source(&self, path: &StdPath, is_root: bool, is_glob: bool) -> Source {
        let is_tracked = match path.names.first() {
            Some(module) => path.root.has_tracked(module),
            None => true,
        };
        match (is_tracked, self.kept.has(path)) {
            (true, false) if is_root => Source::Tracked,
            (true, true) if !is_root && !is_glob => Source::Std,
            _ => Source::Written,
        }
    }

    /// Rewrites an `extern crate`, which then is the crate's stand-in. Macros come from the crate only.
    pub(super) fn rewrite_extern_crate(&self, item: &ItemExternCrate) -> Option<Item> {
        let root = Root::named(&item.ident.to_string())?;
        let names = Vec::new();
        let takes_macros = |attribute: &syn::Attribute| attribute.path().is_ident("macro_use");
        if item.attrs.iter().any(takes_macros) || self.kept.has(&StdPath { root, names }) {
            return None;
        }
        let ItemExternCrate {
            attrs,
            vis,
            ident,
            rename,
            semi_token,
            ..
        } = item;
        let span = ident.span();
        let krate = self.krate.at(span);
        let rename = rename.as_ref().map(|(token, name)| quote! { #token #name });
        let within = quote_spanned! { span=> use #krate::__private::tracked };
        let allow = allow_idle();
        Some(Item::Verbatim(
            quote! { #allow #(#attrs)* #vis #within::#ident #rename #semi_token },
        ))
    }
}

fn allow_idle() -> TokenStream {
    quote! { #[allow(unused_imports)] }
}

/// What tells the crate `alloc`, which isn't declared here, from other things of that name: a module of its that is asked for.
fn module_of_alloc(within: &UseTree) -> Option<String> {
    match within {
        UseTree::Group(group) => group.items.iter().find_map(|tree| match tree {
            UseTree::Path(_) => module_of_alloc(tree),
            _ => None,
        }),
        UseTree::Glob(_) => None,
        UseTree::Path(inner) => Some(inner.ident.to_string()),
        leaf => Some(leaf_name(leaf)),
    }
    .filter(|name| Root::Alloc.has_tracked(name))
}

/// The part of a tree for each source.
type Parts = [Option<UseTree>; 3];

fn divide_leaf(leaf: UseTree, source: Source) -> Parts {
    let mut parts = [None, None, None];
    parts[source as usize] = Some(leaf);
    parts
}

/// Divides a tree that is under `at` by what `source` says of its leaves. Notes the globs that are taken over.
fn divide(
    tree: UseTree,
    at: &mut StdPath,
    source: &mut dyn FnMut(&StdPath, bool) -> Source,
    globs: &mut Vec<StdPath>,
) -> Parts {
    match tree {
        UseTree::Path(UsePath { ident, tree, .. }) => {
            at.names.push(ident.to_string());
            let parts = divide(*tree, at, source, globs);
            at.names.pop();
            parts.map(|part| part.map(|part| under(ident.clone(), part)))
        }
        UseTree::Group(group) => {
            let mut parts: [Punctuated<UseTree, _>; 3] = Default::default();
            for tree in group.items {
                let divided = divide(tree, at, source, globs);
                for (part, divided) in parts.iter_mut().zip(divided) {
                    part.extend(divided);
                }
            }
            parts.map(|items| {
                grouped(UseGroup {
                    items,
                    brace_token: group.brace_token,
                })
            })
        }
        UseTree::Glob(_) => {
            globs.push(at.clone());
            divide_leaf(tree, source(at, true))
        }
        UseTree::Name(_) | UseTree::Rename(_) => {
            let name = leaf_name(&tree);
            let path = if name == "self" {
                at.clone()
            } else {
                at.join(&name)
            };
            divide_leaf(tree, source(&path, false))
        }
    }
}

fn leaf_name(leaf: &UseTree) -> String {
    match leaf {
        UseTree::Name(leaf) => leaf.ident.to_string(),
        UseTree::Rename(leaf) => leaf.ident.to_string(),
        other => other.to_token_stream().to_string(),
    }
}

fn map_group(tree: UseTree, each: impl FnMut(UseTree) -> Option<UseTree>) -> Option<UseTree> {
    let UseTree::Group(mut group) = tree else {
        return Some(tree);
    };
    group.items = group.items.into_iter().filter_map(each).collect();
    grouped(group)
}

/// The group; what is alone in it needs no braces, and there are lints that mind them.
fn grouped(mut group: UseGroup) -> Option<UseTree> {
    match group.items.len() {
        0 => None,
        1 if leaf_name(&group.items[0]) != "self" => {
            group.items.pop().map(|pair| pair.into_value())
        }
        _ => Some(UseTree::Group(group)),
    }
}

fn under(ident: Ident, tree: UseTree) -> UseTree {
    let colon2_token = syn::Token![::](ident.span());
    UseTree::Path(UsePath {
        ident,
        colon2_token,
        tree: Box::new(tree),
    })
}

/// A tree whose first name is another for `base`, with `base` itself there.
fn from_root(tree: UseTree, base: &StdPath) -> UseTree {
    let span = tree.span();
    let names = std::iter::once(base.root.name()).chain(base.names.iter().map(String::as_str));
    let mut names: Vec<Ident> = names.map(|name| Ident::new(name, span)).collect();
    let mut tree = match tree {
        UseTree::Path(inner) => *inner.tree,
        UseTree::Name(leaf) => {
            let last = names.pop().unwrap_or_else(|| leaf.ident.clone());
            rename(last, leaf.ident)
        }
        UseTree::Rename(leaf) => {
            let last = names.pop().unwrap_or_else(|| leaf.ident.clone());
            rename(last, leaf.rename)
        }
        other => other,
    };
    for name in names.into_iter().rev() {
        tree = under(name, tree);
    }
    tree
}

fn rename(ident: Ident, rename: Ident) -> UseTree {
    if ident == rename {
        return UseTree::Name(syn::UseName { ident });
    }
    let as_token = syn::Token![as](rename.span());
    UseTree::Rename(syn::UseRename {
        ident,
        as_token,
        rename,
    })
}
