//! Lines with more accesses than an access can be compared with, of many threads.
//!
//! Such a line may keep, and report, more than a [`State`] would; but nothing that a [`State`] hasn't something for that stands for it and is ordered after it.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::primitive::sync::atomic::AtomicU32;
use crate::shadow::crowd;

/// An access to one byte, in a context of its own.
fn access_as(line: &Line, thread: &Thread, class: Class, context: u32) -> Vec<(u64, u32)> {
    let context = ContextId::from_bits(context);
    if context.is_some_and(|context| line.access_known(thread, 1, class, context)) {
        return Vec::new();
    }
    let mut raced = Conflicts::new();
    line.access(thread, 1, class, context, &mut raced);
    sorted(raced.iter().map(word_of))
}

/// As many threads as that have each made one access of this class in their first epoch, and know this.
fn crowd_of(count: usize, class: Class, knows: &[Epoch]) -> Line {
    let line = Line::default();
    for slot in 0..count {
        let thread = knowing(Epoch::new(slot, 1), knows);
        assert_eq!(access_as(&line, &thread, class, slot as u32 + 1), []);
    }
    assert!(line.is_crowded());
    line
}

impl Line {
    fn crowd(&self) -> Option<&'static crowd::Crowd> {
        crowd::get(self.slots.more.load(Relaxed))
    }

    fn is_crowded(&self) -> bool {
        self.crowd().is_some()
    }

    /// Whether a part of the crowd is a crowd.
    fn is_nested(&self) -> bool {
        self.crowd().is_some_and(|crowd| {
            let is_crowd = |place: &AtomicU32| crowd::get(place.load(Relaxed)).is_some();
            crowd.places().any(is_crowd)
        })
    }
}

const MANY: usize = 400;

#[test]
fn a_write_meets_exactly_the_reads_that_it_is_not_ordered_after() {
    for class in [Class::Read, Class::AtomicRead, Class::AtomicWrite] {
        let line = crowd_of(MANY, class, &[]);
        assert!(line.is_nested());
        let knows: Vec<_> = (0..MANY)
            .filter(|slot| slot % 50 != 7)
            .map(|slot| Epoch::new(slot, 1))
            .collect();
        let writer = knowing(Epoch::new(MANY, 1), &knows);
        let unknown = (0..MANY).filter(|slot| slot % 50 == 7);
        let words = unknown.map(|slot| {
            let tag = Epoch::new(slot, 1).bits() | class.tag();
            (tag, slot as u32 + 1)
        });
        assert_eq!(access_as(&line, &writer, Class::Write, 1000), sorted(words));
        assert_eq!(line.state_of(0).len(), 1, "the write stands for all");
    }
}

#[test]
fn an_atomic_write_meets_the_reads_that_are_plain() {
    let line = crowd_of(MANY, Class::AtomicRead, &[]);
    let reader = knowing(Epoch::new(MANY, 1), &[]);
    assert_eq!(access_as(&line, &reader, Class::Read, 1001), []);
    // What was there before it moves away, and so does the read.
    for slot in 0..MANY {
        let thread = knowing(Epoch::new(slot, 2), &[]);
        assert_eq!(access_as(&line, &thread, Class::AtomicRead, 1), []);
    }
    let writer = knowing(Epoch::new(MANY + 1, 1), &[]);
    let raced = access_as(&line, &writer, Class::AtomicWrite, 1002);
    assert_eq!(raced, [(reader.epoch.bits(), 1001)]);
}

#[test]
fn a_plain_write_before_a_crowd_is_met() {
    let line = Line::default();
    let maker = knowing(Epoch::new(MANY, 1), &[]);
    access_as(&line, &maker, Class::Write, 1000);
    let made = maker.epoch;
    for slot in 0..MANY {
        let thread = knowing(Epoch::new(slot, 1), &[made]);
        assert_eq!(access_as(&line, &thread, Class::AtomicRead, 1), []);
    }
    assert!(line.is_crowded());
    let stranger = knowing(Epoch::new(MANY + 1, 1), &[]);
    let raced = access_as(&line, &stranger, Class::AtomicRead, 1);
    assert_eq!(raced, [(made.bits() | Class::Write.tag(), 1000)]);
}

