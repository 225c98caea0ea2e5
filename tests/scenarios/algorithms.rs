//! Algorithms of one's own: a wait group, cancellation, double-checked initialisation, a seqlock, an `Arc`.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use racecheck::cell::UnsafeCell;
use racecheck::sync::Mutex;
use racecheck::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, fence};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says, several_races};

/// Counts workers that are still at it.
#[derive(Default)]
struct WaitGroup(AtomicUsize);

impl WaitGroup {
    fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn done(&self, order: Ordering) {
        self.0.fetch_sub(1, order);
    }

    fn wait(&self) {
        while self.0.load(Acquire) != 0 {
            thread::yield_now();
        }
    }
}

#[test]
fn prim_07_wait_group() {
    none(|| {
        let results: [Shared<usize>; 4] = Default::default();
        let group = WaitGroup::default();
        thread::scope(|s| {
            for (i, result) in results.iter().enumerate() {
                group.add();
                let group = &group;
                s.spawn(move || {
                    result.set(i);
                    group.done(Release);
                });
            }
            group.wait();
            assert_eq!(results.iter().map(Shared::get).sum::<usize>(), 6);
        });
    });
    let program = |wait_first: bool, order: Ordering| {
        let (result, group) = (Shared::new(0), WaitGroup::default());
        group.add();
        in_turn(
            || {
                let line = at!(result.set(42));
                group.done(order);
                line
            },
            || {
                if wait_first {
                    group.wait();
                }
                let line = at!(result.get());
                group.wait();
                line
            },
        )
    };
    none(|| program(true, Release));
    let race = &races(|| program(false, Release))[0];
    says(
        race,
        "released something since its write (last, it stored to an atomic",
        "",
    );
    let race = &races(|| program(true, Relaxed))[0];
    says(race, "the store is relaxed", "make the store Release");
}

#[test]
fn prim_13_cancellation() {
    /// Asked from time to time whether to stop, and why.
    #[derive(Default)]
    struct Token {
        cancelled: AtomicBool,
        reason: Shared<Option<&'static str>>,
    }
    none(|| {
        let token = Token::default();
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    while !token.cancelled.load(Acquire) {
                        thread::yield_now();
                    }
                    assert_eq!(token.reason.get(), Some("enough"));
                });
            }
            token.reason.set(Some("enough"));
            token.cancelled.store(true, Release);
        });
    });
    let race = &races(|| {
        let token = Token::default();
        in_turn(
            || {
                let line = at!(token.reason.set(Some("enough")));
                token.cancelled.store(true, Release);
                line
            },
            || {
                assert!(token.cancelled.load(Relaxed));
                at!(token.reason.get())
            },
        )
    })[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

/// A configuration that is made when it is first asked for.
#[derive(Default)]
struct Lazy {
    made: AtomicPtr<Shared<u32>>,
    making: Mutex<()>,
    value: Shared<u32>,
}

impl Lazy {
    /// The lines of the write, if there was one, and of the read.
    fn get(&self, load: Ordering) -> (u32, u32) {
        let mut line = 0;
        let mut made = self.made.load(load);
        if made.is_null() {
            let _guard = self.making.lock().unwrap();
            made = self.made.load(Relaxed);
            if made.is_null() {
                line = at!(self.value.set(7));
                made = ptr::from_ref(&self.value).cast_mut();
                self.made.store(made, Release);
            }
        }
        // SAFETY: `self.value`.
        (line, at!(unsafe { &*made }.get()))
    }
}

#[test]
fn prim_15_double_checked_initialisation() {
    none(|| {
        let lazy = Lazy::default();
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| lazy.get(Acquire));
            }
        });
    });
    let race = &races(|| {
        let lazy = Lazy::default();
        let ((written, _), (_, read)) = in_turn(|| lazy.get(Relaxed), || lazy.get(Relaxed));
        (written, read)
    })[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

#[test]
fn prim_15_double_checked_initialisation_of_a_plain_pointer() {
    let found = several_races(|| {
        let (made, making, value) = (Shared::new(None), Mutex::new(()), Shared::new(0));
        let get = || {
            let (mut value_written, mut made_written) = (0, 0);
            let made_read = line!() + 1;
            let mut found: Option<&Shared<i32>> = made.get();
            if found.is_none() {
                let _guard = making.lock().unwrap();
                value_written = at!(value.set(7));
                made_written = at!(made.set(Some(&value)));
                found = Some(&value);
            }
            let value_read = at!(found.unwrap().get());
            ((made_written, made_read), (value_written, value_read))
        };
        let (first, second) = in_turn(get, get);
        [(first.0.0, second.0.1), (first.1.0, second.1.1)]
    });
    for race in &found {
        says(
            race,
            "it unlocked a Mutex",
            "hold the Mutex that is locked at",
        );
    }
}

/// A word of the data that a sequence lock guards. Both say on which line they do it.
trait Word: Default + Sync {
    fn read(&self) -> (u64, u32);
    fn write(&self, value: u64) -> u32;
}

impl Word for AtomicU64 {
    fn read(&self) -> (u64, u32) {
        (self.load(Relaxed), line!())
    }

    fn write(&self, value: u64) -> u32 {
        at!(self.store(value, Relaxed))
    }
}

#[derive(Default)]
struct Plain(UnsafeCell<u64>);

// SAFETY: the test that uses it reads first and writes then; only the order is missing, which is what is tested.
unsafe impl Sync for Plain {}

impl Word for Plain {
    fn read(&self) -> (u64, u32) {
        // SAFETY: as above.
        (self.0.with(|word| unsafe { *word }), line!())
    }

    fn write(&self, value: u64) -> u32 {
        // SAFETY: as above.
        at!(self.0.with_mut(|word| unsafe { *word = value }))
    }
}

/// Readers look at both words and then whether a writer was there meanwhile.
#[derive(Default)]
struct SeqLock<W> {
    sequence: AtomicU64,
    words: [W; 2],
}

impl<W: Word> SeqLock<W> {
    /// For one writer.
    fn write(&self, values: [u64; 2]) -> u32 {
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence + 1, Relaxed);
        fence(Release);
        self.words[0].write(values[0]);
        let line = self.words[1].write(values[1]);
        self.sequence.store(sequence + 2, Release);
        line
    }

    fn read(&self) -> (Option<[u64; 2]>, u32) {
        let before = self.sequence.load(Acquire);
        let [(first, _), (second, line)] = self.words.each_ref().map(Word::read);
        fence(Acquire);
        let undisturbed = before.is_multiple_of(2) && self.sequence.load(Relaxed) == before;
        (undisturbed.then_some([first, second]), line)
    }
}

