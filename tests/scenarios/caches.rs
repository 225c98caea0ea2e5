//! Caches: a map that is read often and written now and then.

use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use racecheck::sync::atomic::AtomicPtr;
use racecheck::sync::{Mutex, RwLock};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

type Map = HashMap<&'static str, u32>;

/// A map, and a lock beside it that its users take, or don't.
#[derive(Default)]
struct Cache {
    lock: RwLock<()>,
    map: Shared<Map>,
}

impl Cache {
    fn get(&self, key: &str) -> (u32, Option<u32>) {
        let mut value = None;
        let line = at!(self.map.with(|map| value = map.get(key).copied()));
        (line, value)
    }

    fn set(&self, key: &'static str, value: u32) -> u32 {
        at!(self.map.with_mut(|map| map.insert(key, value)))
    }
}

#[test]
fn cache_01_plain_map() {
    let race = &races(|| {
        let cache = Cache::default();
        in_turn(|| cache.set("a", 1), || cache.get("a").0)
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock at both places",
    );
    assert!(
        race.location().name().unwrap().contains("HashMap"),
        "{race}"
    );
}

#[test]
fn cache_01_behind_a_rwlock() {
    none(|| {
        let cache = Cache::default();
        thread::scope(|s| {
            s.spawn(|| {
                for value in 0..20 {
                    let _guard = cache.lock.write().unwrap();
                    cache.set("a", value);
                }
            });
            for _ in 0..2 {
                s.spawn(|| {
                    for _ in 0..20 {
                        let _guard = cache.lock.read().unwrap();
                        cache.get("a");
                    }
                });
            }
        });
    });
}

/// Snapshots that are never changed once they are published; writers copy, readers just look.
struct Snapshots {
    current: AtomicPtr<Shared<Map>>,
    /// Readers may still look at the old ones.
    all: Mutex<Vec<Arc<Shared<Map>>>>,
}

impl Snapshots {
    fn new() -> Snapshots {
        let snapshots = Snapshots {
            current: AtomicPtr::new(ptr::null_mut()),
            all: Mutex::default(),
        };
        snapshots.publish(Map::new());
        snapshots
    }

    fn publish(&self, map: Map) {
        let snapshot = Arc::new(Shared::new(Map::new()));
        snapshot.with_mut(|to| *to = map);
        self.current
            .store(Arc::as_ptr(&snapshot).cast_mut(), Release);
        self.all.lock().unwrap().push(snapshot);
    }

    fn load(&self) -> &Shared<Map> {
        // SAFETY: there is one from the beginning, and all live as long as `self`.
        unsafe { &*self.current.load(Acquire) }
    }

    fn set(&self, key: &'static str, value: u32) {
        let mut map = self.load().with(Map::clone);
        map.insert(key, value);
        self.publish(map);
    }
}

#[test]
fn cache_01_copy_on_write() {
    none(|| {
        let snapshots = Snapshots::new();
        thread::scope(|s| {
            s.spawn(|| {
                for value in 0..20 {
                    snapshots.set("a", value);
                }
            });
            for _ in 0..2 {
                s.spawn(|| {
                    for _ in 0..20 {
                        snapshots.load().with(|map| map.get("a").copied());
                    }
                });
            }
        });
    });
}

#[test]
fn cache_02_snapshot_changed_in_place() {
    let race = &races(|| {
        let snapshots = Snapshots::new();
        in_turn(
            || {
                snapshots.set("a", 1);
                at!(snapshots.load().with_mut(|map| map.insert("a", 2)))
            },
            || at!(snapshots.load().with(|map| map.get("a").copied())),
        )
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
    says(race, "stored to an atomic", "");
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "std's readers change one word, so that one's unlock is before the next one's lock"
)]
fn cache_03_write_under_a_read_lock() {
    let race = &races(|| {
        let cache = Cache::default();
        in_turn(
            || {
                let _guard = cache.lock.read().unwrap();
                cache.set("a", 1)
            },
            || {
                let _guard = cache.lock.read().unwrap();
                cache.get("a").0
            },
        )
    })[0];
    says(
        race,
        "it unlocked an RwLock",
        "not as a reader where the value is written",
    );
    none(|| {
        let cache = Cache::default();
        let read = || {
            let _guard = cache.lock.read().unwrap();
            cache.get("a")
        };
        thread::scope(|s| {
            s.spawn(read);
            s.spawn(read);
        });
    });
}

#[test]
fn cache_04_check_then_insert() {
    // No data race: every access is under the lock. That another thread may have come in between, and the value be made twice, is a logical one.
    none(|| {
        let cache = Cache::default();
        let get_or_make = || {
            let found = {
                let _guard = cache.lock.read().unwrap();
                cache.get("a").1
            };
            if found.is_none() {
                let _guard = cache.lock.write().unwrap();
                cache.set("a", 1);
            }
        };
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(get_or_make);
            }
        });
    });
}

/// A registry in shards, each with a lock of its own.
struct Registry([Cache; 4]);

impl Registry {
    fn shard(&self, key: &str) -> &Cache {
        &self.0[key.len() % self.0.len()]
    }
}

#[test]
fn cache_05_sharded_map() {
    const KEYS: [&str; 5] = ["", "a", "bb", "ccc", "dddd"];
    none(|| {
        let registry = Registry(Default::default());
        let use_all = || {
            for key in KEYS {
                let shard = registry.shard(key);
                let known = {
                    let _guard = shard.lock.read().unwrap();
                    shard.get(key).1
                };
                let _guard = shard.lock.write().unwrap();
                shard.set(key, known.unwrap_or_default() + 1);
            }
        };
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(use_all);
            }
        });
    });
    // The lock of another shard.
    let race = &races(|| {
        let registry = Registry(Default::default());
        let (right, wrong) = (registry.shard("a"), registry.shard("bb"));
        in_turn(
            || {
                let _guard = right.lock.write().unwrap();
                right.set("a", 1)
            },
            || {
                let _guard = wrong.lock.write().unwrap();
                right.get("a").0
            },
        )
    })[0];
    says(
        race,
        "it unlocked an RwLock",
        "hold the same lock at both places",
    );
}
