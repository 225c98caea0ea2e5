//! Each form of access: two unordered threads race on it, on exactly these two lines, and are silent under a lock.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: all accesses are within the record, whose threads run one after the other"
)]

use racecheck::sync::Mutex;

use crate::judge::{none, one_after_the_other, races};

/// What the forms access.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Record {
    a: u64,
    b: [u32; 4],
    next: *mut Record,
    link: Option<*mut Record>,
    text: &'static str,
    call: fn(u64) -> u64,
}

/// A record that threads share by its address.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut Record);

// SAFETY: the threads of a test run one after the other; only the order is missing, which is what is tested.
unsafe impl Send for Shared {}

impl Shared {
    fn with<T>(test: impl FnOnce(Shared) -> T) -> T {
        let mut record = Record {
            a: 1,
            b: [1, 2, 3, 4],
            next: std::ptr::null_mut(),
            link: None,
            text: "",
            call: |n| n,
        };
        record.next = &raw mut record;
        record.link = Some(&raw mut record);
        let record = Box::into_raw(Box::new(record));
        // SAFETY: just made.
        unsafe {
            (*record).next = record;
            (*record).link = Some(record);
        }
        let result = test(Shared(record));
        // SAFETY: as above, and the threads have ended.
        drop(unsafe { Box::from_raw(record) });
        result
    }

    fn get(self) -> *mut Record {
        self.0
    }

    fn at<T>(self, offset: usize) -> *mut T {
        self.0.wrapping_byte_add(offset).cast()
    }
}

type Access = fn(Shared) -> u32;

#[racecheck::instrument]
mod accesses {
    #![allow(clippy::all, unused, unsafe_op_in_unsafe_fn)]
    use super::{Access, Record, Shared};
    use std::ptr::NonNull;

    /// Reads of `a`. One line each, with the access and its number.
    #[rustfmt::skip]
    pub(crate) fn reads() -> Vec<(&'static str, Access)> {
        vec![
        ("place", |s| unsafe { let p = s.0; let n = (*p).a; line!() }),
        ("value", |s| unsafe { let n = (*s.get()).a; line!() }),
        ("argument", |s| unsafe { let p = s.0; std::hint::black_box((*p).a); line!() }),
        ("operator", |s| unsafe { let p = s.0; let n = (*p).a + 1; line!() }),
        ("comparison", |s| unsafe { let p = s.0; let n = (*p).a == 1; line!() }),
        ("comparison, right", |s| unsafe { let p = s.0; let n = 1 < (*p).a; line!() }),
        ("comparison, value", |s| unsafe { let n = (*s.get()).a != 1; line!() }),
        ("cast", |s| unsafe { let p = s.0; let n = (*p).a as u8; line!() }),
        ("dereference", |s| unsafe { let p = s.at::<u64>(0); let n = *p; line!() }),
        ("dereference, const", |s| unsafe { let p = s.at::<u64>(0).cast_const(); let n = *p; line!() }),
        ("statement", |s| unsafe { let p = s.at::<u64>(0); *p; line!() }),
        ("whole", |s| unsafe { let p = s.0; let r = *p; line!() }),
        ("next", |s| unsafe { let p = s.0; let n = (*(*p).next).a; line!() }),
        ("next but one", |s| unsafe { let p = s.0; let n = (*(*(*p).next).next).a; line!() }),
        ("pattern", |s| unsafe { let p = s.0; let Record { a, .. } = *p; line!() }),
        ("pattern, value", |s| unsafe { let Record { a, .. } = *s.get(); line!() }),
        ("match, literal", |s| unsafe { let p = s.0; match (*p).a { 0 => {} _ => {} } line!() }),
        ("match, binding", |s| unsafe { let p = s.0; match *p { Record { a, .. } => {} } line!() }),
        ("match, range", |s| unsafe { match (*s.get()).a { 0..=5 | 9 => {} _ => {} } line!() }),
        ("if let", |s| unsafe { let p = s.0; if let Record { a: n @ 0..9, .. } = *p {} line!() }),
        ("let else", |s| unsafe { let p = s.0; let Record { a: n @ 0..9, .. } = *p else { panic!() }; line!() }),
        ("let chain", |s| unsafe { let p = s.0; if !p.is_null() && let Record { a: n @ 0..9, .. } = *p && n > 0 {} line!() }),
        ("while let", |s| unsafe { let p = s.0; while let Record { a: n @ 0..9, .. } = *p { break; } line!() }),
        ("method", |s| unsafe { let p = s.0; let n = (*p).a.wrapping_add(1); line!() }),
        ("method, value", |s| unsafe { let n = (*s.get()).a.is_power_of_two(); line!() }),
        ("read", |s| unsafe { let p = s.at::<u64>(0); p.read(); line!() }),
        ("read, value", |s| unsafe { s.at::<u64>(0).read(); line!() }),
        ("read_volatile", |s| unsafe { let p = s.at::<u64>(0); p.read_volatile(); line!() }),
        ("read_volatile, value", |s| unsafe { s.at::<u64>(0).read_volatile(); line!() }),
        ("read_unaligned", |s| unsafe { let p = s.at::<u16>(3); p.read_unaligned(); line!() }),
        ("read_unaligned, value", |s| unsafe { s.at::<u16>(3).cast_const().read_unaligned(); line!() }),
        ("NonNull", |s| unsafe { let p = NonNull::new(s.at::<u64>(0)).unwrap(); p.read(); line!() }),
        ("NonNull, value", |s| unsafe { NonNull::new(s.at::<u64>(0)).unwrap().read(); line!() }),
        ("assert", |s| unsafe { let p = s.0; assert!((*p).a < 9); line!() }),
        ("assert_eq", |s| unsafe { let p = s.0; assert_eq!((*p).a / 100, 0); line!() }),
        ("assert_ne", |s| unsafe { let p = s.0; assert_ne!((*p).a, 100); line!() }),
        ("format", |s| unsafe { let p = s.0; let t = format!("{} {n}", 1, n = (*p).a); line!() }),
        ("vec", |s| unsafe { let p = s.0; let v = vec![1, (*p).a]; line!() }),
        ("matches", |s| unsafe { let p = s.0; let v = matches!((*p).a, 0 | 1); line!() }),
        ("closure", |s| unsafe { let p = s.0; let f = || (*p).a; f(); line!() }),
        ("unsafe fn", |s| { unsafe fn f(p: *mut Record) -> (u64, u32) { ((*p).a, line!()) } unsafe { f(s.0).1 } }),
        ("struct", |s| unsafe { let p = s.0; struct S(u64); let x = S((*p).a); line!() }),
        ("array", |s| unsafe { let p = s.0; let x = [(*p).a; 2]; line!() }),
        ("await", |s| unsafe { let p = s.0; let x = async { (*p).a }; block_on(x); line!() }),
        ]
    }

