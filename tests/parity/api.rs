//! Uses the API of `lib`, and says what it saw.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::time::Duration;

use super::lib::sync::{
    Barrier, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock, PoisonError, RwLock,
    RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use super::lib::thread;

mod arc;
mod threads;

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
    poisoned_mutex(&mut results);
    rwlock(&mut results);
    poisoned_rwlock(&mut results);
    condvar(&mut results);
    once(&mut results);
    once_lock(&mut results);
    lazy_lock(&mut results);
    barrier(&mut results);
    arc::all(&mut results);
    threads::all(&mut results);
    auto_traits();
    results.0
}

fn value<T>(result: LockResult<T>) -> (bool, T) {
    match result {
        Ok(value) => (false, value),
        Err(poisoned) => (true, poisoned.into_inner()),
    }
}

fn panics(f: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned()))
}

fn mutex(results: &mut Results) {
    static IN_A_STATIC: Mutex<u8> = Mutex::new(3);
    results.saw("static", *IN_A_STATIC.lock().unwrap());
    let mut mutex = Mutex::new(vec![1]);
    results.saw("unlocked", &mutex);
    let mut guard: MutexGuard<'_, Vec<i32>> = mutex.lock().unwrap();
    guard.push(2);
    results.saw("guard", &guard);
    results.saw("locked", &mutex);
    results.saw("try_lock", mutex.try_lock().is_err());
    results.saw("error", mutex.try_lock().map(drop).unwrap_err());
    drop(guard);
    results.saw("try_lock", mutex.try_lock().map(|guard| guard.clone()));
    mutex.get_mut().unwrap().push(3);
    results.saw("poisoned", mutex.is_poisoned());
    results.saw("inner", mutex.into_inner().unwrap());
    results.saw("default", Mutex::<u8>::default());
    results.saw("from", Mutex::from('x'));
    results.saw("displayed", Mutex::new(7).lock().unwrap().to_string());
    let unsized_one: &Mutex<[u8]> = &Mutex::new([1, 2]);
    results.saw("unsized", unsized_one.lock().unwrap().len());
}

fn poisoned_mutex(results: &mut Results) {
    let mut mutex = Mutex::new(1);
    let panic = panics(|| {
        let mut guard = mutex.lock().unwrap();
        *guard = 2;
        panic!("while it is locked");
    });
    results.saw("panic", panic);
    results.saw("is_poisoned", mutex.is_poisoned());
    results.saw("debug", &mutex);
    results.saw(
        "lock",
        mutex
            .lock()
            .map(|guard| *guard)
            .map_err(|error| error.to_string()),
    );
    results.saw(
        "into_inner",
        *mutex.lock().unwrap_or_else(PoisonError::into_inner),
    );
    let is_error = matches!(mutex.try_lock(), Err(TryLockError::Poisoned(_)));
    results.saw("try_lock", is_error);
    let (poisoned, reference) = value(mutex.get_mut());
    results.saw("get_mut", (poisoned, reference));
    mutex.clear_poison();
    results.saw("cleared", mutex.lock().is_ok());
    let _ = panics(|| {
        let _guard = mutex.lock();
        panic!("again");
    });
    results.saw("into_inner", value(mutex.into_inner()));
}

