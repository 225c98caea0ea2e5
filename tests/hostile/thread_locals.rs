//! Destructors of thread-locals that use tracked values: part of their thread, as any other code of it.

use std::cell::Cell;
use std::sync::mpsc;

use racecheck::report::Race;
use racecheck::sync::Mutex;
use racecheck::{Shared, check, thread};

use crate::programs::run;
use crate::{is_silent, raced};

struct Writes {
    value: &'static Shared<u32>,
    lock: Option<&'static Mutex<()>>,
    done: mpsc::Sender<()>,
}

impl Drop for Writes {
    fn drop(&mut self) {
        let guard = self.lock.map(|lock| lock.lock().unwrap());
        self.value.set(1);
        drop(guard);
        self.done.send(()).unwrap();
    }
}

thread_local! {
    static AT_END: Cell<Option<Writes>> = const { Cell::new(None) };
}

type Body = Box<dyn FnOnce() + Send>;
type Join = Box<dyn FnOnce()>;

/// A thread that `start` starts writes in a destructor; this thread writes after that, and before it joins the thread or after.
fn at_the_end(locked: bool, joined: bool, start: fn(Body) -> Join) -> Vec<Race> {
    let value: &'static Shared<u32> = Box::leak(Box::new(Shared::new(0)));
    let lock: Option<&'static Mutex<()>> = locked.then(|| &*Box::leak(Box::new(Mutex::new(()))));
    let outcome = check(|| {
        let (done, wait) = mpsc::channel();
        let join = start(Box::new(move || {
            AT_END.set(Some(Writes { value, lock, done }));
        }));
        wait.recv().unwrap();
        let mut join = Some(join);
        if joined {
            join.take().unwrap()();
        }
        let guard = lock.map(|lock| lock.lock().unwrap());
        value.set(2);
        drop(guard);
        if let Some(join) = join {
            join();
        }
    });
    outcome.races().to_vec()
}

fn tracked(body: Body) -> Join {
    let thread = thread::spawn(body);
    Box::new(|| thread.join().unwrap())
}

#[cfg(target_os = "linux")]
fn plain(body: Body) -> Join {
    let thread = std::thread::spawn(body);
    Box::new(|| thread.join().unwrap())
}

#[test]
fn what_they_do_races_unless_it_is_ordered() {
    for start in [
        tracked as fn(Body) -> Join,
        #[cfg(target_os = "linux")]
        plain,
    ] {
        assert_eq!(at_the_end(false, false, start).len(), 1);
        for (locked, joined) in [(true, false), (false, true)] {
            let races = at_the_end(locked, joined, start);
            assert!(races.is_empty(), "{}", races[0]);
        }
    }
}

#[test]
fn those_of_main_too() {
    raced(1, &run("outside_main", "", &["thread-local", "racy"]));
    is_silent(&run("outside_main", "", &["thread-local", "ordered"]));
}
