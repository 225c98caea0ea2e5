//! Uses the API of `lib`, and says what it saw.

use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::lib::lock_api::{
    RawMutex as _, RawMutexFair as _, RawMutexTimed as _, RawRwLock as _, RawRwLockFair as _,
    RawRwLockUpgrade as _,
};
use super::lib::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard, Condvar, FairMutex, FairMutexGuard, MappedFairMutexGuard,
    MappedMutexGuard, MappedReentrantMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard,
    Mutex, MutexGuard, Once, OnceState, RawFairMutex, RawMutex, RawRwLock, RawThreadId,
    ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, WaitTimeoutResult, const_fair_mutex, const_mutex, const_reentrant_mutex,
    const_rwlock, lock_api,
};

const SHORT: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Results(Vec<String>);

impl Results {
    fn saw(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?} {value:#?}"));
    }
}

pub(crate) fn results() -> Vec<String> {
    let mut results = Results::default();
    mutex(&mut results);
    mutex_guards(&mut results);
    raw_mutex(&mut results);
    fair_mutex(&mut results);
    reentrant_mutex(&mut results);
    rwlock(&mut results);
    rwlock_guards(&mut results);
    upgrades(&mut results);
    arcs(&mut results);
    condvar(&mut results);
    once(&mut results);
    auto_traits();
    results.0
}

fn panics(f: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned()))
}

/// For a lock by which another thread is kept out.
fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|s| s.spawn(f).join().unwrap())
}

fn mutex(results: &mut Results) {
    static IN_A_STATIC: Mutex<u8> = Mutex::new(3);
    static CONST: Mutex<u8> = const_mutex(4);
    results.saw("static", (*IN_A_STATIC.lock(), *CONST.lock()));
    let mut mutex = Mutex::new(vec![1]);
    results.saw("unlocked", (&mutex, mutex.is_locked()));
    let mut guard: MutexGuard<'_, Vec<i32>> = mutex.lock();
    guard.push(2);
    results.saw("guard", &guard);
    results.saw("locked", (&mutex, mutex.is_locked()));
    results.saw("try_lock", mutex.try_lock().is_none());
    results.saw("try_lock_for", mutex.try_lock_for(SHORT).is_none());
    let until = Instant::now() + SHORT;
    results.saw("try_lock_until", mutex.try_lock_until(until).is_none());
    drop(guard);
    results.saw("try_lock", mutex.try_lock().map(|guard| guard.clone()));
    mutex.get_mut().push(3);
    // SAFETY: nobody else has the mutex.
    results.saw("data_ptr", unsafe { (*mutex.data_ptr()).len() });
    results.saw("inner", mutex.into_inner());
    results.saw("default", Mutex::<u8>::default());
    results.saw("from", Mutex::from('x'));
    results.saw("from_raw", Mutex::from_raw(RawMutex::INIT, 'y'));
    results.saw("displayed", Mutex::new(7).lock().to_string());
    let unsized_one: &Mutex<[u8]> = &Mutex::new([1, 2]);
    results.saw("unsized", unsized_one.lock().len());
    let mutex = Mutex::new(1);
    let panic = panics(|| {
        let _guard = mutex.lock();
        panic!("while it is locked");
    });
    results.saw("not poisoned", (panic, &mutex));
}

