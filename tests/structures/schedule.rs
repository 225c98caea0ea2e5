//! Threads that do one step at a time, as the test says, with no order between them that racecheck could see.
//!
//! An [`Actor`] is a tracked thread that takes its tasks from one of `std`'s channels: what it is told comes in the same order in every run, and
//! is unordered as far as racecheck knows, while the memory is in truth never accessed by two threads at once. An actor can be stopped at a point
//! inside an operation, which the structure marks with [`at`].

use std::cell::RefCell;
use std::sync::mpsc;

use super::lib::thread::{Scope, yield_now};

type Task<'scope, S> = Box<dyn FnOnce(&mut S) + Send + 'scope>;

/// What an actor tells the test.
enum Event {
    Stopped,
    Done,
}

thread_local! {
    /// Where the current actor is to stop, by the points' names.
    static STOPS: RefCell<Option<Stops>> = const { RefCell::new(None) };
}

struct Stops {
    next: &'static str,
    events: mpsc::Sender<Event>,
    resume: mpsc::Receiver<&'static str>,
}

/// No point is called that: an actor told to stop there runs to the end.
const NOWHERE: &str = "";

/// A point at which a schedule may stop an actor. Any other thread lets others go first, so that they meet it in the middle of its operation.
pub(crate) fn at(point: &'static str) {
    STOPS.with_borrow_mut(|stops| match stops {
        Some(stops) if stops.next == point => {
            stops.events.send(Event::Stopped).unwrap();
            // A test that has failed doesn't answer: then go on to the end.
            stops.next = stops.resume.recv().unwrap_or(NOWHERE);
        }
        Some(_) => (),
        None => yield_now(),
    });
}

/// A thread with a state of its own, which its tasks get.
pub(crate) struct Actor<'scope, S> {
    tasks: mpsc::Sender<(&'static str, Task<'scope, S>)>,
    events: mpsc::Receiver<Event>,
    resume: mpsc::Sender<&'static str>,
}

impl<'scope, S: 'scope> Actor<'scope, S> {
    /// Starts the thread; `state` is made in it, by the first task.
    pub(crate) fn new(
        scope: &'scope Scope<'scope, '_>,
        state: impl FnOnce() -> S + Send + 'scope,
    ) -> Actor<'scope, S> {
        let (tasks, to_do) = mpsc::channel::<(&'static str, Task<'scope, S>)>();
        let (events_out, events) = mpsc::channel();
        let (resume, resume_in) = mpsc::channel();
        scope.spawn(move || {
            let done = events_out.clone();
            STOPS.set(Some(Stops {
                next: NOWHERE,
                events: events_out,
                resume: resume_in,
            }));
            let mut first = Some(state);
            let mut state = None;
            for (stop, task) in to_do {
                let state = state.get_or_insert_with(|| first.take().unwrap()());
                STOPS.with_borrow_mut(|stops| stops.as_mut().unwrap().next = stop);
                task(state);
                // The test may have failed while this ran.
                let _ = done.send(Event::Done);
            }
        });
        Actor {
            tasks,
            events,
            resume,
        }
    }

    /// Does something, to the end.
    #[track_caller]
    pub(crate) fn does(&self, task: impl FnOnce(&mut S) + Send + 'scope) {
        self.tasks.send((NOWHERE, Box::new(task))).unwrap();
        self.expect_end();
    }

    /// Does something until it comes to the point.
    #[track_caller]
    pub(crate) fn does_until(
        &self,
        point: &'static str,
        task: impl FnOnce(&mut S) + Send + 'scope,
    ) {
        self.tasks.send((point, Box::new(task))).unwrap();
        self.expect_stop();
    }

    /// Goes on to the end of what it was stopped in.
    #[track_caller]
    pub(crate) fn finishes(&self) {
        self.resume.send(NOWHERE).unwrap();
        self.expect_end();
    }

    /// Goes on with what it was stopped in until it comes to the next point.
    #[track_caller]
    pub(crate) fn goes_on_until(&self, point: &'static str) {
        self.resume.send(point).unwrap();
        self.expect_stop();
    }

    #[track_caller]
    fn expect_end(&self) {
        let event = self.events.recv().expect("the actor has panicked");
        assert!(matches!(event, Event::Done), "it stopped instead");
    }

    #[track_caller]
    fn expect_stop(&self) {
        let event = self.events.recv().expect("the actor has panicked");
        assert!(matches!(event, Event::Stopped), "it never came there");
    }
}
