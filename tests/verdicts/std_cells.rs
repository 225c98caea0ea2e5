//! `Cell`, `RefCell`, `OnceCell` and `LazyCell` behind an `unsafe impl Sync`: what is an access of what kind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::cell::{Cell, LazyCell, OnceCell, Ref, RefCell, RefMut, UnsafeCell};
use racecheck::report::Operation;
use racecheck::sync::Mutex;

use crate::{none, one_after_the_other, races};

/// What shares it between threads.
struct Racy<T>(T);

// SAFETY: the two threads of a test run one after the other; only the order is missing, which is what is tested.
unsafe impl<T> Sync for Racy<T> {}

impl<T> Racy<T> {
    /// The field itself would be what a closure captures.
    fn get(&self) -> &T {
        &self.0
    }
}

type Call<T> = fn(&T) -> u32;

/// Two calls race if one of them writes, whichever comes first; unless a lock orders them.
fn judge<T>(new: fn() -> T, reads: &[Call<T>], writes: &[Call<T>]) {
    let reads = reads.iter().map(|call| (*call, false));
    let calls: Vec<_> = reads
        .chain(writes.iter().map(|call| (*call, true)))
        .collect();
    for (first, first_writes) in &calls {
        for (second, second_writes) in &calls {
            let cell = Racy(new());
            let cell = &cell;
            let unordered =
                || one_after_the_other(move || first(cell.get()), move || second(cell.get()));
            if *first_writes || *second_writes {
                races(unordered);
            } else {
                none(unordered);
            }
            let (cell, lock) = (Racy(new()), Mutex::new(()));
            let (cell, lock) = (&cell, &lock);
            none(|| {
                let locked = move |call: &Call<T>| {
                    let _guard = lock.lock().unwrap();
                    call(cell.get())
                };
                one_after_the_other(move || locked(first), move || locked(second))
            });
        }
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn cell() {
    judge::<Cell<i32>>(
        || Cell::new(0),
        &[
            |cell| at!(cell.get()),
            |cell| at!(cell.clone()),
            |cell| at!(*cell == Cell::new(0)),
            |cell| at!(*cell < Cell::new(0)),
            |cell| at!(cell.cmp(&Cell::new(0))),
            |cell| at!(format!("{cell:?}")),
        ],
        &[
            |cell| at!(cell.set(1)),
            |cell| at!(cell.replace(1)),
            |cell| at!(cell.take()),
            |cell| at!(cell.update(|n| n + 1)),
            |cell| at!(cell.swap(&Cell::new(1))),
            |cell| at!(Cell::new(1).swap(cell)),
        ],
    );
}

#[test]
fn cell_that_nobody_touches() {
    let calls: [Call<Cell<i32>>; 2] = [|cell| at!(cell.swap(cell)), |cell| at!(cell.as_ptr())];
    for call in calls {
        let cell = Racy(Cell::new(0));
        let cell = &cell;
        none(|| one_after_the_other(move || cell.get().set(1), move || call(cell.get())));
    }
}

#[test]
fn cell_without_bytes() {
    let cell = Racy(Cell::new(()));
    let cell = &cell;
    none(|| one_after_the_other(move || cell.get().set(()), move || cell.get().set(())));
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn ref_cell() {
    judge::<RefCell<i32>>(
        || RefCell::new(0),
        &[],
        &[
            |cell| at!(cell.borrow()),
            |cell| at!(cell.try_borrow()),
            |cell| at!(cell.borrow_mut()),
            |cell| at!(cell.try_borrow_mut()),
            |cell| at!(cell.replace(1)),
            |cell| at!(cell.replace_with(|n| *n + 1)),
            |cell| at!(cell.take()),
            |cell| at!(cell.swap(&RefCell::new(1))),
            |cell| at!(cell.clone()),
            |cell| at!(*cell == RefCell::new(0)),
            |cell| at!(*cell < RefCell::new(0)),
            |cell| at!(cell.cmp(&RefCell::new(0))),
            |cell| at!(format!("{cell:?}")),
        ],
    );
}

#[test]
fn ref_cell_whose_borrow_fails_is_only_read() {
    let fail: [Call<RefCell<i32>>; 3] = [
        |cell| at!(cell.try_borrow().unwrap_err()),
        |cell| at!(cell.try_borrow_mut().unwrap_err()),
        |cell| at!(catch_unwind(AssertUnwindSafe(|| drop(cell.borrow_mut()))).unwrap_err()),
    ];
    for first in fail {
        for second in fail {
            let cell = Racy(RefCell::new(0));
            let cell = &cell;
            let guard = cell.get().borrow_mut();
            none(|| one_after_the_other(move || first(cell.get()), move || second(cell.get())));
            drop(guard);
        }
        let cell = Racy(RefCell::new(0));
        let cell = &cell;
        std::mem::forget(cell.get().borrow_mut());
        // SAFETY: the guard was forgotten, and nobody borrows it mutably any more: the flag alone says so.
        let look: Call<RefCell<i32>> = |cell| at!(unsafe { cell.try_borrow_unguarded() });
        none(|| one_after_the_other(move || first(cell.get()), move || look(cell.get())));
    }
}

type Pair = RefCell<(i32, i32)>;

/// Begins a borrow, calls the other thread in, and ends it.
type End = fn(&Pair, &dyn Fn()) -> u32;

/// What another thread does after a borrow has begun and before it ends races with its end.
fn races_with_its_end(end: End, other: Call<Pair>) {
    let cell = Racy(RefCell::new((0, 1)));
    let cell = &cell;
    races(|| {
        let (begun, has_begun) = racecheck::sync::mpsc::channel();
        // Not racecheck's: nothing orders what comes back.
        let (done, is_done) = std::sync::mpsc::channel();
        racecheck::thread::scope(|s| {
            let first = s.spawn(move || {
                let is_done = is_done;
                end(cell.get(), &|| {
                    begun.send(()).unwrap();
                    is_done.recv().unwrap();
                })
            });
            has_begun.recv().unwrap();
            let line = other(cell.get());
            done.send(()).unwrap();
            (first.join().unwrap(), line)
        })
    });
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn ref_cell_whose_borrow_ends_later() {
    let ends: [End; 6] = [
        |cell, meanwhile| {
            let guard = cell.borrow();
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guard = Ref::map(cell.borrow(), |pair| &pair.0);
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guard = Ref::filter_map(cell.borrow(), |pair| Some(&pair.0)).unwrap();
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guards = Ref::map_split(cell.borrow(), |pair| (&pair.0, &pair.1));
            meanwhile();
            at!(drop(guards))
        },
        |cell, meanwhile| {
            let guard = Ref::clone(&cell.borrow());
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guard = cell.borrow();
            meanwhile();
            at!(drop(Ref::clone(&guard)))
        },
    ];
    for end in ends {
        races_with_its_end(end, |cell| at!(cell.try_borrow().unwrap()));
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn ref_cell_borrowed_mutably_whose_borrow_ends_later() {
    let ends: [End; 4] = [
        |cell, meanwhile| {
            let guard = cell.borrow_mut();
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guard = RefMut::map(cell.borrow_mut(), |pair| &mut pair.0);
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guard = RefMut::filter_map(cell.borrow_mut(), |pair| Some(&mut pair.0)).unwrap();
            meanwhile();
            at!(drop(guard))
        },
        |cell, meanwhile| {
            let guards = RefMut::map_split(cell.borrow_mut(), |pair| (&mut pair.0, &mut pair.1));
            meanwhile();
            at!(drop(guards))
        },
    ];
    for end in ends {
        races_with_its_end(end, |cell| at!(cell.try_borrow().unwrap_err()));
    }
}

#[test]
fn once_cell() {
    // One that is empty is only looked at, and one that is full is never written.
    judge::<OnceCell<i32>>(
        OnceCell::new,
        &[
            |cell| at!(cell.get()),
            |cell| at!(cell.clone()),
            |cell| at!(*cell == OnceCell::new()),
            |cell| at!(format!("{cell:?}")),
        ],
        &[],
    );
    let looks: [Call<OnceCell<i32>>; 5] = [
        |cell| at!(cell.get()),
        |cell| at!(cell.clone()),
        |cell| at!(*cell == OnceCell::new()),
        |cell| at!(cell.set(2)),
        |cell| at!(cell.get_or_init(|| 2)),
    ];
    let sets: [Call<OnceCell<i32>>; 2] =
        [|cell| at!(cell.set(1)), |cell| at!(cell.get_or_init(|| 1))];
    for set in sets {
        for look in looks {
            let cell = Racy(OnceCell::new());
            let cell = &cell;
            races(|| one_after_the_other(move || set(cell.get()), move || look(cell.get())));
            // Both look once it has been set for both.
            let cell = Racy(OnceCell::new());
            let cell = &cell;
            none(|| {
                set(cell.get());
                one_after_the_other(move || look(cell.get()), move || look(cell.get()))
            });
        }
        let cell = Racy(OnceCell::new());
        let cell = &cell;
        races(|| one_after_the_other(move || at!(cell.get().get()), move || set(cell.get())));
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a line that only debug information has: nothing on the way there has track_caller"
)]
fn lazy_cell() {
    let new = || LazyCell::<i32>::new(|| 7);
    let forces: [Call<LazyCell<i32>>; 2] = [|lazy| at!(LazyCell::force(lazy)), |lazy| at!(**lazy)];
    let looks: [Call<LazyCell<i32>>; 2] = [
        |lazy| at!(LazyCell::get(lazy)),
        |lazy| at!(format!("{lazy:?}")),
    ];
    for force in forces {
        for look in forces.iter().chain(&looks) {
            let lazy = Racy(new());
            let lazy = &lazy;
            races(|| one_after_the_other(move || force(lazy.get()), move || look(lazy.get())));
            let lazy = Racy(new());
            let lazy = &lazy;
            none(|| {
                force(lazy.get());
                one_after_the_other(move || force(lazy.get()), move || look(lazy.get()))
            });
        }
    }
    let lazy = Racy(new());
    let lazy = &lazy;
    none(|| one_after_the_other(move || looks[0](lazy.get()), move || looks[0](lazy.get())));
    races(|| one_after_the_other(move || looks[0](lazy.get()), move || forces[0](lazy.get())));
}

/// An initializer that panics has written; who finds it poisoned reads.
#[test]
fn lazy_cell_that_is_poisoned() {
    let force: Call<LazyCell<i32>> =
        |lazy| at!(catch_unwind(AssertUnwindSafe(|| **lazy)).unwrap_err());
    let new = || LazyCell::<i32>::new(|| panic!("in the initializer"));
    let lazy = Racy(new());
    let lazy = &lazy;
    races(|| one_after_the_other(move || force(lazy.get()), move || force(lazy.get())));
    let lazy = Racy(new());
    let lazy = &lazy;
    none(|| {
        force(lazy.get());
        one_after_the_other(move || force(lazy.get()), move || force(lazy.get()))
    });
}

/// The channel isn't racecheck's: what the other thread did is ordered in truth only.
#[test]
fn exclusive_access_is_never_checked() {
    struct All {
        cell: Cell<i32>,
        ref_cell: RefCell<i32>,
        once: OnceCell<i32>,
        lazy: LazyCell<i32>,
    }
    none(|| {
        let mut all = Box::new(All {
            cell: Cell::new(0),
            ref_cell: RefCell::new(0),
            once: OnceCell::new(),
            lazy: LazyCell::new(|| 7),
        });
        let (to_main, from_other) = std::sync::mpsc::channel();
        let other = racecheck::thread::spawn(move || {
            all.cell.set(1);
            *all.ref_cell.borrow_mut() = 1;
            all.once.set(1).unwrap();
            LazyCell::force(&all.lazy);
            to_main.send(all).unwrap();
        });
        all = from_other.recv().unwrap();
        *all.cell.get_mut() += 1;
        *all.ref_cell.get_mut() += 1;
        *all.once.get_mut().unwrap() += 1;
        *all.lazy += 1;
        assert_eq!(
            (all.cell.get(), *all.ref_cell.borrow(), *all.lazy),
            (2, 2, 8)
        );
        assert_eq!(all.once.take(), Some(2));
        other.join().unwrap();
    });
}

#[test]
fn the_report_names_the_value() {
    let cell = Racy(Cell::new(0u64));
    let created = line!() - 1;
    let cell = &cell;
    let race = &races(|| {
        one_after_the_other(
            move || at!(cell.get().set(1)),
            move || at!(cell.get().get()),
        )
    })[0];
    assert_eq!(race.current().operation(), Operation::Read);
    assert_eq!(race.previous().operation(), Operation::Write);
    let place = race.location();
    assert_eq!(place.name(), Some("Cell<u64>"));
    assert_eq!(place.size(), 8);
    assert_eq!(place.address(), cell.get().as_ptr().addr());
    assert_eq!(place.created_at().unwrap().line(), created);
    let cell = Racy(RefCell::new(0u64));
    let cell = &cell;
    let race = &races(|| {
        one_after_the_other(
            move || at!(cell.get().borrow()),
            move || at!(cell.get().borrow()),
        )
    })[0];
    assert_eq!(race.location().name(), Some("borrow flag of RefCell<u64>"));
}

#[test]
fn raw_get_is_get() {
    struct Unaligned<T>(u8, UnsafeCell<T>);
    let cell = Unaligned(0, UnsafeCell::new(7u128));
    assert_eq!(UnsafeCell::raw_get(&raw const cell.1), cell.1.get());
    assert_eq!(cell.0, 0);
    // As with `std`'s, the pointer may be anything.
    let _ = UnsafeCell::raw_get(std::ptr::null::<UnsafeCell<u8>>());
}
