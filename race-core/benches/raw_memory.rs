//! Raw memory: what an instrumented program's loads, stores and block operations cost the engine.
//!
//! Nothing here touches the memory that it speaks of, so the figures are the shadow's alone. An iteration of `same_location`, `memcpy_4_kib` and `forget`
//! is one operation; of the others it is 1,000 accesses, whose µs are therefore ns for each. Each thread has memory of its own.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use divan::Bencher;
use race_core::shadow::range::{self, AccessKind};
use race_core::sync::{SyncKind, SyncObject};

fn main() {
    divan::main();
}

const ARRAY: usize = 8 << 20;
const THREADS: [usize; 2] = [1, 2];

static KIND: SyncKind = SyncKind {
    name: "bench",
    release: "released",
    acquire: "acquired",
};

/// The memory of the calling thread.
fn memory() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0x10_0000_0000);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(4 * ARRAY, Relaxed);
    }
    MINE.with(|mine| *mine)
}

#[inline(always)]
fn access<const N: usize>(address: usize, kind: AccessKind) {
    range::access(address, N, kind, Some(Location::caller()));
}

fn block(address: usize, size: usize, kind: AccessKind) {
    range::access(address, size, kind, Some(Location::caller()));
}

/// What the calling thread does from here on is not recorded yet.
fn new_epoch() {
    thread_local! {
        static OBJECT: SyncObject = SyncObject::default();
    }
    OBJECT.with(|object| object.release(&KIND, Location::caller()));
}

/// The next 1,000 places of the array, from its start again after its end. `turn` is called at the start of each round. `row` is the benchmark's name.
fn stream<const N: usize>(row: &'static str, turn: impl Fn(), kind: AccessKind) {
    thread_local! {
        static AT: Cell<(&'static str, usize, usize)> = const { Cell::new(("", 0, 0)) };
    }
    let base = memory();
    let (last_row, last_size, mut at) = AT.get();
    if (last_row, last_size) != (row, N) {
        at = 0;
    }
    for _ in 0..1000 {
        if at + N > ARRAY {
            at = 0;
        }
        if at == 0 {
            turn();
        }
        access::<N>(base + at, kind);
        at += N;
    }
    AT.set((row, N, at));
}

#[divan::bench(threads = THREADS, sample_size = 10_000)]
fn same_location(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let place = memory() + 3 * ARRAY;
        access::<8>(place, AccessKind::Read);
        access::<8>(place, AccessKind::Write);
    });
}

/// Memory that has just been handed out is written.
#[divan::bench(consts = [8, 4, 1], threads = THREADS, sample_count = 3000, sample_size = 1)]
fn streamed_first_x1000<const N: usize>(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        stream::<N>(
            "first",
            || range::forget(memory(), ARRAY),
            AccessKind::Write,
        )
    });
}

/// It is read in the epoch in which it was written.
#[divan::bench(consts = [8, 4, 1], threads = THREADS, sample_count = 3000, sample_size = 1)]
fn streamed_again_x1000<const N: usize>(bencher: Bencher<'_, '_>) {
    let prepare = || {
        thread_local! {
            static PREPARED: Cell<usize> = const { Cell::new(0) };
        }
        if PREPARED.replace(N) != N {
            range::forget(memory(), ARRAY);
            for at in (0..ARRAY).step_by(N) {
                access::<N>(memory() + at, AccessKind::Write);
            }
        }
    };
    bencher
        .with_inputs(prepare)
        .bench_values(|()| stream::<N>("again", || (), AccessKind::Read));
}

/// It is read, then written, in an epoch of its own each time.
#[divan::bench(consts = [8, 4, 1], threads = THREADS, sample_count = 3000, sample_size = 1)]
fn streamed_in_new_epochs_x1000<const N: usize>(bencher: Bencher<'_, '_>) {
    thread_local! {
        static READS: Cell<bool> = const { Cell::new(false) };
    }
    bencher.bench(|| {
        let turn = || {
            new_epoch();
            READS.set(!READS.get());
        };
        let kind = if READS.get() {
            AccessKind::Read
        } else {
            AccessKind::Write
        };
        stream::<N>("in new epochs", turn, kind);
    });
}

/// Numbers that look random, the same ones in each run (xorshift).
fn dice(limit: usize) -> usize {
    thread_local! {
        static DICE: Cell<u64> = const { Cell::new(88_172_645_463_325_252) };
    }
    let mut dice = DICE.get();
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    DICE.set(dice);
    ((u128::from(dice) * limit as u128) >> 64) as usize
}

/// Anywhere in the array, half of it writes, in one epoch.
#[divan::bench(threads = THREADS, sample_count = 5000, sample_size = 1)]
fn random_x1000(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        for _ in 0..500 {
            access::<8>(memory() + dice(ARRAY / 8) * 8, AccessKind::Read);
            access::<8>(memory() + dice(ARRAY / 8) * 8, AccessKind::Write);
        }
    });
}

/// A block that is read in each epoch, and one that is written.
#[divan::bench(threads = THREADS, sample_size = 100)]
fn memcpy_4_kib(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        new_epoch();
        block(memory() + 2 * ARRAY, 4096, AccessKind::Read);
        block(memory() + 2 * ARRAY + 4096, 4096, AccessKind::Write);
    });
}

/// A block is handed out whose eight words were written since the last time.
#[divan::bench(threads = THREADS, sample_size = 1000)]
fn write_and_forget_64_b(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let start = memory() + 2 * ARRAY + 0x10000;
        for word in 0..8 {
            access::<8>(start + word * 8, AccessKind::Write);
        }
        range::forget(start, 64);
    });
}

/// A block that was written word by word is handed out.
#[divan::bench(threads = THREADS)]
fn forget_1_mib_written_in_words(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let start = memory() + 2 * ARRAY + 0x300000;
            for word in 0..(1 << 17) {
                access::<8>(start + word * 8, AccessKind::Write);
            }
        })
        .bench_values(|()| range::forget(memory() + 2 * ARRAY + 0x300000, 1 << 20));
}

/// A block that was written as a whole is handed out.
#[divan::bench(threads = THREADS)]
fn write_and_forget_1_mib(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let start = memory() + 2 * ARRAY + 0x20000;
        block(start, 1 << 20, AccessKind::Write);
        range::forget(start, 1 << 20);
    });
}

/// A block that nobody has accessed is handed out.
#[divan::bench(threads = THREADS, sample_size = 100)]
fn forget_1_mib_untouched(bencher: Bencher<'_, '_>) {
    access::<1>(memory() + 2 * ARRAY + 0x1fffff, AccessKind::Write);
    bencher.bench(|| range::forget(memory() + 2 * ARRAY + 0x200000, 1 << 20));
}
