//! What of `std` racecheck has in another form: the one list of names that the macro goes by.
//!
//! The code that is given names no more than modules of `racecheck::__private::tracked`, which hold all that `std`'s do, tracked where there is a
//! tracked form; so nothing that is missing here can fail to compile. The names are for what must be decided here: what `keep` means, and what can't
//! be called where the compiler evaluates. The tests below hold the list against `docs/std.md` and against those modules.

use syn::{Error, Path, Result};

use crate::arguments::nearest;

/// A crate that has the modules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Root {
    Std,
    Core,
    Alloc,
}

impl Root {
    pub(super) fn named(name: &str) -> Option<Root> {
        match name {
            "std" => Some(Root::Std),
            "core" => Some(Root::Core),
            "alloc" => Some(Root::Alloc),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Root::Std => "std",
            Root::Core => "core",
            Root::Alloc => "alloc",
        }
    }

    /// Whether the crate has a module of this name with something tracked in it.
    pub(super) fn has_tracked(self, module: &str) -> bool {
        let modules: &[&str] = match self {
            Root::Std => &["alloc", "cell", "ptr", "sync", "thread"],
            Root::Core => &["cell", "ptr", "sync"],
            Root::Alloc => &["alloc", "sync"],
        };
        modules.contains(&module)
    }

    /// Whether `name` of this module of `std`'s is in the crate too.
    fn has(self, module: &[&str], name: &str) -> bool {
        match (self, module) {
            (Root::Core, ["sync"]) => name == "atomic",
            (Root::Alloc, ["sync"]) => matches!(name, "Arc" | "Weak"),
            (_, []) => self.has_tracked(name),
            (_, [first, ..]) => self.has_tracked(first),
        }
    }
}

/// Something of one of these crates: the names after the crate's, which are the same in all that have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StdPath {
    pub(super) root: Root,
    pub(super) names: Vec<String>,
}

impl StdPath {
    /// What this module has under `name`, if that is a module or an item of the list.
    pub(super) fn listed(&self, name: &str) -> Option<StdPath> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if !self.root.has(&names, name) {
            return None;
        }
        let inner = self.join(name);
        inner.is_listed().then_some(inner)
    }

    pub(super) fn join(&self, name: &str) -> StdPath {
        let mut inner = self.clone();
        inner.names.push(name.to_owned());
        inner
    }

    fn is_listed(&self) -> bool {
        listed().any(|listed| listed == self.names)
    }

    /// Whether it is a function of `ptr` that is `const` in `std` and not in racecheck, which tells the engine.
    pub(super) fn is_const_in_std_only(&self) -> bool {
        matches!(&self.names[..], [module, _] if module == "ptr") && self.is_listed()
    }

    /// Whether it is the crate, or a module with something tracked in it.
    pub(super) fn is_module(&self) -> bool {
        self.names.is_empty() || MODULES.iter().any(|module| module.path == self.names)
    }

    /// Whether a path can't go on after it: it is a function.
    pub(super) fn is_function(&self) -> bool {
        let is_lower = |name: &String| name.starts_with(|c: char| c.is_lowercase());
        self.names.last().is_some_and(is_lower) && !self.is_module()
    }

    pub(super) fn is_cell(&self) -> bool {
        self.names.first().is_some_and(|module| module == "cell")
    }
}

/// A module, and what in it has a tracked form.
pub(super) struct Module {
    pub(super) path: &'static [&'static str],
    pub(super) tracked: &'static [&'static str],
}

/// `UnsafeCell` is left to `std`: `unsafe` code relies on its size, and what is done through its pointer is announced where it is done.
pub(super) const MODULES: [Module; 7] = [
    Module {
        path: &["alloc"],
        tracked: &["alloc", "alloc_zeroed", "dealloc", "realloc"],
    },
    Module {
        path: &["cell"],
        tracked: &["Cell", "LazyCell", "OnceCell", "Ref", "RefCell", "RefMut"],
    },
    Module {
        path: &["ptr"],
        tracked: &[
            "copy",
            "copy_nonoverlapping",
            "drop_in_place",
            "read",
            "read_unaligned",
            "read_volatile",
            "replace",
            "swap",
            "swap_nonoverlapping",
            "write",
            "write_bytes",
            "write_unaligned",
            "write_volatile",
        ],
    },
    Module {
        path: &["sync"],
        tracked: &[
            "Arc",
            "Barrier",
            "BarrierWaitResult",
            "Condvar",
            "LazyLock",
            "Mutex",
            "MutexGuard",
            "ONCE_INIT",
            "Once",
            "OnceLock",
            "RwLock",
            "RwLockReadGuard",
            "RwLockWriteGuard",
            "Weak",
        ],
    },
    Module {
        path: &["sync", "atomic"],
        tracked: &[
            "ATOMIC_BOOL_INIT",
            "ATOMIC_ISIZE_INIT",
            "ATOMIC_USIZE_INIT",
            "AtomicBool",
            "AtomicI16",
            "AtomicI32",
            "AtomicI64",
            "AtomicI8",
            "AtomicIsize",
            "AtomicPtr",
            "AtomicU16",
            "AtomicU32",
            "AtomicU64",
            "AtomicU8",
            "AtomicUsize",
            "fence",
        ],
    },
    Module {
        path: &["sync", "mpsc"],
        tracked: &[
            "IntoIter",
            "Iter",
            "Receiver",
            "Sender",
            "SyncSender",
            "TryIter",
            "channel",
            "sync_channel",
        ],
    },
    Module {
        path: &["thread"],
        tracked: &[
            "Builder",
            "JoinHandle",
            "Scope",
            "ScopedJoinHandle",
            "Thread",
            "current",
            "park",
            "park_timeout",
            "park_timeout_ms",
            "scope",
            "spawn",
        ],
    },
];

