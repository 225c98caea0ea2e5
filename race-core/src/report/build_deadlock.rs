//! Puts a deadlock together from its parties: threads, stacks, locks; and says why it is one.

use std::sync::Arc;

use super::build::{place, thread_info};
use super::deadlock::{Deadlock, DeadlockKind, DeadlockLock, Goal, Holding, Waiter};
use super::race::{Key, PairSite};
use crate::deadlock::{self, Claim, Mode, Party, Unlocking};
use crate::stack::depot;
use crate::stack::position::Place;
use crate::stack::symbols::{self, Paths};

/// What tells it apart from others before any symbol is looked up: where each waits and where it has locked what the others want.
pub(super) fn key(kind: DeadlockKind, parties: &[&Party]) -> Key {
    let site = |claim: &Claim| match claim.info.locked.place() {
        Place::Line(line) => PairSite::Source(line.file(), line.line(), line.column()),
        Place::Code(address) => PairSite::Code(address),
    };
    let mut sites: Vec<(PairSite, PairSite)> = (parties.iter().enumerate())
        .map(|(index, party)| {
            let before = parties[(index + parties.len() - 1) % parties.len()];
            let wanted_by_other = match &before.goal {
                deadlock::Goal::Lock(wanted) => {
                    party.held.iter().find(|held| held.lock == wanted.lock)
                }
                _ => None,
            };
            let waits = match &party.goal {
                deadlock::Goal::Lock(wanted) => site(wanted),
                _ => PairSite::Code(0),
            };
            (waits, wanted_by_other.map_or(PairSite::Code(0), site))
        })
        .collect();
    sites.sort();
    Key::Deadlock(kind, sites)
}

pub(super) fn deadlock(kind: DeadlockKind, parties: &[&Party], paths: &Arc<Paths>) -> Deadlock {
    let mut numbers: Vec<u64> = Vec::new();
    let mut lock = |claim: &Claim| {
        let known = numbers.iter().position(|number| *number == claim.lock);
        let index = known.unwrap_or_else(|| {
            numbers.push(claim.lock);
            numbers.len() - 1
        });
        DeadlockLock {
            number: index + 1,
            kind: claim.info.kind.name,
            origin: claim.info.created.event(),
            created_at: place(claim.info.created.place(), paths),
        }
    };
    let waiters: Vec<Waiter> = (parties.iter())
        .map(|party| Waiter {
            thread: thread_info(&party.record, paths),
            goal: match &party.goal {
                deadlock::Goal::Lock(wanted) => Goal::Lock {
                    lock: lock(wanted),
                    shared: wanted.mode == Mode::Shared,
                },
                deadlock::Goal::Thread(record) => Goal::Thread {
                    number: record.number,
                },
                deadlock::Goal::Scope => Goal::Scope,
            },
            stack: symbols::resolve(&depot::get(party.context), paths),
            held: (party.held.iter())
                .map(|held| Holding {
                    lock: lock(held),
                    shared: held.mode == Mode::Shared,
                    locked_at: place(held.info.locked, paths),
                })
                .collect(),
        })
        .collect();
    Deadlock {
        kind,
        why: why(kind, &waiters),
        help: help(kind, &waiters, parties),
        waiters,
    }
}

fn why(kind: DeadlockKind, waiters: &[Waiter]) -> Vec<String> {
    let goals = waiters
        .iter()
        .map(|waiter| format!("{} {}", waiter.thread.short(), wants(kind, waiter)));
    match kind {
        DeadlockKind::LockOrder => {
            let goals: Vec<String> = goals.collect();
            vec![
                format!("{}.", list(&goals)),
                "Nothing orders them, and no other lock keeps them apart: at the wrong moment each waits for the next, for ever."
                    .to_owned(),
            ]
        }
        DeadlockKind::SelfDeadlock => waiters
            .iter()
            .map(|waiter| {
                format!(
                    "{} waits for a lock that it holds: nobody else can unlock it.",
                    waiter.thread.short()
                )
            })
            .collect(),
        DeadlockKind::Deadlock => {
            let goals: Vec<String> = goals.collect();
            vec![format!("{}.", list(&goals))]
        }
    }
}

fn wants(kind: DeadlockKind, waiter: &Waiter) -> String {
    let held: Vec<String> = (waiter.held.iter())
        .map(|held| held.lock.to_string())
        .collect();
    let goal = match &waiter.goal {
        Goal::Lock { lock, .. } if kind == DeadlockKind::LockOrder => format!("locks {lock}"),
        Goal::Lock { lock, .. } => format!("waits for {lock}"),
        Goal::Thread { number } => format!("waits for the end of thread {number}"),
        Goal::Scope => "waits for the threads of its scope".to_owned(),
    };
    if held.is_empty() {
        goal
    } else {
        format!("{goal} while it holds {}", list(&held))
    }
}

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn help(kind: DeadlockKind, waiters: &[Waiter], parties: &[&Party]) -> String {
    let waits_for_locks = |waiter: &Waiter| matches!(waiter.goal, Goal::Lock { .. });
    match kind {
        DeadlockKind::SelfDeadlock => match parties.first().map(|party| party.unlocking) {
            Some(Unlocking::Call { recursive }) => {
                let recursive =
                    recursive.map_or_else(String::new, |how| format!(", or make it recursive ({how})"));
                format!("unlock it before locking it again{recursive}.")
            }
            _ => "drop the first guard before the second lock, or pass it on instead of locking again."
                .to_owned(),
        },
        _ if waiters.iter().all(waits_for_locks) => {
            let mut locks: Vec<String> = (waiters.iter())
                .filter_map(|waiter| match &waiter.goal {
                    Goal::Lock { lock, .. } => Some(lock),
                    _ => None,
                })
                .map(ToString::to_string)
                .collect();
            locks.sort();
            format!(
                "lock {} in the same order everywhere, or let go of one before locking the other.",
                list(&locks)
            )
        }
        _ => "let go of the lock before waiting for a thread that may want it.".to_owned(),
    }
}