#[test]
fn bytes_that_are_added_to_an_access_in_a_crowd_are_met() {
    let line = crowd_of(MANY, Class::AtomicRead, &[]);
    let reader = knowing(Epoch::new(0, 2), &[]);
    let read = |mask| {
        let context = ContextId::from_bits(1000);
        let mut raced = Conflicts::new();
        line.access(&reader, mask, Class::Read, context, &mut raced)
    };
    read(1);
    for slot in 1..MANY {
        let thread = knowing(Epoch::new(slot, 2), &[]);
        access_as(&line, &thread, Class::AtomicRead, 1);
    }
    read(2);
    assert_eq!(line.state_of(1), [(reader.epoch.bits(), 1000)]);
    let writer = knowing(Epoch::new(MANY, 1), &[]);
    let context = ContextId::from_bits(1001);
    let mut raced = Conflicts::new();
    assert_eq!(
        line.access(&writer, 2, Class::AtomicWrite, context, &mut raced),
        2
    );
}

#[test]
fn a_thread_is_in_a_crowd_once() {
    let line = crowd_of(MANY, Class::Read, &[]);
    for clock in 2..6 {
        for slot in 0..MANY {
            let thread = knowing(Epoch::new(slot, clock), &[]);
            assert_eq!(access_as(&line, &thread, Class::Read, 1), []);
            let own = |(tag, _): &&(u64, u32)| Epoch::from_tagged(*tag).slot() == slot;
            assert_eq!(line.state_of(0).iter().filter(own).count(), 1);
        }
        assert_eq!(line.state_of(0).len(), MANY);
    }
}

#[test]
fn a_crowd_whose_accesses_are_ordered_before_the_next_ones_is_none_any_more() {
    let line = crowd_of(MANY, Class::AtomicWrite, &[]);
    let knows: Vec<_> = (0..MANY).map(|slot| Epoch::new(slot, 1)).collect();
    let knowing = |clock| knowing(Epoch::new(MANY, clock), &knows);
    for clock in 1..=2 * MANY as u64 {
        access_as(&line, &knowing(clock), Class::AtomicWrite, 1);
    }
    assert!(!line.is_crowded());
    assert_eq!(line.state_of(0).len(), 1);
}

#[test]
fn what_does_not_know_all_that_is_known_replaces_all_that_it_knows() {
    let line = crowd_of(MANY, Class::AtomicRead, &[]);
    let knows: Vec<_> = (0..MANY).map(|slot| Epoch::new(slot, 1)).collect();
    let adopted = Thread {
        is_transitive: false,
        ..knowing(Epoch::new(MANY, 1), &knows)
    };
    access_as(&line, &adopted, Class::AtomicRead, 1);
    assert_eq!(line.state_of(0).len(), 1);
}

#[test]
fn a_crowd_that_is_forgotten_is_given_back() {
    let line = crowd_of(MANY, Class::Read, &[]);
    line.forget(!1);
    assert_eq!(line.state_of(0).len(), MANY);
    let crowd = line.crowd().unwrap();
    line.forget(1);
    assert_eq!(line.slots.more.load(Relaxed), 0);
    assert!(crowd.places().all(|place| place.load(Relaxed) == 0));
    // Whoever gets it next finds nothing there.
    let line = crowd_of(40, Class::Read, &[]);
    assert_eq!(line.state_of(0).len(), 40);
}

#[test]
fn a_crowd_that_a_fork_left_locked_is_gone() {
    let line = crowd_of(MANY, Class::Read, &[]);
    line.owner.abandon();
    let child = knowing(Epoch::new(MANY, 1), &[]);
    assert_eq!(access_as(&line, &child, Class::Write, 1), []);
    assert_eq!(line.state_of(0).len(), 1);
}

