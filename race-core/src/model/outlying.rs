//! `sync::outlying`: an address has one entry, whoever comes first; and whatever a program does with memory that is freed, each entry is in one list or nobody's.

use std::collections::BTreeSet;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

use crate::model::model;
use crate::sync::outlying::entries::{self, Entry, Forgotten, List};

/// A granule's list.
fn list() -> Arc<List> {
    Arc::new(List::new(0))
}

fn find(list: &List, address: usize) -> &'static Entry {
    entries::find_or_add(list, address).0
}

fn all(list: &List) -> impl Iterator<Item = &'static Entry> {
    entries::all(list.load(Acquire))
}

#[test]
fn an_address_has_one_entry() {
    for other in [8, 12] {
        for before in [None, Some(10)] {
            model(move |sides| {
                let list = list();
                if let Some(before) = before {
                    find(&list, before);
                }
                let (for_one, for_other) = (list.clone(), list.clone());
                let both = sides.run(move || find(&for_one, 8), move || find(&for_other, other));
                assert_eq!(ptr::eq(both.0, both.1), other == 8);
                assert!(ptr::eq(find(&list, 8), both.0) && ptr::eq(find(&list, other), both.1));
                let count = 1 + usize::from(other != 8) + usize::from(before.is_some());
                assert_eq!(all(&list).count(), count);
            });
        }
    }
}

/// One that another thread was faster with is free again.
#[test]
fn none_is_lost() {
    model(|sides| {
        let list = list();
        let (for_one, for_other) = (list.clone(), list.clone());
        sides.run(move || find(&for_one, 8), move || find(&for_other, 8));
        assert_eq!(1 + entries::take_free(), entries::count());
    });
}

/// One thread frees what another one uses, and uses it, or other memory, again.
#[test]
fn memory_that_is_used_while_it_is_freed() {
    for address in [8, 12] {
        for afterwards in [8, 16] {
            model(move |sides| {
                let (list, others) = (list(), list());
                find(&list, 8);
                let (for_user, for_owner) = (list.clone(), list.clone());
                let (of_user, of_owner) = (others.clone(), others.clone());
                let user = move || {
                    find(&for_user, address);
                    find(&of_user, 20);
                };
                let owner = move || {
                    Forgotten::default().add_all_of(&for_owner);
                    find(
                        if afterwards == 8 {
                            &for_owner
                        } else {
                            &of_owner
                        },
                        afterwards,
                    );
                };
                sides.run(user, owner);
                let mut seen = BTreeSet::new();
                for entry in all(&list).chain(all(&others)) {
                    assert!(seen.insert(ptr::from_ref(entry)), "one is in two lists");
                }
                assert_eq!(seen.len() + entries::take_free(), entries::count());
            });
        }
    }
}
