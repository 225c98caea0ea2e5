//! Which names are of statics that can be written: those that the item declares `static mut`, and those that look as if they were.

use std::collections::HashSet;

use syn::visit_mut::{self, VisitMut};
use syn::{ConstParam, ForeignItemStatic, ItemConst, ItemStatic, Path, StaticMutability};

/// What is known of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// A `static mut`.
    Mutable,
    /// Written like a static or a constant.
    Perhaps,
    /// Neither: a variable, a constant, or a static that can't be written.
    Other,
}

/// The names that an item declares, wherever it does.
#[derive(Default)]
pub(super) struct Names {
    mutable: HashSet<String>,
    other: HashSet<String>,
}

impl Names {
    pub(super) fn add(&mut self, mutability: &StaticMutability, name: &syn::Ident) {
        let names = match mutability {
            StaticMutability::Mut(_) => &mut self.mutable,
            _ => &mut self.other,
        };
        names.insert(name.to_string());
    }

    pub(super) fn of(&self, path: &Path) -> Named {
        let mut segments = path.segments.iter().rev();
        let Some(last) = segments.next() else {
            return Named::Other;
        };
        let of_a_type = segments
            .next()
            .is_some_and(|segment| segment.ident.to_string().starts_with(char::is_uppercase));
        if of_a_type || !last.arguments.is_none() {
            return Named::Other;
        }
        let name = last.ident.to_string();
        match (self.mutable.contains(&name), self.other.contains(&name)) {
            (true, false) => Named::Mutable,
            (true, true) => Named::Perhaps,
            (false, true) => Named::Other,
            (false, false) if is_screaming(&name) => Named::Perhaps,
            (false, false) => Named::Other,
        }
    }
}

/// As statics are written. A single letter is more likely a constructor, which may be of a generic type, and then has no type by itself.
fn is_screaming(name: &str) -> bool {
    name.len() > 1 && name.contains(char::is_alphabetic) && !name.contains(char::is_lowercase)
}

impl VisitMut for Names {
    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        self.add(&item.mutability, &item.ident);
        visit_mut::visit_item_static_mut(self, item);
    }

    fn visit_foreign_item_static_mut(&mut self, item: &mut ForeignItemStatic) {
        self.add(&item.mutability, &item.ident);
    }

    fn visit_item_const_mut(&mut self, item: &mut ItemConst) {
        self.other.insert(item.ident.to_string());
        visit_mut::visit_item_const_mut(self, item);
    }

    fn visit_const_param_mut(&mut self, param: &mut ConstParam) {
        self.other.insert(param.ident.to_string());
    }
}
