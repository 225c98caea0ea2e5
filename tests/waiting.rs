//! Semaphores, cancellation tokens and latches do the same in both builds.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use racecheck::sync::{
    AcquireError, CancellationToken, DropGuard, Latch, OwnedSemaphorePermit, Semaphore,
    SemaphorePermit, TryAcquireError,
};
use racecheck::thread;

const LONG: Duration = Duration::from_secs(600);

#[test]
fn permits_come_and_go() {
    let semaphore = Arc::new(Semaphore::new(3));
    let one = semaphore.acquire().unwrap();
    let mut two = semaphore.try_acquire_many(2).unwrap();
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    assert_eq!((one.num_permits(), two.num_permits()), (1, 2));
    drop(one);
    assert_eq!(semaphore.available_permits(), 1);
    let third = two.split(1).unwrap();
    assert!(two.split(2).is_none());
    two.merge(third);
    drop(two);
    assert_eq!(semaphore.available_permits(), 3);
    semaphore.clone().acquire_many_owned(2).unwrap().forget();
    assert_eq!(semaphore.forget_permits(5), 1);
    semaphore.add_permits(2);
    drop(semaphore.clone().try_acquire_owned().unwrap());
    assert_eq!(format!("{semaphore:?}"), "Semaphore { permits: 2 }");
    semaphore.close();
    assert!(semaphore.is_closed());
    assert_eq!(
        semaphore.acquire().unwrap_err().to_string(),
        "semaphore closed"
    );
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::Closed
    );
}

#[test]
#[should_panic(expected = "too many permits")]
fn too_many_permits() {
    Semaphore::new(Semaphore::MAX_PERMITS).add_permits(1);
}

#[test]
#[should_panic(expected = "permits of another semaphore")]
fn permits_of_another_semaphore() {
    let semaphores = [Semaphore::new(1), Semaphore::new(1)];
    let mut permit = semaphores[0].acquire().unwrap();
    permit.merge(semaphores[1].acquire().unwrap());
}

#[test]
fn never_more_than_the_permits() {
    static SEMAPHORE: Semaphore = Semaphore::new(3);
    let inside = AtomicUsize::new(0);
    thread::scope(|s| {
        for i in 0..6_u32 {
            let inside = &inside;
            s.spawn(move || {
                for _ in 0..50 {
                    let n = i % 3 + 1;
                    let _permits = SEMAPHORE.acquire_many(n).unwrap();
                    assert!(inside.fetch_add(n as usize, Relaxed) + n as usize <= 3);
                    thread::yield_now();
                    inside.fetch_sub(n as usize, Relaxed);
                }
            });
        }
    });
    assert_eq!(SEMAPHORE.available_permits(), 3);
}

/// Who wants many isn't passed by those who want few.
#[test]
fn permits_are_acquired_in_turn() {
    let semaphore = Semaphore::new(1);
    thread::scope(|s| {
        let many = s.spawn(|| semaphore.acquire_many(2).unwrap().forget());
        // It waits as soon as one that is there isn't to be had.
        while let Ok(permit) = semaphore.try_acquire() {
            drop(permit);
            thread::yield_now();
        }
        assert_eq!(semaphore.available_permits(), 1);
        let one = s.spawn(|| semaphore.acquire().unwrap().forget());
        semaphore.add_permits(1);
        many.join().unwrap();
        semaphore.add_permits(1);
        one.join().unwrap();
    });
}

#[test]
fn closing_wakes_all() {
    let semaphore = Semaphore::new(0);
    thread::scope(|s| {
        let waiting = [(); 3].map(|()| s.spawn(|| semaphore.acquire().is_err()));
        semaphore.close();
        assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap()));
    });
}

#[test]
fn tokens_and_their_children() {
    let token = CancellationToken::default();
    let (child, other) = (token.child_token(), token.child_token());
    let grandchild = child.child_token();
    child.cancel();
    child.cancel();
    let cancelled = [&token, &child, &other, &grandchild].map(CancellationToken::is_cancelled);
    assert_eq!(cancelled, [false, true, false, true]);
    assert!(child.child_token().cancelled_timeout(LONG));
    assert!(!other.cancelled_timeout(Duration::ZERO));
    thread::scope(|s| {
        let waiting = [&token, &other].map(|token| s.spawn(|| token.cancelled()));
        let guard = token.clone().drop_guard();
        drop(guard.disarm());
        assert!(!token.is_cancelled());
        drop(token.clone().drop_guard());
        for waiting in waiting {
            waiting.join().unwrap();
        }
    });
    assert_eq!(
        format!("{token:?}"),
        "CancellationToken { is_cancelled: true }"
    );
}

#[test]
fn a_long_line_of_children_is_dropped() {
    let mut token = CancellationToken::new();
    for _ in 0..200_000 {
        token = token.child_token();
    }
    token.cancel();
    assert!(token.is_cancelled());
}

#[test]
fn a_latch_opens_once() {
    static GATE: Latch = Latch::new(1);
    assert!(!GATE.try_wait() && !GATE.wait_timeout(Duration::ZERO));
    GATE.count_down();
    GATE.count_down();
    assert!(GATE.try_wait() && GATE.wait_timeout(Duration::ZERO));
    GATE.wait();
    let latch = Latch::new(7);
    latch.arrive(0);
    latch.arrive(3);
    assert_eq!(format!("{latch:?}"), "Latch { count: 4 }");
    thread::scope(|s| {
        let waiting = [(); 3].map(|()| s.spawn(|| latch.arrive_and_wait()));
        let timed = s.spawn(|| latch.wait_timeout(LONG));
        latch.count_down();
        assert!(timed.join().unwrap());
        for waiting in waiting {
            waiting.join().unwrap();
        }
    });
    latch.arrive(usize::MAX);
    assert_eq!(latch.count(), 0);
}

#[test]
fn auto_traits() {
    fn all<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    all::<Semaphore>();
    all::<SemaphorePermit<'static>>();
    all::<OwnedSemaphorePermit>();
    all::<AcquireError>();
    all::<TryAcquireError>();
    all::<CancellationToken>();
    all::<DropGuard>();
    all::<Latch>();
}