fn mutex_guards(results: &mut Results) {
    let mutex = Mutex::new((1, 2));
    let mapped: MappedMutexGuard<'_, i32> = MutexGuard::map(mutex.lock(), |pair| &mut pair.0);
    results.saw("mapped", (&mapped, mutex.is_locked()));
    let mapped = MappedMutexGuard::map(mapped, |number| number);
    let mapped = MappedMutexGuard::try_map(mapped, |_| None::<&mut u8>).unwrap_err();
    MappedMutexGuard::unlock_fair(mapped);
    let guard = MutexGuard::try_map(mutex.lock(), |_| None::<&mut u8>).unwrap_err();
    let tried = MutexGuard::try_map_or_err(guard, |_| Err::<&mut u8, _>("no"));
    let (mut guard, error) = tried.unwrap_err();
    results.saw("not mapped", (error, &guard));
    let inside = MutexGuard::unlocked(&mut guard, || mutex.is_locked());
    let inside_fair = MutexGuard::unlocked_fair(&mut guard, || mutex.is_locked());
    results.saw("unlocked", (inside, inside_fair, mutex.is_locked()));
    MutexGuard::bump(&mut guard);
    results.saw("mutex", mem::size_of_val(MutexGuard::mutex(&guard)) > 0);
    MutexGuard::unlock_fair(guard);
    results.saw("unlocked", mutex.is_locked());
    *MutexGuard::leak(mutex.lock()) = (3, 4);
    results.saw("leaked", mutex.is_locked());
    // SAFETY: it was locked by this thread, and the guard is gone.
    unsafe { mutex.force_unlock() };
    mem::forget(mutex.lock());
    // SAFETY: as above.
    unsafe { mutex.force_unlock_fair() };
    results.saw("unlocked", &mutex);
    let panic = panics(|| {
        MutexGuard::unlocked(&mut mutex.lock(), || panic!("unlocked"));
    });
    results.saw("panic", (panic, mutex.is_locked()));
}

fn raw_mutex(results: &mut Results) {
    let raw = RawMutex::INIT;
    raw.lock();
    results.saw("locked", (raw.is_locked(), raw.try_lock()));
    // SAFETY: it is locked.
    unsafe { raw.bump() };
    // SAFETY: it is locked.
    unsafe { raw.unlock() };
    results.saw("try", (raw.try_lock_for(SHORT), raw.try_lock_for(SHORT)));
    // SAFETY: it is locked.
    unsafe { raw.unlock_fair() };
    let raw = RawFairMutex::INIT;
    results.saw("fair", (raw.try_lock(), raw.is_locked()));
}

fn fair_mutex(results: &mut Results) {
    static CONST: FairMutex<u8> = const_fair_mutex(4);
    results.saw("static", *CONST.lock());
    let mutex = FairMutex::new((1, 2));
    let guard: FairMutexGuard<'_, _> = mutex.lock();
    results.saw("locked", (&mutex, &guard, mutex.try_lock().is_none()));
    let mapped: MappedFairMutexGuard<'_, i32> = FairMutexGuard::map(guard, |pair| &mut pair.1);
    results.saw("mapped", &mapped);
    drop(mapped);
    results.saw("inner", mutex.into_inner());
}

fn reentrant_mutex(results: &mut Results) {
    static CONST: ReentrantMutex<u8> = const_reentrant_mutex(4);
    results.saw("static", *CONST.lock());
    let mut mutex = ReentrantMutex::new((1, 2));
    let (outer, inner) = (mutex.lock(), mutex.try_lock());
    results.saw("twice", (&mutex, inner.is_some(), mutex.is_locked()));
    results.saw("owned", mutex.is_owned_by_current_thread());
    let others = || {
        let tried = mutex.try_lock().is_none() && mutex.try_lock_for(SHORT).is_none();
        let until = Instant::now() + SHORT;
        (
            tried && mutex.try_lock_until(until).is_none(),
            mutex.is_owned_by_current_thread(),
            format!("{mutex:?}"),
        )
    };
    results.saw("elsewhere", elsewhere(others));
    drop(inner);
    results.saw("elsewhere", elsewhere(others));
    let mut outer: ReentrantMutexGuard<'_, _> = outer;
    ReentrantMutexGuard::bump(&mut outer);
    let inside = ReentrantMutexGuard::unlocked(&mut outer, || mutex.is_locked());
    results.saw("unlocked", (inside, mutex.is_locked()));
    let mapped: MappedReentrantMutexGuard<'_, i32> =
        ReentrantMutexGuard::map(outer, |pair| &pair.1);
    results.saw("mapped", &mapped);
    MappedReentrantMutexGuard::unlock_fair(mapped);
    results.saw("unlocked", mutex.is_locked());
    mem::forget(mutex.lock());
    // SAFETY: it was locked by this thread, and the guard is forgotten.
    unsafe { mutex.force_unlock() };
    mutex.get_mut().0 = 5;
    results.saw("inner", mutex.into_inner());
    results.saw("default", ReentrantMutex::<u8>::default());
    results.saw("from", ReentrantMutex::from('x'));
    let from_raw = ReentrantMutex::from_raw(RawMutex::INIT, RawThreadId, 'y');
    results.saw("from_raw", from_raw);
    let unsized_one: &ReentrantMutex<[u8]> = &ReentrantMutex::new([1, 2]);
    results.saw("unsized", unsized_one.lock().len());
}

