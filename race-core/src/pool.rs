//! Things that are taken and given back, and known by numbers of 32 bits.
//!
//! They come from the system a chunk at a time, and are never given back to it: whoever has a number has memory that is such a thing, whatever has become of it
//! meanwhile.
//!
//! Lock-free: neither a `fork` nor a signal handler finds anything half done that anybody waits for. What a forked child may lose is a few of them.

use std::alloc::{Layout, handle_alloc_error};
use std::sync::atomic::AtomicU32 as RealAtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::errno;
use crate::primitive::const_fn;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};

/// What a pool can be of.
///
/// # Safety
///
/// - Memory that is all zeros is one of them.
pub(crate) unsafe trait Pooled: Default + Sync + 'static {
    /// The number of another one; 0: of none. Whose it is chooses what it means, from when it was taken until it is given back.
    fn next(&self) -> &AtomicU32;
}

/// `CHUNK` of them are asked for at a time.
pub(crate) struct Pool<T: 'static, const CHUNK: usize> {
    chunks: Chunks<T, CHUNK>,
    free: Free,
    /// The next number, less one, that nobody has had.
    made: RealAtomicU32,
}

/// The first of those that were given back; each leads to the next. The upper half counts the changes: who has looked at the first one can tell whether it has
/// been another's meanwhile. In a cache line of its own: whoever takes one or gives one back writes here.
#[repr(align(64))]
struct Free(AtomicU64);

impl<T: Pooled, const CHUNK: usize> Pool<T, CHUNK> {
    const_fn! {
        pub(crate) const fn new() -> Pool<T, CHUNK> {
            Pool {
                chunks: Chunks::new(),
                free: Free(AtomicU64::new(0)),
                made: RealAtomicU32::new(0),
            }
        }
    }

    /// The one with a number. None has 0.
    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> Option<&'static T> {
        if number == 0 {
            None
        } else {
            self.chunks.get(number)
        }
    }

    /// How many there are, nobody's included.
    #[inline(always)]
    pub(crate) fn made(&self) -> u32 {
        self.made.load(Relaxed)
    }

    /// One that nobody has: new, or as it was given back, but for where it leads.
    pub(crate) fn take(&self) -> (u32, &'static T) {
        if let Some(found) = self.take_free() {
            return found;
        }
        let number = self.made.fetch_add(1, Relaxed).saturating_add(1);
        let made = errno::keep(|| self.chunks.get_or_make(number));
        (number, made)
    }

    /// Of those that were given back.
    pub(crate) fn take_free(&self) -> Option<(u32, &'static T)> {
        let mut free = self.free.0.load(Acquire);
        while let Some(first) = self.get(free as u32) {
            let rest = changed(free, first.next().load(Relaxed));
            match self
                .free
                .0
                .compare_exchange_weak(free, rest, AcqRel, Acquire)
            {
                Ok(_) => return Some((free as u32, first)),
                Err(now) => free = now,
            }
        }
        None
    }

    /// Nobody has these any more: the one with the number `first`, and those that it leads to, up to `last`.
    pub(crate) fn give_back(&self, first: u32, last: &T) {
        let mut free = self.free.0.load(Relaxed);
        loop {
            last.next().store(free as u32, Relaxed);
            let next = changed(free, first);
            match self
                .free
                .0
                .compare_exchange_weak(free, next, AcqRel, Relaxed)
            {
                Ok(_) => return,
                Err(now) => free = now,
            }
        }
    }
}

/// The first is now another one.
fn changed(before: u64, first: u32) -> u64 {
    ((before >> 32) + 1) << 32 | u64::from(first)
}

/// There are so many that memory would long be short.
#[cold]
fn out_of<T>() -> ! {
    handle_alloc_error(Layout::new::<T>())
}

#[cfg(not(all(test, loom)))]
use ordinary::Chunks;

#[cfg(not(all(test, loom)))]
mod ordinary {
    use std::ptr;
    use std::sync::atomic::AtomicPtr;

    use super::*;
    use crate::zeroed::{give_back, zeroed};

    const CHUNKS: usize = 1 << 16;

