//! Threads that release and acquire in any order, beside the textbook: a whole vector for each thread, lock, atomic and fence.

use std::env;
use std::panic::Location;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::clock::VectorClock;
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

/// What one of the threads does with one of the locks or atomics.
#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire(usize),
    Release(usize),
    /// Adds to what the lock carries.
    ReleaseJoin(usize),
    /// As a mutex: acquires what was there, and replaces it.
    HandOver(usize),
    RelaxedLoad(usize),
    AcquireFence,
    ReleaseFence,
    /// A relaxed store: the lock carries what the last release fence published.
    RelaxedStore(usize),
    Load(usize, Ordering),
    Store(usize, Ordering),
    ReadModifyWrite(usize, Ordering),
}

fn step() -> impl Strategy<Value = Step> {
    let lock = || 0..LOCKS;
    prop_oneof![
        2 => lock().prop_map(Step::Acquire),
        2 => lock().prop_map(Step::Release),
        1 => lock().prop_map(Step::ReleaseJoin),
        8 => lock().prop_map(Step::HandOver),
        1 => lock().prop_map(Step::RelaxedLoad),
        1 => Just(Step::AcquireFence),
        1 => Just(Step::ReleaseFence),
        1 => lock().prop_map(Step::RelaxedStore),
        3 => (lock(), order(&[Relaxed, Acquire, SeqCst])).prop_map(|(at, order)| Step::Load(at, order)),
        2 => (lock(), order(&[Relaxed, Release, SeqCst])).prop_map(|(at, order)| Step::Store(at, order)),
        3 => (lock(), order(&[Relaxed, Acquire, Release, AcqRel]))
            .prop_map(|(at, order)| Step::ReadModifyWrite(at, order)),
    ]
}

fn order(orders: &'static [Ordering]) -> impl Strategy<Value = Ordering> {
    prop::sample::select(orders)
}

type Vector = Vec<u64>;

fn join(vector: &mut [u64], other: &[u64]) {
    for (mine, theirs) in vector.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

/// The textbook's thread: `C[t]`, `F[t]`, `P[t]`.
struct Model {
    me: usize,
    clock: Vector,
    released: Vector,
    pending: Vector,
}

impl Model {
    fn new(me: usize, threads: usize, mut clock: Vector) -> Model {
        clock[me] = 1;
        Model {
            me,
            clock,
            released: vec![0; threads],
            pending: vec![0; threads],
        }
    }

    fn release(&mut self) -> Vector {
        let published = self.clock.clone();
        self.clock[self.me] += 1;
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
    let epoch = registry::take_slot(&VectorClock::new(), &record);
    ThreadState::new(epoch, Arc::new(base), None, record)
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
        Step::RelaxedLoad(lock) => thread.defer(&locks[lock]),
        Step::AcquireFence => thread.fence_acquire(&KIND, None),
        Step::ReleaseFence => thread.fence_release(&KIND, None),
        Step::RelaxedStore(lock) => locks[lock] = thread.release_fence().clone(),
        Step::Load(atomic, order) => atomics[atomic].load_by(thread, order, here, || ()),
        Step::Store(atomic, order) => atomics[atomic].store_by(thread, order, here, || ()),
        Step::ReadModifyWrite(atomic, order) => atomics[atomic].rmw_by(thread, order, here, || ()),
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
    }
}

/// Some threads are born by others in the course of it, or `found` running, and then know all that was done so far. The rest know nothing of each
/// other at first.
fn check(threads: usize, steps: &[(usize, Step)], found: bool) -> Result<(), TestCaseError> {
    assert!(
        found || !registry::is_assumed(),
        "the short cuts are what is tested"
    );
    let strangers = threads.div_ceil(2);
    let mut states: Vec<ThreadState> = (0..strangers).map(|_| thread(VectorClock::new())).collect();
    let mut models: Vec<Model> = (0..strangers)
        .map(|me| Model::new(me, threads, vec![0; threads]))
        .collect();
    let mut objects = Objects::default();
    let nothing = || std::array::from_fn(|_| vec![0; threads]);
    let mut vectors = Vectors {
        locks: nothing(),
        atomics: nothing(),
    };
    for (index, step) in steps {
        let index = index % threads;
        // Not all at once: what was known when a thread was found is one thing, and what was learned later in the same epoch another.
        let is_early = index >= states.len() && !matches!(step, Step::HandOver(0));
        if found && is_early {
            continue;
        }
        if index >= states.len() && found && index.is_multiple_of(2) {
            states.push(thread(registry::everything_so_far()));
            prop_assert!(registry::is_assumed());
            let reached = |slot| {
                models
                    .get(slot)
                    .map_or(0, |other: &Model| other.clock[slot])
            };
            let clock = (0..threads).map(reached).collect();
            models.push(Model::new(models.len(), threads, clock));
            continue;
        }
        if index >= states.len() {
            let parent = index % states.len();
            let released = states[parent].release(&KIND, None);
            states.push(thread(released.into_base()));
            let clock = models[parent].release();
            models.push(Model::new(models.len(), threads, clock));
            continue;
        }
        perform(*step, &mut states[index], &mut objects);
        model(*step, &mut models[index], &mut vectors);
        let (state, model) = (&states[index], &models[index]);
        prop_assert_eq!(state.epoch().clock(), model.clock[index]);
        for (slot, known) in model.clock.iter().enumerate() {
            if let Some(other) = states.get(slot)
                && slot != index
            {
                prop_assert_eq!(state.known_clock(other.epoch().slot()), *known);
            }
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
    fn a_few_threads(steps in steps(5)) {
        apart(|| check(5, &steps, false))?;
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

/// In a process of its own: from the first such thread on, no short cut is taken any more.
#[test]
fn threads_that_were_found_running() {
    const ALONE: &str = "RACE_CORE_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        apart(|| {
            what_an_assumed_epoch_released_later();
            Ok(())
        })
        .unwrap();
        for (threads, cases) in [(5, 60), (60, 5)] {
            let mut runner = TestRunner::new(ProptestConfig::with_cases(cases));
            let verdict = runner.run(&steps(threads), |steps| {
                apart(|| check(threads, &steps, true))
            });
            verdict.unwrap_or_else(|error| panic!("{error}"));
        }
        return;
    }
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("{module}::threads_that_were_found_running"),
        ])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output}"
    );
}
