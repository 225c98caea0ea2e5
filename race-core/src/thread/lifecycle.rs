//! A thread's life: fork, start, end, join; and the adoption of threads that nobody announced.
//!
//! Handle and join are edges: what the creator did before is ordered before the thread, all of the thread before what follows its join.
//! A thread that was found running gets a clock that knows everything so far, and its end is taken to be known to everybody: where
//! nothing can be known, no race is claimed.
//!
//! Nothing here may depend on how the thread was started in reality; that is for the wrappers and for [`super::pthread`].

use std::cell::Cell;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::instrumented;
use crate::primitive::sync::Arc;
use crate::report::scope::SharedScope;
use crate::stack::depot::{ContextId, Detail};
use crate::stack::{calls, capture};
use crate::sync::{SyncClock, SyncKind};
use crate::thread::local;
use crate::thread::record::{Origin, Record};
use crate::thread::registry;
use crate::thread::state::{Site, ThreadState};

static FORK: SyncKind = SyncKind {
    name: "spawn",
    release: "spawned a thread",
    acquire: "started",
};

static PARK: SyncKind = SyncKind {
    name: "park",
    release: "unparked a thread",
    acquire: "returned from park",
};

pub(crate) static END: SyncKind = SyncKind {
    name: "join",
    release: "ended",
    acquire: "joined it",
};

/// What a thread is born with.
pub(super) struct Start {
    epoch: Epoch,
    base: Arc<VectorClock>,
    scope: Option<SharedScope>,
}

/// A thread: about to be started, running, or ended and to be joined.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::thread::Handle;
///
/// let worker = Handle::fork(Some("worker"), Location::caller());
/// let child = worker.clone();
/// let handle = std::thread::spawn(move || {
///     child.start(); // all that the creator did before `Handle::fork` happens before this
/// });
/// worker.await_end();
/// handle.join().unwrap();
/// worker.join(Location::caller()); // all that the thread did happens before this
/// ```
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Record>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle(thread {})", self.0.number)
    }
}

thread_local! {
    /// The thread that the next `pthread_create` of this thread creates, as `Arc::into_raw` gave it, or null. Raw, because a
    /// thread-local with a destructor could not be used while thread-locals are destroyed.
    static ANNOUNCED: Cell<*const Record> = const { Cell::new(ptr::null()) };
}

impl Handle {
    /// Announces a thread: what the caller has done so far happens before all that it will do.
    ///
    /// Start it with [`Handle::start`], or give it up with [`Handle::cancel`].
    pub fn fork(name: Option<&str>, site: &'static Location<'static>) -> Handle {
        let fork = Handle::with_origin(Origin::Tracked, Some(site.into()));
        if let Some(name) = name {
            fork.0.set_name(name);
        }
        fork
    }

    pub(super) fn with_origin(origin: Origin, site: Site) -> Handle {
        let fork = local::enter(|parent| {
            let created = parent.context(site, Detail::Plain);
            Handle::fork_by(parent, origin, Some(created), site)
        });
        // A thread started by the engine's own callees (an allocator, a `Debug` impl) from inside the engine: it has nobody's clock.
        fork.unwrap_or_else(Handle::nobody)
    }

    pub(crate) fn fork_by(
        parent: &mut ThreadState,
        origin: Origin,
        created: Option<ContextId>,
        site: Site,
    ) -> Handle {
        let record = Arc::new(Record::new(
            registry::next_number(),
            origin,
            Some(parent.record.clone()),
            created,
            parent.scope.clone(),
        ));
        let released = parent.release(&FORK, site);
        record.set_forked_in(released.epoch);
        let base = released.into_base();
        let epoch = registry::take_slot(&base, &record);
        *record.start.lock() = Some(Start {
            epoch,
            base: Arc::new(base),
            scope: parent.scope.clone(),
        });
        Handle(record)
    }

    /// A thread that nobody has forked, and that knows `base`.
    pub(crate) fn root(base: VectorClock) -> ThreadState {
        let record = Record::new(registry::next_number(), Origin::Tracked, None, None, None);
        let record = Arc::new(record);
        let epoch = registry::take_slot(&base, &record);
        ThreadState::new(epoch, Arc::new(base), None, record)
    }

    /// What the new thread is born with, for the first one who asks.
    pub(crate) fn take_state(&self) -> Option<ThreadState> {
        let start = self.0.start.lock().take()?;
        Some(ThreadState::new(
            start.epoch,
            start.base,
            start.scope,
            self.0.clone(),
        ))
    }

    /// The calling thread's.
    pub fn current() -> Handle {
        local::enter(|thread| Handle(thread.record.clone())).unwrap_or_else(Handle::nobody)
    }

