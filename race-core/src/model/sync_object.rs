//! `sync::SyncObject`: releases add up, and an acquire takes those that have been, and no more.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::model::{KIND, here, knows, run_as, spawn, thread};
use crate::primitive::sync::atomic::AtomicU64;
use crate::sync::SyncObject;

#[derive(Default)]
struct Releaser {
    started: AtomicBool,
    released: AtomicU64,
}

#[test]
fn releases_add_up() {
    loom::model(|| {
        let object = Arc::new(SyncObject::new());
        let releasers: Arc<[Releaser; 2]> = Arc::default();
        let threads = [1, 2].map(|slot| {
            let (object, releasers) = (object.clone(), releasers.clone());
            spawn(slot, move || {
                releasers[slot - 1].started.store(true, Relaxed);
                object.release(&KIND, here());
                releasers[slot - 1].released.store(1, Release);
            })
        });
        run_as(thread(0), || {
            let seen = [1, 2].map(|slot| releasers[slot - 1].released.load(Acquire) == 1);
            object.acquire(&KIND, here());
            for slot in [1, 2] {
                let known = knows(slot, 1);
                assert!(
                    known || !seen[slot - 1],
                    "a release that has been is acquired"
                );
                assert!(!known || releasers[slot - 1].started.load(Relaxed));
                assert!(
                    !knows(slot, 2),
                    "nothing after a release is acquired with it"
                );
            }
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            object.acquire(&KIND, here());
            assert!(knows(1, 1) && knows(2, 1));
        });
    });
}
