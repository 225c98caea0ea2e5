//! `#[racecheck::shared]` and `racecheck::label!`: what becomes of structs, statics and variables, and what reports call them.

use std::fmt::Debug;
use std::sync::atomic::AtomicU64;

use racecheck::report::Race;
use racecheck::sync::Mutex;
use racecheck::{Shared, check, label, thread};

/// The labels of the races of `f`, or what they would be: nothing is found in the plain build.
#[track_caller]
fn assert_labels(expected: &[&str], f: impl FnOnce()) {
    let outcome = check(f);
    let labels: Vec<_> = outcome
        .races()
        .iter()
        .map(|race: &Race| race.location().label().unwrap_or("no label").to_owned())
        .collect();
    let expected = if cfg!(feature = "race-check") {
        expected
    } else {
        &[]
    };
    assert_eq!(labels, expected);
}

/// Runs both at once, as far as the engine can see.
fn race(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    thread::scope(|s| {
        s.spawn(a);
        s.spawn(b);
    });
}

/// Documentation stays.
#[racecheck::shared]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stats {
    /// So does that of the fields.
    pub reqs: u64,
    errs: u32,
}

#[test]
fn fields_have_their_names() {
    let stats = Stats::new(1, 2);
    assert_labels(&["Stats.reqs", "Stats.errs"], || {
        race(|| stats.set_reqs(3), || stats.set_reqs(4));
        race(|| stats.errs.set(3), || assert!(stats.get_errs() <= 3));
    });
}

#[test]
fn derives_work_on_what_the_fields_have_become() {
    let stats = Stats::new(1, 2);
    let clone = stats.clone();
    assert_eq!(stats, clone);
    clone.update_errs(|errs| errs + 1);
    assert!(stats < clone);
    assert_eq!(
        format!("{clone:?}"),
        "Stats { reqs: Shared(1), errs: Shared(3) }"
    );
    assert_labels(&["Stats.errs"], || {
        race(|| clone.set_errs(4), || clone.set_errs(5));
    });
}

#[test]
fn a_default_has_names_too() {
    let stats = Stats::default();
    assert_eq!((stats.get_reqs(), stats.get_errs()), (0, 0));
    assert_labels(&["Stats.reqs"], || {
        race(|| stats.set_reqs(3), || stats.set_reqs(4));
    });
}

#[racecheck::shared]
#[derive(Default)]
struct Pair<'a, T: Copy, const N: usize>(pub T, &'a str, [T; N])
where
    T: Debug;

#[test]
fn tuples_generics_and_lifetimes() {
    let text = "text".to_owned();
    let pair = Pair::new(7, &text[..], [1, 2, 3]);
    assert_eq!(pair.get_0(), 7);
    assert_eq!(pair.1.get(), "text");
    pair.with_2_mut(|array| array[0] = 5);
    assert_eq!(pair.with_2(|array| array.len()), 3);
    assert_labels(&["Pair.0", "Pair.2"], || {
        race(|| pair.set_0(3), || pair.set_0(4));
        race(|| pair.set_2([0; 3]), || pair.set_2([1; 3]));
    });
}

/// It has no `Default`, and no `Debug`.
struct Opaque;

#[racecheck::shared]
struct Mixed {
    lock: Mutex<u8>,
    count: AtomicU64,
    #[shared(skip)]
    id: u32,
    name: String,
    opaque: Opaque,
    r#type: u8,
    #[cfg(any())]
    absent: Missing,
}

#[test]
fn what_is_synchronised_or_skipped_stays() {
    let mixed = Mixed::new(
        Mutex::new(1),
        AtomicU64::new(2),
        3,
        "a".to_owned(),
        Opaque,
        0,
    );
    let Mixed {
        lock,
        count,
        id,
        name,
        opaque,
        r#type,
    } = &mixed;
    let _: (&Mutex<u8>, &AtomicU64, &u32) = (lock, count, id);
    let _: (&Shared<String>, &Shared<Opaque>) = (name, opaque);
    assert_labels(&["Mixed.name", "Mixed.type"], || {
        race(
            || mixed.set_name("b".to_owned()),
            || assert_eq!(mixed.with_name(String::len), 1),
        );
        race(|| mixed.set_type(1), || r#type.set(2));
    });
    mixed.with_opaque(|Opaque| ());
}

#[racecheck::shared(new = with_values, no_default, no_accessors)]
struct Own {
    value: u8,
}

impl Own {
    fn new() -> Own {
        Own::with_values(7)
    }

    fn get_value(&self) -> u8 {
        self.value.get()
    }
}

impl Default for Own {
    fn default() -> Own {
        Own::new()
    }
}

#[racecheck::shared(no_new)]
struct OwnNew {
    value: u8,
}

impl OwnNew {
    fn new() -> OwnNew {
        OwnNew::default()
    }
}

#[test]
fn ones_own_methods_have_their_place() {
    let own = Own::default();
    assert_eq!((own.get_value(), OwnNew::new().get_value()), (7, 0));
    assert_labels(&["Own.value"], || {
        race(|| own.value.set(1), || own.value.set(2));
    });
}

#[racecheck::shared]
static HITS: u64 = 7;

static STATS: Stats = Stats::new(0, 0);

static TOTAL: Shared<u64> = label!(Shared::new(0), "the total");

#[test]
fn statics() {
    assert_eq!(HITS.get(), 7);
    assert_labels(&["HITS", "Stats.reqs", "the total"], || {
        race(|| HITS.set(1), || HITS.set(2));
        race(|| STATS.set_reqs(1), || STATS.set_reqs(2));
        race(|| TOTAL.set(1), || TOTAL.set(2));
    });
}

#[racecheck::shared]
fn three_variables() {
    #[racecheck::shared]
    let hits = 0;
    #[racecheck::shared]
    let bytes: &[u8] = &[1, 2, 3];
    let inner = || {
        #[racecheck::shared]
        let mut flag: bool = false;
        race(|| flag.set(true), || flag.set(false));
        *flag.get_mut()
    };
    race(|| hits.set(1), || hits.set(2));
    race(|| bytes.set(&[1]), || bytes.set(&[2]));
    inner();
}

#[test]
fn variables() {
    assert_labels(&["hits", "bytes", "flag"], three_variables);
}

#[racecheck::test]
#[cfg(feature = "race-check")]
fn in_a_test() {
    #[racecheck::shared]
    let hits = 0;
    let created = line!() - 1;
    let outcome = check(|| race(|| hits.set(1), || hits.set(2)));
    let [race] = outcome.races() else {
        panic!("{outcome:?}");
    };
    let site = race.location().created_at().unwrap();
    assert_eq!(site.to_string(), format!("tests/shared.rs:{created}:16"));
    let location = format!("Location is variable `hits` (4 bytes), created at {site}\n");
    assert!(race.to_string().contains(&location), "{race}");
}

/// The place of creation is the caller's of `new`.
#[cfg(feature = "race-check")]
#[test]
fn the_constructor_is_where_the_fields_are_made() {
    let stats = Stats::new(0, 0);
    let created = line!() - 1;
    let outcome = check(|| race(|| stats.set_reqs(1), || stats.set_reqs(2)));
    let race = outcome.races()[0].to_string();
    let location = format!(
        "Location is field `Stats.reqs` (8 bytes), created at tests/shared.rs:{created}:17\n"
    );
    assert!(race.contains(&location), "{race}");
}
