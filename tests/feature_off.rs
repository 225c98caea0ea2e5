//! Without `race-check`, racecheck is `std` under another name: the types are the same, and the engine isn't there.

#![cfg(not(feature = "race-check"))]

#[path = "support/cargo.rs"]
mod cargo;

use std::any::TypeId;
use std::collections::BTreeSet;
use std::path::Path;

/// Checks that the two types are one.
#[track_caller]
fn same<Ours: ?Sized + 'static, Stds: ?Sized + 'static>() {
    let names = [std::any::type_name::<Ours>(), std::any::type_name::<Stds>()];
    assert_eq!(TypeId::of::<Ours>(), TypeId::of::<Stds>(), "{names:?}");
}

/// Checks that the two functions are one: each function has a type of its own.
#[track_caller]
fn same_function<Ours: 'static, Stds: 'static>(_: Ours, _: Stds) {
    same::<Ours, Stds>();
}

#[test]
fn sync() {
    use racecheck::sync as ours;
    use std::sync as stds;

    same::<ours::Arc<u8>, stds::Arc<u8>>();
    same::<ours::Weak<str>, stds::Weak<str>>();
    same::<ours::Mutex<u8>, stds::Mutex<u8>>();
    same::<ours::Mutex<[u8]>, stds::Mutex<[u8]>>();
    same::<for<'a> fn(ours::MutexGuard<'a, u8>), for<'a> fn(stds::MutexGuard<'a, u8>)>();
    same::<ours::RwLock<u8>, stds::RwLock<u8>>();
    same::<ours::RwLock<[u8]>, stds::RwLock<[u8]>>();
    same::<for<'a> fn(ours::RwLockReadGuard<'a, u8>), for<'a> fn(stds::RwLockReadGuard<'a, u8>)>();
    same::<for<'a> fn(ours::RwLockWriteGuard<'a, u8>), for<'a> fn(stds::RwLockWriteGuard<'a, u8>)>(
    );
    same::<ours::Condvar, stds::Condvar>();
    same::<ours::WaitTimeoutResult, stds::WaitTimeoutResult>();
    same::<ours::Once, stds::Once>();
    same::<ours::OnceState, stds::OnceState>();
    same::<ours::OnceLock<u8>, stds::OnceLock<u8>>();
    same::<ours::LazyLock<u8>, stds::LazyLock<u8>>();
    same::<ours::Barrier, stds::Barrier>();
    same::<ours::BarrierWaitResult, stds::BarrierWaitResult>();
    same::<ours::PoisonError<u8>, stds::PoisonError<u8>>();
    same::<ours::TryLockError<u8>, stds::TryLockError<u8>>();
    same::<ours::LockResult<u8>, stds::LockResult<u8>>();
    same::<ours::TryLockResult<u8>, stds::TryLockResult<u8>>();
}

#[test]
fn mpsc() {
    use racecheck::sync::mpsc as ours;
    use std::sync::mpsc as stds;

    same::<ours::Sender<u8>, stds::Sender<u8>>();
    same::<ours::SyncSender<u8>, stds::SyncSender<u8>>();
    same::<ours::Receiver<u8>, stds::Receiver<u8>>();
    same::<ours::IntoIter<u8>, stds::IntoIter<u8>>();
    same::<ours::Iter<'static, u8>, stds::Iter<'static, u8>>();
    same::<ours::TryIter<'static, u8>, stds::TryIter<'static, u8>>();
    same::<ours::RecvError, stds::RecvError>();
    same::<ours::RecvTimeoutError, stds::RecvTimeoutError>();
    same::<ours::SendError<u8>, stds::SendError<u8>>();
    same::<ours::TryRecvError, stds::TryRecvError>();
    same::<ours::TrySendError<u8>, stds::TrySendError<u8>>();
    same_function(ours::channel::<u8>, stds::channel::<u8>);
    same_function(ours::sync_channel::<u8>, stds::sync_channel::<u8>);
}

