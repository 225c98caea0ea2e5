//! `#[racecheck::instrument]`: programs that are written on `std` and know nothing of racecheck. With the feature their races are found, on the two lines
//! that race, and their twins are silent; without it they are what they were.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: threads come one after the other in real time, and only the order is missing"
)]

#[cfg(feature = "race-check")]
#[allow(
    dead_code,
    unused_macros,
    reason = "it is for tests that are written on racecheck"
)]
#[path = "support/judge.rs"]
mod judge;

/// Judges a program that races if it is told `true`, between the lines that it returns.
#[cfg(feature = "race-check")]
#[track_caller]
fn judge(program: fn(bool) -> (u32, u32)) {
    judge::races(|| program(true));
    judge::none(|| program(false));
}

/// Nothing is found, and nothing goes wrong.
#[cfg(not(feature = "race-check"))]
fn judge(program: fn(bool) -> (u32, u32)) {
    program(true);
    program(false);
}

/// The paths written out, an atomic, and raw memory.
#[racecheck::instrument]
mod publication {
    pub(crate) fn publish(relaxed: bool) -> (u32, u32) {
        let order = if relaxed {
            core::sync::atomic::Ordering::Relaxed
        } else {
            core::sync::atomic::Ordering::Release
        };
        let slot = &std::sync::atomic::AtomicPtr::<u64>::new(std::ptr::null_mut());
        std::thread::scope(|s| {
            let writer = s.spawn(move || {
                let value = Box::into_raw(Box::new(0));
                let line = line!() + 1;
                unsafe { std::ptr::write(value, 7) };
                slot.store(value, order);
                line
            });
            while slot.load(std::sync::atomic::Ordering::Acquire).is_null() {
                std::thread::yield_now();
            }
            let value = slot.load(std::sync::atomic::Ordering::Acquire);
            let line = line!() + 1;
            assert_eq!(unsafe { core::ptr::read(value) }, 7);
            drop(unsafe { Box::from_raw(value) });
            (writer.join().unwrap(), line)
        })
    }
}

#[test]
fn written_out() {
    judge(publication::publish);
}

/// Imports in all their forms, a lock, and a cell that is shared by force.
#[racecheck::instrument]
mod counter {
    use std as s;
    use std::cell::*;
    use std::sync::{self as sync, Arc};
    use std::{fmt, thread::JoinHandle};

    #[derive(Default)]
    struct Counter {
        lock: sync::Mutex<()>,
        value: Cell<u64>,
    }

    unsafe impl Sync for Counter {}

    impl fmt::Debug for Counter {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:?}", self.value)
        }
    }

    fn spawn(
        counter: &Arc<Counter>,
        count: impl FnOnce(&Counter) -> u32 + Send + 'static,
    ) -> JoinHandle<u32> {
        let counter = Arc::clone(counter);
        let handle = s::thread::spawn(move || count(&counter));
        while !handle.is_finished() {
            s::thread::yield_now();
        }
        handle
    }

    pub(crate) fn count(without_lock: bool) -> (u32, u32) {
        let counter = Arc::new(Counter::default());
        let one = spawn(&counter, |counter| {
            let _guard = counter.lock.lock().unwrap();
            counter.value.set(1);
            line!() - 1
        });
        let other = spawn(&counter, move |counter| {
            let _guard = (!without_lock).then(|| counter.lock.lock().unwrap());
            counter.value.set(2);
            line!() - 1
        });
        let lines = (one.join().unwrap(), other.join().unwrap());
        assert_eq!(counter.value.get(), 2, "{counter:?}");
        lines
    }
}

#[test]
fn imports() {
    judge(counter::count);
}

/// A trait and its implementation, each with the attribute.
#[racecheck::instrument]
trait Hand {
    fn over(self, to: std::sync::mpsc::Sender<()>) -> std::thread::JoinHandle<u32>;
}

#[derive(Clone, Copy)]
struct Place(*mut u64);

unsafe impl Send for Place {}

