//! What a name means where it stands, as far as it comes from `std`: the `use`s, the crates' names, and what shadows them.
//!
//! Only what is inside the item is known: a module's names, and those of the blocks around. It must never take a name for `std`'s that something
//! seen here has made another's.

use std::collections::{HashMap, HashSet};

use syn::{Block, Item, Stmt, UseTree};

use super::names::{Root, StdPath};

/// How often an alias is followed to another: no program has more, and two that lead to each other must end.
const ALIASES: usize = 16;

/// What a name of a module or a block stands for.
enum Binding {
    /// The path of a `use`, until it is followed.
    Use(Vec<String>),
    /// The crate, by `extern crate`.
    Crate(Root),
    Std(StdPath),
    /// Something else.
    Other,
}

/// What a glob brings.
enum Glob {
    /// All of this module of `std`'s.
    Std(StdPath),
    /// What the innermost of so many scopes has.
    Module(usize),
}

/// The names of a module or of a block.
#[derive(Default)]
struct Scope {
    /// A name outside of it is seen from within a block, and not from within a module.
    is_module: bool,
    names: HashMap<String, Binding>,
    /// Functions, constants and statics, whose names aren't in the way of modules.
    values: HashSet<String>,
    /// The paths of globs, until they are followed.
    paths: Vec<Vec<String>>,
    globs: Vec<Glob>,
}

impl Scope {
    fn of<'a>(items: impl Iterator<Item = &'a Item>, is_module: bool) -> Scope {
        let mut scope = Scope {
            is_module,
            ..Scope::default()
        };
        for item in items {
            scope.add(item);
        }
        scope
    }

    fn add(&mut self, item: &Item) {
        let (name, binding) = match item {
            Item::Const(item) => return self.add_value(&item.ident),
            Item::Fn(item) => return self.add_value(&item.sig.ident),
            Item::Static(item) => return self.add_value(&item.ident),
            Item::Use(item) => {
                let mut path = Vec::new();
                if item.leading_colon.is_some() {
                    path.push(String::new());
                }
                return self.add_tree(&item.tree, &mut path);
            }
            Item::ExternCrate(item) => {
                let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
                let root = Root::named(&item.ident.to_string());
                (name, root.map_or(Binding::Other, Binding::Crate))
            }
            Item::Enum(item) => (&item.ident, Binding::Other),
            Item::Mod(item) => (&item.ident, Binding::Other),
            Item::Struct(item) => (&item.ident, Binding::Other),
            Item::Trait(item) => (&item.ident, Binding::Other),
            Item::TraitAlias(item) => (&item.ident, Binding::Other),
            Item::Type(item) => (&item.ident, Binding::Other),
            Item::Union(item) => (&item.ident, Binding::Other),
            _ => return,
        };
        self.names.insert(name.to_string(), binding);
    }

    fn add_value(&mut self, name: &syn::Ident) {
        self.values.insert(name.to_string());
    }

    /// Each name that a `use` brings. A `path` that begins with `::` has an empty first name.
    fn add_tree(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        let (written, name) = match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.add_tree(&inner.tree, path);
                path.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, path);
                }
                return;
            }
            UseTree::Glob(_) => return self.paths.push(path.clone()),
            UseTree::Name(leaf) => (&leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => (&leaf.ident, &leaf.rename),
        };
        let mut path = path.clone();
        let mut name = name.to_string();
        if written == "self" {
            if name == "self" {
                name = path.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(written.to_string());
        }
        // A function's import and a crate may have one name.
        if !matches!(self.names.get(&name), Some(Binding::Crate(_))) {
            self.names.insert(name, Binding::Use(path));
        }
    }
}

