use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Release;

use proptest::prelude::*;

use super::*;
use crate::Position;
use crate::instrumented::atomic::Atomic;
use crate::own_process::in_its_own_process;
use crate::shadow::directory::{CHUNK_BITS, CHUNKS};
use crate::thread::local;

/// Addresses that are nobody's, 64 KiB for each test. In the middle of them a chunk ends.
fn memory(number: usize) -> usize {
    0x6100_0000_0000 + (number << CHUNK_BITS) - (1 << 15)
}

fn release(clock: &AtomicClock) {
    clock.store(Release, Location::caller(), |_| ());
}

fn carries_nothing(clock: &AtomicClock) -> bool {
    format!("{clock:?}") == format!("{:?}", AtomicClock::new())
}

#[test]
fn a_forgotten_address_carries_nothing() {
    let address = memory(1) + 16;
    let before = clock_of(address);
    release(before);
    assert!(ptr::eq(clock_of(address), before));
    assert!(!carries_nothing(before));
    forget_all(address, 8);
    assert!(last_clock_of(address).is_none());
    assert!(carries_nothing(clock_of(address)));
}

#[test]
fn only_what_is_freed_is_forgotten() {
    // A chunk ends in the middle.
    let start = memory(2) + (1 << 15) - 32;
    let all = || (start..start + 64).step_by(4);
    all().for_each(|address| release(clock_of(address)));
    // From the middle of a granule to the middle of another.
    forget_all(start + 12, 40);
    for address in all() {
        let is_freed = (start + 16..start + 48).contains(&address);
        assert_eq!(carries_nothing(clock_of(address)), is_freed, "{address:x}");
    }
    forget_all(start, 64);
    assert!(all().all(|address| carries_nothing(clock_of(address))));
}

#[test]
fn what_somebody_has_for_ever_stays() {
    let address = memory(3);
    let view = view(address);
    release(clock_of(address));
    forget_all(address, 8);
    assert!(!carries_nothing(clock_of(address)));
    assert!(ptr::eq(super::view(address), view));
    let exposed = kept_clock_of(address + 8);
    release(exposed);
    for _ in 0..2 {
        forget_all(address, 32);
        assert!(!carries_nothing(exposed));
        assert!(ptr::eq(clock_of(address + 8), exposed));
    }
}

#[test]
fn an_address_beyond_all_chunks_has_a_clock() {
    let beyond = CHUNKS << CHUNK_BITS;
    if beyond == 0 {
        return;
    }
    let all: Vec<_> = (beyond..beyond + 4096).step_by(4).collect();
    let clocks: Vec<_> = all.iter().map(|address| clock_of(*address)).collect();
    forget_all(beyond, 4096);
    let different: HashSet<_> = clocks.iter().map(|clock| ptr::from_ref(*clock)).collect();
    assert_eq!(different.len(), all.len());
    for (address, clock) in all.iter().zip(clocks) {
        assert!(ptr::eq(clock_of(*address), clock));
    }
}

/// The limit is the whole process's.
#[cfg(unix)]
#[test]
fn when_memory_is_short_each_address_has_one_clock() {
    in_its_own_process(
        "sync::outlying::tests::when_memory_is_short_each_address_has_one_clock",
        each_address_has_one_clock_when_memory_is_short,
    );
}

#[cfg(unix)]
fn each_address_has_one_clock_when_memory_is_short() {
    let (before, short) = (memory(1), memory(2));
    // With it comes room for more entries than are wanted below.
    let there = clock_of(before);
    let mut before_that = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for what is asked for.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut before_that) };
    assert_eq!(done, 0);
    let limit = |bytes| {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            ..before_that
        };
        // SAFETY: a limit, which is only read.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    };
    let all = || (short..short + 400).step_by(4);
    let mut clocks = Vec::with_capacity(100);
    limit(0);
    clocks.extend(all().map(clock_of).map(ptr::from_ref));
    limit(before_that.rlim_cur);
    // From here on there is room for a chunk.
    let different: HashSet<_> = clocks.iter().collect();
    assert_eq!(different.len(), clocks.len());
    forget_all(short, 400);
    assert!(all().map(clock_of).map(ptr::from_ref).eq(clocks));
    assert!(ptr::eq(clock_of(before), there));
    assert!(index::list(before).is_some() && index::list(short).is_none());
}

#[test]
fn many_addresses_that_come_and_go_are_few_entries() {
    in_its_own_process(
        "sync::outlying::tests::many_addresses_that_come_and_go_are_few_entries",
        many_come_and_go,
    );
}

fn many_come_and_go() {
    for round in 0..1_000 {
        let start = memory(0) + round * (16 << 10);
        let all = (start..start + 4096).step_by(8);
        all.for_each(|address| release(clock_of(address)));
        forget_all(start, 4096);
    }
    assert_eq!(entries::count(), 512);
}

