//! What the macros give names nothing that the code around it might have made its own: there is no prelude here, `std` and `racecheck` are local
//! modules, and the names that a prelude would have are taken. `outside_crate` builds it for an older edition too; it passes if it compiles.

#![no_implicit_prelude]
#![deny(warnings, missing_docs)]

mod core {}
mod racecheck {}
mod std {}

mod taken {
    #![allow(dead_code, reason = "whoever means them finds the wrong ones")]

    pub(crate) struct Default;
    pub(crate) struct FnOnce;
    pub(crate) struct None;
    pub(crate) struct Option;
    pub(crate) struct Shared;
    pub(crate) struct Some;
}
use taken::{Default, FnOnce, None, Option, Shared, Some};

/// Never made.
#[allow(dead_code, reason = "it stands in the way")]
type Taken = (Default, FnOnce, None, Option, Shared, Some);

/// A struct.
#[::racecheck::shared]
#[derive(Debug, Default, Clone)]
pub struct Stats<T> {
    /// A field.
    pub reqs: u64,
    value: T,
    name: ::std::string::String,
}

/// A tuple.
#[::racecheck::shared]
pub struct Pair(u64, pub u8);

#[::racecheck::shared]
static HITS: u64 = 0;

static LABELLED: ::racecheck::Shared<u64> =
    ::racecheck::label!(::racecheck::Shared::new(0), "labelled");

#[::racecheck::test]
fn plain() {
    let stats = Stats::new(0, (), ::std::string::String::new());
    stats.set_reqs(stats.get_reqs() + HITS.get() + LABELLED.get());
    let pair = <Pair as ::core::default::Default>::default();
    pair.update_1(|n| n + 1);
}

fn test() {}
fn value() {}

#[::racecheck::test(runs = 3)]
fn runs() -> ::core::result::Result<(), ::std::string::String> {
    #[::racecheck::shared]
    let shared: u64 = 0;
    shared.set(1);
    test();
    value();
    ::core::result::Result::Ok(())
}

#[::racecheck::test(should_race, runs = 3)]
fn races() {
    #[::racecheck::shared]
    let value = 0;
    ::racecheck::thread::scope(|s| {
        s.spawn(|| value.set(1));
        s.spawn(|| value.set(2));
    });
}

#[::racecheck::test(should_panic = "on purpose")]
fn panics() {
    ::std::panic!("on purpose");
}

#[::racecheck::test(runs = 2)]
async fn waits() {
    ::core::future::ready(()).await;
}

#[::racecheck::test(runs = 2)]
#[test]
fn made_below() {}

mod function {
    #[::racecheck::main]
    #[allow(dead_code, reason = "the harness has its own")]
    async fn main() {
        #[::racecheck::shared]
        let value = 0;
        value.set(1);
    }
}

/// Its `std`, where nothing says otherwise, is the module within.
#[::racecheck::instrument(keep(Arc))]
mod instrumented {
    use ::core::sync::atomic::*;
    use ::std::cell::{Cell, UnsafeCell};
    use ::std::sync::*;
    use ::std::{fmt, ptr, thread};

    mod core {}
    mod racecheck {}
    mod std {
        pub(super) mod sync {
            pub(crate) fn number() -> u64 {
                7
            }
        }
    }

    ::std::thread_local! {
        static LOCAL: Cell<u64> = const { Cell::new(1) };
    }

    const fn zero() -> u64 {
        // SAFETY: the pointer is a reference's.
        unsafe { ptr::read(&0) }
    }

    #[derive(Debug)]
    struct Value {
        number: Mutex<u64>,
        atomic: AtomicU64,
    }

    fn pointer(cell: &UnsafeCell<u64>) -> *mut u64 {
        cell.get()
    }

    pub(crate) fn works() {
        let arc: ::std::sync::Arc<_> = Arc::new(Value {
            number: Mutex::new(std::sync::number() * LOCAL.get()),
            atomic: AtomicU64::new(zero()),
        });
        thread::scope(|s| {
            s.spawn(|| {
                *arc.number.lock().unwrap() += 1;
                arc.atomic.store(2, Ordering::Relaxed);
            });
        });
        ::std::assert_eq!(*::std::sync::Mutex::lock(&arc.number).unwrap(), 8);
        ::std::assert!(::std::matches!(
            arc.number.try_lock(),
            ::core::result::Result::Ok(_)
        ));
        let text = ::std::format!("{:?}", (fmt::Alignment::Left, &arc));
        ::std::assert!(!text.is_empty() && !pointer(&UnsafeCell::new(1)).is_null());
    }
}

#[test]
fn instrumented_items() {
    instrumented::works();

    #[::racecheck::instrument]
    fn function() -> ::std::thread::ThreadId {
        ::std::thread::current().id()
    }
    function();
}
