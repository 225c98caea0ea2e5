//! Counters: what many threads add up.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::support::{Meeting, Plain, in_turn};

crate::programs! {
    race: cnt_01_plain, cnt_02_unlocked_reader, cnt_02_unlocked_writer, cnt_03_two_locks, cnt_04_stats, cnt_05_shards_too_early;
    none: cnt_01_mutex, cnt_01_atomic, cnt_02_locked, cnt_03_one_lock, cnt_04_atomics, cnt_05_shards;
}

const HITS: usize = 1000;

/// Calls `hit` about 1000 times, from all threads.
fn hit_by_all(threads: usize, hit: impl Fn() + Sync) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                all.meet();
                (0..HITS / threads).for_each(|_| hit());
            });
        }
    });
}

static mut TOTAL: usize = 0;

fn cnt_01_plain(threads: usize) {
    /// Of its own, so that no access leaves the loop for a place without a line.
    #[inline(never)]
    fn hit() {
        unsafe { TOTAL += 1 }; // race: cnt_01_plain
    }
    hit_by_all(threads, hit);
}

fn cnt_01_mutex(threads: usize) {
    static LOCK: Mutex<()> = Mutex::new(());
    hit_by_all(threads, || {
        let _guard = LOCK.lock().unwrap();
        // SAFETY: the lock is held.
        unsafe { TOTAL += 1 };
    });
    // SAFETY: the others have ended.
    assert_eq!(unsafe { TOTAL }, HITS / threads * threads);
}

fn cnt_01_atomic(threads: usize) {
    let hits = AtomicU64::new(0);
    hit_by_all(threads, || {
        hits.fetch_add(1, Relaxed);
    });
    assert_eq!(hits.into_inner() as usize, HITS / threads * threads);
}

/// A counter whose users lock it, or leave that out.
fn count_and_read(count_locks: bool, read_locks: bool) {
    let (lock, hits) = (Mutex::new(()), Plain::new(0));
    in_turn(
        || {
            let _guard = count_locks.then(|| lock.lock().unwrap());
            *hits.reach() += 1; // race: cnt_02_unlocked_reader, cnt_02_unlocked_writer
        },
        || {
            let _guard = read_locks.then(|| lock.lock().unwrap());
            hits.get(); // race: cnt_02_unlocked_reader, cnt_02_unlocked_writer
        },
    );
}

fn cnt_02_locked(_: usize) {
    count_and_read(true, true);
}

fn cnt_02_unlocked_reader(_: usize) {
    count_and_read(true, false);
}

fn cnt_02_unlocked_writer(_: usize) {
    count_and_read(false, true);
}

fn cnt_03_two_locks(_: usize) {
    let (requests, errors, total) = (Mutex::new(()), Mutex::new(()), Plain::new(0u64));
    let both = Meeting::of(2);
    thread::scope(|s| {
        for lock in [&requests, &errors] {
            let (total, both) = (&total, &both);
            s.spawn(move || {
                both.meet();
                let _guard = lock.lock().unwrap();
                *total.reach() += 1; // race: cnt_03_two_locks
            });
        }
    });
}

fn cnt_03_one_lock(threads: usize) {
    let (lock, total) = (Mutex::new(()), Plain::new(0));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for _ in 0..100 {
                    let _guard = lock.lock().unwrap();
                    *total.reach() += 1;
                }
            });
        }
    });
    assert_eq!(total.get(), 100 * threads);
}

#[repr(C)]
#[derive(Default)]
struct Stats {
    requests: u64,
    /// In between, or the compiler counts both at once.
    name: &'static str,
    errors: u64,
}

fn cnt_04_stats(threads: usize) {
    let (stats, all) = (Plain::new(Stats::default()), Meeting::of(threads));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                all.meet();
                let stats = stats.pointer();
                unsafe { (*stats).requests += 1 }; // race: cnt_04_stats.requests
                unsafe { (*stats).errors += 2 }; // race: cnt_04_stats.errors
            });
        }
    });
    assert!(stats.reach().name.is_empty());
}

fn cnt_04_atomics(threads: usize) {
    let (requests, errors) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                requests.fetch_add(1, Relaxed);
                errors.fetch_add(2, Relaxed);
            });
        }
    });
    assert_eq!(errors.into_inner(), 2 * requests.into_inner());
}

/// Each thread counts in a shard of its own. They lie side by side in one word of memory or two, which is no race.
fn cnt_05_shards(threads: usize) {
    let mut shards = vec![0u8; threads];
    thread::scope(|s| {
        for shard in &mut shards {
            s.spawn(|| {
                for _ in 0..100 {
                    *std::hint::black_box(&mut *shard) += 1;
                }
            });
        }
    });
    assert!(shards.iter().all(|shard| *shard == 100));
}

fn cnt_05_shards_too_early(_: usize) {
    let shards = Plain::new([0u8; 4]);
    in_turn(
        || {
            shards.reach()[2] = 7; // race: cnt_05_shards_too_early
        },
        || {
            let shards = shards.get(); // race: cnt_05_shards_too_early
            assert_eq!(shards.iter().sum::<u8>(), 7);
        },
    );
}
