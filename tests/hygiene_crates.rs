//! The macros where other crates are called `std` and `racecheck`, and racecheck has another name.

#![deny(warnings)]

extern crate racecheck as detector;
extern crate self as racecheck;
#[allow(unused_extern_crates, reason = "it stands in the way")]
extern crate self as std;

#[detector::shared(crate = detector)]
#[derive(Default)]
struct Stats {
    reqs: u64,
}

#[detector::shared(crate = ::detector)]
static HITS: u64 = 0;

#[detector::test(crate = detector, runs = 2)]
async fn counts() {
    #[detector::shared]
    let value: u64 = 0;
    value.set(HITS.get());
    Stats::default().set_reqs(value.get());
}

#[detector::shared(crate = detector)]
#[test]
fn labels() {
    #[detector::shared]
    let value = detector::label!(detector::Shared::new(0), "inner").get();
    assert_eq!(value.get(), 0);
}
