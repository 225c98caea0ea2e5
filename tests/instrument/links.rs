//! Pointers that are read on the way, options of them, and memory that is freed.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: the node is alive, and the threads run one after the other"
)]

use crate::judge::{none, one_after_the_other, races};

pub(crate) struct Node {
    next: *mut Node,
    link: Option<*mut Node>,
    value: u64,
    text: String,
}

#[derive(Clone, Copy)]
struct Shared(*mut Node);

// SAFETY: the threads of a test run one after the other.
unsafe impl Send for Shared {}

impl Shared {
    fn new() -> Shared {
        let node = Box::into_raw(Box::new(Node {
            next: std::ptr::null_mut(),
            link: None,
            value: 1,
            text: String::from("text"),
        }));
        // SAFETY: just made.
        unsafe {
            (*node).next = node;
            (*node).link = Some(node);
        }
        Shared(node)
    }

    fn get(self) -> *mut Node {
        self.0
    }
}

type Access = fn(*mut Node) -> u32;

#[racecheck::instrument]
mod accesses {
    #![allow(clippy::all, unused, let_underscore_drop, dangerous_implicit_autorefs)]
    use super::{Access, Node};

    /// Reads of `next`.
    #[rustfmt::skip]
    pub(super) fn nexts() -> Vec<Access> {
        vec![
        |p| unsafe { (*p).next = p; line!() },
        |p| unsafe { let n = (*(*p).next).value; line!() },
        |p| unsafe { let n = &(*(*p).next).value; line!() },
        |p| unsafe { let n = &raw const (*(*p).next).value; line!() },
        |p| unsafe { let n = (*(*p).next).text.len(); line!() },
        |p| unsafe { let ref n = (*(*p).next).text; line!() },
        |p| unsafe { let n = (*p).next.is_null(); line!() },
        |p| unsafe { let n = (*p).next.cast::<u8>(); line!() },
        |p| unsafe { let n = (*p).next == p; line!() },
        |p| unsafe { while (*p).next != p {} line!() },
        ]
    }

    /// Reads of what `link` holds.
    #[rustfmt::skip]
    pub(super) fn links() -> Vec<Access> {
        vec![
        |p| unsafe { (*p).link = Some(p); line!() },
        |p| unsafe { if let Some(n) = (*p).link {} line!() },
        |p| unsafe { let Some(n) = (*p).link else { return 0 }; line!() },
        |p| unsafe { match (*p).link { None if p.is_null() => {} Some(n) => {} None => {} } line!() },
        |p| unsafe { while let Some(n) = (*p).link { break } line!() },
        |p| unsafe { if true && let Some(n) = (*p).link && n.is_null() {} line!() },
        |p| unsafe { let n = (*p).link; line!() },
        |p| unsafe { let Node { link: Some(n), .. } = *p else { return 0 }; line!() },
        |p| unsafe { match *p { Node { link: Some(n), value: 1.., .. } => {} _ => {} } line!() },
        |p| unsafe { match *p { Node { link: Some(n) | Some(n), .. } => {} _ => {} } line!() },
        |p| unsafe { let list = std::ptr::slice_from_raw_parts(p, 1); if let [Node { link, .. }] = *list {} line!() },
        ]
    }

    /// Frees of the whole.
    #[rustfmt::skip]
    pub(super) fn frees() -> Vec<Access> {
        vec![
        |p| unsafe { drop(Box::from_raw(p)); line!() },
        |p| unsafe { std::mem::drop(Box::<Node>::from_raw(p)); line!() },
        |p| unsafe { Box::from_raw(p); line!() },
        |p| unsafe { let _ = Box::from_raw(p); line!() },
        |p| unsafe { _ = Box::from_raw(p); line!() },
        |p| unsafe { let node = *Box::from_raw(p); line!() },
        |p| unsafe { let text = (*Box::from_raw(p)).text; line!() },
        |p| unsafe { drop(Box::from_raw(p as *mut dyn Any)); line!() },
        ]
    }
    trait Any {}
    impl Any for Node {}

    pub(super) fn value(p: *mut Node) -> u32 {
        unsafe { ((*p).value, line!()).1 }
    }

    pub(super) fn kept(p: *mut Node) {
        unsafe {
            let b = Box::from_raw(p);
            let p = Box::into_raw(b);
        }
    }
}

#[track_caller]
fn pair(first: Access, second: Access) {
    let node = Shared::new();
    races(|| one_after_the_other(move || first(node.get()), move || second(node.get())));
    // SAFETY: made by `Box::into_raw`.
    drop(unsafe { Box::from_raw(node.get()) });
}

#[test]
fn pointers_on_the_way_are_read() {
    let accesses = accesses::nexts();
    for &access in &accesses {
        pair(accesses[0], access);
        pair(access, accesses[0]);
    }
}

#[test]
fn bindings_are_read() {
    let accesses = accesses::links();
    for &access in &accesses {
        pair(accesses[0], access);
    }
}

#[test]
fn a_free_is_a_write() {
    for free in accesses::frees() {
        let node = Shared::new();
        races(|| {
            one_after_the_other(
                move || accesses::value(node.get()),
                move || free(node.get()),
            )
        });
    }
}

#[test]
fn a_box_that_is_kept_is_not_freed() {
    let node = Shared::new();
    none(|| {
        one_after_the_other(
            move || accesses::value(node.get()),
            move || accesses::kept(node.get()),
        )
    });
    // SAFETY: made by `Box::into_raw`.
    drop(unsafe { Box::from_raw(node.get()) });
}
