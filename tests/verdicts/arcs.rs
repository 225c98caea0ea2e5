//! `Arc`, `Weak`: a dropped handle before the last drop, and before whoever finds itself the only owner.

use std::mem;

use racecheck::sync::{Arc, FromStd, Weak};
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

/// Reads a value in its destructor. `Clone`, for what asks for that.
#[derive(Clone)]
struct ReadAtEnd<'a>(&'a Shared<i32>);

impl ReadAtEnd<'_> {
    const LINE: u32 = line!() + 5;
}

impl Drop for ReadAtEnd<'_> {
    fn drop(&mut self) {
        self.0.get();
    }
}

#[test]
fn each_drop_is_before_the_destructor() {
    none(|| {
        let value = Shared::new(0);
        let one = Arc::new(ReadAtEnd(&value));
        let two = one.clone();
        one_after_the_other(
            || {
                write(&value);
                drop(one);
            },
            || drop(two),
        );
    });
    races(|| {
        let value = Shared::new(0);
        let one = Arc::new(ReadAtEnd(&value));
        let two = one.clone();
        one_after_the_other(
            || {
                drop(one);
                write(&value)
            },
            || {
                drop(two);
                ReadAtEnd::LINE
            },
        )
    });
}

#[test]
fn each_drop_is_before_the_destructor_in_any_schedule() {
    none(|| {
        let values: [Shared<i32>; 4] = Default::default();
        let all = Arc::new(values.each_ref().map(ReadAtEnd));
        thread::scope(|s| {
            for i in 0..values.len() {
                let (all, values) = (all.clone(), &values);
                s.spawn(move || {
                    values[i].set(1);
                    drop(all);
                });
            }
            drop(all);
        });
    });
}

type Owner = fn(Arc<i32>) -> Option<Arc<i32>>;
type Next = fn(&Arc<i32>, &Weak<i32>);

/// Those who need to be the only owner, and are. What they return is kept: dropping it would be an edge of its own.
const OWNERS: [Owner; 6] = [
    |mut arc| Arc::get_mut(&mut arc).is_some().then_some(arc),
    |mut arc| (*Arc::make_mut(&mut arc) == 0).then_some(arc),
    |mut arc| {
        let _weak = Arc::downgrade(&arc);
        (*Arc::make_mut(&mut arc) == 0).then_some(arc)
    },
    |arc| Arc::try_unwrap(arc).err(),
    |arc| Arc::into_inner(arc).is_none().then(Arc::default),
    |arc| (Arc::unwrap_or_clone(arc) != 0).then(Arc::default),
];

/// The same, but they aren't: there is another handle. What they do with their own can't be seen by the thread itself.
const SHARERS: [fn(Arc<i32>); 5] = [
    |mut arc| assert!(Arc::get_mut(&mut arc).is_none()),
    |mut arc| assert_eq!(Arc::make_mut(&mut arc), &0),
    |arc| assert!(Arc::try_unwrap(arc).is_err()),
    |arc| assert_eq!(Arc::into_inner(arc), None),
    |arc| assert_eq!(Arc::unwrap_or_clone(arc), 0),
];

#[test]
fn each_drop_is_before_the_only_owner() {
    for owner in OWNERS {
        none(|| {
            let (value, one) = (Shared::new(0), Arc::new(0));
            let two = one.clone();
            one_after_the_other(
                || {
                    write(&value);
                    drop(one);
                },
                || {
                    let _kept = owner(two);
                    read(&value)
                },
            );
        });
        // What follows the drop isn't.
        races(|| {
            let (value, one) = (Shared::new(0), Arc::new(0));
            let two = one.clone();
            one_after_the_other(
                || {
                    drop(one);
                    write(&value)
                },
                || {
                    let _kept = owner(two);
                    read(&value)
                },
            )
        });
    }
    for sharer in SHARERS {
        races(|| {
            let (value, one) = (Shared::new(0), Arc::new(0));
            let (two, _three) = (one.clone(), one.clone());
            one_after_the_other(
                || {
                    let line = write(&value);
                    drop(one);
                    line
                },
                || {
                    sharer(two);
                    read(&value)
                },
            )
        });
    }
}

