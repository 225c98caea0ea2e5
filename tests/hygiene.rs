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
