//! Threads, locks, messages and barriers: which event each step is directly after.

use std::collections::HashMap;

use crate::order::{EventId, Order};
use crate::program::{Action, Step};

#[derive(Debug, Default)]
struct Lock {
    unlocks: Vec<EventId>,
    /// Of those who only read: they are before later writers, and order no readers.
    read_unlocks: Vec<EventId>,
}

#[derive(Debug, Default)]
struct Barrier {
    /// The generations, each with its arrivals. The last one is open until somebody leaves it.
    generations: Vec<Vec<EventId>>,
    inside: HashMap<usize, usize>,
}

/// All objects of a program.
#[derive(Debug, Default)]
pub struct Objects {
    locks: HashMap<usize, Lock>,
    messages: HashMap<usize, EventId>,
    barriers: HashMap<usize, Barrier>,
}

impl Objects {
    /// The event of a step on a thread, a lock, a message or a barrier.
    pub fn step(&mut self, order: &mut Order, step: &Step) -> EventId {
        let thread = step.thread;
        match step.action {
            Action::Fork(child) => {
                let fork = order.event(thread, &[]);
                order.begin(child, fork);
                fork
            }
            Action::Join(child) => {
                let after: Vec<EventId> = order.last(child).into_iter().collect();
                order.event(thread, &after)
            }
            Action::End => order.event(thread, &[]),
            Action::Lock(lock) => {
                let lock = self.locks.entry(lock).or_default();
                let after = [&lock.unlocks[..], &lock.read_unlocks[..]].concat();
                order.event(thread, &after)
            }
            Action::Unlock(lock) => {
                let event = order.event(thread, &[]);
                self.locks.entry(lock).or_default().unlocks.push(event);
                event
            }
            Action::ReadLock(lock) => {
                let lock = self.locks.entry(lock).or_default();
                order.event(thread, &lock.unlocks)
            }
            Action::ReadUnlock(lock) => {
                let event = order.event(thread, &[]);
                self.locks.entry(lock).or_default().read_unlocks.push(event);
                event
            }
            Action::Send(message) => {
                let event = order.event(thread, &[]);
                self.messages.insert(message, event);
                event
            }
            Action::Receive(message) => order.event(thread, &[self.messages[&message]]),
            Action::Arrive(barrier) => {
                let event = order.event(thread, &[]);
                self.barriers
                    .entry(barrier)
                    .or_default()
                    .arrive(thread, event);
                event
            }
            Action::Leave(barrier) => {
                let barrier = self.barriers.entry(barrier).or_default();
                let after = barrier.leave(thread);
                order.event(thread, &after)
            }
            _ => panic!("not a step on an object: {step:?}"),
        }
    }
}

impl Barrier {
    fn arrive(&mut self, thread: usize, event: EventId) {
        if self.generations.is_empty() {
            self.generations.push(Vec::new());
        }
        let newest = self.generations.len() - 1;
        self.generations[newest].push(event);
        self.inside.insert(thread, newest);
    }

    fn leave(&mut self, thread: usize) -> Vec<EventId> {
        let generation = self.inside.remove(&thread).expect("arrived before");
        if generation + 1 == self.generations.len() {
            self.generations.push(Vec::new());
        }
        self.generations[generation].clone()
    }
}