/// All that ends a handle is a drop.
#[test]
fn what_gives_a_handle_up_is_before_the_only_owner() {
    let ends: [fn(Arc<i32>); 7] = [
        |arc| assert_eq!(Arc::into_inner(arc), None),
        |arc| assert_eq!(Arc::unwrap_or_clone(arc), 0),
        |arc| drop(Arc::try_unwrap(arc)),
        |mut arc| *Arc::make_mut(&mut arc) = 1,
        // SAFETY: the handle is its.
        |arc| unsafe { Arc::decrement_strong_count(Arc::into_raw(arc)) },
        // SAFETY: it comes from there, and is used once.
        |arc| drop(unsafe { Arc::from_raw(Arc::into_raw(arc)) }),
        |arc| drop(racecheck::unsize!(arc => dyn Send)),
    ];
    for end in ends {
        none(|| {
            let (value, one) = (Shared::new(0), Arc::new(0));
            let two = one.clone();
            one_after_the_other(
                || {
                    write(&value);
                    end(one);
                },
                || {
                    assert_eq!(Arc::into_inner(two), Some(0));
                    read(&value)
                },
            );
        });
    }
    // A handle that is forgotten is never dropped, and whoever says it was makes no order.
    races(|| {
        let (value, one) = (Shared::new(0), Arc::new(0));
        let two = one.clone();
        one_after_the_other(
            || {
                let line = write(&value);
                mem::forget(one);
                line
            },
            || {
                // SAFETY: there is one that nobody will drop.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(&two)) };
                assert_eq!(Arc::into_inner(two), Some(0));
                read(&value)
            },
        )
    });
}

/// The value itself, reached through the handle.
#[test]
fn the_value_is_ordered_for_its_only_owner() {
    none(|| {
        let one = Arc::new(Shared::new(0));
        let mut two = one.clone();
        one_after_the_other(
            || {
                write(&one);
                drop(one);
            },
            || {
                Arc::get_mut(&mut two).unwrap();
                read(&two)
            },
        );
    });
    races(|| {
        let one = Arc::new(Shared::new(0));
        let two = one.clone();
        one_after_the_other(|| write(&one), || read(&two))
    });
}

/// Nor does anything else that only counts.
#[test]
fn a_count_of_one_orders_nothing() {
    let looks: [fn(&Arc<Shared<i32>>); 5] = [
        |arc| assert_eq!(Arc::strong_count(arc), 1),
        |arc| assert_eq!(Arc::weak_count(arc), 0),
        |arc| drop(arc.clone()),
        |arc| assert!(Arc::ptr_eq(arc, arc)),
        |arc| assert!(!Arc::as_ptr(arc).is_null()),
    ];
    for look in looks {
        races(|| {
            let one = Arc::new(Shared::new(0));
            let two = one.clone();
            one_after_the_other(
                || {
                    let line = write(&one);
                    drop(one);
                    line
                },
                || {
                    look(&two);
                    read(&two)
                },
            )
        });
    }
}

/// A handle that goes to another thread by a way that racecheck can't see.
#[test]
fn a_clone_orders_nothing() {
    races(|| {
        let value = Arc::new(Shared::new(0));
        let (tx, rx) = std::sync::mpsc::channel();
        one_after_the_other(
            move || {
                let line = write(&value);
                tx.send(value.clone()).unwrap();
                mem::forget(value);
                line
            },
            move || read(&rx.recv().unwrap().clone()),
        )
    });
    none(|| {
        let value = Arc::new(Shared::new(0));
        let (tx, rx) = racecheck::sync::mpsc::channel();
        one_after_the_other(
            move || {
                write(&value);
                tx.send(value.clone()).unwrap();
            },
            move || read(&rx.recv().unwrap().clone()),
        );
    });
}

/// As `std`'s: a drop releases into the count that an upgrade acquires.
#[test]
fn each_drop_is_before_an_upgrade() {
    none(|| {
        let (value, one) = (Shared::new(0), Arc::new(0));
        let (_two, weak) = (one.clone(), Arc::downgrade(&one));
        one_after_the_other(
            || {
                write(&value);
                drop(one);
            },
            || {
                assert!(weak.upgrade().is_some());
                read(&value)
            },
        );
    });
    // A clone that is still there isn't.
    races(|| {
        let (value, one) = (Shared::new(0), Arc::new(0));
        let weak = Arc::downgrade(&one);
        one_after_the_other(
            || {
                let line = write(&value);
                mem::forget(one.clone());
                line
            },
            || {
                assert!(weak.upgrade().is_some());
                read(&value)
            },
        )
    });
    // Nothing to upgrade to.
    races(|| {
        let (value, one) = (Shared::new(0), Arc::new(0));
        let weak = Arc::downgrade(&one);
        one_after_the_other(
            || {
                let line = write(&value);
                drop(one);
                line
            },
            || {
                assert!(weak.upgrade().is_none());
                read(&value)
            },
        )
    });
}