/// What is remembered of addresses, and a range of them that is forgotten.
#[derive(Clone, Debug)]
enum Step {
    Release(usize),
    Keep(usize),
    Forget(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Addresses meet in granules, in words of bits, and on both sides of a chunk's end.
    let place = prop_oneof![0usize..64, 500usize..540, 0usize..4096];
    let step = prop_oneof![
        6 => place.clone().prop_map(Step::Release),
        1 => place.clone().prop_map(Step::Keep),
        3 => (place, prop_oneof![0usize..24, 0usize..2048])
            .prop_map(|(start, size)| Step::Forget(start, size)),
    ];
    proptest::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn an_address_has_its_clock_until_it_is_forgotten(steps in steps()) {
        // What is kept in one case stays.
        static CASES: AtomicUsize = AtomicUsize::new(0);
        let base = memory(100 + CASES.fetch_add(1, Relaxed)) + (1 << 15) - 2048;
        // Each address that carries something, and those that are kept.
        let mut carrying: HashMap<usize, *const AtomicClock> = HashMap::new();
        let mut kept = HashSet::new();
        for step in steps {
            match step {
                Step::Release(place) => {
                    let clock = clock_of(base + place);
                    release(clock);
                    let before = carrying.insert(place, clock);
                    prop_assert!(before.is_none_or(|before| ptr::eq(before, clock)));
                }
                Step::Keep(place) => {
                    let clock = kept_clock_of(base + place);
                    release(clock);
                    carrying.insert(place, clock);
                    kept.insert(place);
                }
                Step::Forget(start, size) => {
                    forget_all(base + start, size);
                    let whole = start.div_ceil(8)..(start + size) / 8;
                    let is_kept: HashSet<_> = kept.iter().map(|place| place / 8).collect();
                    carrying.retain(|place, _| {
                        let granule = place / 8;
                        !whole.contains(&granule) || is_kept.contains(&granule)
                    });
                }
            }
            let clocks: HashSet<_> = carrying.values().collect();
            prop_assert_eq!(clocks.len(), carrying.len());
        }
        for place in 0..6144 {
            match carrying.get(&place) {
                Some(clock) => prop_assert!(ptr::eq(clock_of(base + place), *clock)),
                None => prop_assert!(carries_nothing(clock_of(base + place))),
            }
        }
        forget_all(base, 1 << 14);
    }
}

/// Threads that use, free and use again what is theirs, granules side by side, and addresses that are everybody's, two in a granule.
#[test]
fn threads_that_come_and_go_side_by_side() {
    const THREADS: usize = 4;
    let start = memory(5) + (1 << 15) - 256;
    let shared = start + 4096;
    let all_here = Barrier::new(THREADS);
    let run = |number: usize| {
        let mine = move || (0..16).map(move |granule| start + (granule * THREADS + number) * 8);
        for round in 0..100 {
            all_here.wait();
            let both: Vec<_> = (shared..shared + 64).step_by(4).collect();
            let turn = (0..both.len()).map(|place| both[(place + number * 5) % both.len()]);
            let mut clocks: Vec<_> = turn.map(|address| (address, clock_of(address))).collect();
            for address in mine() {
                let clock = clock_of(address);
                assert!(carries_nothing(clock), "{round}");
                release(clock);
            }
            for address in mine() {
                assert!(!carries_nothing(clock_of(address)));
                forget_all(address, 8);
            }
            all_here.wait();
            // Whoever was first: all have the same.
            clocks.sort_by_key(|(address, _)| *address);
            for (address, clock) in clocks {
                let list = index::list(address).unwrap();
                assert!(ptr::eq(&entries::find(list, address).unwrap().clock, clock));
                assert!(ptr::eq(clock_of(address), clock));
            }
            if all_here.wait().is_leader() {
                forget_all(shared, 64);
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            let run = &run;
            scope.spawn(move || run(number));
        }
    });
}

/// Relaxed, on a thread of its own: what passes by orders nothing in other tests.
#[test]
fn a_signal_handler_finds_its_way() {
    let in_handler = || {
        let door = local::begin_handler();
        let atomic = Atomic {
            address: memory(6),
            size: 8,
            site: Position::of_code(1),
        };
        assert_eq!(atomic.load(Relaxed, || 1), 1);
        assert_eq!(atomic.store(Relaxed, || 2), 2);
        assert_eq!(atomic.rmw(Relaxed, || 3), 3);
        let exchange = || Ok::<_, ()>(4);
        assert_eq!(atomic.compare_exchange(Relaxed, Relaxed, exchange), Ok(4));
        view(memory(7));
        local::end_handler(door);
    };
    std::thread::spawn(in_handler).join().unwrap();
}
