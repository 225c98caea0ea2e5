//! Snapshots published with `arc_swap`: readers look, writers copy.

use std::collections::HashMap;
use std::sync::Arc;

use racecheck::arc_swap::ArcSwap;
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

type Map = HashMap<&'static str, u32>;

fn snapshot(map: Map) -> Arc<Shared<Map>> {
    let snapshot = Shared::new(Map::new());
    snapshot.with_mut(|to| *to = map);
    Arc::new(snapshot)
}

fn insert(cache: &ArcSwap<Shared<Map>>, key: &'static str, value: u32) {
    cache.rcu(|last| {
        let mut map = last.with(Map::clone);
        map.insert(key, value);
        snapshot(map)
    });
}

#[test]
fn cache_01_copy_on_write_with_arc_swap() {
    none(|| {
        let cache = ArcSwap::new(snapshot(Map::new()));
        thread::scope(|s| {
            for key in ["a", "b"] {
                let cache = &cache;
                s.spawn(move || (0..20).for_each(|value| insert(cache, key, value)));
                s.spawn(|| {
                    for _ in 0..20 {
                        cache.load().with(|map| map.get("a").copied());
                    }
                });
            }
        });
        let map = cache.into_inner();
        map.with(|map| assert_eq!((map["a"], map["b"]), (19, 19)));
    });
}

#[test]
#[cfg_attr(racecheck_runtime, ignore = "arc-swap's own lists may order the two")]
fn cache_02_arc_swap_changed_in_place() {
    let program = |in_place: bool| {
        let cache = ArcSwap::new(snapshot(Map::new()));
        in_turn(
            || {
                insert(&cache, "a", 1);
                if in_place {
                    return at!(cache.load().with_mut(|map| map.insert("a", 2)));
                }
                insert(&cache, "a", 2);
                0
            },
            || at!(cache.load().with(|map| map.get("a").copied())),
        )
    };
    none(|| program(false));
    let race = &races(|| program(true))[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock",
    );
    says(race, "stored a snapshot", "");
}

#[test]
fn life_08_rates_with_arc_swap() {
    none(|| {
        let rates = ArcSwap::from_pointee(Shared::new(0));
        thread::scope(|s| {
            s.spawn(|| {
                for round in 1..=20 {
                    let next = Shared::new(0);
                    next.set(round);
                    rates.store(Arc::new(next));
                }
            });
            for _ in 0..3 {
                s.spawn(|| {
                    let mut last = 0;
                    while last < 20 {
                        let now = rates.load().get();
                        assert!(now >= last);
                        last = now;
                    }
                });
            }
        });
    });
}