fn rwlock(results: &mut Results) {
    static CONST: RwLock<u8> = const_rwlock(4);
    results.saw("static", *CONST.read());
    let mut lock = RwLock::new(vec![1]);
    results.saw("unlocked", (&lock, lock.is_locked()));
    let (one, two) = (lock.read(), lock.read_recursive());
    results.saw("readers", (&one, two.len(), lock.is_locked_exclusive()));
    results.saw("try_write", lock.try_write().is_none());
    results.saw("try_write_for", lock.try_write_for(SHORT).is_none());
    let until = Instant::now() + SHORT;
    results.saw("try_write_until", lock.try_write_until(until).is_none());
    let tried = (lock.try_read().is_some(), lock.try_read_recursive());
    results.saw("try_read", tried);
    drop((one, two));
    let mut guard: RwLockWriteGuard<'_, _> = lock.write();
    guard.push(2);
    results.saw("writer", (&guard, &lock, lock.is_locked_exclusive()));
    results.saw("try_read", lock.try_read().is_none());
    results.saw("try_read_for", lock.try_read_for(SHORT).is_none());
    let until = Instant::now() + SHORT;
    results.saw("try_read_until", lock.try_read_until(until).is_none());
    let recursive = lock.try_read_recursive_for(SHORT).is_none();
    results.saw("try_read_recursive", recursive);
    drop(guard);
    lock.get_mut().push(3);
    results.saw("inner", lock.into_inner());
    results.saw("default", RwLock::<u8>::default());
    results.saw("from", RwLock::from('x'));
    results.saw("from_raw", RwLock::from_raw(RawRwLock::INIT, 'y'));
    let unsized_one: &RwLock<[u8]> = &RwLock::new([1, 2]);
    results.saw("unsized", unsized_one.read().len());
    let raw = RawRwLock::INIT;
    raw.lock_shared();
    results.saw("raw", (raw.try_lock_exclusive(), raw.try_lock_upgradable()));
    // SAFETY: it is locked by an upgradable reader and another one.
    unsafe {
        raw.unlock_upgradable();
        raw.bump_shared();
        raw.unlock_shared_fair();
    }
    results.saw("raw", raw.is_locked());
}

fn rwlock_guards(results: &mut Results) {
    let lock = RwLock::new((1, 2));
    let mapped: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(lock.read(), |pair| &pair.0);
    results.saw("mapped", &mapped);
    drop(mapped);
    let guard = RwLockReadGuard::try_map(lock.read(), |_| None::<&u8>).unwrap_err();
    RwLockReadGuard::unlock_fair(guard);
    let mapped: MappedRwLockWriteGuard<'_, i32> =
        RwLockWriteGuard::map(lock.write(), |pair| &mut pair.0);
    results.saw("mapped", (&mapped, &lock));
    drop(mapped);
    let mut reader = lock.read();
    let inside = RwLockReadGuard::unlocked(&mut reader, || lock.is_locked());
    RwLockReadGuard::bump(&mut reader);
    results.saw("unlocked", (inside, lock.is_locked()));
    drop(reader);
    let mut writer = lock.write();
    let inside = RwLockWriteGuard::unlocked_fair(&mut writer, || lock.is_locked());
    RwLockWriteGuard::bump(&mut writer);
    results.saw("unlocked", (inside, lock.is_locked_exclusive()));
    let reader = RwLockWriteGuard::downgrade(writer);
    results.saw("downgraded", (&reader, lock.try_read().is_some()));
    mem::forget(reader);
    // SAFETY: it was locked by this thread, and the guard is forgotten.
    unsafe { lock.force_unlock_read() };
    mem::forget(lock.write());
    // SAFETY: as above.
    unsafe { lock.force_unlock_write_fair() };
    results.saw("unlocked", lock.is_locked());
}

