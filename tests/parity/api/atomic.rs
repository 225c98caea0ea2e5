//! `sync::atomic`.

use std::cell::UnsafeCell;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::super::lib::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use super::super::lib::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, compiler_fence, fence,
};
use super::{Results, panics};

pub(super) fn results(results: &mut Results) {
    integers(results);
    bools(results);
    pointers(results);
    of_other_memory(results);
    orderings(results);
    constants(results);
    auto_traits();
}

/// What all atomics have.
macro_rules! common {
    ($results:ident, $Atomic:ty, $value:ty, $old:expr, $new:expr) => {{
        let (old, new): ($value, $value) = ($old, $new);
        let mut atomic = <$Atomic>::new(old);
        $results.saw("new", &atomic);
        $results.saw("load", atomic.load(Acquire));
        atomic.store(new, Release);
        $results.saw("swap", atomic.swap(old, AcqRel));
        $results.saw(
            "exchanged",
            atomic.compare_exchange(old, new, SeqCst, Relaxed),
        );
        $results.saw(
            "not exchanged",
            atomic.compare_exchange(old, new, SeqCst, Relaxed),
        );
        $results.saw(
            "not exchanged",
            atomic.compare_exchange_weak(old, new, Release, Acquire),
        );
        while atomic
            .compare_exchange_weak(new, old, Release, Acquire)
            .is_err()
        {}
        $results.saw("exchanged weakly", &atomic);
        #[expect(deprecated, reason = "std has it still")]
        {
            let swaps = [Relaxed, Acquire, Release, AcqRel, SeqCst]
                .map(|order| atomic.compare_and_swap(old, new, order));
            $results.saw("compare_and_swap", swaps);
        }
        $results.saw(
            "updated",
            atomic.fetch_update(SeqCst, Acquire, |now| (now == new).then_some(old)),
        );
        $results.saw(
            "not updated",
            atomic.fetch_update(Relaxed, Relaxed, |now| (now == new).then_some(old)),
        );
        $results.saw(
            "updated",
            atomic.try_update(SeqCst, Acquire, |now| (now == old).then_some(new)),
        );
        $results.saw(
            "not updated",
            atomic.try_update(Relaxed, Relaxed, |now| (now == old).then_some(new)),
        );
        $results.saw("update", atomic.update(AcqRel, Acquire, |_| old));
        *atomic.get_mut() = new;
        // SAFETY: nobody else has it.
        $results.saw("as_ptr", unsafe { *atomic.as_ptr() } == new);
        $results.saw("into_inner", atomic.into_inner());
        $results.saw("default", <$Atomic>::default());
        $results.saw("from", <$Atomic>::from(new));
    }};
}

macro_rules! integers {
    ($results:ident: $($Atomic:ident $value:ident)*) => {$({
        static IN_A_STATIC: $Atomic = $Atomic::new(3);
        $results.saw("static", &IN_A_STATIC);
        common!($results, $Atomic, $value, 5, $value::MAX);
        let atomic = $Atomic::new($value::MAX - 1);
        $results.saw("add", (atomic.fetch_add(3, Relaxed), &atomic));
        $results.saw("sub", (atomic.fetch_sub(2, Acquire), &atomic));
        $results.saw("and", (atomic.fetch_and(0x5a, Release), &atomic));
        $results.saw("nand", (atomic.fetch_nand(0x33, AcqRel), &atomic));
        $results.saw("or", (atomic.fetch_or(0x0f, SeqCst), &atomic));
        $results.saw("xor", (atomic.fetch_xor(0x55, Relaxed), &atomic));
        $results.saw("max", (atomic.fetch_max(100, Acquire), &atomic));
        $results.saw("min", (atomic.fetch_min(7, Release), &atomic));
    })*};
}

fn integers(results: &mut Results) {
    integers!(results: AtomicI8 i8 AtomicU8 u8 AtomicI16 i16 AtomicU16 u16 AtomicI32 i32 AtomicU32 u32);
    integers!(results: AtomicI64 i64 AtomicU64 u64 AtomicIsize isize AtomicUsize usize);
}

fn bools(results: &mut Results) {
    common!(results, AtomicBool, bool, false, true);
    let atomic = AtomicBool::new(true);
    results.saw("and", (atomic.fetch_and(false, Relaxed), &atomic));
    results.saw("nand", (atomic.fetch_nand(true, Acquire), &atomic));
    results.saw("or", (atomic.fetch_or(false, Release), &atomic));
    results.saw("xor", (atomic.fetch_xor(true, AcqRel), &atomic));
    results.saw("not", (atomic.fetch_not(SeqCst), &atomic));
}