fn rwlock(results: &mut Results) {
    static IN_A_STATIC: RwLock<u8> = RwLock::new(3);
    results.saw("static", *IN_A_STATIC.read().unwrap());
    let mut lock = RwLock::new(vec![1]);
    results.saw("unlocked", &lock);
    let (one, two): (RwLockReadGuard<'_, _>, _) = (lock.read().unwrap(), lock.read().unwrap());
    results.saw(
        "readers",
        (
            &one,
            two.len(),
            lock.try_write().is_err(),
            lock.try_read().is_ok(),
        ),
    );
    results.saw("read", &lock);
    drop((one, two));
    let mut guard: RwLockWriteGuard<'_, _> = lock.write().unwrap();
    guard.push(2);
    results.saw(
        "writer",
        (&guard, lock.try_write().is_err(), lock.try_read().is_err()),
    );
    results.saw("written", &lock);
    results.saw("error", lock.try_read().map(drop).unwrap_err());
    let guard = RwLockWriteGuard::downgrade(guard);
    results.saw(
        "downgraded",
        (&guard, lock.try_write().is_err(), lock.try_read().is_ok()),
    );
    drop(guard);
    lock.get_mut().unwrap().push(3);
    results.saw("inner", lock.into_inner().unwrap());
    results.saw("default", RwLock::<u8>::default());
    results.saw("from", RwLock::from('x'));
    results.saw("displayed", RwLock::new(7).read().unwrap().to_string());
    results.saw("displayed", RwLock::new(7).write().unwrap().to_string());
    let unsized_one: &RwLock<[u8]> = &RwLock::new([1, 2]);
    results.saw("unsized", unsized_one.read().unwrap().len());
}

fn poisoned_rwlock(results: &mut Results) {
    let lock = RwLock::new(1);
    let _ = panics(|| {
        let _guard = lock.read().unwrap();
        panic!("while it is read");
    });
    results.saw("readers poison nothing", lock.is_poisoned());
    let _ = panics(|| {
        let _guard = RwLockWriteGuard::downgrade(lock.write().unwrap());
        panic!("after a downgrade");
    });
    results.saw("nor those who were writers", lock.is_poisoned());
    let _ = panics(|| {
        *lock.write().unwrap() = 2;
        let _guard = lock.write().unwrap();
        panic!("while it is written");
    });
    results.saw("is_poisoned", lock.is_poisoned());
    results.saw("debug", &lock);
    results.saw(
        "read",
        lock.read()
            .map(|guard| *guard)
            .map_err(|error| error.to_string()),
    );
    results.saw(
        "write",
        *lock.write().unwrap_or_else(PoisonError::into_inner),
    );
    results.saw(
        "try_read",
        matches!(lock.try_read().map(drop), Err(TryLockError::Poisoned(_))),
    );
    results.saw(
        "try_write",
        matches!(lock.try_write().map(drop), Err(TryLockError::Poisoned(_))),
    );
    lock.clear_poison();
    results.saw("cleared", lock.read().is_ok());
    results.saw("inner", value(lock.into_inner()));
}

#[expect(deprecated, reason = "std has it still")]
fn condvar(results: &mut Results) {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    results.saw("debug", &condvar);
    results.saw("default", Condvar::default());
    let short = Duration::from_millis(1);
    let (guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), short).unwrap();
    results.saw("timed out", (*guard, result, result.timed_out()));
    let (guard, in_time) = condvar.wait_timeout_ms(guard, 1).unwrap();
    results.saw("in time", (*guard, in_time));
    let (guard, result) = condvar
        .wait_timeout_while(guard, short, |value| *value == 0)
        .unwrap();
    results.saw("timed out", (*guard, result.timed_out()));
    let (guard, result) = condvar
        .wait_timeout_while(guard, short, |value| *value == 1)
        .unwrap();
    results.saw("not timed out", (*guard, result.timed_out()));
    drop(guard);
    thread::scope(|s| {
        s.spawn(|| {
            *mutex.lock().unwrap() = 1;
            condvar.notify_one();
            condvar.notify_all();
        });
        let mut guard = mutex.lock().unwrap();
        while *guard == 0 {
            guard = condvar.wait(guard).unwrap();
        }
        let guard = condvar.wait_while(guard, |value| *value == 0).unwrap();
        results.saw("woken", *guard);
    });
    let panic = panics(|| {
        let guard = mutex.lock().unwrap();
        drop(condvar.wait_while(guard, |_| panic!("in the condition")));
    });
    results.saw("panic", (panic, mutex.is_poisoned()));
    let waited = condvar.wait_timeout(mutex.lock().unwrap_or_else(PoisonError::into_inner), short);
    results.saw("poisoned", waited.is_err());
}

fn once(results: &mut Results) {
    static IN_A_STATIC: Once = Once::new();
    let mut ran = 0;
    IN_A_STATIC.call_once(|| ran += 1);
    IN_A_STATIC.call_once(|| ran += 1);
    IN_A_STATIC.wait();
    results.saw("once", (ran, IN_A_STATIC.is_completed(), &IN_A_STATIC));
    let once = Once::new();
    results.saw(
        "panic",
        panics(|| once.call_once(|| panic!("in the initializer"))),
    );
    results.saw("completed", once.is_completed());
    results.saw("poisoned", panics(|| once.call_once(|| ())).is_some());
    once.call_once_force(|state| results.saw("state", (state.is_poisoned(), state)));
    once.call_once(|| unreachable!());
    once.wait_force();
    results.saw("completed", once.is_completed());
}

