//! `Once`, `OnceLock` and `LazyLock`, raced for.

use std::collections::HashMap;
use std::sync::{Barrier, LazyLock, Once, OnceLock};
use std::thread;

static LAZY: LazyLock<HashMap<u32, String>> =
    LazyLock::new(|| (0..20).map(|n| (n, n.to_string())).collect());
static CELL: OnceLock<Vec<u64>> = OnceLock::new();
static ONCE: Once = Once::new();
static mut VALUE: u64 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let barrier = Barrier::new(threads());
    thread::scope(|scope| {
        for number in 0..threads() as u64 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                ONCE.call_once(|| unsafe { VALUE = 7 });
                assert_eq!(unsafe { (&raw const VALUE).read() }, 7);
                assert_eq!(CELL.get_or_init(|| vec![number; 8]).len(), 8);
                assert_eq!(LAZY[&11], "11");
                let local = OnceLock::new();
                local.set(number).unwrap();
                assert_eq!(local.into_inner(), Some(number));
            });
        }
    });
    assert_eq!(CELL.get().map(Vec::len), Some(8));
}