fn upgrades(results: &mut Results) {
    let lock = RwLock::new(1);
    let mut guard: RwLockUpgradableReadGuard<'_, _> = lock.upgradable_read();
    results.saw("upgradable", (&guard, lock.try_read().is_some()));
    results.saw("another", lock.try_upgradable_read().is_none());
    let timed = lock.try_upgradable_read_for(SHORT).is_none();
    results.saw("another", timed && lock.try_write().is_none());
    let reader = lock.read();
    let guard_of_before = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap_err();
    let timed = RwLockUpgradableReadGuard::try_upgrade_for(guard_of_before, SHORT);
    guard = timed.unwrap_err();
    results.saw("not upgraded", guard.try_with_upgraded(|_| ()));
    drop(reader);
    results.saw(
        "upgraded",
        guard.with_upgraded(|value| mem::replace(value, 2)),
    );
    let inside = RwLockUpgradableReadGuard::unlocked(&mut guard, || lock.is_locked());
    RwLockUpgradableReadGuard::bump(&mut guard);
    results.saw("unlocked", (inside, lock.is_locked()));
    let writer = RwLockUpgradableReadGuard::upgrade(guard);
    results.saw("upgraded", (&writer, lock.try_read().is_none()));
    let guard = RwLockWriteGuard::downgrade_to_upgradable(writer);
    let reader = RwLockUpgradableReadGuard::downgrade(guard);
    results.saw(
        "downgraded",
        (&reader, lock.try_upgradable_read().is_some()),
    );
}

fn arcs(results: &mut Results) {
    let mutex = Arc::new(Mutex::new(1));
    let mut guard: ArcMutexGuard<RawMutex, i32> = mutex.lock_arc();
    *guard += 1;
    results.saw("arc", (&*guard, mutex.try_lock_arc().is_none()));
    drop(ArcMutexGuard::into_arc(guard));
    results.saw("unlocked", mutex.is_locked());
    let mutex = Arc::new(ReentrantMutex::new(1));
    let guard: ArcReentrantMutexGuard<RawMutex, RawThreadId, i32> = mutex.lock_arc();
    let others = || {
        let until = Instant::now() + SHORT;
        mutex.try_lock_arc().is_none()
            && mutex.try_lock_arc_for(SHORT).is_none()
            && mutex.try_lock_arc_until(until).is_none()
    };
    results.saw("arc", (*guard, mutex.is_locked(), elsewhere(others)));
    drop(guard);
    results.saw("unlocked", (mutex.is_locked(), Arc::strong_count(&mutex)));
    let lock = Arc::new(RwLock::new(1));
    let reader: ArcRwLockReadGuard<RawRwLock, i32> = lock.read_arc();
    results.saw("arc", (*reader, lock.try_write_arc().is_none()));
    drop(reader);
    let guard: ArcRwLockUpgradableReadGuard<RawRwLock, i32> = lock.upgradable_read_arc();
    let writer: ArcRwLockWriteGuard<RawRwLock, i32> = ArcRwLockUpgradableReadGuard::upgrade(guard);
    results.saw("arc", (*writer, lock.try_read_arc().is_none()));
}