#[test]
fn the_writes_in_a_crowd_are_found_for_reports() {
    let line = crowd_of(MANY, Class::Read, &[]);
    let other = knowing(Epoch::new(MANY, 1), &[]);
    let context = ContextId::from_bits(77);
    line.access(&other, 2, Class::Write, context, &mut Conflicts::new());
    for slot in 0..MANY {
        let thread = knowing(Epoch::new(slot, 2), &[]);
        access_as(&line, &thread, Class::Read, 1);
    }
    let mut writes = Conflicts::new();
    line.add_writes(u64::MAX, &mut writes);
    let word = (other.epoch.bits() | Class::Write.tag(), 77);
    assert_eq!(sorted(writes.iter().map(word_of)), [word]);
}

const THREADS: usize = 40;

/// The bytes that are accessed.
const BYTES: [usize; 3] = [0, 31, 63];

#[derive(Clone, Debug)]
enum Step {
    /// By the thread with a number, to some of the bytes. The last one: at a glance, if that will do.
    Access(usize, Class, u64, bool),
    Release(usize),
    /// The first learns what the second has released.
    Learn(usize, usize),
    Forget(u64),
    /// All that was released is learned by one; and, if they are told so, by all others from it.
    Meet(usize, bool),
}

fn bytes() -> impl Strategy<Value = u64> {
    prop::sample::subsequence(&BYTES[..], 1..=BYTES.len())
        .prop_map(|bytes| bytes.into_iter().fold(0, |mask, byte| mask | 1 << byte))
}

fn step() -> impl Strategy<Value = Step> {
    use Class::{AtomicRead, AtomicWrite, Read, Write};
    let thread = || 0..THREADS;
    let class = prop_oneof![
        40 => Just(Read),
        60 => Just(AtomicRead),
        30 => Just(AtomicWrite),
        2 => Just(Write),
    ];
    prop_oneof![
        240 => (thread(), class, bytes(), any::<bool>())
            .prop_map(|(thread, class, bytes, glance)| Step::Access(thread, class, bytes, glance)),
        60 => thread().prop_map(Step::Release),
        60 => (thread(), thread()).prop_map(|(thread, other)| Step::Learn(thread, other)),
        1 => bytes().prop_map(Step::Forget),
        1 => (thread(), any::<bool>()).prop_map(|(thread, all)| Step::Meet(thread, all)),
    ]
}

/// Kinds of lines that were met.
#[derive(Default, Debug)]
struct Tally {
    crowded: usize,
    nested: usize,
    no_more: usize,
    /// Kept, or reported, beyond what a state would.
    kept: usize,
    raced: usize,
}

