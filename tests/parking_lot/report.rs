//! A whole report, as a user reads it.

use expect_test::expect;
use racecheck::parking_lot::{Mutex, RwLock};
use racecheck::{Shared, thread};

#[path = "../examples/normalise.rs"]
mod normalise;

use crate::one_after_the_other;

#[test]
fn two_locks() {
    // In a thread, whichever one runs the tests: the report names it.
    let outcome = thread::spawn(|| racecheck::check(in_two_threads))
        .join()
        .unwrap();
    let [race] = outcome.races() else {
        panic!("one race: {:?}", outcome.races());
    };
    expect![[r#"
        ==================
        WARNING: DATA RACE
        Read at [address] by thread A:
              tests/parking_lot/report.rs:60:21 +[offset]

        Previous write at [address] by thread B:
              tests/parking_lot/report.rs:56:21 +[offset]

        Location is `Shared<i32>` (4 bytes), created at tests/parking_lot/report.rs:51:70

        Thread A (running or finished) created at:
              tests/support/judge.rs:103:24 +[offset]

        Thread B (running or finished) created at:
              tests/support/judge.rs:92:23 +[offset]

        Thread A held: RwLock (first locked at tests/parking_lot/report.rs:59:32) locked at tests/parking_lot/report.rs:59:32
        Thread B held: Mutex (first locked at tests/parking_lot/report.rs:54:25) locked at tests/parking_lot/report.rs:55:34

        Why: nothing orders the two. Thread B has released something since its write (last, it ended), but thread A has acquired none of it.
             Last order between them: thread C spawned thread B (tests/support/judge.rs:92) and thread A (tests/support/judge.rs:103).
        Help: hold the same lock at both places: the RwLock first locked at tests/parking_lot/report.rs:59:32 and the Mutex first locked at tests/parking_lot/report.rs:54:25 don't exclude each other.
        ==================
    "#]].assert_eq(&normalise::without_callers(&normalise::run(
        &race.to_string(),
    )));
}

fn in_two_threads() {
    let (ledger, audit, balance) = (Mutex::new(()), RwLock::new(()), Shared::new(0));
    one_after_the_other(
        || {
            drop(ledger.lock());
            let _ledger = ledger.try_lock();
            balance.set(1);
        },
        || {
            let _audit = audit.read();
            balance.get()
        },
    );
}