    /// Null: not there yet.
    pub(super) struct Chunks<T: 'static, const CHUNK: usize>([AtomicPtr<[T; CHUNK]>; CHUNKS]);

    impl<T: Pooled, const CHUNK: usize> Chunks<T, CHUNK> {
        pub(super) const fn new() -> Chunks<T, CHUNK> {
            Chunks([const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS])
        }

        #[inline(always)]
        pub(super) fn get(&self, number: u32) -> Option<&'static T> {
            let chunk = self.0.get(number as usize / CHUNK)?.load(Acquire);
            // SAFETY: null, or stored by `make` below, and there for as long as the process.
            Some(&unsafe { chunk.as_ref() }?[number as usize % CHUNK])
        }

        pub(super) fn get_or_make(&self, number: u32) -> &'static T {
            self.get(number).unwrap_or_else(|| self.make(number))
        }

        #[cold]
        fn make(&self, number: u32) -> &'static T {
            let (Some(place), Some(new)) =
                (self.0.get(number as usize / CHUNK), zeroed::<[T; CHUNK]>())
            else {
                out_of::<[T; CHUNK]>();
            };
            let made = place.compare_exchange(ptr::null_mut(), new.as_ptr(), AcqRel, Acquire);
            if made.is_err() {
                // SAFETY: just made, and nobody else has seen it: somebody else was faster.
                unsafe { give_back(new) };
            }
            self.get(number).expect("it is there now")
        }
    }
}

/// In the models one by one. What keeps them is `std`'s, so that it orders nothing.
#[cfg(all(test, loom))]
struct Chunks<T: 'static, const CHUNK: usize>(std::sync::Mutex<Vec<&'static T>>);

#[cfg(all(test, loom))]
impl<T: Pooled, const CHUNK: usize> Chunks<T, CHUNK> {
    fn new() -> Chunks<T, CHUNK> {
        Chunks(std::sync::Mutex::default())
    }

    fn get(&self, number: u32) -> Option<&'static T> {
        self.0.lock().unwrap().get(number as usize - 1).copied()
    }

    fn get_or_make(&self, number: u32) -> &'static T {
        let mut all = self.0.lock().unwrap();
        while all.len() < number as usize {
            all.push(Box::leak(Box::default()));
        }
        all[number as usize - 1]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::HashSet;
    use std::ptr;
    use std::thread;

    use super::*;

    #[derive(Default)]
    struct Thing(AtomicU32);

    // SAFETY:
    // - A zero.
    unsafe impl Pooled for Thing {
        fn next(&self) -> &AtomicU32 {
            &self.0
        }
    }

    type Mine = (u32, &'static Thing);

    /// Takes some and gives some back, one or two at once. What it has in the end.
    fn use_it(pool: &Pool<Thing, 64>) -> Vec<Mine> {
        let mut mine: Vec<Mine> = Vec::new();
        for round in 0..4_000 {
            if round % 64 < 36 {
                let (number, thing) = pool.take();
                assert!(ptr::eq(pool.get(number).unwrap(), thing));
                mine.push((number, thing));
                continue;
            }
            let Some((first, mut last)) = mine.pop() else {
                continue;
            };
            if round % 3 == 0 && !mine.is_empty() {
                let (second, thing) = mine.swap_remove(round % mine.len());
                last.next().store(second, Relaxed);
                last = thing;
            }
            pool.give_back(first, last);
        }
        mine
    }

    #[test]
    fn nobody_has_what_another_has() {
        static POOL: Pool<Thing, 64> = Pool::new();
        let all: Vec<Mine> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| use_it(&POOL))).collect();
            let all = threads.into_iter();
            all.flat_map(|thread| thread.join().unwrap()).collect()
        });
        let numbers: HashSet<u32> = all.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers.len(), all.len());
        let mut free = HashSet::new();
        while let Some((number, _)) = POOL.take_free() {
            assert!(
                !numbers.contains(&number) && free.insert(number),
                "{number}"
            );
        }
        // None is lost.
        assert_eq!(numbers.len() + free.len(), POOL.made() as usize);
    }
}
