//! `shadow::line`: as for [`super::words`], on exactly the bytes in common; and an access is never taken for one to bytes of another's.

use std::sync::{Arc, Mutex};

use crate::epoch::Epoch;
use crate::model::{model, thread};
use crate::shadow::line::Line;
use crate::shadow::state::Class::{self, AtomicWrite, Read, Write};
use crate::shadow::state::Conflicts;
use crate::stack::depot::ContextId;
use crate::thread::state::ThreadState;

#[derive(Default)]
struct Place {
    line: Line,
    /// The bytes that each report speaks of.
    reports: Mutex<Vec<u64>>,
}

impl Place {
    /// What `range::access` does with the part of an access that lies in one line.
    fn access(&self, thread: &ThreadState, mask: u64, class: Class) {
        if self.line.is_recorded(mask, class, thread.epoch()) {
            return;
        }
        let context = ContextId::from_bits(context_of(thread.epoch()));
        let known = |context| self.line.access_known(thread, mask, class, context);
        if context.is_some_and(known) {
            return;
        }
        let mut conflicts = Conflicts::new();
        let bytes = self
            .line
            .access(thread, mask, class, context, &mut conflicts);
        for other in &conflicts {
            assert_eq!(ContextId::bits(other.context), context_of(other.epoch));
        }
        if bytes != 0 {
            self.reports.lock().unwrap().push(bytes);
        }
    }

    fn take(&self, thread: &ThreadState, steps: Steps) {
        for (mask, class) in steps {
            match class {
                Some(class) => self.access(thread, *mask, *class),
                None => self.line.forget(*mask),
            }
        }
    }
}

/// Each thread has one of its own.
fn context_of(epoch: Epoch) -> u32 {
    epoch.slot() as u32 + 1
}

/// What one thread does: the bytes, and the access; `None`: the bytes are allocated.
type Steps = &'static [(u64, Option<Class>)];

/// The first thread takes the steps of `before`; then two threads take theirs, unordered. The bytes that they race on are `racing`.
fn check(before: Steps, first: Steps, second: Steps, racing: u64) {
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
fn the_bytes_of_another_access_are_never_believed() {
    // The second thread makes a slot speak of the bytes that the first comes to next, while its first write may still be in sight.
    check(
        &[(0x0f, WRITE)],
        &[(0xf0, WRITE)],
        &[(0x0f, ALLOCATED), (0xf0, WRITE)],
        0xf0,
    );
    // The same, where the slot has been the second's for a while.
    check(
        &[(0x0f, WRITE)],
        &[(0xc0, WRITE)],
        &[(0x0f, ALLOCATED), (0x30, WRITE), (0xc0, WRITE)],
        0xc0,
    );
    // Where some of its bytes are allocated, or replaced by another access of the second's.
    check(
        &[(0x0f, WRITE)],
        &[(0xc0, WRITE)],
        &[(0x0f, ALLOCATED), (0xf0, WRITE), (0x30, ALLOCATED)],
        0xc0,
    );
    check(
        &[(0x0f, WRITE)],
        &[(0xc0, READ)],
        &[
            (0x0f, ALLOCATED),
            (0xf0, READ),
            (0x30, WRITE),
            (0xc0, WRITE),
        ],
        0xc0,
    );
}

#[test]
fn what_was_allocated_is_noted_no_more() {
    check(
        &[(0xff, WRITE), (0x0f, ALLOCATED), (0x0f, WRITE)],
        &[],
        &[(0x0f, READ)],
        0x0f,
    );
    check(
        &[(0x0f, WRITE)],
        &[(0xc0, WRITE)],
        &[(0xf0, WRITE), (0x30, ALLOCATED)],
        0xc0,
    );
}

#[test]
fn the_bytes_that_another_epoch_has_noted_are_never_believed() {
    // The summary goes from thread to thread; what the first has noted is not all that is noted by the end.
    check(
        &[(0x0f, WRITE)],
        &[(0x0f, READ), (0xf0, READ)],
        &[(0xf0, WRITE)],
        0xf0,
    );
    check(
        &[(0x0f, READ)],
        &[(0x0f, READ), (0xf0, WRITE)],
        &[(0x0f, READ), (0xf0, READ)],
        0xf0,
    );
}

#[test]
fn more_than_there_are_slots_for() {
    // Three accesses by the first thread: one of them is in an annex, in the models.
    check(
        &[(0x01, WRITE), (0x02, READ), (0x04, Some(AtomicWrite))],
        &[(0x08, READ), (0x04, READ)],
        &[(0x0e, WRITE)],
        0x0e,
    );
    check(
        &[(0x01, WRITE), (0x02, READ), (0x04, Some(AtomicWrite))],
        &[(0x01, READ), (0x02, READ)],
        &[(0x06, ALLOCATED), (0x01, READ)],
        0x01,
    );
    // The slot that something has moved from is somebody's again by the time the first thread looks there.
    check(
        &[(0x01, WRITE), (0x02, READ), (0x04, Some(AtomicWrite))],
        &[(0x04, Some(AtomicWrite)), (0x08, WRITE)],
        &[(0x07, WRITE), (0x08, READ)],
        0x0f,
    );
}