    /// A thread that does nothing: for callers that are inside the engine.
    fn nobody() -> Handle {
        let record = Record::new(registry::next_number(), Origin::Unknown, None, None, None);
        Handle(Arc::new(record))
    }

    /// The caller is about to unpark the thread: what it has done so far happens before the thread's next return from `park`.
    pub fn unpark(&self, site: &'static Location<'static>) {
        self.0.park.release(&PARK, site);
    }

    /// The calling thread, whose handle this is, has returned from `park`.
    pub fn parked(&self, site: &'static Location<'static>) {
        self.0.park.acquire(&PARK, site);
    }

    /// Tells the interposed `pthread_create` that the creation it sees next on this thread is this one.
    pub fn announce(&self) {
        drop(Handle::take_announced());
        ANNOUNCED.set(Arc::into_raw(self.0.clone()));
    }

    /// Takes the announcement back, if no creation took it.
    pub fn withdraw(&self) {
        drop(Handle::take_announced());
    }

    pub(super) fn take_announced() -> Option<Handle> {
        let announced = ANNOUNCED.replace(ptr::null());
        // SAFETY: non-null came from `Arc::into_raw` in `announce`, and was just taken out: this is the one time it is turned back.
        (!announced.is_null()).then(|| Handle(unsafe { Arc::from_raw(announced) }))
    }

    /// The calling thread is the new one. Starting twice is the same as once.
    pub fn start(&self) {
        local::enter_bare(|| {
            let Some(state) = self.take_state() else {
                return;
            };
            // On platforms without interposition something may have brought the thread here before its start was announced.
            if local::is_installed() {
                finish_current();
            }
            self.0.os_id.store(os_thread_id(), Relaxed);
            if matches!(self.0.origin, Origin::Foreign | Origin::Instrumented) {
                self.0.set_born_as(current_os_name());
            }
            if instrumented::is_on() {
                self.0.set_stack(capture::own_stack());
            }
            self.0.set_started();
            local::install(state);
            arm_end();
        });
    }

    /// The calling thread is the new one, and belongs to the scope that is known by this address. See [`crate::deadlock::wait_for_scope`].
    pub fn start_in_scope(&self, scope: usize) {
        self.0.set_std_scope(scope);
        self.start();
    }

    /// The thread could not be started after all.
    pub fn cancel(&self) {
        local::enter_bare(|| {
            if let Some(start) = self.0.start.lock().take() {
                self.0.set_finished();
                registry::free_slot(start.epoch, start.epoch.clock() - 1);
            }
        });
    }

    /// The caller is about to wait for the thread's end, and calls [`Handle::join`] then: the interposed `pthread_join`, which doesn't know the
    /// line, leaves the edge to it.
    pub fn await_end(&self) {
        self.0.set_awaited();
    }

    /// The thread has ended, and the caller has waited for it: all that it did happens before what the caller does next.
    pub fn join(&self, site: &'static Location<'static>) {
        self.join_at(Some(site.into()));
    }

    /// What the thread's end released, for the first one who asks.
    pub(crate) fn take_end(&self) -> SyncClock {
        std::mem::take(&mut *self.0.end.lock())
    }

    pub(super) fn join_at(&self, site: Site) {
        local::enter(|thread| {
            let end = self.take_end();
            if self.0.may_end_unseen() {
                registry::unwatch(&self.0);
                self.0.forget_known();
            }
            thread.acquire(&end, &END, site);
        });
    }

    /// Nobody will join the thread.
    pub fn detach(&self) {
        local::enter_bare(|| {
            let mut end = self.0.end.lock();
            self.0.set_detached();
            let unclaimed = std::mem::take(&mut *end);
            drop(end);
            if !unclaimed.epoch.is_none() && self.0.is_finished() {
                registry::lower_known_from(unclaimed.epoch, self.0.quiet_from());
            }
        });
    }
}

/// Names the calling thread, if it has no name yet.
pub fn name_current(name: &str) {
    local::enter(|thread| thread.record.set_name(name));
}

/// The calling thread is that of a `fork`'s child. Inside the engine.
pub(crate) fn reborn(thread: &mut ThreadState) {
    registry::forget_before_fork();
    thread.assume(&registry::all_before_fork());
    thread.nested.clear();
    thread.record.os_id.store(os_thread_id(), Relaxed);
}

