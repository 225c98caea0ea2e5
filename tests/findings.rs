//! What looks at findings compiles in both builds: without `race-check` there are none, but every accessor. All of them are called here.

use racecheck::report::{Access, Deadlock, Frame, Operation, Race, Site, ThreadInfo};
use racecheck::{Shared, check, thread};

fn of_race(race: &Race) -> String {
    let place = race.location();
    let block = place.block().map(|block| {
        let allocated = (
            of_thread(block.allocated_by()),
            of_stack(block.allocated_at()),
        );
        let freed = (block.freed_by().map(of_thread), of_stack(block.freed_at()));
        (block.address(), block.size(), allocated, freed)
    });
    let memory = (place.address(), place.size(), place.name(), place.label());
    let whose = (
        place.created_at().map(of_site),
        place.global(),
        place.stack_of().map(of_thread),
    );
    let both = (of_access(race.current()), of_access(race.previous()));
    let accesses = race.accesses().map(of_access);
    let why = (
        race.why(),
        race.help(),
        race.is_between(("a.rs", 1), ("b.rs", 2)),
    );
    format!("{race} {memory:?} {whose:?} {block:?} {both:?} {accesses:?} {why:?}")
}

fn of_access(access: &Access) -> String {
    let held = access.held().iter().map(|lock| {
        let at = [lock.created_at(), lock.locked_at()].map(of_site);
        (lock.kind(), at)
    });
    let held: Vec<_> = held.collect();
    let place = (access.site().map(of_site), of_stack(access.stack()));
    let who = of_thread(access.thread());
    let operation = access.operation();
    let is_atomic = is_atomic(operation);
    format!("{operation} {is_atomic} {who} {place:?} {held:?}")
}

fn is_atomic(operation: Operation) -> bool {
    match operation {
        Operation::AtomicRead | Operation::AtomicWrite => true,
        Operation::Read | Operation::Write | Operation::Free => false,
        Operation::VolatileRead | Operation::VolatileWrite => false,
        _ => unreachable!("there are no others so far"),
    }
}

fn of_thread(thread: &ThreadInfo) -> String {
    let who = (thread.number(), thread.name(), thread.is_finished());
    format!(
        "{who:?} {:?} {}",
        thread.created_by(),
        of_stack(thread.created_at())
    )
}

fn of_stack(stack: &[Frame]) -> String {
    let frame = |frame: &Frame| {
        format!(
            "{} {:?} {}",
            frame.function(),
            frame.site().map(of_site),
            frame.offset()
        )
    };
    stack.iter().map(frame).collect()
}

fn of_site(site: &Site) -> String {
    format!("{}:{}:{}", site.file(), site.line(), site.column())
}

fn of_deadlock(deadlock: &Deadlock) -> String {
    let waiters = deadlock.waiters().iter().map(|waiter| {
        let held = waiter.held().iter().map(|holding| {
            let lock = holding.lock();
            let lock = (lock.number(), lock.kind(), of_site(lock.created_at()));
            (lock, holding.is_shared(), of_site(holding.locked_at()))
        });
        let held: Vec<_> = held.collect();
        let place = (waiter.site().map(of_site), of_stack(waiter.stack()));
        format!(
            "{} {:?} {place:?} {held:?}",
            of_thread(waiter.thread()),
            waiter.goal()
        )
    });
    let waiters: Vec<_> = waiters.collect();
    let why = (deadlock.why(), deadlock.help());
    format!("{deadlock} {:?} {waiters:?} {why:?}", deadlock.kind())
}

#[test]
fn every_accessor_is_there_in_both_builds() {
    let outcome = check(|| {
        let value = Shared::new(0);
        thread::scope(|s| {
            s.spawn(|| value.set(1));
            value.get();
        });
    });
    let races: Vec<String> = outcome.races().iter().map(of_race).collect();
    assert_eq!(races.len(), usize::from(cfg!(feature = "race-check")));
    assert!(
        races.iter().all(|race| race.contains("findings.rs")),
        "{races:?}"
    );
    let deadlocks: Vec<String> = outcome.deadlocks().iter().map(of_deadlock).collect();
    assert_eq!(deadlocks, [""; 0]);
}