#[test]
fn a_cyclic_one_is_finished_before_an_upgrade() {
    let program = |early: bool| {
        let value = Shared::new(0);
        thread::scope(|s| {
            let (tx, rx) = std::sync::mpsc::channel::<Weak<i32>>();
            let reader = s.spawn(|| {
                let weak = rx.into_iter().next().unwrap();
                while weak.upgrade().is_none() {
                    thread::yield_now();
                }
                read(&value)
            });
            let mut written = 0;
            let _cyclic = Arc::new_cyclic(|weak| {
                tx.send(weak.clone()).unwrap();
                if early {
                    written = write(&value);
                }
                7
            });
            if !early {
                written = write(&value);
            }
            (written, reader.join().unwrap())
        })
    };
    none(|| program(true));
    races(|| program(false));
}

/// As `std`'s: these acquire the count that the drop of a `Weak` releases into.
#[test]
fn a_dropped_weak_is_before_another() {
    let nexts: [Next; 2] = [
        |arc, _| drop(Arc::downgrade(arc)),
        |_, weak| assert_eq!(weak.weak_count(), 1),
    ];
    for next in nexts {
        none(|| {
            let (value, arc) = (Shared::new(0), Arc::new(0));
            let (one, two) = (Arc::downgrade(&arc), Arc::downgrade(&arc));
            one_after_the_other(
                || {
                    write(&value);
                    drop(one);
                },
                || {
                    next(&arc, &two);
                    read(&value)
                },
            );
        });
        races(|| {
            let (value, arc) = (Shared::new(0), Arc::new(0));
            let (one, two) = (Arc::downgrade(&arc), Arc::downgrade(&arc));
            one_after_the_other(
                || {
                    drop(one);
                    write(&value)
                },
                || {
                    next(&arc, &two);
                    read(&value)
                },
            )
        });
    }
}

/// A `Weak` doesn't keep the value. Who needs there to be no `Weak` comes after it; others don't.
#[test]
fn a_dropped_weak_is_before_get_mut_only() {
    none(|| {
        let (value, mut arc) = (Shared::new(0), Arc::new(0));
        let weak = Arc::downgrade(&arc);
        one_after_the_other(
            || {
                write(&value);
                drop(weak);
            },
            || {
                assert!(Arc::get_mut(&mut arc).is_some());
                read(&value)
            },
        );
    });
    let others: [fn(Arc<i32>); 4] = [
        |mut arc| assert_eq!(Arc::make_mut(&mut arc), &0),
        |arc| assert_eq!(Arc::try_unwrap(arc), Ok(0)),
        |arc| assert_eq!(Arc::into_inner(arc), Some(0)),
        drop,
    ];
    for other in others {
        races(|| {
            let (value, arc) = (Shared::new(0), Arc::new(0));
            let weak = Arc::downgrade(&arc);
            one_after_the_other(
                || {
                    let line = write(&value);
                    drop(weak);
                    line
                },
                || {
                    other(arc);
                    read(&value)
                },
            )
        });
    }
}

#[test]
fn a_report_says_what_ordered_them_last() {
    let races = races(|| {
        let (value, one) = (Shared::new(0), Arc::new(0));
        let two = one.clone();
        one_after_the_other(
            || {
                drop(one);
                write(&value)
            },
            || {
                assert_eq!(Arc::into_inner(two), Some(0));
                read(&value)
            },
        )
    });
    let why = races[0].why().join("\n");
    assert!(why.contains("dropped an Arc"), "{why}");
    assert!(why.contains("was then its only owner"), "{why}");
}

#[test]
fn one_of_stds_is_taken_over_with_its_value() {
    struct Dropped<'a>(&'a Shared<i32>);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(3);
        }
    }

    trait Any {}
    impl Any for Dropped<'_> {}

    let drops = Shared::new(0);
    {
        let object: std::sync::Arc<dyn Any + '_> = std::sync::Arc::new(Dropped(&drops));
        let weak = std::sync::Arc::downgrade(&object);
        let object = Arc::from_std(object).err().expect("a weak handle is one");
        drop(weak);
        let object: Arc<dyn Any + '_> = Arc::from_std(object).ok().expect("it is the only one");
        assert_eq!(drops.get(), 0);
        drop(object.clone());
        assert_eq!(drops.get(), 0, "there is still one");
    }
    assert_eq!(drops.get(), 3);
}