/// Brings in a thread that nobody announced. Inside the engine.
pub(crate) fn adopt() -> ThreadState {
    arm_end();
    let os_id = os_thread_id();
    let main = os_id != 0 && os_id == std::process::id();
    let (number, origin) = if main {
        (1, Origin::Main)
    } else {
        (registry::next_number(), Origin::Unknown)
    };
    let record = Arc::new(Record::new(number, origin, None, None, None));
    // Whoever created it, the name that it was born with is most likely the program's.
    static PROGRAM: OnceLock<OsName> = OnceLock::new();
    record.set_born_as(*PROGRAM.get_or_init(current_os_name));
    record.os_id.store(os_id, Relaxed);
    if instrumented::is_on() {
        record.set_stack(capture::own_stack());
    }
    record.set_started();
    let base = registry::everything_so_far();
    let epoch = registry::take_slot(&base, &record);
    ThreadState::new(epoch, Arc::new(base), None, record)
}

/// The calling thread is ending. Inside the engine, without a state borrowed.
fn finish_current() {
    if let Some(state) = local::uninstall() {
        finish(state);
    }
}

/// The thread that this was the state of has ended. What it did is in its record for the join, and its slot is free.
pub(crate) fn finish(mut state: Box<ThreadState>) {
    let record = state.record.clone();
    if record.name().is_none()
        && let Some(name) = given_name(&record, current_os_name())
    {
        record.set_name(&name);
    }
    let last = state.epoch();
    let quiet_from = state.quiet_from();
    record.set_quiet_from(quiet_from);
    let mut end = record.end.lock();
    // Nobody is ever seen joining a thread that was found running, either.
    let known_from = if record.is_detached() || record.origin == Origin::Unknown {
        quiet_from
    } else {
        state.end_into(&mut end, &END);
        last.clock()
    };
    record.set_finished();
    // Before `end` is unlocked: a `detach` that finds the thread finished looks for its slot among the free ones.
    registry::free_slot(last, known_from);
    drop(end);
    drop(state);
}

/// Called when the operating system ends the calling thread.
fn end_current() {
    local::leave_handlers();
    local::enter_bare(finish_current);
    calls::end();
}

/// Makes sure that [`end_current`] runs when the calling thread ends: after its thread-locals' destructors, which may use tracked values.
#[cfg(unix)]
fn arm_end() {
    use once_cell::sync::Lazy;
    use std::ffi::c_void;

    /// POSIX calls a key's destructor again while it sets the key again, at least four times: wait for the others' turn.
    const ROUNDS: usize = 4;

    static KEY: Lazy<Option<libc::pthread_key_t>> = Lazy::new(|| {
        let mut key = 0;
        // SAFETY: `key` is valid for a write, and `at_exit` is a destructor as POSIX wants it.
        (unsafe { libc::pthread_key_create(&mut key, Some(at_exit)) } == 0).then_some(key)
    });

    fn arm(rounds: usize) {
        if let Some(key) = *KEY {
            // SAFETY: the key was created and is never deleted; the value is a count, never followed.
            unsafe { libc::pthread_setspecific(key, ptr::without_provenance(rounds)) };
        }
    }

    unsafe extern "C" fn at_exit(rounds: *mut c_void) {
        match rounds.addr() {
            0 | 1 => end_current(),
            left => arm(left - 1),
        }
    }

    arm(ROUNDS);
}

#[cfg(not(unix))]
fn arm_end() {
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            end_current();
        }
    }
    thread_local! {
        static AT_EXIT: AtExit = const { AtExit };
    }
    // During the destruction of thread-locals it is too late, and the thread stays "running" in reports.
    let _ = AT_EXIT.try_with(|_| ());
}

#[cfg(target_os = "linux")]
fn os_thread_id() -> u32 {
    // SAFETY: no arguments, no failure.
    unsafe { libc::gettid() }.cast_unsigned()
}

#[cfg(not(target_os = "linux"))]
fn os_thread_id() -> u32 {
    0
}

/// A thread's name as Linux keeps it, with a zero byte at the end.
pub(super) type OsName = [u8; 16];

/// What the operating system calls the calling thread now.
#[cfg(target_os = "linux")]
fn current_os_name() -> OsName {
    let mut name = [0; 16];
    // SAFETY: writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

#[cfg(not(target_os = "linux"))]
fn current_os_name() -> OsName {
    [0; 16]
}

/// The name that was given to a thread after its birth: until then it has its creator's.
fn given_name(record: &Record, now: OsName) -> Option<String> {
    if matches!(record.origin, Origin::Main | Origin::Tracked) || now == record.born_as() {
        return None;
    }
    let name = now.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// The name that the operating system has for a running thread whose creation told none.
#[cfg(target_os = "linux")]
pub(crate) fn os_name(record: &Record) -> Option<String> {
    let task = record.os_id.load(Relaxed);
    let line = std::fs::read(format!("/proc/self/task/{task}/comm")).ok()?;
    let mut name = [0; 16];
    for (to, from) in name[..15].iter_mut().zip(line.trim_ascii_end()) {
        *to = *from;
    }
    given_name(record, name)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn os_name(_: &Record) -> Option<String> {
    None
}
