//! `shadow::pool`, of annexes: what was given back goes to one line at a time, and none is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::model;
use crate::shadow::annex;
use crate::shadow::pool::FreeList;

/// What one thread takes and gives back: `true` takes one, `false` gives back the one that it has had for longest. What it has in the end.
fn run(free: &FreeList, steps: &[bool]) -> Vec<u32> {
    let mut mine = Vec::new();
    for takes in steps {
        if *takes {
            mine.extend(free.take());
        } else if !mine.is_empty() {
            let (number, annex) = mine.remove(0);
            free.give_back(number, annex);
        }
    }
    mine.into_iter().map(|(number, _)| number).collect()
}

/// So many are free; then two threads take these steps. Nobody has what another has, and in the end all are somebody's or free.
fn check(count: usize, first: &'static [bool], second: &'static [bool]) {
    model(move |sides| {
        let free = Arc::new(FreeList::new());
        for _ in 0..count {
            let (number, annex) = annex::take();
            free.give_back(number, annex);
        }
        let (one, other) = (free.clone(), free.clone());
        let (first, second) = sides.run(move || run(&one, first), move || run(&other, second));
        let mut all = [first, second].concat();
        while let Some((number, _)) = free.take() {
            all.push(number);
            assert!(all.len() <= count, "one is somewhere twice: {all:?}");
        }
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (count, count), "{all:?}");
    });
}

const TAKE: bool = true;
const GIVE_BACK: bool = false;

#[test]
fn two_take_and_give_back() {
    check(2, &[TAKE], &[TAKE]);
    check(1, &[TAKE, GIVE_BACK], &[TAKE, GIVE_BACK]);
}

/// The first one has been another's when it is first again, and leads elsewhere by now.
#[test]
fn one_that_was_taken_meanwhile() {
    check(2, &[TAKE, TAKE], &[TAKE, TAKE, GIVE_BACK]);
}
