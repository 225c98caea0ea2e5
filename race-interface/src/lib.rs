//! What `racecheck` in a program says to the runtime of `cargo race` under it: one table of functions, under one symbol.
//!
//! The two are compiled apart, each with a std of its own, maybe by different compilers: what they exchange has C's layout, or none. The table
//! begins with its version, which changes with anything else in it; so either side can tell that the other one isn't its own. It is one symbol
//! so that a program can look whether it is there, rather than fail to link.
//!
//! No rule of order or of races may be here.

mod kinds;

use std::ffi::c_void;
use std::panic::Location;
use std::sync::atomic::AtomicPtr;
use std::{ptr, slice};

/// The version of all that is here.
pub const VERSION: u32 = 2;

/// The name of the symbol that an [`Interface`] has in the runtime. Whoever looks it up has to spell it out.
pub const SYMBOL: &str = "racecheck_interface";

/// What the runtime does for the library. All functions may be called by any thread at any time.
#[repr(C)]
#[derive(Debug)]
pub struct Interface {
    /// [`VERSION`]: nothing else may be looked at if it is another.
    pub version: u32,
    /// Whether the runtime reads places as the program has them.
    pub reads_places: extern "C" fn(&Sample) -> bool,
    /// The library's own sources are in this folder: reports leave out what is there.
    pub own_sources: extern "C" fn(folder: Text),
    /// The calling thread's loads, stores and atomic operations are nobody's business from here on. Nests.
    pub begin_quiet: extern "C" fn(),
    /// And from here on they are again.
    pub end_quiet: extern "C" fn(),
    /// The calling thread is about to access bytes that nothing is known of.
    pub access: extern "C" fn(address: usize, size: usize, kind: AccessKind, site: Place),
    /// The calling thread is about to access a value.
    pub access_value: extern "C" fn(value: &Value, kind: AccessKind, site: Place),
    /// Whatever was recorded of these bytes is forgotten.
    pub forget: extern "C" fn(address: usize, size: usize),
    /// An allocator has given these bytes out.
    pub handed_out: extern "C" fn(address: usize, size: usize),
    /// What the calling thread has done happens before what follows a later `acquire` of the key.
    pub release: extern "C" fn(key: usize, site: Place),
    /// The other side.
    pub acquire: extern "C" fn(key: usize, site: Place),
    /// Forgets what was released into the key.
    pub forget_key: extern "C" fn(key: usize),
    /// The calling thread is about to take a lock by operations of its own, or to try. If this says yes, [`end_locking`](Interface::end_locking) has to follow.
    pub begin_locking: extern "C" fn(of: &LockUse<'_>) -> bool,
    /// It has done so, or not got it.
    pub end_locking: extern "C" fn(),
    /// It could not have the lock at once and is about to wait; [`end_wait`](Interface::end_wait) is given the result. If it holds the lock itself, a text
    /// says so, and it must not wait.
    pub begin_wait: unsafe extern "C" fn(of: &LockUse<'_>, own: Sink) -> *mut c_void,
    /// It waits no longer.
    pub end_wait: unsafe extern "C" fn(waiting: *mut c_void),
    /// The calling thread has just taken the lock.
    pub locked: extern "C" fn(of: &LockUse<'_>),
    /// It is about to give it back.
    pub unlock: extern "C" fn(of: &LockUse<'_>),
    /// It has it for writing, and is about to keep it for reading only.
    pub downgrade: extern "C" fn(of: &LockUse<'_>),
    /// It has it, and uses it with a condition variable.
    pub hand_over: extern "C" fn(of: &LockUse<'_>),
    /// The lock is no more.
    pub forget_lock: unsafe extern "C" fn(known: *mut c_void),
    /// The calling thread's name.
    pub name_thread: extern "C" fn(name: Text),
    /// Begins to collect what is found on the calling thread and on those that it starts.
    pub open_collector: extern "C" fn() -> *mut c_void,
    /// Ends that, on the same thread, and hands over what was found: a [`Text`] of JSON.
    pub close_collector: unsafe extern "C" fn(collector: *mut c_void, to: Sink),
    /// Ends it likewise, and has what was found printed.
    pub drop_collector: unsafe extern "C" fn(collector: *mut c_void),
}

/// What an access does.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// A plain load.
    Read,
    /// A plain store, or a load and a store.
    Write,
    /// `read_volatile`.
    VolatileRead,
    /// `write_volatile`.
    VolatileWrite,
}

/// A place in the program's source: a `&'static Location<'static>`, as the program's compiler lays it out.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Place(*const c_void);

// SAFETY: what it points to never changes.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl From<&'static Location<'static>> for Place {
    #[inline]
    fn from(location: &'static Location<'static>) -> Place {
        Place(ptr::from_ref(location).cast())
    }
}

impl Place {
    /// The place, where it is known that both sides lay it out alike.
    ///
    /// # Safety
    ///
    /// [`Sample::is_read_here`] has said so of a place that is of the same program.
    #[inline]
    pub unsafe fn get(self) -> &'static Location<'static> {
        // SAFETY: made of one, which is laid out as ours are, says the caller.
        unsafe { &*self.0.cast() }
    }
}

/// A place, and what it should be read as.
#[repr(C)]
#[derive(Debug)]
pub struct Sample {
    place: Place,
    size: usize,
    file: Text,
    line: u32,
    column: u32,
}

impl Sample {
    /// Of the place that this is called at.
    #[track_caller]
    pub fn new() -> Sample {
        let location = Location::caller();
        Sample {
            place: location.into(),
            size: size_of::<Location<'_>>(),
            file: location.file().into(),
            line: location.line(),
            column: location.column(),
        }
    }

    /// Whether the calling side's compiler lays places out as the one that has made the sample.
    pub fn is_read_here(&self) -> bool {
        type Bytes = [usize; 3];
        if self.size != size_of::<Bytes>() || size_of::<Location<'_>>() != size_of::<Bytes>() {
            return false;
        }
        let ours = Sample::new();
        // SAFETY: each is a place of three words, two for the file, and one for the line and the column: no byte is left over.
        let [theirs, own] = [self, &ours].map(|s| unsafe { *s.place.0.cast::<Bytes>() });
        let fields = |sample: &Sample| {
            let numbers = |low: u32, high: u32| (u64::from(low) | (u64::from(high) << 32)) as usize;
            [
                sample.file.start.addr(),
                sample.file.length,
                numbers(sample.line, sample.column),
                numbers(sample.column, sample.line),
            ]
        };
        let order = |words: Bytes, sample: &Sample| {
            words.map(|word| fields(sample).iter().position(|field| *field == word))
        };
        let order_here = order(own, &ours);
        order_here.iter().all(Option::is_some) && order(theirs, self) == order_here
    }
}

impl Default for Sample {
    #[track_caller]
    fn default() -> Sample {
        Sample::new()
    }
}

/// UTF-8, for the length of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    start: *const u8,
    length: usize,
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Text {
        Text {
            start: text.as_ptr(),
            length: text.len(),
        }
    }
}

impl Text {
    /// The text, as a copy of its own.
    ///
    /// # Safety
    ///
    /// What it was made of is still there.
    pub unsafe fn to_owned(self) -> String {
        // SAFETY: made of a `str`, which is still there, says the caller.
        let bytes = unsafe { slice::from_raw_parts(self.start, self.length) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Where the other side puts a text: a `String` of this side's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    to: *mut c_void,
    put: unsafe extern "C" fn(to: *mut c_void, text: Text),
}

impl Sink {
    /// Into that string, for as long as it stays where it is.
    pub fn new(to: &mut String) -> Sink {
        unsafe extern "C" fn put(to: *mut c_void, text: Text) {
            // SAFETY: `to` is from `new`, and the string is still there, says whoever has called `Sink::put`; the text is its argument.
            unsafe { (*to.cast::<String>()).push_str(&text.to_owned()) }
        }
        Sink {
            to: ptr::from_mut(to).cast(),
            put,
        }
    }

    /// Puts it there.
    ///
    /// # Safety
    ///
    /// The string is still there, and nobody else uses it.
    pub unsafe fn put(self, text: &str) {
        // SAFETY: as the caller promises.
        unsafe { (self.put)(self.to, text.into()) }
    }
}

/// What an access is to.
#[repr(C)]
#[derive(Debug)]
pub struct Value {
    /// The address of its first byte.
    pub address: usize,
    /// Its size in bytes.
    pub size: usize,
    /// Where it was made.
    pub created: Place,
    /// What kind of thing the program has given a name.
    pub label_kind: Text,
    /// That name; empty if there is none.
    pub label_name: Text,
    /// Puts the type's name somewhere. Only asked for when there is a race.
    pub describe: unsafe extern "C" fn(context: *const c_void, to: Sink),
    /// Its argument.
    pub context: *const c_void,
}

/// A lock of the program's, and what the calling thread does with it.
#[repr(C)]
#[derive(Debug)]
pub struct LockUse<'a> {
    /// What the runtime knows of the lock: null until it is first asked, and its own from then on.
    pub known: &'a AtomicPtr<c_void>,
    /// What kind of lock it is. Only asked for once.
    pub describe: unsafe extern "C" fn(context: *const c_void) -> LockKind,
    /// Its argument.
    pub context: *const c_void,
    /// Where the lock was made.
    pub created: Place,
    /// Where it is locked.
    pub site: Place,
    /// Whether as a reader.
    pub shared: bool,
    /// Whether the thread waits, or would have waited, for as long as it takes.
    pub waits: bool,
}

/// The words in which a report speaks of a lock.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LockKind {
    /// What it is called: "Mutex".
    pub name: Text,
    /// What the releasing thread did: "unlocked a Mutex".
    pub release: Text,
    /// What the acquiring thread did: "locked it".
    pub acquire: Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_what_it_is() {
        let sample = Sample::new();
        assert!(sample.is_read_here());
        // SAFETY: just asked.
        let location = unsafe { sample.place.get() };
        assert_eq!(
            (location.line(), location.column()),
            (sample.line, sample.column)
        );
    }

    #[test]
    fn one_that_is_laid_out_in_another_way_is_not() {
        let file = "a.rs";
        let numbers = 7 | (9 << 32);
        let right = [file.as_ptr().addr(), file.len(), numbers];
        let sample = |words: &[usize; 3]| Sample {
            place: Place(ptr::from_ref(words).cast()),
            size: size_of_val(words),
            file: file.into(),
            line: 7,
            column: 9,
        };
        assert!(sample(&right).is_read_here());
        for words in [
            [right[1], right[0], right[2]],
            [right[0], right[1], 9 | (7 << 32)],
            [right[2], right[0], right[1]],
        ] {
            assert!(!sample(&words).is_read_here(), "{words:x?}");
        }
        let larger = Sample {
            size: 32,
            ..sample(&right)
        };
        assert!(!larger.is_read_here());
    }

    #[test]
    fn a_text_goes_where_it_is_sent() {
        let mut said = String::new();
        let sink = Sink::new(&mut said);
        // SAFETY: the string is still there.
        unsafe { sink.put("a race") };
        assert_eq!(said, "a race");
    }
}
