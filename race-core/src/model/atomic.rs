//! `sync::atomic`: value and clock travel together. A load knows of exactly the stores that its value stands for: not of a later one, and
//! never less than the value it saw. `loom` itself sees to the bases' counts: a lost one is a leak, one too few a use after the end.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::model::{here, knows, model, run_as, thread};
use crate::primitive::global;
use crate::primitive::sync::atomic::{AtomicU64, fence as real_fence};
use crate::sync::atomic::{AtomicClock, fence};
use crate::thread::local;

#[derive(Default)]
struct Atomic {
    value: AtomicU64,
    clock: AtomicClock,
}

impl Atomic {
    fn load(&self, order: std::sync::atomic::Ordering) -> u64 {
        self.clock.load(order, here(), |_| self.value.load(order))
    }

    fn store(&self, value: u64, order: std::sync::atomic::Ordering) {
        self.clock
            .store(order, here(), |_| self.value.store(value, order));
    }

    fn add(&self, value: u64, order: std::sync::atomic::Ordering) {
        self.clock
            .rmw(order, here(), |_| self.value.fetch_add(value, order));
    }
}

global! {
    /// The clock of the value's address.
    static SHARED: AtomicClock = AtomicClock::new();
}

/// The value, as a view of it loads it.
fn load_by_address(atomic: &Atomic) -> u64 {
    SHARED.load(Acquire, here(), |_| atomic.value.load(Acquire))
}

fn expose(atomic: &Atomic) {
    local::enter_bare(|| atomic.clock.forward_to(&SHARED)).expect("outside the engine");
}

/// Two threads, in slots 1 and 0, use one atomic, which is handed back.
fn check(writer: fn(&Atomic), reader: fn(&Atomic), afterwards: fn(&Atomic)) {
    model(move |sides| {
        let atomic = Arc::new(Atomic::default());
        let (for_writer, for_reader) = (atomic.clone(), atomic.clone());
        sides.run(
            move || run_as(thread(1), || writer(&for_writer)),
            move || run_as(thread(0), || reader(&for_reader)),
        );
        run_as(thread(2), || afterwards(&atomic));
    });
}

#[test]
fn a_load_takes_the_clock_of_the_store_that_it_read() {
    let writer = |atomic: &Atomic| {
        atomic.store(1, Release);
        atomic.store(2, Release);
    };
    let reader = |atomic: &Atomic| {
        // The second may have nothing to learn, and then doesn't lock.
        for _ in 0..2 {
            let value = atomic.load(Acquire);
            assert_eq!((knows(1, 1), knows(1, 2)), (value >= 1, value >= 2));
        }
    };
    check(writer, reader, |_| ());
}

#[test]
fn a_relaxed_store_ends_the_release_sequence() {
    let writer = |atomic: &Atomic| {
        atomic.store(1, Release);
        atomic.store(2, Relaxed);
    };
    let reader = |atomic: &Atomic| {
        let first = atomic.load(Acquire);
        assert_eq!(knows(1, 1), first == 1);
        let second = atomic.load(Acquire);
        assert_eq!(knows(1, 1), first == 1 || second == 1);
        assert!(!knows(1, 2));
    };
    check(writer, reader, |_| ());
}

#[test]
fn read_modify_writes_add_up() {
    let reader = |atomic: &Atomic| {
        atomic.add(2, Release);
        assert!(!knows(1, 1));
        // Its value stands for both, if the other one has been: the clock is nobody's epoch.
        let value = atomic.load(Acquire);
        assert_eq!(knows(1, 1), value == 3);
    };
    check(
        |atomic| atomic.add(1, AcqRel),
        reader,
        |atomic| {
            assert_eq!(atomic.load(Acquire), 3);
            assert!(knows(1, 1) && knows(0, 1));
        },
    );
}

#[test]
fn a_compare_exchange_is_one_or_the_other() {
    let reader = |atomic: &Atomic| {
        let exchange = |_| atomic.value.compare_exchange(0, 2, AcqRel, Acquire);
        let result = atomic
            .clock
            .compare_exchange(AcqRel, Acquire, here(), exchange);
        assert_eq!(knows(1, 1), result.is_err());
    };
    check(|atomic| atomic.store(1, Release), reader, |_| ());
}

#[test]
fn fences_carry_and_take() {
    let writer = |atomic: &Atomic| {
        real_fence(Release);
        fence(Release, here());
        atomic.store(1, Relaxed);
    };
    let reader = |atomic: &Atomic| {
        let value = atomic.load(Relaxed);
        assert!(!knows(1, 1));
        real_fence(Acquire);
        fence(Acquire, here());
        assert_eq!(knows(1, 1), value == 1);
    };
    check(writer, reader, |_| ());
}

#[test]
fn bases_are_replaced_while_others_clone_them() {
    let writer = |atomic: &Atomic| {
        atomic.load(Acquire);
        atomic.store(1, Release);
    };
    let reader = |atomic: &Atomic| {
        atomic.store(2, Release);
        // By now this may have learned something: another base.
        atomic.load(Acquire);
        atomic.store(3, Release);
    };
    check(writer, reader, |_| ());
}

#[test]
fn an_exposed_atomic_and_a_view_of_it_are_one() {
    let writer = |atomic: &Atomic| {
        atomic.store(1, Release);
        atomic.store(2, Release);
    };
    let reader = |atomic: &Atomic| {
        expose(atomic);
        let value = load_by_address(atomic);
        assert_eq!((knows(1, 1), knows(1, 2)), (value >= 1, value >= 2));
        let value = atomic.load(Acquire);
        assert_eq!((knows(1, 1), knows(1, 2)), (value >= 1, value >= 2));
    };
    check(writer, reader, |atomic| {
        assert_eq!(load_by_address(atomic), 2);
        assert!(knows(1, 2));
    });
}

#[test]
fn two_threads_may_expose_an_atomic() {
    let writer = |atomic: &Atomic| {
        expose(atomic);
        atomic.store(1, Release);
    };
    let reader = |atomic: &Atomic| {
        expose(atomic);
        let value = load_by_address(atomic);
        assert_eq!(knows(1, 1), value == 1);
    };
    check(writer, reader, |_| ());
}
