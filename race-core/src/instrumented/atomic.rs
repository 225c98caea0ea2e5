//! Atomic operations of an instrumented program: the clock is that of the address, and the shadow of the memory has the access, so that a plain access
//! which isn't ordered with it is a race.
//!
//! What an operation synchronises with is ordered before its own access, and who synchronises with the operation is ordered after it: the access is
//! recorded after the load side and before the store side.
//!
//! Each takes the real operation, which runs exactly once (a load may be repeated), with the ordering that it is given here.

use std::sync::atomic::Ordering;

use crate::Position;
use crate::primitive::global;
use crate::shadow::range;
use crate::shadow::state::Class;
use crate::sync::atomic::AtomicClock;
use crate::sync::outlying;
use crate::thread::local;
use crate::thread::state::ThreadState;

/// The memory of an atomic, and the position of an operation on it.
#[derive(Clone, Copy, Debug)]
pub struct Atomic {
    /// The address of its first byte.
    pub address: usize,
    /// Its size in bytes.
    pub size: usize,
    /// Where the operation is.
    pub site: Position,
}

global! {
    /// Of what passes the engine by, which needs no clock of its own.
    static UNSEEN: AtomicClock = AtomicClock::new();
}

impl Atomic {
    /// Inside the engine only: a signal handler may have interrupted whoever looks for one.
    #[inline]
    fn clock(&self) -> &'static AtomicClock {
        outlying::clock_of(self.address)
    }

    #[inline]
    fn record(&self, thread: &mut ThreadState, class: Class) {
        let Atomic {
            address,
            size,
            site,
        } = *self;
        range::access_few_by(thread, address, size, class, site);
    }

    /// A load. A few instructions if it tells the thread nothing new: a thread that waits loads again and again.
    #[inline(always)]
    pub fn load<R>(self, order: Ordering, op: impl Fn() -> R) -> R {
        match self.load_known(order, || Some(op())) {
            Some(value) => value,
            None => self.load_slow(order, op),
        }
    }

    /// A load that tells the thread nothing new, as far as is seen at a glance, of a value that `op` takes. None if there is more to it: then nothing has been done,
    /// but that `op` may have run.
    ///
    /// A compare-exchange that fails is such a load. Who finds that a lock is taken shouldn't keep its owner from the clock.
    #[inline(always)]
    pub fn load_known<R>(self, order: Ordering, op: impl Fn() -> Option<R>) -> Option<R> {
        let Atomic {
            address,
            size,
            site,
        } = self;
        let clock = outlying::last_clock_of(address)?;
        let mut entered = local::known()?;
        let thread = entered.state();
        let value = clock.load_known(thread, order, |_| op())??;
        let read = thread.atomic_reads.read(address, size, thread.epoch());
        if !thread.atomic_reads.contains(&read) {
            if !range::access_known_by(thread, address, size, Class::AtomicRead, site) {
                return None;
            }
            thread.atomic_reads.insert(read);
        }
        Some(value)
    }

    #[inline(never)]
    fn load_slow<R>(self, order: Ordering, op: impl Fn() -> R) -> R {
        let load = |thread: &mut ThreadState| {
            let value = self.clock().load_by(thread, order, self.site, |_| op());
            self.record(thread, Class::AtomicRead);
            value
        };
        local::enter_unordered(load).unwrap_or_else(|| UNSEEN.load_unseen(order, |_| op()))
    }

    /// A store.
    #[inline]
    pub fn store<R>(&self, order: Ordering, op: impl FnOnce() -> R) -> R {
        let mut op = Some(op);
        let result = local::enter_unordered(|thread| {
            op.take().map(|op| {
                self.record(thread, Class::AtomicWrite);
                self.clock().store_by(thread, order, self.site, |_| op())
            })
        });
        UNSEEN.finish(result, order, op.map(|op| |_| op()), |_| true)
    }

    /// A read-modify-write that always writes.
    pub fn rmw<R>(&self, order: Ordering, op: impl FnOnce() -> R) -> R {
        let mut op = Some(op);
        let result = local::enter_unordered(|thread| {
            op.take().map(|op| {
                let record = |thread: &mut ThreadState| self.record(thread, Class::AtomicWrite);
                self.clock()
                    .rmw_recorded(thread, order, self.site, |_| op(), record)
            })
        });
        UNSEEN.finish(result, order, op.map(|op| |_| op()), |_| false)
    }

    /// A compare-exchange: `Err` means that it was only a load, with the ordering `failure`.
    pub fn compare_exchange<T, E>(
        &self,
        success: Ordering,
        failure: Ordering,
        op: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut op = Some(op);
        let result = local::enter_unordered(|thread| {
            op.take().map(|op| {
                let record = |thread: &mut ThreadState, wrote| {
                    let class = if wrote {
                        Class::AtomicWrite
                    } else {
                        Class::AtomicRead
                    };
                    self.record(thread, class);
                };
                self.clock().compare_exchange_recorded(
                    thread,
                    (success, failure),
                    self.site,
                    |_| op(),
                    record,
                )
            })
        });
        let order = if success == Ordering::Relaxed {
            failure
        } else {
            success
        };
        UNSEEN.finish(result, order, op.map(|op| |_| op()), Result::is_ok)
    }
}