#[racecheck::instrument]
impl Hand for (Place, bool) {
    fn over(self, to: std::sync::mpsc::Sender<()>) -> std::thread::JoinHandle<u32> {
        let (place, too_early) = self;
        std::thread::spawn(move || {
            let Place(pointer) = { place };
            if too_early {
                to.send(()).unwrap();
            }
            let line = line!() + 1;
            unsafe { std::ptr::write_volatile(pointer, 7) };
            if !too_early {
                to.send(()).unwrap();
            }
            line
        })
    }
}

#[racecheck::instrument]
fn hand_over(too_early: bool) -> (u32, u32) {
    use std::sync::mpsc;

    let mut value = 0;
    let place = Place(&raw mut value);
    let (sender, receiver) = mpsc::channel();
    let writer = (place, too_early).over(sender);
    while !writer.is_finished() {
        std::thread::yield_now();
    }
    receiver.recv().unwrap();
    let line = line!() + 1;
    assert_eq!(unsafe { std::ptr::read(&raw const *place.0) }, 7);
    (writer.join().unwrap(), line)
}

#[test]
fn traits_and_functions() {
    judge(hand_over);
}

/// What is left to `std` is `std`'s, and can go to whoever expects that.
#[racecheck::instrument(keep(Arc, std::thread))]
mod border {
    use std::sync::*;
    use std::{sync, thread};

    thread_local! {
        static COUNT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }

    const fn first(pointer: &u64) -> u64 {
        unsafe { std::ptr::read(pointer) }
    }

    pub(crate) static FIRST: u64 = first(&7);

    pub(crate) fn kept() -> (Arc<Mutex<u64>>, thread::JoinHandle<u64>, sync::Arc<u64>) {
        COUNT.set(COUNT.get() + 1);
        let thread = thread::spawn(|| COUNT.get());
        (Arc::new(Mutex::new(1)), thread, std::sync::Arc::new(2))
    }

    #[racecheck::instrument(skip)]
    pub(crate) fn skipped() -> std::sync::Mutex<u64> {
        std::sync::Mutex::new(3)
    }
}

#[test]
fn kept_and_skipped() {
    let (one, thread, two): (
        std::sync::Arc<racecheck::sync::Mutex<u64>>,
        std::thread::JoinHandle<u64>,
        std::sync::Arc<u64>,
    ) = border::kept();
    let three: std::sync::Mutex<u64> = border::skipped();
    let sum = *one.lock().unwrap() + thread.join().unwrap() + *two + *three.lock().unwrap();
    assert_eq!(sum + border::FIRST, 13);
}

/// racecheck's, by whatever name, and with whatever else a glob brings; `UnsafeCell` is `std`'s.
#[racecheck::instrument]
mod types {
    pub(crate) mod globs {
        pub(crate) use std::cell::*;
        pub(crate) use std::sync::atomic::*;
        pub(crate) use std::sync::mpsc::*;
        pub(crate) use std::sync::*;
    }

    extern crate alloc;
    extern crate std as s;

    pub(crate) type Shared = s::sync::Arc<globs::RefCell<u8>>;
    pub(crate) type FromAlloc = alloc::sync::Arc<core::cell::RefCell<u8>>;
    pub(crate) type Untracked = (globs::UnsafeCell<u8>, globs::Ordering, s::thread::ThreadId);
}

#[test]
fn types_are_racechecks() {
    use std::any::TypeId;

    type Shared = racecheck::sync::Arc<racecheck::cell::RefCell<u8>>;
    type Untracked = (
        std::cell::UnsafeCell<u8>,
        std::sync::atomic::Ordering,
        std::thread::ThreadId,
    );
    assert_eq!(TypeId::of::<types::Shared>(), TypeId::of::<Shared>());
    assert_eq!(TypeId::of::<types::FromAlloc>(), TypeId::of::<Shared>());
    assert_eq!(TypeId::of::<types::Untracked>(), TypeId::of::<Untracked>());
    assert_eq!(
        TypeId::of::<types::globs::Mutex<types::globs::AtomicU8>>(),
        TypeId::of::<racecheck::sync::Mutex<racecheck::sync::atomic::AtomicU8>>()
    );
    assert_eq!(
        TypeId::of::<types::globs::Sender<u8>>(),
        TypeId::of::<racecheck::sync::mpsc::Sender<u8>>()
    );
}

