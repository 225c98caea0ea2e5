//! Litmus tests of the engine through its public face: the happens-before table and the memory-order rules, row by row.
//!
//! A row is a schedule: steps of three threads, carried out one after another in the order of the table. Real threads run them. They hand on
//! the turn by plain channels, which the engine doesn't see, so only the steps themselves can order anything. The two schedules of a pair
//! differ in as little as possible: in the first the last access races with an earlier one, in its twin nothing does.

mod stage;
mod threads;

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use stage::*;

#[test]
#[rustfmt::skip]
fn release_and_acquire() {
    // Both sides are needed.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Whatever the accesses are.
    pair(&[(0, Read(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Write(X))],
         &[(0, Read(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Write(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X))]);
    pair(&[(0, Write(X)), (1, Read(X))],
         &[(0, Read(X)), (1, Read(X))]);
    // `SeqCst` is both sides, and nothing else: it orders nothing that isn't read from.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, SeqCst)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(B, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, SeqCst)), (1, Read(X))]);
    pair(&[(1, Load(A, SeqCst)), (0, Write(X)), (0, Store(A, SeqCst)), (1, Store(A, SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, SeqCst)), (1, Load(A, SeqCst)), (1, Store(A, SeqCst)), (1, Read(X))]);
    // A release is of what came before, an acquire for what comes after.
    pair(&[(0, Store(A, Release)), (0, Write(X)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (0, Write(X)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(1, Load(A, Acquire)), (0, Write(X)), (0, Store(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(1, Read(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (0, Write(X))],
         &[(1, Read(X)), (1, Store(A, Release)), (0, Load(A, Acquire)), (0, Write(X))]);
    // All earlier readers count, not only the latest.
    pair_with(0,
         &[(0, Read(X)), (0, Store(A, Relaxed)), (2, Read(X)), (2, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Write(X))],
         &[(0, Read(X)), (0, Store(A, Release)), (2, Read(X)), (2, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Write(X))]);
}

/// A load must acquire however often, and wherever, its thread has seen that epoch unordered before.
#[test]
#[rustfmt::skip]
fn a_relaxed_load_before_the_acquire() {
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (0, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Relaxed)), (0, Store(B, Release)), (1, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fail(A, SeqCst, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fail(A, SeqCst, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Rmw(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Rmw(A, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn read_modify_writes() {
    // As the release side.
    pair(&[(0, Write(X)), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, AcqRel)), (1, Load(A, Acquire)), (1, Read(X))]);
    // As the acquire side.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Rmw(A, AcqRel)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, SeqCst)), (1, Rmw(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, SeqCst)), (1, Rmw(A, SeqCst)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn compare_exchanges() {
    // Success has its own ordering, whatever that of failure is.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Exchange(A, Relaxed, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Exchange(A, Acquire, Relaxed)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Exchange(A, Acquire, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Exchange(A, Release, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Failure is a load with the ordering of failure.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, AcqRel, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, AcqRel, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, Relaxed, SeqCst)), (1, Read(X))]);
    // A load releases nothing.
    pair(&[(0, Write(X)), (0, Fail(A, AcqRel, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Exchange(A, AcqRel, Acquire)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A relaxed one can be completed by a fence.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fence(Release)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Fail(A, SeqCst, Relaxed)), (1, Fence(Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn release_sequences() {
    // A read-modify-write of anybody continues one, a store of anybody ends it: the same thread's too, since C++20.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Release)), (2, Store(A, Relaxed)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Rmw(A, Relaxed)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A compare-exchange is one or the other.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Exchange(A, Relaxed, Relaxed)), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Exchange(A, Relaxed, Relaxed)), (2, Fail(A, Relaxed, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Whoever continues it isn't ordered by that.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (2, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Rmw(A, Acquire)), (1, Load(A, Acquire)), (2, Read(X))]);
    // The value carries all of its releasers' clocks: the first's and the last's.
    pair_with(0,
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(Y)), (1, Read(X))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(Y)), (1, Read(X))]);
    pair_with(2,
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X)), (1, Read(Y))],
         &[(0, Write(X)), (0, Rmw(A, Release)), (2, Write(Y)), (2, Rmw(A, Release)), (1, Load(A, Acquire)), (1, Read(X)), (1, Read(Y))]);
    // What one of them did after its release isn't in it, until it adds another.
    pair_with(0,
         &[(0, Rmw(A, Release)), (2, Rmw(A, Release)), (0, Write(X)), (0, Rmw(A, Relaxed)), (1, Rmw(A, AcqRel)), (1, Read(X))],
         &[(0, Rmw(A, Release)), (2, Rmw(A, Release)), (0, Write(X)), (0, Rmw(A, Release)), (1, Rmw(A, AcqRel)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn fences() {
    const REL: Step = Fence(Release);
    const ACQ: Step = Fence(Acquire);
    // Each of the two is needed.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    // Either may be an ordering of the operation instead.
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    // Of the right kind.
    pair(&[(0, Write(X)), (0, ACQ), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, Fence(AcqRel)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, REL), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Fence(SeqCst)), (1, Read(X))]);
    // In the right order.
    pair(&[(0, Write(X)), (0, Store(A, Relaxed)), (0, REL), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, ACQ), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, ACQ), (1, Read(X))]);
    pair(&[(0, REL), (0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // A fence lasts for all the stores after it, and for all the loads before it, of any atomic.
    pair(&[(0, Write(X)), (0, Store(B, Relaxed)), (0, REL), (0, Store(A, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(B, Relaxed)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(B, Relaxed)), (1, ACQ), (1, Load(A, Relaxed)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Relaxed)), (1, Load(B, Relaxed)), (1, ACQ), (1, Read(X))]);
    // A relaxed store carries its own thread's last fence, and nothing of the value before.
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (2, REL), (2, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (2, REL), (2, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Rmw(A, Relaxed)), (0, REL), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Rmw(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (0, Write(X)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (0, Write(X)), (0, REL), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Also where a release store had been.
    pair(&[(0, REL), (0, Write(X)), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, REL), (0, Store(A, Release)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Read(X))]);
    // Two sequentially consistent fences order nothing without a store that is read from.
    pair(&[(0, Write(X)), (0, Fence(SeqCst)), (1, Fence(SeqCst)), (1, Read(X))],
         &[(0, Write(X)), (0, Fence(SeqCst)), (0, Store(A, Relaxed)), (1, Load(A, Relaxed)), (1, Fence(SeqCst)), (1, Read(X))]);
    // A fence that is both acquires first: what it takes it passes on.
    pair_with(0,
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, REL), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, Fence(AcqRel)), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair_with(0,
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, REL), (2, ACQ), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, ACQ), (2, REL), (2, Store(B, Relaxed)), (1, Load(B, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn chains() {
    // From thread to thread, each link by both sides, and in the right order.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Relaxed)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Acquire)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Store(A, Release)), (2, Store(B, Release)), (2, Load(A, Acquire)), (1, Load(B, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (2, Load(A, Acquire)), (2, Store(B, Release)), (1, Load(B, Acquire)), (1, Read(X))]);
    // Through different primitives.
    pair(&[(0, Write(X)), (0, Send(A)), (2, Receive(A)), (2, Store(B, Release)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Send(A)), (2, Receive(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    // Back and forth.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X)), (1, Store(A, Relaxed)), (0, Load(A, Acquire)), (0, Write(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Write(X)), (1, Store(A, Release)), (0, Load(A, Acquire)), (0, Write(X))]);
    // Who has acquired an epoch knows what was known there, not what was learned after it.
    pair(&[(2, Store(A, Release)), (0, Write(X)), (0, Store(B, Release)), (2, Load(B, Acquire)), (1, Load(A, Acquire)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(B, Release)), (2, Load(B, Acquire)), (2, Store(A, Release)), (1, Load(A, Acquire)), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn locks_messages_objects_and_keys() {
    pair(&[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    pair(&[(0, Lock(A)), (0, Unlock(A)), (0, Write(X)), (1, Lock(A)), (1, Read(X))],
         &[(0, Lock(A)), (0, Write(X)), (0, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, Lock(A)), (0, Unlock(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Lock(A)), (0, Unlock(A)), (2, Lock(A)), (2, Unlock(A)), (1, Lock(A)), (1, Read(X))]);
    // Each message has its own clock.
    pair(&[(0, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Read(X))],
         &[(0, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Receive(A)), (1, Read(X))]);
    pair(&[(2, Send(A)), (0, Write(X)), (0, Send(A)), (1, Receive(A)), (1, Read(X))],
         &[(0, Write(X)), (0, Send(A)), (2, Send(A)), (1, Receive(A)), (1, Read(X))]);
    // All who arrived at a barrier.
    pair(&[(0, Write(X)), (0, Arrive(A)), (2, Arrive(A)), (1, Leave(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Arrive(A)), (2, Arrive(A)), (1, Leave(A)), (1, Read(X))]);
    // Releases into an object add up; before an acquire, not after.
    pair(&[(0, Write(X)), (0, Give(A)), (2, Give(A)), (1, Take(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Give(A)), (2, Give(A)), (1, Take(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (1, Take(A)), (0, Give(A)), (1, Read(X))],
         &[(0, Write(X)), (0, Give(A)), (1, Take(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, GiveKey(A)), (2, GiveKey(A)), (1, TakeKey(B)), (1, Read(X))],
         &[(0, Write(X)), (0, GiveKey(A)), (2, GiveKey(A)), (1, TakeKey(A)), (1, Read(X))]);
    pair(&[(0, Write(X)), (0, GiveKey(A)), (2, ForgetKey(A)), (1, TakeKey(A)), (1, Read(X))],
         &[(0, Write(X)), (0, GiveKey(A)), (2, ForgetKey(B)), (1, TakeKey(A)), (1, Read(X))]);
    // An `unpark` is for one thread.
    pair(&[(0, Write(X)), (0, Unpark(2)), (1, Parked), (1, Read(X))],
         &[(0, Write(X)), (0, Unpark(1)), (1, Parked), (1, Read(X))]);
}

#[test]
#[rustfmt::skip]
fn read_write_locks() {
    // A writer's unlock is for everybody, a reader's for writers only.
    pair(&[(0, LockWrite(A)), (0, Write(X)), (0, UnlockWrite(A)), (1, LockRead(B)), (1, Read(X))],
         &[(0, LockWrite(A)), (0, Write(X)), (0, UnlockWrite(A)), (1, LockRead(A)), (1, Read(X))]);
    pair(&[(0, LockWrite(A)), (0, UnlockWrite(A)), (0, Write(X)), (1, LockWrite(A)), (1, Write(X))],
         &[(0, LockWrite(A)), (0, Write(X)), (0, UnlockWrite(A)), (1, LockWrite(A)), (1, Write(X))]);
    pair(&[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (1, LockRead(A)), (1, Write(X))],
         &[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (1, LockWrite(A)), (1, Write(X))]);
    // And the writer passes it on.
    pair(&[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (2, LockRead(A)), (2, UnlockRead(A)), (1, LockRead(A)), (1, Write(X))],
         &[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (2, LockWrite(A)), (2, UnlockWrite(A)), (1, LockRead(A)), (1, Write(X))]);
    pair(&[(0, LockWrite(A)), (0, Downgrade(A)), (0, Write(X)), (1, LockRead(A)), (1, Read(X))],
         &[(0, LockWrite(A)), (0, Write(X)), (0, Downgrade(A)), (1, LockRead(A)), (1, Read(X))]);
    // A report says which of them were held.
    let held = |schedule| play(schedule)[0].accesses().map(|access| access.held().len());
    assert_eq!(held(&[(0, LockWrite(A)), (0, Write(X)), (1, LockRead(B)), (1, Read(X))]), [1, 1]);
    assert_eq!(held(&[(0, LockWrite(A)), (0, UnlockWrite(A)), (0, Write(X)), (1, LockRead(B)), (1, UnlockRead(B)), (1, Read(X))]), [0, 0]);
}

#[test]
#[rustfmt::skip]
fn exclusive_access() {
    // Whatever came before is over; what comes after is checked against it.
    pair(&[(0, Write(X)), (1, Write(X))],
         &[(0, Write(X)), (1, Adopt(X)), (1, Write(X))]);
    pair(&[(0, Write(X)), (1, Adopt(X)), (2, Read(X))],
         &[(0, Write(X)), (1, Adopt(X)), (1, Store(A, Release)), (2, Load(A, Acquire)), (2, Read(X))]);
    pair(&[(0, Read(X)), (2, Read(X)), (1, Adopt(X)), (0, Read(X))],
         &[(0, Read(X)), (2, Read(X)), (1, Adopt(X)), (1, Send(A)), (0, Receive(A)), (0, Read(X))]);
    // What was released into an atomic or a lock is over, too.
    pair(&[(0, Write(X)), (0, Store(A, Release)), (1, Own(B)), (1, Read(X))],
         &[(0, Write(X)), (0, Store(A, Release)), (1, Own(A)), (1, Read(X))]);
    pair(&[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (1, OwnLock(B)), (1, Write(X))],
         &[(0, LockRead(A)), (0, Read(X)), (0, UnlockRead(A)), (1, OwnLock(A)), (1, Write(X))]);
    pair(&[(0, LockWrite(A)), (0, Write(X)), (0, UnlockWrite(A)), (1, OwnLock(B)), (1, Write(X))],
         &[(0, LockWrite(A)), (0, Write(X)), (0, UnlockWrite(A)), (1, OwnLock(A)), (1, Write(X))]);
}

#[test]
#[rustfmt::skip]
fn ranges_of_different_sizes_and_offsets() {
    use Kind::{Read, Write};
    let write = |offset, size| Access(offset, size, Write);
    let read = |offset, size| Access(offset, size, Read);
    // Neighbours within a granule, and across one, and across a page.
    pair(&[(0, write(0, 4)), (1, write(3, 4))],
         &[(0, write(0, 4)), (1, write(4, 4))]);
    pair(&[(0, write(0, 8)), (1, read(7, 1))],
         &[(0, write(0, 7)), (1, read(7, 1))]);
    pair(&[(0, write(6, 4)), (1, read(9, 2))],
         &[(0, write(6, 4)), (1, read(10, 2))]);
    pair(&[(0, write(12, 8)), (1, read(19, 1))],
         &[(0, write(12, 8)), (1, read(20, 1))]);
    pair(&[(0, write(3, 2)), (1, read(0, 64))],
         &[(0, read(3, 2)), (1, read(0, 64))]);
    pair(&[(0, write(0, 64)), (1, read(33, 1))],
         &[(0, write(0, 64)), (1, read(64, 1))]);
    // Each byte has its own history.
    pair_with(0,
         &[(0, write(0, 8)), (0, Send(A)), (2, Receive(A)), (2, write(2, 2)), (2, Send(B)), (0, write(6, 1)), (1, Receive(B)), (1, read(0, 8))],
         &[(0, write(0, 8)), (0, Send(A)), (2, Receive(A)), (2, write(2, 2)), (2, Send(B)), (0, read(6, 1)), (1, Receive(B)), (1, read(0, 8))]);
    pair(&[(0, write(0, 4)), (0, write(4, 4)), (1, read(0, 8))],
         &[(0, read(0, 4)), (0, read(4, 4)), (1, read(0, 8))]);
    pair(&[(0, read(0, 1)), (1, read(0, 8)), (2, write(4, 1))],
         &[(0, read(0, 1)), (1, read(1, 7)), (2, write(8, 1))]);
    // Order is the same as for a value.
    pair(&[(0, write(1, 6)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, write(5, 9))],
         &[(0, write(1, 6)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, write(5, 9))]);
    // No bytes, no access.
    pair(&[(0, write(0, 8)), (1, read(4, 1))],
         &[(0, write(0, 8)), (1, read(4, 0))]);
}

/// What the fast path takes for recorded must be just these bytes.
#[test]
#[rustfmt::skip]
fn another_access_to_the_same_page() {
    use Kind::{Read, Write};
    let write = |offset, size| Access(offset, size, Write);
    let read = |offset, size| Access(offset, size, Read);
    // Beyond the granule.
    pair(&[(0, write(5, 3)), (0, write(5, 6)), (1, read(10, 1))],
         &[(0, write(5, 3)), (0, write(5, 6)), (1, read(11, 1))]);
    pair(&[(0, write(20, 1)), (0, write(24, 32)), (1, read(55, 1))],
         &[(0, write(20, 1)), (0, write(24, 32)), (1, read(56, 1))]);
    // Within it.
    pair(&[(0, write(0, 2)), (0, write(1, 3)), (1, read(3, 1))],
         &[(0, write(0, 2)), (0, write(1, 3)), (1, read(4, 1))]);
    pair(&[(0, write(5, 3)), (0, write(0, 3)), (1, read(1, 1))],
         &[(0, write(5, 3)), (0, write(0, 3)), (1, read(4, 1))]);
    // Another granule.
    pair(&[(0, write(16, 8)), (0, write(24, 8)), (1, read(25, 1))],
         &[(0, write(16, 8)), (0, write(24, 8)), (1, read(33, 1))]);
    // None at all.
    pair(&[(0, write(20, 1)), (0, write(21, 1)), (1, read(21, 1))],
         &[(0, write(20, 1)), (0, write(21, 0)), (1, read(21, 1))]);
}

#[test]
#[rustfmt::skip]
fn atomic_plain_and_volatile_accesses() {
    use Kind::{AtomicRead, AtomicWrite, Read, VolatileRead, VolatileWrite, Write};
    // Atomics race with plain accesses only, in either order, wherever they overlap.
    pair(&[(0, Access(0, 8, Write)), (1, Access(0, 8, AtomicRead))],
         &[(0, Access(0, 8, AtomicWrite)), (1, Access(0, 8, AtomicRead))]);
    pair(&[(0, Access(0, 8, AtomicWrite)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, Read))]);
    pair(&[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, Write))],
         &[(0, Access(0, 8, AtomicRead)), (1, Access(0, 8, AtomicWrite))]);
    pair(&[(0, Access(0, 8, Read)), (1, Access(0, 8, AtomicWrite))],
         &[(0, Access(0, 8, Read)), (1, Access(0, 8, AtomicRead))]);
    pair(&[(0, Access(0, 4, AtomicWrite)), (1, Access(2, 4, Write))],
         &[(0, Access(0, 4, AtomicWrite)), (1, Access(2, 4, AtomicWrite))]);
    // A later atomic of another thread doesn't hide an earlier one.
    pair_with(0,
         &[(0, Access(0, 8, AtomicWrite)), (2, Access(0, 8, AtomicWrite)), (2, Send(A)), (1, Receive(A)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, AtomicWrite)), (0, Send(A)), (2, Receive(A)), (2, Access(0, 8, AtomicWrite)), (2, Send(B)), (1, Receive(B)), (1, Access(0, 8, Read))]);
    // An atomic access isn't the plain one that the same thread made before it, nor the other way round.
    pair(&[(0, Access(0, 8, AtomicRead)), (0, Access(0, 8, Read)), (1, Access(0, 8, AtomicWrite))],
         &[(0, Access(0, 8, AtomicRead)), (0, Access(0, 8, AtomicRead)), (1, Access(0, 8, AtomicWrite))]);
    // A volatile access is a plain one with a name.
    pair(&[(0, Access(0, 4, VolatileWrite)), (1, Access(0, 4, VolatileRead))],
         &[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, VolatileRead))]);
    pair(&[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, AtomicWrite))],
         &[(0, Access(0, 4, VolatileRead)), (1, Access(0, 4, AtomicRead))]);
}

#[test]
#[rustfmt::skip]
fn freeing_and_allocating() {
    use Kind::{AtomicWrite, Read, Write};
    // A free is a write to all of the memory.
    pair(&[(0, Access(24, 4, Read)), (1, Free(0, 32))],
         &[(0, Access(32, 4, Read)), (1, Free(0, 32))]);
    pair(&[(0, Access(0, 4, AtomicWrite)), (0, Store(A, Relaxed)), (1, Load(A, Acquire)), (1, Free(0, 32))],
         &[(0, Access(0, 4, AtomicWrite)), (0, Store(A, Release)), (1, Load(A, Acquire)), (1, Free(0, 32))]);
    // So a use after it races, unless the memory was allocated again: then nothing is left of the past.
    pair(&[(0, Free(0, 32)), (1, Access(8, 8, Read))],
         &[(0, Free(0, 32)), (1, Allocated(0, 32)), (1, Access(8, 8, Read))]);
    pair(&[(0, Access(0, 8, Write)), (0, Free(0, 8)), (1, Access(0, 8, Read))],
         &[(0, Access(0, 8, Write)), (0, Free(0, 8)), (1, Allocated(0, 8)), (1, Access(0, 8, Read))]);
    pair(&[(0, Free(0, 32)), (1, Free(0, 32))],
         &[(0, Free(0, 32)), (1, Allocated(0, 32)), (1, Free(0, 32))]);
    // Of that memory only, to the byte.
    pair(&[(0, Access(0, 8, Write)), (1, Allocated(0, 4)), (1, Access(4, 1, Read))],
         &[(0, Access(0, 8, Write)), (1, Allocated(4, 4)), (1, Access(4, 1, Read))]);
    pair(&[(0, Access(0, 32, Write)), (1, Allocated(3, 26)), (1, Access(0, 32, Read))],
         &[(0, Access(0, 32, Write)), (1, Allocated(3, 26)), (1, Access(3, 26, Read))]);
    // Allocating orders nothing.
    pair(&[(1, Allocated(0, 8)), (0, Access(0, 8, Write)), (1, Access(0, 8, Read))],
         &[(1, Allocated(0, 8)), (0, Access(0, 8, Read)), (1, Access(0, 8, Read))]);
}