#[cfg(feature = "crossbeam")]
#[test]
fn crossbeam() {
    use crossbeam_channel as theirs;
    use racecheck::channel as ours;

    same::<ours::Sender<u8>, theirs::Sender<u8>>();
    same::<ours::Receiver<u8>, theirs::Receiver<u8>>();
    same::<ours::IntoIter<u8>, theirs::IntoIter<u8>>();
    same::<ours::Iter<'static, u8>, theirs::Iter<'static, u8>>();
    same::<ours::TryIter<'static, u8>, theirs::TryIter<'static, u8>>();
    same::<ours::Select<'static>, theirs::Select<'static>>();
    same::<ours::SelectedOperation<'static>, theirs::SelectedOperation<'static>>();
    same_function(ours::bounded::<u8>, theirs::bounded::<u8>);
    same_function(ours::unbounded::<u8>, theirs::unbounded::<u8>);
    same::<racecheck::sync::WaitGroup, crossbeam_utils::sync::WaitGroup>();
}

#[cfg(feature = "arc-swap")]
#[test]
fn snapshots() {
    use arc_swap as theirs;
    use racecheck::arc_swap as ours;
    use std::sync::Arc;

    same::<ours::ArcSwap<u8>, theirs::ArcSwap<u8>>();
    same::<ours::ArcSwapOption<u8>, theirs::ArcSwapOption<u8>>();
    same::<ours::Guard<Arc<u8>>, theirs::Guard<Arc<u8>>>();
}

#[test]
fn atomic() {
    use racecheck::sync::atomic as ours;
    use std::sync::atomic as stds;

    same::<ours::AtomicBool, stds::AtomicBool>();
    same::<ours::AtomicI8, stds::AtomicI8>();
    same::<ours::AtomicU8, stds::AtomicU8>();
    same::<ours::AtomicI16, stds::AtomicI16>();
    same::<ours::AtomicU16, stds::AtomicU16>();
    same::<ours::AtomicI32, stds::AtomicI32>();
    same::<ours::AtomicU32, stds::AtomicU32>();
    same::<ours::AtomicI64, stds::AtomicI64>();
    same::<ours::AtomicU64, stds::AtomicU64>();
    same::<ours::AtomicIsize, stds::AtomicIsize>();
    same::<ours::AtomicUsize, stds::AtomicUsize>();
    same::<ours::AtomicPtr<u8>, stds::AtomicPtr<u8>>();
    same::<ours::Ordering, stds::Ordering>();
    same_function(ours::fence, stds::fence);
    same_function(ours::compiler_fence, stds::compiler_fence);
}

#[test]
fn thread() {
    use racecheck::thread as ours;
    use std::thread as stds;

    same::<ours::JoinHandle<()>, stds::JoinHandle<()>>();
    same::<ours::Thread, stds::Thread>();
    same::<ours::ThreadId, stds::ThreadId>();
    same::<ours::Builder, stds::Builder>();
    same::<ours::Result<u8>, stds::Result<u8>>();
    same::<ours::LocalKey<u8>, stds::LocalKey<u8>>();
    same::<ours::AccessError, stds::AccessError>();
    same::<
        for<'scope, 'env> fn(&'scope ours::Scope<'scope, 'env>),
        for<'scope, 'env> fn(&'scope stds::Scope<'scope, 'env>),
    >();
    same::<
        for<'scope> fn(ours::ScopedJoinHandle<'scope, u8>),
        for<'scope> fn(stds::ScopedJoinHandle<'scope, u8>),
    >();
    same_function(ours::spawn::<fn(), ()>, stds::spawn::<fn(), ()>);
    same_function(ours::current, stds::current);
    same_function(ours::park, stds::park);
    same_function(ours::park_timeout, stds::park_timeout);
    same_function(ours::sleep, stds::sleep);
    same_function(racecheck::hint::spin_loop, std::hint::spin_loop);
    same_function(ours::yield_now, stds::yield_now);
    same_function(ours::panicking, stds::panicking);
    same_function(ours::available_parallelism, stds::available_parallelism);
    // A scope's function can't be named with its lifetimes: it is called as `std`'s, on `std`'s scope.
    let scope: fn(for<'scope, 'env> fn(&'scope stds::Scope<'scope, 'env>)) = ours::scope;
    scope(|_| ());
}

#[test]
fn cell() {
    use racecheck::cell as ours;
    use std::cell as stds;

    same::<ours::Cell<u8>, stds::Cell<u8>>();
    same::<ours::RefCell<[u8]>, stds::RefCell<[u8]>>();
    same::<for<'a> fn(ours::Ref<'a, u8>), for<'a> fn(stds::Ref<'a, u8>)>();
    same::<for<'a> fn(ours::RefMut<'a, u8>), for<'a> fn(stds::RefMut<'a, u8>)>();
    same::<ours::OnceCell<u8>, stds::OnceCell<u8>>();
    same::<ours::LazyCell<u8>, stds::LazyCell<u8>>();
    same::<ours::BorrowError, stds::BorrowError>();
}