/// What programs do with `std` besides: it compiles, and runs alike.
#[racecheck::instrument]
mod idioms {
    use std::alloc::{self, Layout};
    use std::cell::{Cell, LazyCell, OnceCell, RefCell};
    use std::collections::VecDeque;
    use std::mem::ManuallyDrop;
    use std::ptr::{self, NonNull, addr_of};
    use std::sync::atomic::{self, AtomicPtr, Ordering::*};
    use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock, RwLock, Weak, mpsc};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
        static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    static LAZY: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(|| Mutex::new(vec![1; 2]));
    static ONCE: OnceLock<atomic::AtomicU8> = OnceLock::new();
    static START: Once = Once::new();
    static HEAD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
    const NOBODY: Weak<u8> = Weak::new();

    type Job = Box<dyn FnOnce() -> u8 + Send>;

    pub(crate) struct Pool<const N: usize> {
        jobs: Mutex<VecDeque<Job>>,
        more: Condvar,
        layout: Layout,
        places: [NonNull<u8>; N],
    }

    unsafe impl<const N: usize> Sync for Pool<N> {}

    impl<const N: usize> Pool<N> {
        const PLACES: [NonNull<u8>; N] = [NonNull::dangling(); N];

        pub(crate) const fn new() -> Self {
            Self {
                jobs: Mutex::new(VecDeque::new()),
                more: Condvar::new(),
                layout: Layout::new::<u64>(),
                places: Self::PLACES,
            }
        }

        fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
            self.jobs.lock().unwrap_or_else(|error| error.into_inner())
        }

        pub(crate) fn run(&'static self, jobs: Vec<Job>) -> Vec<u8> {
            let (sender, receiver) = mpsc::sync_channel(N);
            let workers: [JoinHandle<()>; N] = std::array::from_fn(|number| {
                let sender = sender.clone();
                let work = move || {
                    DEPTH.set(DEPTH.get() + 1);
                    NAMES.with_borrow_mut(|names| names.push(format!("{number}")));
                    let is_idle = |jobs: &mut VecDeque<Job>| jobs.is_empty();
                    let job = self.more.wait_while(self.jobs(), is_idle);
                    let job = job.unwrap().pop_front();
                    sender.send(job.map_or(0, |job| job())).unwrap();
                };
                thread::Builder::new().spawn(work).unwrap()
            });
            self.jobs().extend(jobs);
            self.more.notify_all();
            for worker in workers {
                worker.join().unwrap();
            }
            drop(sender);
            receiver.iter().collect()
        }

        pub(crate) fn memory(&self) -> u8 {
            let memory = unsafe { alloc::alloc(self.layout) };
            unsafe { ptr::write_bytes(memory, 7, self.layout.size()) };
            let byte = unsafe { memory.add(N).read() };
            unsafe { alloc::dealloc(memory, self.layout) };
            let value = ManuallyDrop::new(self.places.len());
            byte + unsafe { ptr::read(addr_of!(*value).cast::<u8>()) }
        }
    }

    pub(crate) fn others() -> usize {
        START.call_once(|| HEAD.store(ptr::dangling_mut(), Release));
        let lock = RwLock::new(OnceCell::from(LazyCell::new(|| 1)));
        let one = match lock.try_read() {
            Ok(guard) => **guard.get().unwrap(),
            Err(std::sync::TryLockError::WouldBlock | _) => 0,
        };
        let byte = ONCE.get_or_init(Default::default).fetch_max(1, AcqRel);
        thread::park_timeout(Duration::ZERO);
        assert!(!HEAD.load(Acquire).is_null() && NOBODY.upgrade().is_none());
        one + usize::from(byte) + LAZY.lock().unwrap().len()
    }
}

#[test]
fn idioms_run_alike() {
    static POOL: idioms::Pool<3> = idioms::Pool::new();
    let jobs: Vec<Box<dyn FnOnce() -> u8 + Send>> =
        vec![Box::new(|| 1), Box::new(|| 2), Box::new(|| 3)];
    let mut results = POOL.run(jobs);
    results.sort();
    assert_eq!((results, POOL.memory()), (vec![1, 2, 3], 10));
    assert_eq!(idioms::others(), 3);
}
