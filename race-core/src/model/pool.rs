//! `pool`: what was given back goes to one taker at a time, and none is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::model::model;
use crate::pool::{Pool, Pooled};
use crate::primitive::sync::atomic::AtomicU32;

#[derive(Default)]
struct Thing(AtomicU32);

// SAFETY:
// - Not relied on in a model.
unsafe impl Pooled for Thing {
    fn next(&self) -> &AtomicU32 {
        &self.0
    }
}

type Things = Pool<Thing, 1>;

#[derive(Clone, Copy)]
enum Step {
    Take,
    /// The one that it has had for longest.
    GiveBack,
    /// All that it has, at once.
    GiveBackAll,
}

/// What one thread does with those that are free. What it has in the end.
fn run(pool: &Things, steps: &[Step]) -> Vec<u32> {
    let mut mine: Vec<(u32, &Thing)> = Vec::new();
    for step in steps {
        match step {
            Step::Take => mine.extend(pool.take_free()),
            Step::GiveBack if !mine.is_empty() => {
                let (number, thing) = mine.remove(0);
                pool.give_back(number, thing);
            }
            Step::GiveBackAll if !mine.is_empty() => {
                for pair in mine.windows(2) {
                    pair[0].1.next().store(pair[1].0, Relaxed);
                }
                pool.give_back(mine[0].0, mine[mine.len() - 1].1);
                mine.clear();
            }
            Step::GiveBack | Step::GiveBackAll => {}
        }
    }
    mine.into_iter().map(|(number, _)| number).collect()
}

/// So many are free; then two threads take these steps. Nobody has what another has, and in the end all are somebody's or free.
fn check(count: usize, first: &'static [Step], second: &'static [Step]) {
    model(move |sides| {
        let pool = Arc::new(Things::new());
        let all: Vec<_> = (0..count).map(|_| pool.take()).collect();
        for (number, thing) in all {
            pool.give_back(number, thing);
        }
        let (one, other) = (pool.clone(), pool.clone());
        let (first, second) = sides.run(move || run(&one, first), move || run(&other, second));
        let mut all = [first, second].concat();
        while let Some((number, _)) = pool.take_free() {
            all.push(number);
            assert!(all.len() <= count, "one is somewhere twice: {all:?}");
        }
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (count, count), "{all:?}");
    });
}

use Step::{GiveBack, GiveBackAll, Take};

#[test]
fn two_take_and_give_back() {
    check(2, &[Take], &[Take]);
    check(1, &[Take, GiveBack], &[Take, GiveBack]);
}

/// The first one has been another's when it is first again, and leads elsewhere by now.
#[test]
fn one_that_was_taken_meanwhile() {
    check(2, &[Take, Take], &[Take, Take, GiveBack]);
}

#[test]
fn two_are_given_back_at_once() {
    check(3, &[Take, Take, GiveBackAll], &[Take, GiveBack]);
}
