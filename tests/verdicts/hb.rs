//! Annotations.

use racecheck::{Shared, hb};

use crate::{none, one_after_the_other, races};

fn annotated(release: bool, acquire: bool) -> (u32, u32) {
    let value = Shared::new(0);
    one_after_the_other(
        || {
            let line = at!(value.set(1));
            if release {
                hb::release(&value);
            }
            line
        },
        || {
            if acquire {
                hb::acquire(&value);
            }
            at!(value.get())
        },
    )
}

#[test]
fn release_and_acquire_of_one_key_order() {
    none(|| annotated(true, true));
}

#[test]
fn one_side_alone_does_not() {
    races(|| annotated(true, false));
    races(|| annotated(false, true));
}

#[test]
fn releases_of_one_key_add_up() {
    none(|| {
        let (first, second, key) = (Shared::new(0), Shared::new(0), 0);
        let release = |value: &Shared<i32>| {
            value.set(1);
            hb::release(&key);
        };
        one_after_the_other(
            || release(&first),
            || {
                one_after_the_other(
                    || release(&second),
                    || {
                        hb::acquire(&key);
                        first.get() + second.get()
                    },
                )
            },
        );
    });
}

#[test]
fn a_forgotten_key_orders_nothing() {
    races(|| {
        let value = Shared::new(0);
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                hb::release(&value);
                hb::forget(&value);
                line
            },
            || {
                hb::acquire(&value);
                at!(value.get())
            },
        )
    });
}
