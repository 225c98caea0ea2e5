//! crossbeam's channels and wait groups: pools of workers, semaphores made of channels, select.

use std::time::Duration;

use racecheck::channel::{bounded, select, tick, unbounded};
use racecheck::sync::WaitGroup;
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

#[test]
fn prim_07_wait_group_of_crossbeam() {
    none(|| {
        let (results, group) = ([(); 4].map(|()| Shared::new(0)), WaitGroup::new());
        thread::scope(|s| {
            for (i, result) in results.iter().enumerate() {
                let group = group.clone();
                s.spawn(move || {
                    result.set(i);
                    drop(group);
                });
            }
            group.wait();
            assert_eq!(results.iter().map(Shared::get).sum::<usize>(), 6);
        });
    });
    let program = |wait_first: bool| {
        let (result, group) = (Shared::new(0), WaitGroup::new());
        let done = group.clone();
        in_turn(
            || {
                let line = at!(result.set(42));
                drop(done);
                line
            },
            || {
                if wait_first {
                    group.wait();
                    return at!(result.get());
                }
                let line = at!(result.get());
                group.wait();
                line
            },
        )
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(race, "it left the WaitGroup", "");
}

/// A semaphore made of a channel: a permit is a message in it, and whoever has done gives back any.
#[test]
fn prim_09_semaphore_of_a_channel() {
    none(|| {
        let (total, (acquire, release)) = (Shared::new(0), bounded(1));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..10 {
                        acquire.send(()).unwrap();
                        total.update(|n| n + 1);
                        release.recv().unwrap();
                    }
                });
            }
        });
        assert_eq!(total.get(), 40);
    });
    let program = |capacity: usize| {
        let (total, (acquire, release)) = (Shared::new(0), bounded(capacity));
        let work = || {
            acquire.send(()).unwrap();
            let line = at!(total.update(|n| n + 1));
            release.recv().unwrap();
            line
        };
        in_turn(work, work)
    };
    none(|| program(1));
    let race = &races(|| program(2))[0];
    says(
        race,
        "released something since its write (last, it received from a full channel",
        "hold the same lock",
    );
}

/// Two feeds, of which the reader hears one: only that one's news is ordered before what it does. The other is never sent.
#[test]
fn prim_10_select() {
    let program = |read: usize| {
        let news = [(); 2].map(|()| Shared::new(""));
        let ((heard, rx0), (_unheard, rx1)) = (unbounded(), unbounded::<()>());
        let (first, (second, line)) = in_turn(
            || {
                let line = at!(news[0].set("it rains"));
                heard.send(()).unwrap();
                line
            },
            || {
                in_turn(
                    || at!(news[1].set("it snows")),
                    || {
                        select! {
                            recv(rx0) -> message => message.unwrap(),
                            recv(rx1) -> _ => unreachable!(),
                        }
                        at!(news[read].get())
                    },
                )
            },
        );
        ([first, second][read], line)
    };
    none(|| program(0));
    let race = &races(|| program(1))[0];
    says(race, "released nothing since its write", "");
}

/// Both have sent; the message that wasn't chosen is still there, and orders when it is received.
#[test]
fn prim_10_select_among_two_that_are_ready() {
    let program = |receive_both: bool| {
        let news = [(); 2].map(|()| Shared::new(""));
        let [(tx0, rx0), (tx1, rx1)] = [(); 2].map(|()| unbounded());
        let (first, (second, line)) = in_turn(
            || {
                let line = at!(news[0].set("it rains"));
                tx0.send(0).unwrap();
                line
            },
            || {
                in_turn(
                    || {
                        let line = at!(news[1].set("it snows"));
                        tx1.send(1).unwrap();
                        line
                    },
                    || {
                        let chosen: usize = select! {
                            recv(rx0) -> message => message.unwrap(),
                            recv(rx1) -> message => message.unwrap(),
                        };
                        let other = 1 - chosen;
                        if receive_both {
                            assert_eq!([&rx0, &rx1][other].recv(), Ok(other));
                        }
                        news[chosen].get();
                        (other, at!(news[other].get()))
                    },
                )
            },
        );
        let (other, line) = line;
        ([first, second][other], line)
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(
        race,
        "released something since its write (last, it sent a message",
        "",
    );
}

/// Jobs for several workers, results back, a stop, and a clock that orders nothing.
#[test]
fn prim_10_workers() {
    none(|| {
        let ((jobs, todo), (results, done)) = (bounded(2), unbounded());
        let (stop, stopped) = bounded::<()>(0);
        let ticks = tick(Duration::from_millis(1));
        thread::scope(|s| {
            for _ in 0..3 {
                let (todo, results) = (todo.clone(), results.clone());
                let (stopped, ticks) = (stopped.clone(), ticks.clone());
                s.spawn(move || {
                    loop {
                        select! {
                            recv(todo) -> job => {
                                let job: Box<Shared<u32>> = job.unwrap();
                                job.update(|n| n + 1);
                                results.send(job).unwrap();
                            }
                            recv(ticks) -> _ => (),
                            recv(stopped) -> _ => break,
                        }
                    }
                });
            }
            let mut sum = 0;
            for i in 0..30 {
                let job = Box::new(Shared::new(0));
                job.set(i);
                jobs.send(job).unwrap();
            }
            for _ in 0..30 {
                sum += done.recv().unwrap().get();
            }
            drop(stop);
            assert_eq!(sum, 465);
        });
    });
}
