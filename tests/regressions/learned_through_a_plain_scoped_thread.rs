//! `std::thread::scope` waits for its threads where nobody can see it. What such a thread had learned from a tracked one, under a tracked lock, is
//! known after the scope all the same.

use std::sync::mpsc::channel;

use racecheck::sync::Mutex;
use racecheck::{Shared, check, thread};

fn through_a_lock(in_between: impl FnOnce(&Mutex<()>)) -> usize {
    let value = Shared::new(0);
    let lock = Mutex::new(());
    let outcome = check(|| {
        let (written, is_written) = channel();
        let (quit, is_quit) = channel::<()>();
        thread::scope(|s| {
            let (value, lock) = (&value, &lock);
            s.spawn(move || {
                let guard = lock.lock();
                value.set(1);
                drop(guard);
                written.send(()).unwrap();
                let _ = is_quit.recv();
            });
            is_written.recv().unwrap();
            in_between(lock);
            value.get();
            drop(quit);
        });
    });
    outcome.races().len()
}

#[test]
fn it_is_known_after_the_scope() {
    let races = through_a_lock(|lock| {
        std::thread::scope(|s| {
            s.spawn(|| drop(lock.lock()));
        });
    });
    assert_eq!(races, 0);
}

#[test]
fn a_scope_of_a_scope_passes_it_on() {
    let races = through_a_lock(|lock| {
        std::thread::scope(|outer| {
            outer.spawn(|| {
                std::thread::scope(|inner| {
                    inner.spawn(|| drop(lock.lock()));
                });
            });
        });
    });
    assert_eq!(races, 0);
}

/// The same, but the thread of the scope takes another lock.
#[test]
fn a_thread_that_learned_nothing_passes_nothing_on() {
    let other = Mutex::new(());
    let races = through_a_lock(|_| {
        std::thread::scope(|s| {
            s.spawn(|| drop(other.lock()));
        });
    });
    assert_eq!(races, 1);
}

/// A join that is seen says what was waited for; a thread that passed on nothing else is no excuse any more.
#[test]
fn a_joined_thread_passes_on_what_its_join_does() {
    let races = through_a_lock(|lock| {
        std::thread::scope(|s| {
            s.spawn(|| drop(lock.lock())).join().unwrap();
        });
    });
    assert_eq!(races, 0);
}

/// Who was started while another one was still at work can't have waited for its end.
#[test]
fn siblings_that_overlap_race_with_each_other() {
    let value = Shared::new(0);
    let outcome = check(|| {
        std::thread::scope(|s| {
            let (started, has_started) = channel();
            let (wrote, has_written) = channel();
            let value = &value;
            s.spawn(move || {
                has_started.recv().unwrap();
                value.set(1);
                wrote.send(()).unwrap();
            });
            s.spawn(move || {
                started.send(()).unwrap();
                has_written.recv().unwrap();
                value.set(2);
            });
        });
    });
    assert_eq!(outcome.races().len(), 1);
}

/// The one has ended before the other starts.
#[test]
fn siblings_of_two_scopes_do_not_race() {
    let value = Shared::new(0);
    let outcome = check(|| {
        for number in 0..2 {
            std::thread::scope(|s| {
                s.spawn(|| value.set(number));
            });
        }
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
}