fn condvar(results: &mut Results) {
    static IN_A_STATIC: Condvar = Condvar::new();
    results.saw(
        "nobody",
        (IN_A_STATIC.notify_one(), IN_A_STATIC.notify_all()),
    );
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    results.saw("debug", (&condvar, Condvar::default()));
    let mut guard = mutex.lock();
    let result: WaitTimeoutResult = condvar.wait_for(&mut guard, SHORT);
    results.saw("timed out", (result, result.timed_out()));
    results.saw("past", condvar.wait_until(&mut guard, Instant::now()));
    let result = condvar.wait_while_for(&mut guard, |value| *value == 0, SHORT);
    results.saw("timed out", result);
    let until = Instant::now() + SHORT;
    let result = condvar.wait_while_until(&mut guard, |value| *value == 1, until);
    results.saw("not timed out", result);
    thread::scope(|s| {
        s.spawn(|| {
            *mutex.lock() = 1;
            condvar.notify_one();
            condvar.notify_all();
        });
        while *guard == 0 {
            condvar.wait(&mut guard);
        }
        condvar.wait_while(&mut guard, |value| *value == 0);
    });
    results.saw("woken", *guard);
    let panic = panics(|| condvar.wait_while(&mut guard, |_| panic!("in the condition")));
    results.saw("panic", (panic, mutex.is_locked()));
    drop(guard);
    results.saw("unlocked", mutex.is_locked());
}

fn once(results: &mut Results) {
    static IN_A_STATIC: Once = Once::new();
    let mut ran = 0;
    results.saw("new", (&IN_A_STATIC, IN_A_STATIC.state()));
    IN_A_STATIC.call_once(|| ran += 1);
    IN_A_STATIC.call_once(|| ran += 1);
    results.saw("once", (ran, &IN_A_STATIC, IN_A_STATIC.state().done()));
    let once = Once::default();
    results.saw("panic", panics(|| once.call_once(|| panic!("inside"))));
    results.saw("poisoned", (&once, once.state().poisoned()));
    results.saw("panic", panics(|| once.call_once(|| ())));
    once.call_once_force(|state| results.saw("state", (state, state == OnceState::Poisoned)));
    once.call_once(|| unreachable!());
    once.call_once_force(|_| unreachable!());
    results.saw("done", once);
}

fn auto_traits() {
    fn send<T: Send + ?Sized>() {}
    fn sync<T: Sync + ?Sized>() {}
    fn unwind_safe<T: UnwindSafe + ?Sized>() {}
    fn ref_unwind_safe<T: RefUnwindSafe + ?Sized>() {}
    /// `Send` and not `Sync`.
    type Local = std::cell::Cell<u8>;

    send::<Mutex<Local>>();
    sync::<Mutex<Local>>();
    sync::<MutexGuard<'_, u8>>();
    sync::<FairMutex<Local>>();
    sync::<FairMutexGuard<'_, u8>>();
    send::<ReentrantMutex<Local>>();
    sync::<ReentrantMutex<Local>>();
    send::<RwLock<Local>>();
    sync::<RwLock<u8>>();
    sync::<RwLockReadGuard<'_, u8>>();
    sync::<RwLockWriteGuard<'_, u8>>();
    sync::<RwLockUpgradableReadGuard<'_, u8>>();
    sync::<MappedRwLockReadGuard<'_, u8>>();
    send::<Condvar>();
    sync::<Condvar>();
    send::<Once>();
    sync::<Once>();
    send::<RawMutex>();
    sync::<RawMutex>();
    sync::<RawFairMutex>();
    sync::<RawRwLock>();
    unwind_safe::<Mutex<u8>>();
    unwind_safe::<FairMutex<u8>>();
    unwind_safe::<ReentrantMutex<u8>>();
    unwind_safe::<RwLock<u8>>();
    unwind_safe::<RawMutex>();
    ref_unwind_safe::<RawMutex>();
    unwind_safe::<RawRwLock>();
    ref_unwind_safe::<RawRwLock>();
    unwind_safe::<MappedRwLockReadGuard<'_, u8>>();
    unwind_safe::<Condvar>();
    ref_unwind_safe::<Condvar>();
    unwind_safe::<Once>();
    ref_unwind_safe::<Once>();
    generic(&Mutex::new(1));
}

/// Code that is generic over the raw lock takes ours.
fn generic<R: lock_api::RawMutexFair>(mutex: &lock_api::Mutex<R, i32>) {
    lock_api::MutexGuard::unlock_fair(mutex.lock());
}
