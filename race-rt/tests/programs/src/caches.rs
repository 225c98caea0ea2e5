//! Caches: a map that is read often and written now and then.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;

use crate::support::{Meeting, Plain, in_turn, until};

crate::programs! {
    race: cache_01_plain_map, cache_02_changed_in_place, cache_03_write_under_a_read_lock, cache_05_another_shards_lock;
    none: cache_01_rwlock, cache_01_copy_on_write, cache_03_readers, cache_04_check_then_insert, cache_05_shards;
}

type Map = HashMap<&'static str, u32>;

fn new() -> Plain<Map> {
    let mut map = Map::new();
    map.insert("a", 0);
    Plain::new(map)
}

fn cache_01_plain_map(_: usize) {
    let map = new();
    in_turn(
        || {
            map.reach().insert("a", 1); // race: cache_01_plain_map
        },
        || {
            let found = map.reach().get("a").copied(); // race: cache_01_plain_map
            assert_eq!(found, Some(1));
        },
    );
}

fn cache_01_rwlock(threads: usize) {
    let cache = RwLock::new(Map::new());
    thread::scope(|s| {
        for number in 0..threads {
            let cache = &cache;
            s.spawn(move || {
                for value in 0..50 {
                    if (number + value) % 4 == 0 {
                        cache.write().unwrap().insert("a", value as u32);
                    } else {
                        let _ = cache.read().unwrap().get("a").copied();
                    }
                }
            });
        }
    });
    assert_eq!(cache.into_inner().unwrap().len(), 1);
}

/// Snapshots that are never changed once they are published; writers copy, readers just look.
struct Snapshots {
    current: AtomicPtr<Map>,
    /// Readers may still look at the old ones.
    #[allow(clippy::vec_box, reason = "readers have their addresses")]
    all: Mutex<Vec<Box<Map>>>,
}

impl Snapshots {
    fn new() -> Snapshots {
        let snapshots = Snapshots {
            current: AtomicPtr::new(ptr::null_mut()),
            all: Mutex::default(),
        };
        snapshots.publish(Map::from([("a", 0)]));
        snapshots
    }

    fn publish(&self, map: Map) {
        let mut map = Box::new(map);
        self.current.store(&raw mut *map, Release);
        self.all.lock().unwrap().push(map);
    }

    fn load(&self) -> *mut Map {
        self.current.load(Acquire)
    }

    fn set(&self, key: &'static str, value: u32) {
        // SAFETY: there is one from the beginning, and all live as long as `self`.
        let mut map = unsafe { &*self.load() }.clone();
        map.insert(key, value);
        self.publish(map);
    }
}

fn cache_01_copy_on_write(threads: usize) {
    let snapshots = Snapshots::new();
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                for _ in 0..50 {
                    // SAFETY: they live as long as `snapshots`.
                    let _ = unsafe { &*snapshots.load() }.get("a").copied();
                }
            });
        }
        for value in 0..50 {
            snapshots.set("a", value);
        }
    });
}

fn cache_02_changed_in_place(_: usize) {
    let snapshots = Snapshots::new();
    in_turn(
        || {
            snapshots.set("a", 1);
            unsafe { &mut *snapshots.load() }.insert("a", 2); // race: cache_02_changed_in_place
        },
        || {
            let found = unsafe { &*snapshots.load() }.get("a").copied(); // race: cache_02_changed_in_place
            assert_eq!(found, Some(2));
        },
    );
}

/// Both hold the lock at once: in `std`'s, a reader who unlocks comes before one who locks later.
fn cache_03_write_under_a_read_lock(_: usize) {
    let (lock, map, both, written) = (
        RwLock::new(()),
        new(),
        Meeting::of(2),
        AtomicBool::new(false),
    );
    thread::scope(|s| {
        s.spawn(|| {
            let _guard = lock.read().unwrap();
            both.meet();
            map.reach().insert("a", 1); // race: cache_03_write_under_a_read_lock
            written.store(true, Relaxed);
        });
        s.spawn(|| {
            let _guard = lock.read().unwrap();
            both.meet();
            until(&written);
            let found = map.reach().get("a").copied(); // race: cache_03_write_under_a_read_lock
            assert_eq!(found, Some(1));
        });
    });
}

fn cache_03_readers(threads: usize) {
    let (lock, map) = (RwLock::new(()), new());
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                let _guard = lock.read().unwrap();
                assert_eq!(map.reach().get("a"), Some(&0));
            });
        }
    });
}

fn cache_04_check_then_insert(threads: usize) {
    // No data race: every access is under the lock. That another thread may have come in between, and the value be made twice, is a logical one.
    let cache = RwLock::new(Map::new());
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                let found = cache.read().unwrap().get("a").copied();
                if found.is_none() {
                    cache.write().unwrap().insert("a", 1);
                }
            });
        }
    });
}

const KEYS: [&str; 5] = ["", "a", "bb", "ccc", "dddd"];

/// A registry in shards, each with a lock of its own.
#[derive(Default)]
struct Registry([RwLock<Map>; 4]);

impl Registry {
    fn shard(&self, key: &str) -> &RwLock<Map> {
        &self.0[key.len() % self.0.len()]
    }
}

fn cache_05_shards(threads: usize) {
    let registry = Arc::new(Registry::default());
    let users: Vec<_> = (0..threads)
        .map(|_| {
            let registry = registry.clone();
            thread::spawn(move || {
                for key in KEYS {
                    let shard = registry.shard(key);
                    let known = shard.read().unwrap().get(key).copied();
                    shard
                        .write()
                        .unwrap()
                        .insert(key, known.unwrap_or_default() + 1);
                }
            })
        })
        .collect();
    for user in users {
        user.join().unwrap();
    }
    assert_eq!(
        registry
            .0
            .iter()
            .map(|shard| shard.read().unwrap().len())
            .sum::<usize>(),
        KEYS.len()
    );
}

fn cache_05_another_shards_lock(_: usize) {
    let (registry, map) = (Registry::default(), new());
    let (right, wrong) = (registry.shard("a"), registry.shard("bb"));
    in_turn(
        || {
            let _guard = right.write().unwrap();
            map.reach().insert("a", 1); // race: cache_05_another_shards_lock
        },
        || {
            let _guard = wrong.write().unwrap();
            let found = map.reach().get("a").copied(); // race: cache_05_another_shards_lock
            assert_eq!(found, Some(1));
        },
    );
}
