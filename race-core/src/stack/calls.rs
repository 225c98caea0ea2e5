//! The calls that an instrumented thread is in: it announces where each function is to return to, and that it has returned.
//!
//! A shadow of the thread's stack: one entry a call, and nothing of calls that are over. The path of an entry (`stack::path`) is looked up when an access
//! wants it, and kept until the entry is overwritten; so a call that records nothing costs two stores.
//!
//! A panic passes the landing pads that announce the return; a `longjmp` doesn't, nor does a fiber that goes on in another thread. So there may be entries
//! too many or too few: then stacks are shown with frames that aren't there, or without some that are, and nothing worse may come of it.
//!
//! Entered from signal handlers too, at any moment. The memory is the operating system's, got without libc: nothing here may allocate.

use std::ptr;

use super::path::{PathCache, PathId};
#[cfg(target_os = "linux")]
use crate::errno;
use crate::thread::hot::{Hot, hot};

/// A function that has been entered and not left.
pub(crate) struct Call {
    /// Where it returns to.
    address: usize,
    /// The [`PathId`] of this call, or 0 while nobody has asked.
    path: usize,
}

/// Bytes for the calls of a thread at first.
const INITIAL: usize = 1 << 16;
/// Bytes at most. Beyond, the stack is taken to be nonsense, and all entries are dropped.
const MAX: usize = 1 << 25;

/// A function of the calling thread has been entered, and is to return to `address`.
#[inline(always)]
pub fn enter(address: usize) {
    if push(hot(), address).is_none() {
        enter_slow(address);
    }
}

/// In the last thing that a caller does, this is a jump: it needs no stack for what is left to do.
#[cold]
#[inline(never)]
extern "C" fn enter_slow(address: usize) {
    let hot = hot();
    make_room(hot);
    // Without memory there is no place.
    push(hot, address);
}

/// The function that was entered last is about to return.
#[inline(always)]
pub fn leave() {
    let hot = hot();
    let top = hot.top.get();
    if top != hot.base.get() {
        hot.top.set(top.wrapping_sub(1));
    }
}

/// None if there is no room.
#[inline(always)]
fn push(hot: &Hot, address: usize) -> Option<()> {
    let top = hot.top.get();
    if top == hot.end.get() {
        return None;
    }
    // SAFETY: between `base` and `end` is memory for entries, of this thread's.
    unsafe { top.write(Call { address, path: 0 }) };
    hot.top.set(top.wrapping_add(1));
    Some(())
}

fn make_room(hot: &Hot) {
    let (base, end) = (hot.base.get(), hot.end.get());
    let size = end.addr() - base.addr();
    if size >= MAX {
        hot.top.set(base);
        return;
    }
    let larger = if size == 0 { INITIAL } else { 2 * size };
    let Some(place) = map(larger) else {
        hot.top.set(base);
        return;
    };
    // SAFETY: the old entries, into fresh memory that has room for twice as many.
    unsafe { ptr::copy_nonoverlapping(base.cast::<u8>(), place.cast::<u8>(), size) };
    hot.base.set(place);
    hot.top.set(place.wrapping_byte_add(size));
    hot.end.set(place.wrapping_byte_add(larger));
    unmap(base, size);
}

/// How the function that the calling thread is in was called. None outside instrumented functions. Inside the engine.
#[inline(always)]
pub(crate) fn path(cache: &mut PathCache) -> Option<PathId> {
    match path_bits(cache) {
        Some(bits) => PathId::from_bits(bits),
        None => path_slow(hot(), cache),
    }
}

/// [`path`], as [`PathId::bits`], if that takes no more than a look into the cache.
#[inline(always)]
fn path_bits(cache: &PathCache) -> Option<u32> {
    let hot = hot();
    let (base, top) = (hot.base.get(), hot.top.get());
    if base == top {
        return Some(PathId::bits(None));
    }
    // SAFETY: between `base` and `top` are this thread's entries, and nobody else's code runs meanwhile but signal handlers', which
    // leave them as they are.
    let call = unsafe { &mut *top.wrapping_sub(1) };
    if call.path == 0 {
        let caller = match top.wrapping_sub(1) {
            outermost if outermost == base => 0,
            // SAFETY: as above: another entry, after `base`.
            inner => match unsafe { (*inner.wrapping_sub(1)).path } {
                0 => return None,
                known => known as u32,
            },
        };
        call.path = cache.get(caller, call.address)? as usize;
    }
    Some(call.path as u32)
}