/// The same accesses to a line and to a state for each byte. Slots are `stride` apart.
fn check_against_states(
    stride: usize,
    steps: &[Step],
    tally: &mut Tally,
) -> Result<(), TestCaseError> {
    let line = Line::default();
    let mut states: [State; BYTES.len()] = Default::default();
    let epoch = |thread: usize, clock| Epoch::new(thread * stride, clock);
    let mut threads: Vec<Thread> = (0..THREADS)
        .map(|thread| knowing(epoch(thread, 1), &[]))
        .collect();
    // What was known at each access, by its context.
    let mut known: HashMap<u32, Thread> = HashMap::new();
    let learn = |threads: &mut Vec<Thread>, thread: usize, other: usize| {
        let Thread { epoch, clock, .. } = threads[other].clone();
        let mine = &mut threads[thread].clock;
        mine.join(&clock);
        mine.raise(Epoch::new(epoch.slot(), epoch.clock() - 1));
    };
    let mut was_crowded = false;
    for (number, step) in (1..).zip(steps) {
        match *step {
            Step::Release(thread) => {
                threads[thread].epoch = epoch(thread, threads[thread].epoch.clock() + 1);
            }
            Step::Learn(thread, other) => learn(&mut threads, thread, other),
            Step::Meet(thread, all) => {
                for other in 0..THREADS {
                    learn(&mut threads, thread, other);
                }
                threads[thread].epoch = epoch(thread, threads[thread].epoch.clock() + 1);
                for other in (0..THREADS).filter(|_| all) {
                    learn(&mut threads, other, thread);
                }
            }
            Step::Forget(mask) => {
                line.forget(mask);
                for (byte, state) in BYTES.iter().zip(&mut states) {
                    if is_of(mask, *byte) {
                        *state = State::default();
                    }
                }
            }
            Step::Access(thread, class, mask, glance) => {
                let thread = &threads[thread];
                let concerned = || {
                    BYTES
                        .iter()
                        .zip(0..)
                        .filter(|(byte, _)| is_of(mask, **byte))
                };
                let is_recorded =
                    concerned().all(|(_, at)| states[at as usize].is_recorded(thread.epoch, class));
                prop_assert!(is_recorded || !line.is_recorded(mask, class, thread.epoch));
                known.insert(number, thread.clone());
                let context = ContextId::from_bits(number);
                let mut raced = Conflicts::new();
                let at_a_glance = |context| line.access_known(thread, mask, class, context);
                let common = if glance && context.is_some_and(at_a_glance) {
                    0
                } else {
                    line.access(thread, mask, class, context, &mut raced)
                };
                let (mut exact, mut exact_bytes) = (Vec::new(), 0);
                for (byte, at) in concerned() {
                    let theirs = states[at as usize].access(thread, class, context);
                    if !theirs.is_empty() {
                        exact_bytes |= 1 << byte;
                        exact.extend(theirs.iter().map(word_of));
                    }
                }
                let raced = sorted(raced.iter().map(word_of));
                prop_assert_eq!(common, exact_bytes);
                for (tag, _) in &raced {
                    prop_assert!(class.conflicts(Class::of_tagged(*tag)));
                    prop_assert!(!thread.knows(Epoch::from_tagged(*tag)));
                }
                tally.raced += check_beyond(&raced, &sorted(exact.into_iter()), &known)?;
            }
        }
        for (byte, state) in BYTES.iter().zip(&states) {
            let exact = state.write.iter().chain(&state.others).map(word_of);
            tally.kept += check_beyond(&line.state_of(*byte), &sorted(exact), &known)?;
        }
        let is_empty = states.iter().all(|state| *state == State::default());
        prop_assert_eq!(line.owner.peek() == 0, is_empty);
        tally.crowded += usize::from(line.is_crowded());
        tally.nested += usize::from(line.is_nested());
        tally.no_more += usize::from(was_crowded && !line.is_crowded() && !is_empty);
        was_crowded = line.is_crowded();
    }
    Ok(())
}

/// Whether all of `exact` is there; and nothing else, but what something of it stands for that is ordered after. How much that is.
fn check_beyond(
    all: &[(u64, u32)],
    exact: &[(u64, u32)],
    known: &HashMap<u32, Thread>,
) -> Result<usize, TestCaseError> {
    let mut exact: Vec<_> = exact.to_vec();
    exact.dedup();
    for access in &exact {
        prop_assert!(all.contains(access), "{:?} is lost", access);
    }
    for (tag, context) in all.iter().filter(|access| !exact.contains(access)) {
        let epoch = Epoch::from_tagged(*tag);
        let is_for_it = |(other, other_context): &(u64, u32)| {
            Class::of_tagged(*other).supersedes(Class::of_tagged(*tag), true)
                && epoch.slot() != Epoch::from_tagged(*other).slot()
                && known[other_context].knows(epoch)
        };
        prop_assert!(
            exact.iter().any(is_for_it),
            "nothing stands for {:?} of {}",
            epoch,
            context
        );
    }
    Ok(all.len() - exact.len())
}

#[test]
fn a_crowded_line_is_a_state_for_each_byte() {
    let mut tally = Tally::default();
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let tallied = std::cell::RefCell::new(&mut tally);
    // In parts of their own, in one part, in one part of the next crowd as well.
    let stride = prop::sample::select(vec![1, 16, 32]);
    let cases = (stride, prop::collection::vec(step(), 1..700));
    let verdict = runner.run(&cases, |(stride, steps)| {
        check_against_states(stride, &steps, &mut tallied.borrow_mut())
    });
    verdict.unwrap_or_else(|error| panic!("{error}"));
    println!("{tally:?}");
    let Tally {
        crowded,
        nested,
        no_more,
        kept,
        raced,
    } = tally;
    assert!(
        [crowded, nested, no_more, kept, raced]
            .iter()
            .all(|count| *count > 0)
    );
}
