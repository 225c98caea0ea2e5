//! Files of real `unsafe` code, written on `std`: with one line more, the attribute, their races are found. Each has one flaw that can be asked for.

use crate::judge::{none, one_after_the_other};
use racecheck::thread;

mod cache;
mod list;
mod ring;

/// The number of the line that ends in this comment.
fn line(source: &str, comment: &str) -> u32 {
    let mut lines = source.lines();
    let index = lines.position(|line| line.ends_with(comment)).unwrap();
    u32::try_from(index).unwrap() + 1
}

/// The program has one race: between the lines that are marked so, in this file.
#[track_caller]
fn races_in(file: &str, source: &str, program: impl FnOnce()) {
    let outcome = racecheck::check(program);
    let all: Vec<_> = outcome.races().iter().map(ToString::to_string).collect();
    let (first, second) = (line(source, "// first"), line(source, "// second"));
    assert_eq!(all.len(), 1, "{all:#?}");
    let race = &outcome.races()[0];
    assert!(
        race.is_between((file, first), (file, second)),
        "expected lines {first} and {second}: {race}"
    );
}

#[test]
fn ring() {
    use ring::instrumented::{FILE, Ring};
    use std::sync::atomic::Ordering::{Relaxed, Release};

    let program = |publish| {
        let ring = Ring::new(4, publish);
        thread::scope(|s| {
            s.spawn(|| {
                (0..20).for_each(|n| {
                    while !ring.push(n) {
                        thread::yield_now()
                    }
                })
            });
            let mut expected = 0;
            while expected < 20 {
                match ring.pop() {
                    Some(n) => {
                        assert_eq!(n, expected);
                        expected += 1;
                    }
                    None => thread::yield_now(),
                }
            }
        });
    };
    none(|| program(Release));
    races_in(FILE, include_str!("ring.rs"), || program(Relaxed));
}

#[test]
fn list() {
    use list::instrumented::{FILE, List};

    let program = |early| {
        let list = List::new(early);
        list.push(1);
        one_after_the_other(|| list.push(2), || assert_eq!(list.first(), Some(2)));
        assert_eq!(list.pop(), Some(2));
        assert_eq!(list.pop(), Some(1));
        assert_eq!(list.pop(), None);
    };
    none(|| program(false));
    races_in(FILE, include_str!("list.rs"), || program(true));
}

#[test]
fn cache() {
    use cache::instrumented::{FILE, clear, look_up, store};

    let program = |guarded| {
        clear();
        one_after_the_other(|| store(3, 9), || assert_eq!(look_up(3, guarded), Some(9)));
    };
    none(|| program(true));
    races_in(FILE, include_str!("cache.rs"), || program(false));
}
