use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::thread;

fn use_memory(number: usize) {
    for size in [16, 24, 100, 1000, 100_000, 5_000_000] {
        let mut bytes = vec![number as u8; size];
        bytes.iter_mut().for_each(|byte| *byte += 1);
        bytes.reserve_exact(2 * size);
        bytes.resize(2 * size, 3);
        black_box(&bytes);
        bytes.truncate(size / 2);
        bytes.shrink_to_fit();
        drop(bytes);
        assert!(
            black_box(vec![0u64; size / 8])
                .iter()
                .all(|word| *word == 0)
        );
    }
}

/// Threads one after the other, with no order between them; then at the same time, with blocks that others free.
fn quiet() {
    for number in 0..20 {
        let user = thread::spawn(move || use_memory(number));
        while !user.is_finished() {
            thread::yield_now();
        }
        std::mem::forget(user);
    }
    thread::scope(|s| {
        for number in 0..4 {
            s.spawn(move || {
                for _ in 0..10 {
                    use_memory(number);
                    let blocks = vec![Box::new(number); 100];
                    thread::spawn(move || drop(blocks)).join().unwrap();
                }
            });
        }
    });
}

fn racy() {
    let block = AtomicPtr::new(Box::into_raw(black_box(Box::new([1u64; 6]))));
    let (freed, used) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        s.spawn(|| {
            drop(unsafe { Box::from_raw(block.load(Relaxed)) });
            freed.store(true, Relaxed);
            while !used.load(Relaxed) {
                thread::yield_now();
            }
        });
        s.spawn(|| {
            while !freed.load(Relaxed) {
                thread::yield_now();
            }
            black_box(unsafe { (*block.load(Relaxed))[3] });
            used.store(true, Relaxed);
        });
    });
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("quiet") => quiet(),
        Some("racy") => racy(),
        other => panic!("unknown way {other:?}"),
    }
}