/// Looks up how the outermost function was called that nobody has asked about, and the others in it.
#[cold]
#[inline(never)]
fn path_slow(hot: &Hot, cache: &mut PathCache) -> Option<PathId> {
    let (base, top) = (hot.base.get(), hot.top.get());
    let mut known = top;
    let mut path = None;
    while known != base {
        let call = known.wrapping_sub(1);
        // SAFETY: as above.
        path = PathId::from_bits(unsafe { (*call).path } as u32);
        if path.is_some() {
            break;
        }
        known = call;
    }
    while known != top {
        // SAFETY: as above.
        let call = unsafe { &mut *known };
        let id = cache.intern(path, call.address);
        call.path = PathId::bits(Some(id)) as usize;
        path = Some(id);
        known = known.wrapping_add(1);
    }
    path
}

/// The calling thread ends. What it still calls needs new memory.
pub(crate) fn end() {
    let hot = hot();
    let base = hot.base.replace(ptr::null_mut());
    let size = hot.end.replace(ptr::null_mut()).addr() - base.addr();
    hot.top.set(ptr::null_mut());
    unmap(base, size);
}

/// By a system call: `mmap` is interposed, and may be the program's.
#[cfg(target_os = "linux")]
fn map(size: usize) -> Option<*mut Call> {
    // SAFETY: fresh private memory, which overlaps nothing that anybody has.
    let place = errno::keep(|| unsafe {
        libc::syscall(
            libc::SYS_mmap,
            0usize,
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1isize,
            0usize,
        )
    });
    (place > 0).then(|| ptr::with_exposed_provenance_mut(place as usize))
}

#[cfg(target_os = "linux")]
fn unmap(place: *mut Call, size: usize) {
    if size > 0 {
        // SAFETY: from `map`, of this size, and nobody has a pointer into it any more.
        unsafe { libc::syscall(libc::SYS_munmap, place, size) };
    }
}

/// On other systems nothing is instrumented yet.
#[cfg(not(target_os = "linux"))]
fn map(_: usize) -> Option<*mut Call> {
    None
}

#[cfg(not(target_os = "linux"))]
fn unmap(_: *mut Call, _: usize) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::stack::path::addresses as of_path;

    fn addresses() -> Vec<usize> {
        let mut cache = PathCache::new();
        let at_first = path_bits(&cache);
        let path = path(&mut cache);
        let bits = PathId::bits(path);
        assert_eq!(
            (at_first.unwrap_or(bits), path_bits(&cache)),
            (bits, Some(bits))
        );
        // What only the cache knows.
        let hot = hot();
        if hot.top.get() != hot.base.get() {
            // SAFETY: the innermost entry, of this thread's.
            unsafe { (*hot.top.get().wrapping_sub(1)).path = 0 };
            assert_eq!(path_bits(&cache), at_first.is_none().then_some(bits));
            assert_eq!(super::path(&mut cache), path);
        }
        of_path(path)
    }

    /// On a thread of its own, whose calls nobody else announces.
    fn apart(test: fn()) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn calls_that_are_over_are_forgotten() {
        apart(|| {
            assert!(addresses().is_empty());
            enter(1);
            enter(2);
            assert_eq!(addresses(), [2, 1]);
            leave();
            enter(3);
            assert_eq!(addresses(), [3, 1]);
            assert_eq!(addresses(), [3, 1]);
            leave();
            leave();
            assert!(addresses().is_empty());
            // More returns than calls.
            leave();
            enter(4);
            assert_eq!(addresses(), [4]);
            end();
            assert!(addresses().is_empty());
            enter(5);
            assert_eq!(addresses(), [5]);
        });
    }

    #[test]
    fn as_many_calls_as_a_stack_has_room_for() {
        apart(|| {
            let many = 2 * INITIAL / size_of::<Call>() + 10;
            for call in 0..many {
                enter(1000 + call);
            }
            let all = addresses();
            assert_eq!((all.len(), all[0], all[many - 1]), (many, 999 + many, 1000));
            for _ in 0..many {
                leave();
            }
            assert!(addresses().is_empty());
        });
    }

    #[test]
    fn entries_that_nobody_takes_away_use_up_no_more_than_the_limit() {
        apart(|| {
            for _ in 0..MAX / size_of::<Call>() {
                enter(7);
            }
            enter(8);
            assert_eq!(addresses(), [8]);
        });
    }
}