/// All modules, and all that is tracked in them, as the names after the crate's.
fn listed() -> impl Iterator<Item = Vec<&'static str>> {
    MODULES.iter().flat_map(|module| {
        let items = module.tracked.iter();
        let items = items.map(|name| [module.path, &[*name]].concat());
        std::iter::once(module.path.to_vec()).chain(items)
    })
}

/// What `keep(…)` leaves to `std`.
#[derive(Default)]
pub(in crate::instrument) struct Kept {
    /// Whole crates, which may be others of that name.
    roots: Vec<Root>,
    /// Modules and items, by whatever crate they are named.
    names: Vec<Vec<String>>,
}

impl Kept {
    /// One more: a path of `std`, or the end of one.
    pub(in crate::instrument) fn add(&mut self, path: &Path) -> Result<()> {
        let written: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        // `alloc` is a crate, a module of two crates, and a function in it.
        let is_rooted = match &written[..] {
            [first] if let Some(root @ (Root::Std | Root::Core)) = Root::named(first) => {
                self.roots.push(root);
                return Ok(());
            }
            [first, second, ..] if first == "alloc" => Root::Alloc.has_tracked(second),
            [first, ..] => matches!(first.as_str(), "std" | "core"),
            [] => false,
        };
        let names = if is_rooted { &written[1..] } else { &written };
        let is_meant = |listed: &Vec<&str>| {
            if is_rooted {
                listed == names
            } else {
                listed.len() >= names.len() && listed[listed.len() - names.len()..] == *names
            }
        };
        let before = self.names.len();
        let meant = listed().filter(is_meant);
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        self.names.extend(meant.map(owned));
        if self.names.len() > before {
            return Ok(());
        }
        let name = written.join("::");
        let last = written.last().map_or("", String::as_str);
        let all: Vec<&str> = listed().filter_map(|names| names.last().copied()).collect();
        let hint = match nearest(last, &all) {
            Some(nearest) if nearest != last => format!("; did you mean `{nearest}`?"),
            _ => String::new(),
        };
        let message = format!(
            "`{name}` isn't replaced by anything, so there is nothing to keep: `keep` takes names and paths of `std` such as `Arc` or `std::thread`{hint}"
        );
        Err(Error::new_spanned(path, message))
    }

    /// Whether this, or something that it is in, is to stay.
    pub(super) fn has(&self, path: &StdPath) -> bool {
        let names = &path.names;
        self.roots.contains(&path.root) || self.names.iter().any(|kept| names.starts_with(kept))
    }

    /// The names in the module `of` that are to stay, where they aren't all.
    pub(super) fn within(&self, of: &StdPath) -> impl Iterator<Item = StdPath> {
        let length = of.names.len();
        let inside =
            move |kept: &&Vec<String>| kept.len() == length + 1 && kept.starts_with(&of.names);
        let names = self
            .names
            .iter()
            .filter(inside)
            .filter_map(|kept| kept.last());
        names.filter_map(|name| of.listed(name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use quote::ToTokens;
    use syn::visit_mut::{self, VisitMut};
    use syn::{ItemMod, ItemUse, UseTree, parse_file};

    use super::*;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

    /// The list, as `sync::Arc`.
    fn names() -> BTreeSet<String> {
        let items = MODULES.iter().flat_map(|module| {
            let path = module.path.join("::");
            module
                .tracked
                .iter()
                .map(move |name| format!("{path}::{name}"))
        });
        items.collect()
    }

    #[test]
    fn the_list_is_what_racecheck_has() {
        let page = fs::read_to_string(format!("{ROOT}/docs/std.md")).unwrap();
        let mut tracked = BTreeSet::new();
        let mut module = "";
        for line in page.lines() {
            if let Some(heading) = line.strip_prefix("## `std") {
                module = heading.trim_start_matches("::").trim_end_matches('`');
            } else if let Some((name, _)) = line.split_once("` | tracked |") {
                tracked.insert(format!("{module}::{}", name.trim_start_matches("| `")));
            }
        }
        assert!(tracked.remove("cell::UnsafeCell"));
        assert_eq!(names(), tracked);
    }

    /// What the modules that stand for `std`'s take from racecheck.
    #[derive(Default)]
    struct Taken {
        within: Vec<String>,
        names: BTreeSet<String>,
    }

    impl VisitMut for Taken {
        fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
            self.within.push(module.ident.to_string());
            visit_mut::visit_item_mod_mut(self, module);
            self.within.pop();
        }

        fn visit_item_use_mut(&mut self, item: &mut ItemUse) {
            let mut path = Vec::new();
            let mut tree = &item.tree;
            while let UseTree::Path(inner) = tree {
                path.push(inner.ident.to_string());
                tree = &inner.tree;
            }
            if path[0] != "crate" {
                return;
            }
            assert_eq!(self.within[0], "std", "the others take theirs from it");
            assert_eq!(path[1..], self.within[1..], "{}", item.to_token_stream());
            let names = match tree {
                UseTree::Group(group) => group.items.iter().collect(),
                tree => vec![tree],
            };
            let module = path[1..].join("::");
            let full = |name: &UseTree| format!("{module}::{}", name.to_token_stream());
            self.names.extend(names.into_iter().map(full));
        }
    }

    #[test]
    fn the_list_is_what_the_modules_have() {
        let source = fs::read_to_string(format!("{ROOT}/src/tracked.rs")).unwrap();
        let mut taken = Taken::default();
        taken.visit_file_mut(&mut parse_file(&source).unwrap());
        assert_eq!(names(), taken.names);
    }
}