/// The modules and blocks around a place, outermost first.
#[derive(Default)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    pub(super) fn enter_module(&mut self, items: &[Item]) {
        self.enter(Scope::of(items.iter(), true));
    }

    pub(super) fn enter_block(&mut self, block: &Block) {
        let items = block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        });
        self.enter(Scope::of(items, false));
    }

    /// Follows all that is brought, once: the globs first, since names may come from them.
    fn enter(&mut self, mut scope: Scope) {
        let paths = std::mem::take(&mut scope.paths);
        self.0.push(scope);
        let last = self.0.len() - 1;
        let globs = paths.iter().filter_map(|path| self.glob(path));
        self.0[last].globs = globs.collect();
        let names = self.0[last].names.iter();
        let names = names.filter_map(|(name, binding)| match binding {
            Binding::Use(path) => Some((
                name.clone(),
                self.follow(path, Some(name), last + 1, ALIASES),
            )),
            _ => None,
        });
        for (name, found) in names.collect::<Vec<_>>() {
            let binding = found.map_or(Binding::Other, Binding::Std);
            self.0[last].names.insert(name, binding);
        }
    }

    fn glob(&self, path: &[String]) -> Option<Glob> {
        let depth = self.0.len();
        match self.module(path, depth) {
            // Not itself: `use self::*` brings nothing.
            Some((module, taken)) if taken == path.len() => {
                (module < depth).then_some(Glob::Module(module))
            }
            _ => self.follow(path, None, depth, ALIASES).map(Glob::Std),
        }
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Whether the innermost scope says itself what `name` is.
    pub(super) fn binds(&self, name: &str) -> bool {
        let scope = self.0.last();
        scope.is_some_and(|scope| scope.names.contains_key(name) || scope.values.contains(name))
    }

    /// Whether any of those that a path can begin in says so.
    pub(super) fn sees(&self, name: &str) -> bool {
        let modules = self.0.iter().rposition(|scope| scope.is_module);
        let seen = &self.0[modules.unwrap_or(0)..];
        seen.iter().any(|scope| scope.names.contains_key(name))
    }

    /// What the beginning of a path means, and how many of its names that takes. A path that begins with `::` has an empty first name.
    pub(super) fn resolve(&self, path: &[String]) -> Option<(StdPath, usize)> {
        self.resolve_in(path, self.0.len(), None, ALIASES)
    }

    /// As seen from the innermost of the first `depth` scopes. `own` is the name that a `use` of this path brings, which it can't begin with.
    fn resolve_in(
        &self,
        path: &[String],
        depth: usize,
        own: Option<&str>,
        aliases: usize,
    ) -> Option<(StdPath, usize)> {
        let aliases = aliases.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let of_crate = |root| StdPath {
            root,
            names: Vec::new(),
        };
        if first.is_empty() {
            return Some((of_crate(Root::named(rest.first()?)?), 2));
        }
        if let Some((module, taken)) = self.module(path, depth) {
            let name = path.get(taken)?;
            let found = self.look_up(name, path.len() == taken + 1, module, aliases)??;
            return Some((found, taken + 1));
        }
        let mut depth = depth;
        while let Some(scope) = depth.checked_sub(1).map(|last| &self.0[last]) {
            if own != Some(first.as_str())
                && let Some(found) = self.look_up(first, path.len() == 1, depth, aliases)
            {
                return Some((found?, 1));
            }
            if scope.is_module {
                break;
            }
            depth -= 1;
        }
        let root = Root::named(first)?;
        // That crate has to be declared, which its user may have done outside. What else is called `alloc` has no such modules.
        let is_crate = match (root, rest) {
            (Root::Alloc, [module]) => own.is_some() || module == "sync",
            (Root::Alloc, [module, _, ..]) => root.has_tracked(module),
            (Root::Alloc, []) => false,
            _ => true,
        };
        is_crate.then(|| (of_crate(root), 1))
    }

    /// The number of scopes down to the module that the path's `self`s and `super`s mean, and how many of these there are.
    fn module(&self, path: &[String], depth: usize) -> Option<(usize, usize)> {
        let names = path.iter().map(String::as_str);
        let taken = names.take_while(|name| matches!(*name, "self" | "super"));
        let taken = taken.count();
        let up = path[..taken].iter().filter(|name| *name == "super").count();
        let mut modules = (0..depth).rev().filter(|&at| self.0[at].is_module);
        let at = modules.nth(up)?;
        (taken > 0).then_some((at + 1, taken))
    }

    /// What `name` means by the innermost of the first `depth` scopes alone: `Some(None)` if it isn't `std`'s. `is_whole`: no path goes on from it.
    fn look_up(
        &self,
        name: &str,
        is_whole: bool,
        depth: usize,
        aliases: usize,
    ) -> Option<Option<StdPath>> {
        let scope = &self.0[depth.checked_sub(1)?];
        if is_whole && scope.values.contains(name) {
            return Some(None);
        }
        let found = match scope.names.get(name) {
            Some(Binding::Crate(root)) => Some(StdPath {
                root: *root,
                names: Vec::new(),
            }),
            Some(Binding::Std(path)) => Some(path.clone()),
            Some(Binding::Use(path)) => self.follow(path, Some(name), depth, aliases),
            Some(Binding::Other) => return Some(None),
            None => return self.look_up_in_globs(name, is_whole, scope, aliases),
        };
        match found {
            // Another thing of its name is meant.
            Some(found) if found.is_function() && !is_whole => {
                self.look_up_in_globs(name, is_whole, scope, aliases)
            }
            found => Some(found),
        }
    }

    fn look_up_in_globs(
        &self,
        name: &str,
        is_whole: bool,
        scope: &Scope,
        aliases: usize,
    ) -> Option<Option<StdPath>> {
        scope.globs.iter().find_map(|glob| match glob {
            Glob::Module(depth) => self.look_up(name, is_whole, *depth, aliases),
            Glob::Std(module) => {
                let found = module.listed(name)?;
                (is_whole || !found.is_function()).then_some(Some(found))
            }
        })
    }

    /// What a whole path means.
    fn follow(
        &self,
        path: &[String],
        own: Option<&str>,
        depth: usize,
        aliases: usize,
    ) -> Option<StdPath> {
        let (found, taken) = self.resolve_in(path, depth, own, aliases)?;
        let rest = path[taken..].iter();
        Some(rest.fold(found, |found, name| found.join(name)))
    }
}
