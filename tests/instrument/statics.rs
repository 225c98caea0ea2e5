//! `static mut`: by value, in part, by operators and by patterns.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: the threads run one after the other"
)]

use crate::judge::{none, one_after_the_other, races};
use racecheck::sync::Mutex;

type Access = fn() -> u32;

#[racecheck::instrument]
mod accesses {
    #![allow(clippy::all, unused)]
    use super::Access;

    #[derive(Clone, Copy)]
    pub(super) struct Pair {
        pub(super) a: u64,
        pub(super) b: [u32; 2],
    }
    pub(super) static mut PAIR: Pair = Pair { a: 1, b: [2, 3] };
    pub(super) static mut HEAD: *mut u64 = std::ptr::null_mut();

    /// Reads of `PAIR.a`.
    #[rustfmt::skip]
    pub(super) fn reads() -> Vec<Access> {
        vec![
        || unsafe { let n = PAIR.a; line!() },
        || unsafe { let p = PAIR; line!() },
        || unsafe { let p = super::accesses::PAIR; line!() },
        || unsafe { let n = PAIR.a == 1; line!() },
        || unsafe { let n = PAIR.a + 1; line!() },
        || unsafe { let n = PAIR.a.wrapping_add(1); line!() },
        || unsafe { let Pair { a, .. } = PAIR; line!() },
        || unsafe { match PAIR.a { 0 => {} _ => {} } line!() },
        || unsafe { assert_eq!(PAIR.a / 100, 0); line!() },
        ]
    }

    /// Writes of `PAIR.a`.
    #[rustfmt::skip]
    pub(super) fn writes() -> Vec<Access> {
        vec![
        || unsafe { PAIR.a = 1; line!() },
        || unsafe { PAIR = Pair { a: 1, b: [2, 3] }; line!() },
        || unsafe { PAIR.a += 1; line!() },
        || unsafe { super::accesses::PAIR.a = 1; line!() },
        ]
    }

    #[rustfmt::skip]
    pub(super) fn indexed() -> Vec<Access> {
        vec![
        || unsafe { PAIR.b[1] = 1; line!() },
        || unsafe { PAIR.b[[0, 1].len() - 1] = 1; line!() },
        || unsafe { PAIR.b[[0, 1].len() - 1] += 1; line!() },
        || unsafe { let n = PAIR.b[[0, 1].len() - 1]; line!() },
        || unsafe { let i = 1; let n = PAIR.b[i]; line!() },
        ]
    }

    #[rustfmt::skip]
    pub(super) fn heads() -> Vec<Access> {
        vec![
        || unsafe { HEAD = super::target(); line!() },
        || unsafe { let p = HEAD; line!() },
        || unsafe { let n = *HEAD; line!() },
        || unsafe { let n = &*HEAD; line!() },
        || unsafe { let n = HEAD.is_null(); line!() },
        || unsafe { let n = HEAD.cast::<u8>(); line!() },
        ]
    }

    /// One of another element, and a borrow.
    pub(super) fn beside() -> Vec<fn()> {
        vec![
            || unsafe { PAIR.b[0] = 1 },
            || unsafe { PAIR.a += 1 },
            || unsafe {
                let _ = &raw const PAIR;
            },
        ]
    }
}

/// The same through a name that nothing says is a `static mut`.
#[racecheck::instrument]
#[allow(clippy::all)]
fn elsewhere() -> u32 {
    use accesses::PAIR;
    // SAFETY: the threads run one after the other.
    let (_n, line) = unsafe { (PAIR.a, line!()) };
    line
}

fn target() -> *mut u64 {
    static TARGET: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    TARGET.as_ptr()
}

/// The tests share the statics.
static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[track_caller]
fn pair(first: Access, second: Access) {
    let _one = ONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    forget();
    races(|| one_after_the_other(first, second));
    forget();
    let lock = Mutex::new(());
    let locked = |access: Access| {
        let _guard = lock.lock().unwrap();
        access()
    };
    none(|| one_after_the_other(|| locked(first), || locked(second)));
}

fn forget() {
    racecheck::ptr::forget_range(&raw const accesses::PAIR, 1);
    racecheck::ptr::forget_range(&raw const accesses::HEAD, 1);
}

#[test]
fn accesses_race() {
    let (mut reads, writes) = (accesses::reads(), accesses::writes());
    reads.push(elsewhere);
    for &write in &writes {
        pair(write, writes[0]);
        for &read in &reads {
            pair(read, write);
            pair(write, read);
        }
    }
}

#[test]
fn elements_race_with_themselves() {
    let accesses = accesses::indexed();
    for &access in &accesses {
        pair(accesses[0], access);
    }
    let _one = ONE.lock().unwrap();
    for beside in accesses::beside() {
        forget();
        none(|| one_after_the_other(accesses[0], beside));
    }
}

#[test]
fn a_pointer_is_read_to_be_dereferenced() {
    let accesses = accesses::heads();
    for &access in &accesses {
        pair(accesses[0], access);
    }
}
