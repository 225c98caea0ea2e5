//! What is no access, or none of raw memory, announces nothing: two unordered threads do both at once, and there is no report.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: the node is alive, and the threads run one after the other"
)]

use std::cell::Cell;

use racecheck::check;

use crate::judge::{none, one_after_the_other};

#[racecheck::instrument]
mod code {
    #![allow(
        clippy::all,
        unused,
        static_mut_refs,
        dangerous_implicit_autorefs,
        reason = "each line is a form, not what one would write"
    )]

    pub(super) struct Node {
        pub(super) n: u64,
        pub(super) empty: (),
        pub(super) text: String,
        pub(super) option: Option<u64>,
        pub(super) boxed: Box<u64>,
        pub(super) lock: racecheck::sync::Mutex<u64>,
    }

    /// Borrows, addresses, and what takes a reference.
    pub(super) fn borrows(p: *mut Node) {
        unsafe {
            let _ = &(*p).n;
            let _ = &mut (*p).n;
            let _ = &raw mut (*p).n;
            let _ = std::ptr::addr_of!((*p).n);
            let ref n = (*p).n;
            let Node { ref n, .. } = *p;
            match (*p).n {
                ref n => {}
            }
            if let Some(ref mut n) = (*p).option {}
            let _ = (*p).n;
            let _ = *p;
            _ = (*p).n;
            _ = *p;
            let (a, _) = (&(*p).n, ());
            (*p).empty = ();
            let unit = (*p).empty;
            let unit = (*p).empty == ();
        }
    }

    pub(super) struct Pair {
        pub(super) x: u64,
        pub(super) y: u64,
    }
    pub(super) static TARGET: Pair = Pair { x: 1, y: 2 };

    /// Patterns that go through a reference, which is read, to what they only borrow.
    pub(super) fn through_references() {
        let tuple = (1u8, &TARGET);
        let p = &raw const tuple;
        unsafe {
            let (a, Pair { x, .. }) = *p;
            let (a, to) = *p;
            let Pair { x, .. } = (*p).1;
        }
    }

    /// References, boxes, guards and clones of them.
    pub(super) fn others(node: &mut Node) {
        unsafe {
            let r = &mut *node;
            let n = (*r).n;
            (*r).n = n + 1;
            (*r).n += 1;
            *(*r).boxed += 1;
            let n = *(*r).boxed;
            let mut b = Box::new(5);
            *b += 1;
            *b = *b;
            let n = *(*r).lock.lock().unwrap();
            *(*r).lock.lock().unwrap() = n + 1;
            *(*r).lock.lock().unwrap() += 1;
            let s = &(*r).n;
            let n = *s;
            if *s == 1 {}
            match *s {
                0 => {}
                n => {}
            }
            let cell = std::cell::Cell::new(1);
            cell.replace(2);
            cell.swap(&std::cell::Cell::new(3));
            let mut list = vec![1, 2];
            list.swap(0, 1);
            let mut bytes: &[u8] = &[1];
            std::io::Read::read(&mut bytes, &mut [0]);
            std::sync::RwLock::new(1).read();
            std::sync::RwLock::new(1).write();
        }
    }

    pub(super) static PLAIN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    pub(super) const NUMBER: u64 = 1;

    /// Constants, and statics that are no `static mut`.
    pub(super) fn names() {
        unsafe {
            let n = NUMBER;
            let m = super::OUTER;
            let t = super::TEXTS;
            let u = super::NOISY;
            if m == super::OUTER {}
            let table = [1, 2, 3];
            let x = table[super::INDEX] + super::TABLE[table[0] - 1];
            PLAIN.load(std::sync::atomic::Ordering::Relaxed);
        }
    }
}
use code::Node;

const OUTER: u64 = 1;
const INDEX: usize = 1;
const TABLE: [usize; 2] = [1, 2];
const TEXTS: Vec<String> = Vec::new();
const NOISY: Noisy = Noisy;

thread_local! {
    static DROPS: Cell<usize> = const { Cell::new(0) };
}

struct Noisy;

impl Drop for Noisy {
    fn drop(&mut self) {
        DROPS.set(DROPS.get() + 1);
    }
}

#[derive(Clone, Copy)]
struct Shared(*mut Node);

// SAFETY: the threads of a test run one after the other.
unsafe impl Send for Shared {}

impl Shared {
    fn get(self) -> *mut Node {
        self.0
    }
}

fn node() -> Node {
    Node {
        n: 1,
        empty: (),
        text: String::new(),
        option: Some(1),
        boxed: Box::new(1),
        lock: racecheck::sync::Mutex::new(1),
    }
}

#[test]
fn borrows_are_no_accesses() {
    let mut node = node();
    let shared = Shared(&raw mut node);
    none(|| one_after_the_other(move || code::borrows(shared.get()), move || write(shared)));
    none(|| one_after_the_other(move || write(shared), move || code::borrows(shared.get())));
}

/// Whatever is announced of the node would race with this.
fn write(shared: Shared) {
    racecheck::ptr::write_range(shared.get(), 1);
}

#[test]
fn what_a_pattern_borrows_through_a_reference_is_not_read() {
    let write = || racecheck::ptr::write_range((&raw const code::TARGET).cast_mut(), 1);
    none(|| one_after_the_other(write, code::through_references));
}

#[test]
fn other_pointers_are_not_raw() {
    let mut node = node();
    let shared = Shared(&raw mut node);
    // SAFETY: the threads run one after the other.
    let others = move || code::others(unsafe { &mut *shared.get() });
    none(|| one_after_the_other(others, move || write(shared)));
    none(|| one_after_the_other(move || write(shared), others));
}

#[test]
fn constants_are_no_statics() {
    none(|| one_after_the_other(code::names, code::names));
    DROPS.set(0);
    let _ = check(code::names);
    assert_eq!(DROPS.get(), 1, "a constant was made once more");
}
