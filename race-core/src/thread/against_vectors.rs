//! Threads that release and acquire in any order, beside the textbook: a whole vector for each thread, lock, atomic and fence, and a second one
//! without the edges of locks that nest.
//!
//! The textbook has an entry for every thread that ever was; ours go on in the slots of those that have ended.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::clock::VectorClock;
use crate::own_process::in_its_own_process;
use crate::sync::atomic::AtomicClock;
use crate::sync::{SyncClock, SyncKind};
use crate::thread::record::{Origin, Record};
use crate::thread::registry;
use crate::thread::state::ThreadState;

static KIND: SyncKind = SyncKind {
    name: "test",
    release: "released",
    acquire: "acquired",
};

/// How many locks there are, and how many atomics.
const LOCKS: usize = 3;

/// What one of the threads does, with one of the locks or atomics or by itself.
#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire(usize),
    Release(usize),
    /// Adds to what the lock carries.
    ReleaseJoin(usize),
    /// As a mutex: acquires what was there, and replaces it.
    HandOver(usize),
    /// As one that nests: what was there is no order.
    UnorderedHandOver(usize),
    RelaxedLoad(usize),
    AcquireFence,
    ReleaseFence,
    /// A relaxed store: the lock carries what the last release fence published.
    RelaxedStore(usize),
    Load(usize, Ordering),
    Store(usize, Ordering),
    ReadModifyWrite(usize, Ordering),
    /// Reads or writes something: whoever takes its slot over must know of that.
    Access,
    /// Gives birth to another thread, if there haven't been enough of them.
    Fork,
    /// Ends, to be joined by nobody. The next thread that is born may get its slot.
    End,
}

fn step() -> impl Strategy<Value = Step> {
    let lock = || 0..LOCKS;
    prop_oneof![
        2 => lock().prop_map(Step::Acquire),
        2 => lock().prop_map(Step::Release),
        1 => lock().prop_map(Step::ReleaseJoin),
        5 => lock().prop_map(Step::HandOver),
        3 => lock().prop_map(Step::UnorderedHandOver),
        1 => lock().prop_map(Step::RelaxedLoad),
        1 => Just(Step::AcquireFence),
        1 => Just(Step::ReleaseFence),
        1 => lock().prop_map(Step::RelaxedStore),
        3 => (lock(), order(&[Relaxed, Acquire, SeqCst])).prop_map(|(at, order)| Step::Load(at, order)),
        2 => (lock(), order(&[Relaxed, Release, SeqCst])).prop_map(|(at, order)| Step::Store(at, order)),
        3 => (lock(), order(&[Relaxed, Acquire, Release, AcqRel]))
            .prop_map(|(at, order)| Step::ReadModifyWrite(at, order)),
        2 => Just(Step::Access),
        2 => Just(Step::Fork),
        1 => Just(Step::End),
    ]
}

fn order(orders: &'static [Ordering]) -> impl Strategy<Value = Ordering> {
    prop::sample::select(orders)
}

/// All entries, then all of the order's.
type Vector = Vec<u64>;