#[test]
fn prim_17_seqlock() {
    none(|| {
        let lock = SeqLock::<AtomicU64>::default();
        thread::scope(|s| {
            s.spawn(|| {
                for n in 0..50 {
                    lock.write([n, 2 * n]);
                }
            });
            for _ in 0..2 {
                s.spawn(|| {
                    for _ in 0..50 {
                        if let (Some([first, second]), _) = lock.read() {
                            assert_eq!(second, 2 * first);
                        }
                    }
                });
            }
        });
    });
    // Nothing orders a read before the next write. (A read after a write it does order.)
    let race = &races(|| {
        let lock = SeqLock::<Plain>::default();
        let ((_, read), written) = in_turn(|| lock.read(), || lock.write([1, 2]));
        (written, read)
    })[0];
    says(
        race,
        "released nothing since its read",
        "make the value an atomic",
    );
}

/// An `Arc` of one's own, with these orderings. Its value is dropped by the last owner.
struct MyArc<T> {
    inner: *const Inner<T>,
    decrement: Ordering,
    fence: bool,
}

struct Inner<T> {
    owners: AtomicUsize,
    value: UnsafeCell<ManuallyDrop<T>>,
}

// SAFETY: owners share the value, and any of them may be the one that drops it.
unsafe impl<T: Send + Sync> Send for MyArc<T> {}

impl<T> MyArc<T> {
    /// Two owners.
    fn pair(value: T, decrement: Ordering, fence: bool) -> [MyArc<T>; 2] {
        let inner = Box::leak(Box::new(Inner {
            owners: AtomicUsize::new(2),
            value: UnsafeCell::new(ManuallyDrop::new(value)),
        }));
        [(); 2].map(|()| MyArc {
            inner,
            decrement,
            fence,
        })
    }

    fn inner(&self) -> &Inner<T> {
        // SAFETY: never freed.
        unsafe { &*self.inner }
    }

    fn with<R>(&self, look: impl FnOnce(&T) -> R) -> u32 {
        // SAFETY: an owner is looking, so nobody drops it.
        at!(self.inner().value.with(|value| look(unsafe { &*value })))
    }

    /// The line of the value's drop, if this was the last owner.
    fn release(self) -> Option<u32> {
        let inner = self.inner();
        if inner.owners.fetch_sub(1, self.decrement) != 1 {
            return None;
        }
        if self.fence {
            fence(Acquire);
        }
        // SAFETY: all other owners have gone.
        let free = |value: *mut ManuallyDrop<T>| unsafe { ManuallyDrop::drop(&mut *value) };
        Some(at!(inner.value.with_mut(free)))
    }
}

#[test]
fn prim_19_own_arc() {
    none(|| {
        let owners = MyArc::pair(String::from("shared"), Release, true);
        thread::scope(|s| {
            for owner in owners {
                s.spawn(move || {
                    owner.with(String::len);
                    owner.release()
                });
            }
        });
    });
    let program = |decrement: Ordering, fence: bool| {
        let [first, last] = MyArc::pair(String::from("shared"), decrement, fence);
        let (looked, dropped) = in_turn(
            move || {
                let line = first.with(String::len);
                assert_eq!(first.release(), None);
                line
            },
            || last.release().unwrap(),
        );
        (looked, dropped)
    };
    let race = &races(|| program(Release, false))[0];
    says(
        race,
        "the load is relaxed, with no acquire fence",
        "make the load Acquire",
    );
    let race = &races(|| program(Relaxed, true))[0];
    says(
        race,
        "the store is relaxed, with no release fence",
        "make the store Release",
    );
}
