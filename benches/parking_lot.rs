//! The cost of tracking parking_lot's locks: one thread locks and unlocks, beside parking_lot's own, `std`'s, and `std`'s tracked.
//!
//! One iteration is one lock and one unlock.

use std::hint::black_box;

use divan::Bencher;

fn main() {
    divan::main();
}

#[divan::bench_group(sample_size = 10_000)]
mod lock_and_unlock {
    use super::*;

    #[divan::bench]
    fn std_plain(bencher: Bencher<'_, '_>) {
        let mutex = std::sync::Mutex::new(());
        bencher.bench_local(|| drop(black_box(&mutex).lock()));
    }

    #[divan::bench]
    fn std_tracked(bencher: Bencher<'_, '_>) {
        let mutex = racecheck::sync::Mutex::new(());
        bencher.bench_local(|| drop(black_box(&mutex).lock()));
    }

    #[divan::bench]
    fn plain(bencher: Bencher<'_, '_>) {
        let mutex = parking_lot::Mutex::new(());
        bencher.bench_local(|| drop(black_box(&mutex).lock()));
    }

    #[divan::bench]
    fn tracked(bencher: Bencher<'_, '_>) {
        let mutex = racecheck::parking_lot::Mutex::new(());
        bencher.bench_local(|| drop(black_box(&mutex).lock()));
    }
}

#[divan::bench_group(sample_size = 10_000)]
mod read_and_unlock {
    use super::*;

    #[divan::bench]
    fn std_plain(bencher: Bencher<'_, '_>) {
        let lock = std::sync::RwLock::new(());
        bencher.bench_local(|| drop(black_box(&lock).read()));
    }

    #[divan::bench]
    fn std_tracked(bencher: Bencher<'_, '_>) {
        let lock = racecheck::sync::RwLock::new(());
        bencher.bench_local(|| drop(black_box(&lock).read()));
    }

    #[divan::bench]
    fn plain(bencher: Bencher<'_, '_>) {
        let lock = parking_lot::RwLock::new(());
        bencher.bench_local(|| drop(black_box(&lock).read()));
    }

    #[divan::bench]
    fn tracked(bencher: Bencher<'_, '_>) {
        let lock = racecheck::parking_lot::RwLock::new(());
        bencher.bench_local(|| drop(black_box(&lock).read()));
    }
}
