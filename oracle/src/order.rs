//! Happens-before: the transitive closure of program order and of the edges that synchronisation gives.
//!
//! Every event has a vector clock of its own, with one entry a thread: how many of that thread's events happen before it, or are it. (Lamport
//! 1978, Mattern 1989: one event happens before another if and only if the other's clock counts it.)

/// The number of an event, in the order of execution.
pub type EventId = usize;

#[derive(Debug)]
struct Event {
    thread: usize,
    /// Its number among the thread's events, from 1.
    number: u32,
    clock: Vec<u32>,
}

/// All events so far.
#[derive(Debug)]
pub struct Order {
    threads: usize,
    events: Vec<Event>,
    /// The last event of each thread; the fork, before its first.
    last: Vec<Option<EventId>>,
}

impl Order {
    /// No event yet, of this many threads.
    pub fn new(threads: usize) -> Order {
        Order {
            threads,
            events: Vec::new(),
            last: vec![None; threads],
        }
    }

    /// The next event of `thread`: after its last one, and after those in `after`.
    pub fn event(&mut self, thread: usize, after: &[EventId]) -> EventId {
        let mut clock = vec![0; self.threads];
        for earlier in self.last[thread].iter().chain(after) {
            for (mine, theirs) in clock.iter_mut().zip(&self.events[*earlier].clock) {
                *mine = (*mine).max(*theirs);
            }
        }
        clock[thread] += 1;
        let id = self.events.len();
        self.events.push(Event {
            thread,
            number: clock[thread],
            clock,
        });
        self.last[thread] = Some(id);
        id
    }

    /// Whether `earlier` happens before `later`.
    pub fn happens_before(&self, earlier: EventId, later: EventId) -> bool {
        let Event { thread, number, .. } = self.events[earlier];
        earlier != later && self.events[later].clock[thread] >= number
    }

    /// The thread of an event.
    pub fn thread(&self, event: EventId) -> usize {
        self.events[event].thread
    }

    /// All that `thread` will do is after `fork`.
    pub fn begin(&mut self, thread: usize, fork: EventId) {
        assert!(self.last[thread].is_none(), "forked, or begun, before");
        self.last[thread] = Some(fork);
    }

    /// The last event of a thread, or its fork, if there was either.
    pub fn last(&self, thread: usize) -> Option<EventId> {
        self.last[thread]
    }
}