fn once_lock(results: &mut Results) {
    static IN_A_STATIC: OnceLock<u8> = OnceLock::new();
    results.saw("static", IN_A_STATIC.get_or_init(|| 3));
    let mut cell: OnceLock<String> = OnceLock::new();
    results.saw("empty", (&cell, cell.get()));
    results.saw("empty", cell.get_mut());
    results.saw("clone", cell.clone());
    results.saw(
        "panic",
        panics(|| drop(cell.get_or_init(|| panic!("in the initializer")).clone())),
    );
    results.saw("set", (cell.set("a".to_owned()), cell.set("b".to_owned())));
    results.saw("full", (&cell, cell.get(), cell.wait()));
    results.saw(
        "equal",
        (
            cell == OnceLock::from("a".to_owned()),
            cell == OnceLock::new(),
        ),
    );
    cell.get_mut().unwrap().push('!');
    results.saw("clone", cell.clone());
    results.saw("take", (cell.take(), cell.take()));
    results.saw("taken", cell.get());
    results.saw(
        "inner",
        (cell.clone().into_inner(), OnceLock::from(1).into_inner()),
    );
    results.saw("default", OnceLock::<u8>::default());
}

fn lazy_lock(results: &mut Results) {
    static IN_A_STATIC: LazyLock<u8> = LazyLock::new(|| 3);
    results.saw("static", *IN_A_STATIC);
    let mut lazy = LazyLock::new(|| vec![1]);
    results.saw("not yet", (&lazy, LazyLock::get(&lazy)));
    results.saw("not yet", LazyLock::get_mut(&mut lazy).is_none());
    results.saw("force", LazyLock::force(&lazy));
    lazy.push(2);
    LazyLock::force_mut(&mut lazy).push(3);
    results.saw("forced", (&lazy, LazyLock::get(&lazy), lazy.len()));
    results.saw("default", LazyLock::<u8>::default().leading_zeros());
    let broken: LazyLock<u8> = LazyLock::new(|| panic!("in the initializer"));
    results.saw("panic", panics(|| assert_eq!(*broken, 1)));
    results.saw("poisoned", panics(|| assert_eq!(*broken, 1)));
}

fn barrier(results: &mut Results) {
    static IN_A_STATIC: Barrier = Barrier::new(1);
    results.saw("alone", IN_A_STATIC.wait());
    results.saw("nobody", Barrier::new(0).wait().is_leader());
    results.saw("debug", Barrier::new(2));
    let barrier = Barrier::new(3);
    let leaders: usize = thread::scope(|s| {
        let threads = [(); 3].map(|()| s.spawn(|| barrier.wait().is_leader()));
        threads
            .map(|thread| usize::from(thread.join().unwrap()))
            .into_iter()
            .sum()
    });
    results.saw("leaders", leaders);
}

fn auto_traits() {
    fn send<T: Send + ?Sized>() {}
    fn sync<T: Sync + ?Sized>() {}
    fn unwind_safe<T: UnwindSafe + RefUnwindSafe + ?Sized>() {}
    /// `Send` and not `Sync`.
    type Local = std::cell::Cell<u8>;
    /// `Sync` and not `Send`.
    type Lent = std::sync::MutexGuard<'static, u8>;

    send::<Mutex<Local>>();
    sync::<Mutex<Local>>();
    sync::<MutexGuard<'_, Lent>>();
    send::<RwLock<Local>>();
    sync::<RwLock<u8>>();
    sync::<RwLockReadGuard<'_, Lent>>();
    sync::<RwLockWriteGuard<'_, Lent>>();
    send::<OnceLock<Local>>();
    sync::<OnceLock<u8>>();
    sync::<LazyLock<u8, Box<dyn FnOnce() -> u8 + Send>>>();
    send::<Condvar>();
    sync::<Condvar>();
    send::<Once>();
    sync::<Once>();
    send::<Barrier>();
    sync::<Barrier>();
    unwind_safe::<Mutex<&mut u8>>();
    unwind_safe::<RwLock<&mut u8>>();
    unwind_safe::<RwLockReadGuard<'_, u8>>();
    unwind_safe::<RwLockWriteGuard<'_, u8>>();
    unwind_safe::<OnceLock<u8>>();
    unwind_safe::<LazyLock<u8>>();
    unwind_safe::<Condvar>();
    unwind_safe::<Once>();
    unwind_safe::<Barrier>();
}