fn pointers(results: &mut Results) {
    let at = std::ptr::without_provenance_mut::<u32>;
    common!(results, AtomicPtr<u32>, *mut u32, at(64), at(128));
    let atomic = AtomicPtr::new(at(64));
    results.saw("pointer", format!("{atomic:p}"));
    results.saw("ptr_add", (atomic.fetch_ptr_add(2, Relaxed), &atomic));
    results.saw("ptr_sub", (atomic.fetch_ptr_sub(1, Acquire), &atomic));
    results.saw("byte_add", (atomic.fetch_byte_add(3, Release), &atomic));
    results.saw("byte_sub", (atomic.fetch_byte_sub(1, AcqRel), &atomic));
    results.saw("or", (atomic.fetch_or(1, SeqCst), &atomic));
    results.saw("and", (atomic.fetch_and(!3, Relaxed), &atomic));
    results.saw("xor", (atomic.fetch_xor(5, Acquire), &atomic));
}

fn of_other_memory(results: &mut Results) {
    let memory = UnsafeCell::new(1u32);
    // SAFETY: aligned and valid; the accesses through it and to `memory` itself take turns, on one thread.
    let atomic = unsafe { AtomicU32::from_ptr(memory.get()) };
    results.saw("from_ptr", atomic);
    results.saw("add", atomic.fetch_add(1, AcqRel));
    // SAFETY: as above.
    results.saw("memory", unsafe { *memory.get() });
    // SAFETY: as above.
    unsafe { *memory.get() = 9 };
    results.saw("written", atomic.load(Acquire));
    results.saw("the same", atomic.as_ptr() == memory.get());
    atomic.store(10, Release);
    results.saw("stored", memory.into_inner());

    let flag = AtomicBool::new(false);
    // SAFETY: the pointer is the atomic's own.
    let view = unsafe { AtomicBool::from_ptr(flag.as_ptr()) };
    results.saw("not", (view.fetch_not(SeqCst), &flag, view));
    flag.store(false, Release);
    results.saw("stored", view.load(Acquire));

    let mut value = 3u8;
    let slot = UnsafeCell::new(&raw mut value);
    // SAFETY: aligned and valid, and not used otherwise meanwhile.
    let pointer = unsafe { AtomicPtr::from_ptr(slot.get()) };
    // SAFETY: it points to `value`.
    results.saw("pointed to", unsafe { *pointer.load(Acquire) });
    pointer.store(std::ptr::null_mut(), Release);
    results.saw("null", (pointer, format!("{:p}", *pointer)));
}

fn orderings(results: &mut Results) {
    let atomic = AtomicUsize::new(1);
    for order in [Relaxed, Acquire, Release, AcqRel, SeqCst] {
        let load = || {
            let _ = atomic.load(order);
        };
        results.saw("load", (order, panics(load)));
        results.saw("store", panics(|| atomic.store(1, order)));
        results.saw("fence", panics(|| fence(order)));
        results.saw("compiler_fence", panics(|| compiler_fence(order)));
        let exchange = || {
            let _ = atomic.compare_exchange(1, 1, AcqRel, order);
        };
        results.saw("exchange", panics(exchange));
        let update = || {
            let _ = atomic.fetch_update(Relaxed, order, |_| None);
        };
        results.saw("update", panics(update));
    }
    let panic = panics(|| {
        let _ = atomic.update(Relaxed, Relaxed, |_| panic!("in the update"));
    });
    results.saw("panic", (panic, &atomic));
}

#[expect(deprecated, reason = "std has them still")]
fn constants(results: &mut Results) {
    use super::super::lib::sync::atomic::{
        ATOMIC_BOOL_INIT, ATOMIC_ISIZE_INIT, ATOMIC_USIZE_INIT, spin_loop_hint,
    };
    static FLAG: AtomicBool = ATOMIC_BOOL_INIT;
    static SIGNED: AtomicIsize = ATOMIC_ISIZE_INIT;
    static UNSIGNED: AtomicUsize = ATOMIC_USIZE_INIT;
    spin_loop_hint();
    results.saw("constants", (&FLAG, &SIGNED, &UNSIGNED));
}

fn auto_traits() {
    fn shared<T: Send + Sync + Unpin + RefUnwindSafe>() {}
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    /// Neither `Send` nor `Sync`, nor unwind-safe.
    type Local = *mut UnsafeCell<u8>;

    all::<AtomicBool>();
    all::<AtomicU8>();
    all::<AtomicI64>();
    all::<AtomicUsize>();
    all::<AtomicPtr<u8>>();
    shared::<AtomicPtr<Local>>();
    all::<Ordering>();
}
