//! `Once`: the end of the initializer before whoever sees it done, and a panic in it before whoever hears of that.

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::Shared;
use racecheck::parking_lot::{Once, OnceState};

use crate::{none, one_after_the_other, races};

fn quietly(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn the_initializer_is_ordered_before_who_sees_it_done() {
    type Sees = fn(&Once);
    let ways: [Sees; 3] = [
        |once| once.call_once(|| unreachable!()),
        |once| once.call_once_force(|_| unreachable!()),
        |once| assert!(once.state().done()),
    ];
    for sees in ways {
        none(|| {
            let (once, value) = (Once::new(), Shared::new(0));
            let initialize = || {
                once.call_once(|| value.set(1));
            };
            one_after_the_other(initialize, || {
                sees(&once);
                value.get()
            })
        });
        // What comes after the initializer isn't.
        races(|| {
            let (once, value) = (Once::new(), Shared::new(0));
            one_after_the_other(
                || {
                    once.call_once_force(|state| assert_eq!(state, OnceState::New));
                    at!(value.set(1))
                },
                || {
                    sees(&once);
                    at!(value.get())
                },
            )
        });
    }
}

#[test]
fn a_state_that_is_new_orders_nothing() {
    races(|| {
        let (once, value) = (Once::new(), Shared::new(0));
        one_after_the_other(
            || at!(value.set(1)),
            || {
                assert_eq!(once.state(), OnceState::New);
                at!(value.get())
            },
        )
    });
}

#[test]
fn a_panic_is_ordered_before_who_hears_of_it() {
    type Hears = fn(&Once);
    let ways: [Hears; 3] = [
        |once| once.call_once_force(|state| assert!(state.poisoned())),
        |once| assert_eq!(once.state(), OnceState::Poisoned),
        |once| assert!(quietly(|| once.call_once(|| ()))),
    ];
    for hears in ways {
        let program = |is_inside: bool| {
            let (once, value) = (Once::new(), Shared::new(0));
            one_after_the_other(
                || {
                    let mut line = 0;
                    let panics = || {
                        line = if is_inside { at!(value.set(1)) } else { 0 };
                        panic!("in the initializer");
                    };
                    assert!(quietly(|| once.call_once(panics)));
                    if is_inside { line } else { at!(value.set(1)) }
                },
                || {
                    hears(&once);
                    at!(value.get())
                },
            )
        };
        none(|| program(true));
        races(|| program(false));
    }
}
