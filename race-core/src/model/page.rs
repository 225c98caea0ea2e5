//! `shadow::page`: an access to a whole page and one to a part of it, whichever comes first; opening loses nothing.

use std::sync::{Arc, Mutex};

use crate::epoch::Epoch;
use crate::model::{model, thread};
use crate::shadow::line::Line;
use crate::shadow::page::{LINES, PAGE, Page, Part, Shadow};
use crate::shadow::state::Class::{self, Read, Write};
use crate::shadow::state::Conflicts;
use crate::stack::depot::ContextId;
use crate::thread::state::ThreadState;

#[derive(Default)]
struct Place {
    page: Page,
    lines: [Line; LINES],
    /// Who reported whom: slots.
    reports: Mutex<Vec<(usize, usize)>>,
}

/// Each thread has one of its own.
fn context_of(epoch: Epoch) -> u32 {
    epoch.slot() as u32 + 1
}

/// What one thread does: the size, from the page's start, and the access; `None`: the bytes are allocated.
type Steps = &'static [(usize, Option<Class>)];

impl Place {
    fn take(&self, thread: &mut ThreadState, steps: Steps) {
        let shadow = Shadow {
            page: &self.page,
            lines: &self.lines,
        };
        for (length, class) in steps {
            let Some(class) = *class else {
                shadow.forget(0, *length);
                continue;
            };
            let part = Part {
                start: 0,
                length: *length,
                class,
                again: false,
            };
            let context = |thread: &mut ThreadState| {
                ContextId::from_bits(context_of(thread.epoch())).unwrap()
            };
            let mut conflicts = Conflicts::new();
            shadow.access(thread, part, context, &mut conflicts);
            let mine = thread.epoch().slot();
            let mut reports = self.reports.lock().unwrap();
            reports.extend(conflicts.iter().map(|other| {
                assert_eq!(ContextId::bits(other.context), context_of(other.epoch));
                let theirs = other.epoch.slot();
                (mine.min(theirs), mine.max(theirs))
            }));
        }
    }
}

/// The first thread takes the steps of `before`; then two threads take theirs, unordered, and race or don't; and a third, that knows neither, writes
/// all, and must race with those in `last`.
fn check(before: Steps, first: Steps, second: Steps, race: bool, last: &'static [usize]) {
    model(move |sides| {
        let place = Arc::new(Place::default());
        let mut mine = thread(0);
        place.take(&mut mine, before);
        let (for_first, for_second) = (place.clone(), place.clone());
        sides.run(
            move || for_first.take(&mut mine, first),
            move || for_second.take(&mut thread(1), second),
        );
        let raced = !std::mem::take(&mut *place.reports.lock().unwrap()).is_empty();
        assert_eq!(raced, race);
        place.take(&mut thread(2), &[(PAGE, WRITE)]);
        let mut reports = place.reports.lock().unwrap().clone();
        reports.sort_unstable();
        reports.dedup();
        assert!(reports.iter().map(|(one, _)| one).eq(last), "{reports:?}");
    });
}

const READ: Option<Class> = Some(Read);
const WRITE: Option<Class> = Some(Write);
const ALLOCATED: Option<Class> = None;

#[test]
fn a_whole_and_a_part() {
    check(&[], &[(PAGE, READ)], &[(8, READ)], false, &[0, 1]);
    check(&[], &[(PAGE, READ)], &[(PAGE, READ)], false, &[0, 1]);
    check(&[(PAGE, WRITE)], &[(8, WRITE)], &[(8, READ)], true, &[0, 1]);
    check(
        &[(PAGE, READ)],
        &[(PAGE, READ)],
        &[(PAGE, READ)],
        false,
        &[0, 1],
    );
}

#[test]
fn a_whole_that_races_with_a_part() {
    model(|sides| {
        let place = Arc::new(Place::default());
        let (one, other) = (place.clone(), place.clone());
        sides.run(
            move || one.take(&mut thread(0), &[(PAGE, WRITE)]),
            move || other.take(&mut thread(1), &[(8, READ)]),
        );
        assert_eq!(*place.reports.lock().unwrap(), [(0, 1)]);
    });
}

#[test]
fn memory_that_is_handed_out() {
    check(
        &[(PAGE, WRITE), (PAGE, ALLOCATED)],
        &[(8, READ)],
        &[(16, READ)],
        false,
        &[0, 1],
    );
}

#[test]
fn memory_that_is_handed_out_in_lines() {
    check(
        &[(8, WRITE), (PAGE, ALLOCATED)],
        &[(16, READ)],
        &[(8, READ)],
        false,
        &[0, 1],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_user_of_freed_memory_has_left_is_forgotten() {
    model(|sides| {
        let place = Arc::new(Place::default());
        let mut mine = thread(0);
        place.take(&mut mine, &[(8, WRITE)]);
        place
            .page
            .close(mine.epoch(), ContextId::from_bits(context_of(mine.epoch())));
        // It had looked for the line while the page was open.
        let context = ContextId::from_bits(1);
        place.lines[0].access(&thread(3), 0xff, Write, context, &mut Conflicts::new());
        place.take(&mut mine, &[(PAGE, ALLOCATED)]);
        let (one, other) = (place.clone(), place.clone());
        sides.run(
            move || one.take(&mut thread(1), &[(8, READ)]),
            move || other.take(&mut thread(2), &[(16, READ)]),
        );
        assert_eq!(*place.reports.lock().unwrap(), []);
    });
}
