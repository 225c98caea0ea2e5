//! Pieces of memory by a number of 32 bits, for what lines have no room for: annexes and crowds.
//!
//! They are taken from the heap a chunk at a time, never given back to it, and taken and given back in any order, by threads that have locked a line. So
//! whoever has a number has memory that is such a piece, whatever becomes of the line.
//!
//! Lock-free: a `fork` finds nothing half done that anybody waits for.

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::primitive::const_fn;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};

/// What a pool is of.
pub(crate) trait Piece: Default + Sync + 'static {
    fn pool() -> &'static Pool<Self>;
    /// As long as it is nobody's, the number of the next one that isn't.
    fn next(&self) -> &AtomicU32;
}

/// The first of those that were given back; each leads to the next. The upper half counts the changes: who has looked at the first one can tell whether it has
/// been another's meanwhile.
pub(crate) struct FreeList<T>(AtomicU64, PhantomData<T>);

impl<T: Piece> FreeList<T> {
    const_fn! {
        pub(crate) const fn new() -> FreeList<T> {
            FreeList(AtomicU64::new(0), PhantomData)
        }
    }

    pub(crate) fn take(&self) -> Option<(u32, &'static T)> {
        let mut free = self.0.load(Acquire);
        while let Some(piece) = T::pool().get(free as u32) {
            let next = next_word(free, piece.next().load(Relaxed));
            match self.0.compare_exchange_weak(free, next, AcqRel, Acquire) {
                Ok(_) => return Some((free as u32, piece)),
                Err(now) => free = now,
            }
        }
        None
    }

    pub(crate) fn give_back(&self, number: u32, piece: &'static T) {
        let mut free = self.0.load(Relaxed);
        loop {
            piece.next().store(free as u32, Relaxed);
            let next = next_word(free, number);
            match self.0.compare_exchange_weak(free, next, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => free = now,
            }
        }
    }
}

fn next_word(before: u64, number: u32) -> u64 {
    ((before >> 32) + 1) << 32 | u64::from(number)
}

#[cfg(not(all(test, loom)))]
pub(crate) use ordinary::Pool;

#[cfg(not(all(test, loom)))]
mod ordinary {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU32};

    use super::*;
    use crate::errno;

    /// Pieces in a chunk.
    const CHUNK: usize = 256;
    /// Of annexes that is 4 GiB.
    const CHUNKS: usize = 1 << 16;

    pub(crate) struct Pool<T> {
        /// Null: not there yet.
        chunks: [AtomicPtr<[T; CHUNK]>; CHUNKS],
        free: FreeList<T>,
        /// The next number that nobody has had.
        next: AtomicU32,
    }

    impl<T: Piece> Pool<T> {
        pub(crate) const fn new() -> Pool<T> {
            Pool {
                chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
                free: FreeList::new(),
                next: AtomicU32::new(1),
            }
        }

        /// The piece with a number. None has 0.
        #[inline]
        pub(crate) fn get(&self, number: u32) -> Option<&'static T> {
            if number == 0 {
                return None;
            }
            let chunk = self.chunks.get(number as usize / CHUNK)?.load(Acquire);
            // SAFETY: null, or stored by `chunk` below, and there for as long as the process.
            Some(&unsafe { chunk.as_ref() }?[number as usize % CHUNK])
        }

        /// As whoever had it last has left it.
        pub(crate) fn take(&self) -> (u32, &'static T) {
            if let Some(found) = self.free.take() {
                return found;
            }
            let number = self.next.fetch_add(1, Relaxed);
            (
                number,
                &errno::keep(|| self.chunk(number))[number as usize % CHUNK],
            )
        }

        /// Nobody has this one any more.
        pub(crate) fn give_back(&self, number: u32, piece: &'static T) {
            self.free.give_back(number, piece);
        }

        #[cold]
        fn chunk(&self, number: u32) -> &'static [T; CHUNK] {
            let place = self
                .chunks
                .get(number as usize / CHUNK)
                .expect("4 GiB for what lines have no room for is more than there is");
            // SAFETY: null, or stored below, and there for as long as the process.
            if let Some(chunk) = unsafe { place.load(Acquire).as_ref() } {
                return chunk;
            }
            let new = Box::into_raw(Box::new(std::array::from_fn(|_| T::default())));
            match place.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
                // SAFETY: just made, and never freed from here on.
                Ok(_) => unsafe { &*new },
                Err(theirs) => {
                    // SAFETY: just made, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(new) });
                    // SAFETY: somebody else was faster: as above.
                    unsafe { &*theirs }
                }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::collections::HashSet;

        /// Its words are whatever the line that had it has left there.
        #[derive(Default)]
        struct Number(AtomicU32);

        static POOL: Pool<Number> = Pool::new();

        impl Piece for Number {
            fn pool() -> &'static Pool<Number> {
                &POOL
            }
            fn next(&self) -> &AtomicU32 {
                &self.0
            }
        }

        #[test]
        fn nobody_has_what_another_has() {
            let takes = || {
                let mut mine = Vec::new();
                for round in 0..2_000 {
                    let (number, piece) = POOL.take();
                    assert!(ptr::eq(POOL.get(number).unwrap(), piece));
                    piece.0.store(0, Relaxed);
                    mine.push((number, piece));
                    if round % 3 == 0 {
                        let (number, piece) = mine.swap_remove(round % mine.len());
                        POOL.give_back(number, piece);
                    }
                }
                mine
            };
            let all: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(takes)).collect();
                let all = threads
                    .into_iter()
                    .flat_map(|thread| thread.join().unwrap());
                all.collect()
            });
            let numbers: HashSet<u32> = all.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers.len(), all.len());
            for (number, piece) in all {
                POOL.give_back(number, piece);
            }
        }
    }
}

/// Each line's pieces are its own: there what is modelled is the line. [`FreeList`] has models of its own.
#[cfg(all(test, loom))]
pub(crate) struct Pool<T: 'static>(crate::primitive::sync::Mutex<Vec<&'static T>>);

#[cfg(all(test, loom))]
impl<T: Piece> Pool<T> {
    pub(crate) fn new() -> Pool<T> {
        Pool(crate::primitive::sync::Mutex::new(Vec::new()))
    }

    pub(crate) fn get(&self, number: u32) -> Option<&'static T> {
        let index = (number as usize).checked_sub(1)?;
        self.0.lock().unwrap().get(index).copied()
    }

    pub(crate) fn take(&self) -> (u32, &'static T) {
        let mut all = self.0.lock().unwrap();
        all.push(Box::leak(Box::default()));
        (all.len() as u32, all[all.len() - 1])
    }

    pub(crate) fn give_back(&self, _: u32, piece: &'static T) {
        piece.next().store(0, Relaxed);
    }
}