#[test]
fn ptr_and_alloc() {
    use racecheck::{alloc as our_alloc, ptr as ours};
    use std::{alloc as std_alloc, ptr as stds};

    same_function(ours::read::<u8>, stds::read::<u8>);
    same_function(ours::read_volatile::<u8>, stds::read_volatile::<u8>);
    same_function(ours::write::<u8>, stds::write::<u8>);
    same_function(ours::copy::<u8>, stds::copy::<u8>);
    same_function(ours::swap::<u8>, stds::swap::<u8>);
    same_function(ours::drop_in_place::<u8>, stds::drop_in_place::<u8>);
    same::<ours::NonNull<u8>, stds::NonNull<u8>>();
    same_function(our_alloc::alloc, std_alloc::alloc);
    same_function(our_alloc::alloc_zeroed, std_alloc::alloc_zeroed);
    same_function(our_alloc::realloc, std_alloc::realloc);
    same_function(our_alloc::dealloc, std_alloc::dealloc);
    same::<our_alloc::Layout, std_alloc::Layout>();
    assert_eq!(size_of::<our_alloc::Tracked>(), 0);
}

#[test]
fn cells_cost_nothing() {
    use racecheck::cell::UnsafeCell;

    assert_eq!(size_of::<UnsafeCell<u64>>(), 8);
    assert_eq!(align_of::<UnsafeCell<u64>>(), align_of::<u64>());
    assert_eq!(size_of::<UnsafeCell<[u8; 3]>>(), 3);
    assert_eq!(size_of::<UnsafeCell<()>>(), 0);
    // Its exclusion only: no shadow, and no label.
    assert_eq!(size_of::<racecheck::Shared<u64>>(), 8 + 16);
}

#[test]
fn nothing_is_found() {
    let value = racecheck::Shared::new(0);
    let outcome = racecheck::check(|| {
        racecheck::thread::scope(|s| {
            s.spawn(|| value.set(1));
            value.get();
        });
        7
    });
    assert_eq!((outcome.value, outcome.races().len()), (7, 0));
}

/// The packages that racecheck itself needs.
fn dependencies(features: &[&str]) -> Vec<String> {
    let tree = "tree --package racecheck --edges normal --no-default-features --prefix none";
    let arguments: Vec<&str> = tree.split(' ').chain(features.iter().copied()).collect();
    let run = cargo::cargo(Path::new(env!("CARGO_MANIFEST_DIR")), &arguments);
    assert!(run.success, "{}", run.stderr);
    let name = |line: &str| line.split(' ').next().unwrap_or(line).to_owned();
    let packages: BTreeSet<String> = run.stdout.lines().map(name).collect();
    packages.into_iter().collect()
}

#[test]
fn the_engine_is_no_dependency() {
    // The macros, what a macro is written with, and the names of what is found, which need nothing.
    let expected = [
        "proc-macro2",
        "quote",
        "race-interface",
        "race-macros",
        "racecheck",
        "strsim",
        "syn",
        "unicode-ident",
    ];
    assert_eq!(dependencies(&[]), expected);
    let on = dependencies(&["--features", "race-check"]);
    assert!(on.iter().any(|package| package == "race-core"), "{on:?}");
}