fn join(vector: &mut [u64], other: &[u64]) {
    for (mine, theirs) in vector.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

/// The textbook's thread: `C[t]`, `F[t]`, `P[t]`.
struct Model {
    me: usize,
    threads: usize,
    clock: Vector,
    released: Vector,
    pending: Vector,
    /// The clock value of its last access.
    accessed: u64,
}

impl Model {
    fn new(me: usize, threads: usize, mut clock: Vector) -> Model {
        clock[me] = 1;
        clock[threads + me] = 1;
        Model {
            me,
            threads,
            clock,
            released: vec![0; 2 * threads],
            pending: vec![0; 2 * threads],
            accessed: 0,
        }
    }

    fn release(&mut self) -> Vector {
        let published = self.clock.clone();
        self.clock[self.me] += 1;
        self.clock[self.threads + self.me] += 1;
        published
    }

    fn load_side(&mut self, carried: &[u64], order: Ordering) {
        let learns = match order {
            Acquire | AcqRel | SeqCst => &mut self.clock,
            _ => &mut self.pending,
        };
        join(learns, carried);
    }

    /// What a store brings.
    fn store_side(&mut self, order: Ordering) -> Vector {
        match order {
            Release | AcqRel | SeqCst => self.release(),
            _ => self.released.clone(),
        }
    }
}

fn thread(base: VectorClock) -> ThreadState {
    let record = Arc::new(Record::new(
        registry::next_number(),
        Origin::Tracked,
        None,
        None,
        None,
    ));
    let epoch = registry::take_slot(&base, &record);
    ThreadState::new(epoch, Arc::new(base), None, record)
}

/// One of ours: running, or where it was.
struct Ours {
    slot: usize,
    /// The clock value in its slot before its own first one.
    before: u64,
    /// None once it has ended.
    state: Option<ThreadState>,
}

impl Ours {
    fn new(base: VectorClock) -> Ours {
        let state = thread(base);
        Ours {
            slot: state.epoch().slot(),
            before: state.epoch().clock() - 1,
            state: Some(state),
        }
    }

    fn end(&mut self) {
        if let Some(state) = self.state.take() {
            registry::free_slot(state.epoch(), state.quiet_from());
        }
    }
}

#[derive(Default)]
struct Objects {
    locks: [SyncClock; LOCKS],
    atomics: [AtomicClock; LOCKS],
}

fn perform(step: Step, thread: &mut ThreadState, objects: &mut Objects) {
    let Objects { locks, atomics } = objects;
    let here = Location::caller();
    match step {
        Step::Acquire(lock) => thread.acquire(&locks[lock], &KIND, None),
        Step::Release(lock) => thread.release_into(&mut locks[lock], &KIND, None),
        Step::ReleaseJoin(lock) => thread.release_join(&mut locks[lock], &KIND, None),
        Step::HandOver(lock) => {
            thread.acquire(&locks[lock], &KIND, None);
            thread.release_into(&mut locks[lock], &KIND, None);
        }
        Step::UnorderedHandOver(lock) => {
            thread.acquire_by(&locks[lock], &KIND, None, false);
            thread.release_into(&mut locks[lock], &KIND, None);
        }
        Step::RelaxedLoad(lock) => thread.defer(&locks[lock]),
        Step::AcquireFence => thread.fence_acquire(&KIND, None),
        Step::ReleaseFence => thread.fence_release(&KIND, None),
        Step::RelaxedStore(lock) => locks[lock] = thread.release_fence().clone(),
        Step::Load(atomic, order) => atomics[atomic].load_by(thread, order, here, |_| ()),
        Step::Store(atomic, order) => atomics[atomic].store_by(thread, order, here, |_| ()),
        Step::ReadModifyWrite(atomic, order) => atomics[atomic].rmw_by(thread, order, here, |_| ()),
        Step::Access => thread.note_access(),
        Step::Fork | Step::End => {}
    }
}

/// The same of the textbook.
struct Vectors {
    locks: [Vector; LOCKS],
    atomics: [Vector; LOCKS],
}

fn model(step: Step, thread: &mut Model, vectors: &mut Vectors) {
    let Vectors { locks, atomics } = vectors;
    match step {
        Step::Acquire(lock) => join(&mut thread.clock, &locks[lock]),
        Step::Release(lock) => locks[lock] = thread.release(),
        Step::ReleaseJoin(lock) => join(&mut locks[lock], &thread.release()),
        Step::HandOver(lock) => {
            join(&mut thread.clock, &locks[lock]);
            locks[lock] = thread.release();
        }
        Step::UnorderedHandOver(lock) => {
            let threads = thread.threads;
            join(&mut thread.clock[..threads], &locks[lock]);
            locks[lock] = thread.release();
        }
        Step::RelaxedLoad(lock) => join(&mut thread.pending, &locks[lock]),
        Step::AcquireFence => {
            let pending = thread.pending.clone();
            join(&mut thread.clock, &pending);
        }
        Step::ReleaseFence => thread.released = thread.release(),
        Step::RelaxedStore(lock) => locks[lock] = thread.released.clone(),
        Step::Load(atomic, order) => thread.load_side(&atomics[atomic], order),
        Step::Store(atomic, order) => atomics[atomic] = thread.store_side(order),
        Step::ReadModifyWrite(atomic, order) => {
            thread.load_side(&atomics[atomic], order);
            join(&mut atomics[atomic], &thread.store_side(order));
        }
        Step::Access => thread.accessed = thread.clock[thread.me],
        Step::Fork | Step::End => {}
    }
}

/// Some threads are born by others in the course of it, or `found` running, and then know all that was done so far. The rest know nothing of each
/// other at first.
fn check(threads: usize, steps: &[(usize, Step)], found: bool) -> Result<(), TestCaseError> {
    assert!(
        found || !registry::is_assumed(),
        "the short cuts are what is tested"
    );
    let strangers = threads.div_ceil(4);
    let mut ours: Vec<Ours> = (0..strangers)
        .map(|_| Ours::new(VectorClock::new()))
        .collect();
    let mut models: Vec<Model> = (0..strangers)
        .map(|me| Model::new(me, threads, vec![0; 2 * threads]))
        .collect();
    let mut objects = Objects::default();
    let nothing = || std::array::from_fn(|_| vec![0; 2 * threads]);
    let mut vectors = Vectors {
        locks: nothing(),
        atomics: nothing(),
    };
    for (index, step) in steps {
        let running = || (0..ours.len()).filter(|thread| ours[*thread].state.is_some());
        let Some(index) = running().cycle().nth(*index) else {
            break;
        };
        if let Step::End = step {
            ours[index].end();
        }
        let Some(state) = &mut ours[index].state else {
            continue;
        };
        if let Step::Fork = step
            && models.len() < threads
        {
            let (base, clock) = if found && models.len().is_multiple_of(2) {
                let reached = |thread| {
                    let other: Option<&Model> = models.get(thread);
                    other.map_or(0, |other| other.clock[thread])
                };
                let clock = (0..2 * threads).map(|entry| reached(entry % threads));
                (registry::everything_so_far(), clock.collect())
            } else {
                let released = state.release(&KIND, None);
                (released.into_base(), models[index].release())
            };
            ours.push(Ours::new(base));
            models.push(Model::new(models.len(), threads, clock));
            continue;
        }
        perform(*step, state, &mut objects);
        model(*step, &mut models[index], &mut vectors);
        compare(index, &ours, &models)?;
    }
    for ours in &mut ours {
        ours.end();
    }
    Ok(())
}

/// Whether thread `index` knows what it does by the textbook.
fn compare(index: usize, ours: &[Ours], models: &[Model]) -> Result<(), TestCaseError> {
    let model = &models[index];
    let Some(state) = &ours[index].state else {
        return Ok(());
    };
    prop_assert_eq!(
        state.epoch().clock() - ours[index].before,
        model.clock[index]
    );
    let (all, in_order) = model.clock.split_at(model.threads);
    for (other, of) in ours.iter().enumerate().filter(|(other, _)| *other != index) {
        // Whoever is in a slot knows all of those that were there before.
        let known = |clock: &VectorClock| {
            let clock = if of.slot == state.epoch().slot() {
                state.epoch().clock()
            } else {
                clock.get(of.slot)
            };
            clock.saturating_sub(of.before)
        };
        let (clock, order) = (known(state.base()), known(state.base().order()));
        if of.state.is_some() {
            prop_assert_eq!((clock, order), (all[other], in_order[other]));
        } else {
            // Of one that has ended, more may seem known than is, by knowing who came after it: but no access more.
            prop_assert!(clock >= all[other] && order >= in_order[other]);
            let accessed = models[other].accessed;
            prop_assert_eq!(clock >= accessed, all[other] >= accessed);
        }
    }
    Ok(())
}

fn steps(threads: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    prop::collection::vec((0..threads, step()), 1..600)
}

/// On a thread of its own: a state publishes its epoch to the fast path of whoever runs it.
fn apart(test: impl FnOnce() -> Result<(), TestCaseError> + Send) -> Result<(), TestCaseError> {
    std::thread::scope(|s| s.spawn(test).join()).expect("the test says why it fails")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_few_threads(steps in steps(12)) {
        apart(|| check(12, &steps, false))?;
    }

    #[test]
    fn many_threads(steps in steps(90)) {
        apart(|| check(90, &steps, false))?;
    }
}

/// Who was found running knows a thread's epoch, but not what that learns afterwards and releases in the same epoch, by way of a child here.
fn what_an_assumed_epoch_released_later() {
    let (mut parent, mut other) = (thread(VectorClock::new()), thread(VectorClock::new()));
    let mut found = thread(registry::everything_so_far());
    other.release(&KIND, None);
    let later = other.epoch();
    parent.acquire(&other.release(&KIND, None), &KIND, None);
    assert!(found.knows(parent.epoch()) && !found.knows(later));
    let mut child = thread(parent.release(&KIND, None).into_base());
    found.acquire(&child.release(&KIND, None), &KIND, None);
    assert!(found.knows(later));
}

/// From the first such thread on, no short cut is taken any more.
#[test]
fn threads_that_were_found_running() {
    let test = "thread::against_vectors::threads_that_were_found_running";
    in_its_own_process(test, || {
        let all = || {
            what_an_assumed_epoch_released_later();
            Ok(())
        };
        apart(all).unwrap_or_else(|error| panic!("{error}"));
        for (threads, cases) in [(12, 60), (60, 5)] {
            let mut runner = TestRunner::new(ProptestConfig::with_cases(cases));
            let verdict = runner.run(&steps(threads), |steps| {
                apart(|| check(threads, &steps, true))
            });
            verdict.unwrap_or_else(|error| panic!("{error}"));
        }
    });
}