    /// Writes of `a`.
    #[rustfmt::skip]
    pub(crate) fn writes() -> Vec<(&'static str, Access)> {
        vec![
        ("assign", |s| unsafe { let p = s.0; (*p).a = 1; line!() }),
        ("assign, value", |s| unsafe { (*s.get()).a = 1; line!() }),
        ("assign, dereference", |s| unsafe { let p = s.at::<u64>(0); *p = 1; line!() }),
        ("assign, next", |s| unsafe { let p = s.0; (*(*p).next).a = 1; line!() }),
        ("add", |s| unsafe { let p = s.0; (*p).a += 1; line!() }),
        ("add, value", |s| unsafe { (*s.get()).a |= 1; line!() }),
        ("shift", |s| unsafe { let p = s.at::<u64>(0); *p <<= 1; line!() }),
        ("write", |s| unsafe { let p = s.at::<u64>(0); p.write(1); line!() }),
        ("write, value", |s| unsafe { s.at::<u64>(0).write(1); line!() }),
        ("write_volatile", |s| unsafe { let p = s.at::<u64>(0); p.write_volatile(1); line!() }),
        ("write_volatile, value", |s| unsafe { s.at::<u64>(0).write_volatile(1); line!() }),
        ("write_unaligned", |s| unsafe { let p = s.at::<u16>(3); p.write_unaligned(1); line!() }),
        ("write_bytes", |s| unsafe { let p = s.at::<u8>(0); p.write_bytes(1, 4); line!() }),
        ("write_bytes, value", |s| unsafe { s.at::<u8>(0).write_bytes(1, 4); line!() }),
        ("replace", |s| unsafe { let p = s.at::<u64>(0); p.replace(1); line!() }),
        ("replace, value", |s| unsafe { s.at::<u64>(0).replace(1); line!() }),
        ("swap", |s| unsafe { let mut x = 1; let p = s.at::<u64>(0); p.swap(&mut x); line!() }),
        ("swap, other", |s| unsafe { let mut x = 1; let p = &raw mut x; p.swap(s.at::<u64>(0)); line!() }),
        ("swap, value", |s| unsafe { let mut x = 1; s.at::<u64>(0).swap(&mut x); line!() }),
        ("copy_from", |s| unsafe { let p = s.at::<u64>(0); p.copy_from(&2, 1); line!() }),
        ("copy_from, value", |s| unsafe { s.at::<u64>(0).copy_from_nonoverlapping(&2, 1); line!() }),
        ("copy_to", |s| unsafe { let x = 5u64; let p = &raw const x; p.copy_to(s.at::<u64>(0), 1); line!() }),
        ("copy_to, plain", |s| unsafe { let (x, d) = (5u64, s.at::<u64>(0)); let p = &raw const x; p.copy_to_nonoverlapping(d, 1); line!() }),
        ("NonNull", |s| unsafe { let p = NonNull::new(s.at::<u64>(0)).unwrap(); p.write(1); line!() }),
        ("NonNull, swap", |s| unsafe { let mut x = 1; let p = NonNull::new(s.at::<u64>(0)).unwrap(); p.swap(NonNull::from(&mut x)); line!() }),
        ]
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => unreachable!(),
        }
    }
}
use accesses::{reads, writes};

#[test]
fn reads_race_with_a_write() {
    for (name, read) in reads() {
        eprintln!("{name}");
        pair(read, writes()[0].1);
        pair(writes()[0].1, read);
    }
}

#[test]
fn writes_race_with_a_read_and_a_write() {
    for (name, write) in writes() {
        eprintln!("{name}");
        pair(write, writes()[0].1);
        pair(reads()[0].1, write);
        pair(write, reads()[0].1);
    }
}

#[test]
fn reads_do_not_race() {
    for (name, read) in reads() {
        eprintln!("{name}");
        Shared::with(|s| none(|| one_after_the_other(move || read(s), move || reads()[0].1(s))));
    }
}

/// A race, and none under a lock.
#[track_caller]
fn pair(first: Access, second: Access) {
    Shared::with(|s| races(|| one_after_the_other(move || first(s), move || second(s))));
    let lock = Mutex::new(());
    let lock = &lock;
    let locked = move |access: Access, s| {
        let _guard = lock.lock().unwrap();
        access(s)
    };
    Shared::with(|s| {
        none(|| one_after_the_other(move || locked(first, s), move || locked(second, s)));
    });
}
