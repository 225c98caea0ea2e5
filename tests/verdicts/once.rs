//! `Once`, `OnceLock`, `LazyLock`: the initializer before all who see it done.

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::sync::{LazyLock, Once, OnceLock};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

fn write(value: &Shared<i32>) -> u32 {
    value.set(1);
    line!() - 1
}

fn read(value: &Shared<i32>) -> u32 {
    value.get();
    line!() - 1
}

#[test]
fn a_once_orders_those_who_see_it_done() {
    let sees: [fn(&Once); 5] = [
        |once| once.call_once(|| unreachable!()),
        |once| once.call_once_force(|_| unreachable!()),
        |once| assert!(once.is_completed()),
        Once::wait,
        Once::wait_force,
    ];
    for see in sees {
        none(|| {
            let (once, value) = (Once::new(), Shared::new(0));
            one_after_the_other(
                || {
                    once.call_once(|| {
                        write(&value);
                    });
                },
                || {
                    see(&once);
                    read(&value)
                },
            );
        });
    }
}

#[test]
fn a_once_that_is_not_done_orders_nothing() {
    races(|| {
        let (once, value) = (Once::new(), Shared::new(0));
        one_after_the_other(
            || {
                assert!(!once.is_completed());
                write(&value)
            },
            || {
                assert!(!once.is_completed());
                read(&value)
            },
        )
    });
}

/// What follows the initializer isn't before those who see it done.
#[test]
fn only_the_initializer_is_before() {
    races(|| {
        let (once, value) = (Once::new(), Shared::new(0));
        one_after_the_other(
            || {
                once.call_once(|| ());
                write(&value)
            },
            || {
                once.call_once(|| ());
                read(&value)
            },
        )
    });
}

#[test]
fn an_attempt_that_panicked_is_before_the_next() {
    none(|| {
        let (once, value) = (Once::new(), Shared::new(0));
        one_after_the_other(
            || {
                let attempt = || {
                    once.call_once(|| {
                        write(&value);
                        panic!("here");
                    });
                };
                assert!(catch_unwind(AssertUnwindSafe(attempt)).is_err());
            },
            || {
                once.call_once_force(|state| {
                    assert!(state.is_poisoned());
                    value.set(2);
                });
            },
        );
    });
    none(|| {
        let (cell, value) = (OnceLock::new(), Shared::new(0));
        one_after_the_other(
            || {
                let attempt = || {
                    cell.get_or_init(|| -> i32 {
                        write(&value);
                        panic!("here");
                    });
                };
                assert!(catch_unwind(AssertUnwindSafe(attempt)).is_err());
            },
            || cell.get_or_init(|| read(&value) as i32).min(&0).abs(),
        );
    });
}

/// Scenario pub-06.
#[test]
fn a_once_lock_orders_those_who_see_its_value() {
    let sees: [fn(&OnceLock<i32>); 5] = [
        |cell| assert_eq!(cell.get(), Some(&7)),
        |cell| assert_eq!(*cell.get_or_init(|| unreachable!()), 7),
        |cell| assert_eq!(cell.set(8), Err(8)),
        |cell| assert_eq!(cell.wait(), &7),
        |cell| assert_eq!(cell.clone().into_inner(), Some(7)),
    ];
    let sets: [fn(&OnceLock<i32>); 2] = [
        |cell| cell.set(7).unwrap(),
        |cell| assert_eq!(cell.get_or_init(|| 7), &7),
    ];
    for see in sees {
        for set in sets {
            none(|| {
                let (cell, value) = (OnceLock::new(), Shared::new(0));
                one_after_the_other(
                    || {
                        write(&value);
                        set(&cell);
                    },
                    || {
                        see(&cell);
                        read(&value)
                    },
                );
            });
        }
    }
}

#[test]
fn an_empty_once_lock_orders_nothing() {
    races(|| {
        let (cell, value) = (OnceLock::<i32>::new(), Shared::new(0));
        one_after_the_other(
            || {
                assert_eq!(cell.get(), None);
                write(&value)
            },
            || {
                assert_eq!(cell.get(), None);
                read(&value)
            },
        )
    });
}

#[test]
fn a_once_lock_that_is_taken_out_of_is_over() {
    none(|| {
        let (mut cell, value) = (OnceLock::new(), Shared::new(0));
        std::thread::scope(|s| {
            s.spawn(|| {
                write(&value);
                cell.set(1).unwrap();
            });
        });
        assert_eq!(cell.take(), Some(1));
        read(&value);
    });
}

#[test]
fn a_lazy_lock_orders_those_who_use_it() {
    static VALUE: Shared<i32> = Shared::new(0);
    static LAZY: LazyLock<i32> = LazyLock::new(|| {
        VALUE.set(1);
        7
    });
    none(|| {
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    assert_eq!(*LAZY, 7);
                    VALUE.get();
                });
            }
        });
    });
}
