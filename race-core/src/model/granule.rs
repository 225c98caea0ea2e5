//! `shadow::range`: as for [`super::words`], with the extent: who sees a new extent sees the words that it speaks of.

use std::sync::{Arc, Mutex};

use crate::model::{model, thread};
use crate::shadow::range::Granule;
use crate::shadow::state::Class::{self, Read, Write};
use crate::stack::depot::ContextId;
use crate::thread::state::ThreadState;

#[derive(Default)]
struct Place {
    granule: Granule,
    /// The bytes that each report speaks of.
    reports: Mutex<Vec<u8>>,
}

impl Place {
    /// What `range::access` does with the part of an access that lies in one granule.
    fn access(&self, thread: &ThreadState, mask: u8, class: Class) {
        if self.granule.is_recorded(mask, class, thread.epoch().bits()) {
            return;
        }
        let context = ContextId::from_bits(1);
        let (conflicts, common) = self.granule.access(thread, mask, class, context);
        if !conflicts.is_empty() {
            self.reports.lock().unwrap().push(common);
        }
    }

    fn take(&self, thread: &ThreadState, steps: Steps) {
        for (mask, class) in steps {
            match class {
                Some(class) => self.access(thread, *mask, *class),
                None => self.granule.forget(*mask),
            }
        }
    }
}

/// What one thread does: the bytes, and the access; `None`: the bytes are allocated.
type Steps = &'static [(u8, Option<Class>)];

/// The first thread takes the steps of `before`; then two threads take theirs, unordered. The bytes that they race on are `racing`.
fn check(before: Steps, first: Steps, second: Steps, racing: u8) {
    model(move |sides| {
        let place = Arc::new(Place::default());
        let mine = thread(0);
        place.take(&mine, before);
        let (for_first, for_second) = (place.clone(), place.clone());
        sides.run(
            move || for_first.take(&mine, first),
            move || for_second.take(&thread(1), second),
        );
        let reports = place.reports.lock().unwrap();
        assert_eq!(reports.iter().fold(0, |all, one| all | one), racing);
    });
}

const READ: Option<Class> = Some(Read);
const WRITE: Option<Class> = Some(Write);
const ALLOCATED: Option<Class> = None;

#[test]
fn the_same_bytes() {
    check(&[], &[(0xff, WRITE)], &[(0xff, WRITE)], 0xff);
    check(&[], &[(0x0f, READ), (0x0f, READ)], &[(0x0f, WRITE)], 0x0f);
}

#[test]
fn different_bytes_do_not_race() {
    check(&[], &[(0x0f, WRITE), (0x0f, WRITE)], &[(0xf0, WRITE)], 0);
}

#[test]
fn bytes_in_common() {
    check(&[], &[(0x0f, WRITE)], &[(0x3c, WRITE)], 0x0c);
    check(&[], &[(0x0f, WRITE), (0x0f, READ)], &[(0x3c, READ)], 0x0c);
}

#[test]
fn shares_that_both_cut() {
    check(&[], &[(0x03, WRITE), (0x0f, READ)], &[(0x3c, WRITE)], 0x0c);
}

#[test]
fn the_extent_of_other_words_is_never_believed() {
    // The second thread makes the granule speak of the bytes that the first comes to next, while its first write may still be in sight.
    check(
        &[(0x0f, WRITE)],
        &[(0xf0, WRITE)],
        &[(0x0f, ALLOCATED), (0xf0, WRITE)],
        0xf0,
    );
}
