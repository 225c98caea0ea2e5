//! Threads: those that are spawned, and what they know of themselves.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::super::lib::sync::Mutex;
use super::super::lib::thread::{
    self, AccessError, Builder, JoinHandle, LocalKey, Scope, ScopedJoinHandle, Thread, ThreadId,
};
use super::super::lib::{hint, thread_local};
use super::{Results, panics};

pub(super) fn results(results: &mut Results) {
    spawned(results);
    built(results);
    scoped(results);
    parked(results);
    locals(results);
    as_the_system_knows_them(results);
    hints(results);
    auto_traits();
}

/// The debug text, but for the thread's number.
fn shown(value: impl Debug) -> String {
    format!("{value:?}").replace(|c: char| c.is_ascii_digit(), "")
}

fn spawned(results: &mut Results) {
    let handle: JoinHandle<i32> = thread::spawn(|| 7);
    let id: ThreadId = handle.thread().id();
    results.saw("name", handle.thread().name());
    results.saw("shown", (shown(handle.thread()), shown(&handle), shown(id)));
    results.saw("another", id == thread::current().id());
    results.saw("joined", handle.join().unwrap());
    let handle = thread::spawn(|| thread::current().id());
    let id = handle.thread().id();
    results.saw("the same", handle.join().unwrap() == id);
    let handle = thread::spawn(|| panic!("in the thread"));
    let payload: Box<_> = handle.join().unwrap_err();
    results.saw("panic", payload.downcast_ref::<&str>());
    let handle = thread::spawn(thread::panicking);
    while !handle.is_finished() {
        thread::yield_now();
    }
    results.saw("panicking", (handle.join().unwrap(), thread::panicking()));
    let there = thread::available_parallelism().ok();
    results.saw(
        "parallelism",
        there == std::thread::available_parallelism().ok(),
    );
    let result: thread::Result<()> = Ok(());
    results.saw("result", result);
}

fn built(results: &mut Results) {
    let builder = Builder::new().name("worker".into()).stack_size(1 << 20);
    results.saw("builder", (&builder, Builder::new()));
    let handle = builder
        .spawn(|| thread::current().name().map(String::from))
        .unwrap();
    results.saw("name", handle.thread().name());
    results.saw("shown", shown(handle.thread()));
    results.saw("itself", handle.join().unwrap());
    let lent = [1, 2];
    // SAFETY: it is joined below.
    let handle = unsafe { Builder::new().spawn_unchecked(|| lent.len()) }.unwrap();
    results.saw("unchecked", handle.join().unwrap());
    let name = String::from("a\0b");
    let panic = panics(|| drop(Builder::new().name(name).spawn(|| ())));
    results.saw("panic", panic);
}

fn scoped(results: &mut Results) {
    let lent = [1, 2];
    let returned = thread::scope(|s| {
        results.saw("scope", shown(s));
        let handle: ScopedJoinHandle<'_, usize> = s.spawn(|| lent.len());
        results.saw("shown", (shown(&handle), shown(handle.thread())));
        results.saw("joined", handle.join().unwrap());
        let named = Builder::new()
            .name("scoped".into())
            .spawn_scoped(s, || thread::current().name().map(String::from))
            .unwrap();
        results.saw("name", named.join().unwrap());
        let payload = s.spawn(|| panic!("in the thread")).join().unwrap_err();
        results.saw("panic", payload.downcast_ref::<&str>());
        let finished = s.spawn(|| ());
        while !finished.is_finished() {
            thread::yield_now();
        }
        lent[1]
    });
    results.saw("returned", returned);
    let panic = panics(|| {
        thread::scope(|s| {
            s.spawn(|| panic!("in the thread"));
        });
    });
    results.saw("panic", panic);
}

#[expect(deprecated, reason = "std has them still")]
fn parked(results: &mut Results) {
    let before = Instant::now();
    let short = Duration::from_millis(1);
    thread::sleep(short);
    thread::sleep_ms(1);
    results.saw("slept", before.elapsed() >= 2 * short);
    thread::park_timeout(short);
    thread::park_timeout_ms(1);
    let woken = AtomicBool::new(false);
    let main: Thread = thread::current();
    thread::scope(|s| {
        s.spawn(|| {
            woken.store(true, Relaxed);
            main.clone().unpark();
        });
        while !woken.load(Relaxed) {
            thread::park();
        }
    });
    results.saw("woken", woken);
}

/// Uses the thread's locals when it is dropped.
struct AtEnd(std::sync::mpsc::Sender<Result<u32, AccessError>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        let _ = self.0.send(Ok(COUNT.get()));
        let _ = self.0.send(AT_END.try_with(|_| 0));
    }
}

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(1) };
    static LIST: RefCell<Vec<u32>> = RefCell::default();
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

fn locals(results: &mut Results) {
    let count: &'static LocalKey<Cell<u32>> = &COUNT;
    results.saw("key", count);
    COUNT.set(2);
    results.saw("there", thread::spawn(|| COUNT.replace(3)).join().unwrap());
    results.saw("here", (COUNT.get(), COUNT.take(), COUNT.with(Cell::get)));
    LIST.with_borrow_mut(|list| list.push(1));
    results.saw("list", LIST.with_borrow(Vec::clone));
    results.saw("list", (LIST.replace(vec![2]), LIST.take()));
    LIST.set(vec![3]);
    results.saw("list", LIST.try_with(RefCell::take));
    let (tx, rx) = std::sync::mpsc::channel();
    let ends = thread::spawn(move || AT_END.set(Some(AtEnd(tx))));
    ends.join().unwrap();
    let said: Vec<_> = rx.into_iter().collect();
    results.saw("at the end", &said);
    let error = said[1].unwrap_err();
    results.saw("error", (error.to_string(), error));
}

#[cfg(unix)]
fn as_the_system_knows_them(results: &mut Results) {
    use std::os::unix::thread::JoinHandleExt;

    let handle = thread::spawn(|| {
        // SAFETY: it asks for its own name.
        unsafe { libc::pthread_self() }
    });
    let name = handle.as_pthread_t();
    results.saw("name", handle.join().unwrap() == name);
    let name = thread::spawn(|| ()).into_pthread_t();
    // SAFETY: the name is ours, and used once.
    let joined = unsafe { libc::pthread_join(name, std::ptr::null_mut()) };
    results.saw("joined", joined);
}

#[cfg(not(unix))]
fn as_the_system_knows_them(_: &mut Results) {}

fn hints(results: &mut Results) {
    hint::spin_loop();
    results.saw(
        "hints",
        hint::black_box(hint::select_unpredictable(true, 1, 2)),
    );
    // SAFETY: it is.
    unsafe { hint::assert_unchecked(true) };
}

fn auto_traits() {
    fn send_and_sync<T: Send + Sync>() {}
    fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    /// `Send` and not `Sync`.
    type Local = Cell<u8>;
    /// `Sync` and not `Send`.
    type Lent = std::sync::MutexGuard<'static, u8>;

    send_and_sync::<JoinHandle<Lent>>();
    send_and_sync::<ScopedJoinHandle<'_, Local>>();
    send_and_sync::<Scope<'_, '_>>();
    send_and_sync::<Thread>();
    send_and_sync::<Builder>();
    send_and_sync::<LocalKey<Mutex<Lent>>>();
    unwind_safe::<Thread>();
    unwind_safe::<Builder>();
    unwind_safe::<LocalKey<Local>>();
    fn ref_unwind_safe<T: RefUnwindSafe>() {}
    ref_unwind_safe::<Scope<'_, '_>>();
}
