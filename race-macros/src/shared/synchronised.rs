//! Which types stay as they are: those that are synchronised or tracked already, by the names that they have in `std` and in racecheck.
//!
//! A macro sees names and not types: an alias or a type of the user's own looks like plain data. `#[shared(skip)]` is for these.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Whether threads can use such a field together, or nobody can race on it.
pub(super) fn is(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is(&group.elem),
        Type::Paren(paren) => is(&paren.elem),
        Type::Array(array) => is(&array.elem),
        Type::Slice(slice) => is(&slice.elem),
        Type::Reference(reference) => reference.mutability.is_none() && is(&reference.elem),
        Type::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(is),
        Type::Path(path) => path.path.segments.last().is_some_and(names),
        _ => false,
    }
}

fn names(segment: &PathSegment) -> bool {
    let name = segment.ident.to_string();
    match name.as_str() {
        // `std::sync`, `std::thread`.
        "Barrier" | "Condvar" | "LazyLock" | "Mutex" | "Once" | "OnceLock" | "ReentrantLock"
        | "RwLock" | "JoinHandle" | "ScopedJoinHandle" | "Thread" | "Sender" | "SyncSender"
        | "Receiver" => true,
        // Tracked.
        "Shared" | "UnsafeCell" => true,
        // Nothing to race on.
        "PhantomData" => true,
        // A way to others: as synchronised as these are.
        "Arc" | "Weak" | "Box" | "CachePadded" => argument(segment).is_some_and(is),
        name => name.strip_prefix("Atomic").is_some_and(is_atomic),
    }
}

fn is_atomic(rest: &str) -> bool {
    let sizes = ["8", "16", "32", "64", "128", "size"];
    let integer = rest.strip_prefix(['I', 'U']);
    matches!(rest, "Bool" | "Ptr") || integer.is_some_and(|size| sizes.contains(&size))
}

/// The one type between the angle brackets.
fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    #[test]
    fn known_names_are_synchronised_and_no_others() {
        for ty in [
            "AtomicU64",
            "std::sync::atomic::AtomicIsize",
            "Mutex<Vec<u8>>",
            "::racecheck::sync::RwLock<()>",
            "Arc<Mutex<u8>>",
            "&'a AtomicBool",
            "[AtomicU8; 4]",
            "Box<[AtomicU8]>",
            "(AtomicU8, AtomicBool)",
            "mpsc::Sender<u8>",
            "Shared<u8>",
            "PhantomData<T>",
        ] {
            assert!(super::is(&parse_str(ty).unwrap()), "{ty}");
        }
        for ty in [
            "u64",
            "()",
            "&mut AtomicBool",
            "(AtomicU8, u8)",
            "Vec<AtomicU8>",
            "Option<Mutex<u8>>",
            "Arc<Vec<u8>>",
            "AtomicCounter",
            "*const AtomicU8",
            "fn(Mutex<u8>)",
            "RefCell<u8>",
        ] {
            assert!(!super::is(&parse_str(ty).unwrap()), "{ty}");
        }
    }
}
