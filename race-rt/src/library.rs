//! The table of functions that the crate `racecheck` finds in the runtime when it is part of an instrumented program.
//!
//! What its types can't say by their loads and stores alone, they say here: names, annotations, and whose findings these are. Nothing here may order
//! anything that the engine hasn't been told to, and none of the program's memory is touched but what the arguments point to.

use std::ffi::c_void;

use race_core::report::{self, Collected, Collector};
use race_core::shadow::cell::Label;
use race_core::shadow::handed_out;
use race_core::shadow::range::{self, AccessKind, Description};
use race_core::sync::keyed;
use race_core::thread;
use race_interface::{self as interface, Interface, Place, Sample, Sink, Text, VERSION, Value};
use serde_json::json;

use crate::{frames, locks};

/// The symbol that the library looks for.
#[unsafe(export_name = "racecheck_interface")]
pub(crate) static INTERFACE: Interface = Interface {
    version: VERSION,
    reads_places,
    own_sources,
    begin_quiet: frames::__tsan_ignore_thread_begin,
    end_quiet: frames::__tsan_ignore_thread_end,
    access,
    access_value,
    forget,
    handed_out,
    release,
    acquire,
    forget_key,
    begin_locking: locks::begin_locking,
    end_locking: locks::end_locking,
    begin_wait: locks::begin_wait,
    end_wait: locks::end_wait,
    locked: locks::locked,
    unlock: locks::unlock,
    downgrade: locks::downgrade,
    hand_over: locks::hand_over,
    forget_lock: locks::forget,
    name_thread,
    open_collector,
    close_collector,
    drop_collector,
};

extern "C" fn reads_places(sample: &Sample) -> bool {
    sample.is_read_here()
}

extern "C" fn own_sources(folder: Text) {
    // SAFETY: an argument of a call that hasn't returned.
    report::set_own_sources(unsafe { folder.to_owned() });
}

/// The library has asked whether places are read here before it passed any.
pub(crate) fn at(site: Place) -> &'static std::panic::Location<'static> {
    // SAFETY: the program ends at its start if `reads_places` said no.
    unsafe { site.get() }
}

fn known(kind: interface::AccessKind) -> AccessKind {
    match kind {
        interface::AccessKind::Read => AccessKind::Read,
        interface::AccessKind::Write => AccessKind::Write,
        interface::AccessKind::VolatileRead => AccessKind::VolatileRead,
        interface::AccessKind::VolatileWrite => AccessKind::VolatileWrite,
    }
}

extern "C" fn access(address: usize, size: usize, kind: interface::AccessKind, site: Place) {
    range::access(address, size, known(kind), Some(at(site)));
}

extern "C" fn access_value(value: &Value, kind: interface::AccessKind, site: Place) {
    range::access_value(
        value.address,
        value.size,
        known(kind),
        Some(at(site)),
        || {
            let mut name = String::new();
            // SAFETY: the program's function, with the argument that belongs to it; the string is there until it returns.
            unsafe { (value.describe)(value.context, Sink::new(&mut name)) };
            Description {
                name,
                label: label(value),
                created: at(value.created),
            }
        },
    );
}

/// As reports keep it. There are as many as races.
fn label(value: &Value) -> Option<&'static Label> {
    // SAFETY: both are arguments of a call that hasn't returned.
    let [kind, name] = [value.label_kind, value.label_name].map(|text| unsafe { text.to_owned() });
    (!name.is_empty()).then(|| {
        &*Box::leak(Box::new(Label {
            kind: kind.leak(),
            name: name.leak(),
        }))
    })
}

extern "C" fn forget(address: usize, size: usize) {
    range::forget(address, size);
}

extern "C" fn handed_out(address: usize, size: usize) {
    handed_out::handed_out(address, size);
}

extern "C" fn release(key: usize, site: Place) {
    keyed::release(key, &keyed::ANNOTATION, at(site));
}

extern "C" fn acquire(key: usize, site: Place) {
    keyed::acquire(key, &keyed::ANNOTATION, at(site));
}

extern "C" fn forget_key(key: usize) {
    keyed::forget(key);
}

extern "C" fn name_thread(name: Text) {
    // SAFETY: an argument of a call that hasn't returned.
    thread::name_current(&unsafe { name.to_owned() });
}

extern "C" fn open_collector() -> *mut c_void {
    Box::into_raw(Box::new(Collector::open())).cast()
}

/// # Safety
///
/// `collector` is from [`open_collector`], on this thread, and comes here or to [`drop_collector`] once.
unsafe fn opened(collector: *mut c_void) -> Collector {
    // SAFETY: so the box is there, and nobody else's.
    *unsafe { Box::from_raw(collector.cast::<Collector>()) }
}

unsafe extern "C" fn close_collector(collector: *mut c_void, to: Sink) {
    // SAFETY: as the library promises.
    let Collected { races, deadlocks } = unsafe { opened(collector) }.close_all();
    let races: Vec<_> = races
        .iter()
        .map(|race| json!({ "text": race.to_string(), "finding": race }))
        .collect();
    let deadlocks: Vec<_> = deadlocks
        .iter()
        .map(|deadlock| json!({ "text": deadlock.to_string(), "finding": deadlock }))
        .collect();
    let found = json!({ "races": races, "deadlocks": deadlocks }).to_string();
    // The runtime's memory may have been the program's, which has freed it. Now the program reads it again.
    handed_out::handed_out(found.as_ptr().addr(), found.len());
    // SAFETY: the library's own, for the length of this call.
    unsafe { to.put(&found) };
}

unsafe extern "C" fn drop_collector(collector: *mut c_void) {
    // SAFETY: as the library promises.
    drop(unsafe { opened(collector) });
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_symbol_that_the_library_looks_for() {
        let exports = include_str!("../exports.txt");
        assert!(exports.lines().any(|line| line == race_interface::SYMBOL));
    }
}
