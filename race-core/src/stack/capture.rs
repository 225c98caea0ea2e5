//! The calling context of an access, without unwinding when it has been seen before.
//!
//! An unwind costs microseconds; nearly every access comes from a context this thread has been in before. So each thread remembers its
//! recent traces together with the stack slots their return addresses were read from. A remembered trace is still the true one if the
//! stack pointer is the same and every slot still holds the same address. By induction from the innermost frame: this function's own
//! return address sits at a fixed distance from its stack pointer and names the exact call; from a call, the caller's frame size is
//! fixed, so the next slot is again where the return address is, and so on outwards. The check therefore reads only live slots,
//! innermost first, and stops at the first difference. Measured on x86-64: about 15 ns for 10 frames, against 1 to 3 µs for the unwind.
//!
//! Only traces of the thread's own stack are remembered: another one, a fiber's, may be gone by the time its slots are read.
//!
//! On other architectures the return address isn't at `CFA - 8`, and every capture unwinds.
//! This module must not resolve symbols, and must not be called with the shadow locked: an unwind is too long to make others wait.

use std::ops::Range;
use std::panic::Location;
use std::ptr;

use smallvec::SmallVec;

use super::calls;
use super::depot::{self, Context, ContextId, Detail, Frames, HeldLock};
use super::lately::{Entry, Lately};
use super::path::{PathCache, PathId};
use super::position::Position;
use crate::instrumented;
use crate::thread::state::Site;

/// Frames kept of one stack, innermost first. ThreadSanitizer keeps as many.
pub(super) const MAX_FRAMES: usize = 256;
/// Sets in a thread's cache at first, and at most: it doubles while there are two contexts a set.
const INITIAL_SETS: usize = 16;
const MAX_SETS: usize = 512;
/// Contexts in one set: one site is reached at one stack pointer from several callers, and `update` alone makes two accesses.
const MAX_WAYS: usize = 16;

/// A frame: the slot that its return address was read from, and the address.
#[derive(Clone, Copy)]
struct Frame {
    slot: usize,
    address: usize,
}

struct Remembered {
    sp: usize,
    site: *const Location<'static>,
    detail: Detail,
    held: SmallVec<[HeldLock; 2]>,
    frames: Box<[Frame]>,
    id: ContextId,
}

/// The contexts that one thread was in lately, by stack pointer and site.
pub(crate) struct ContextCache {
    sets: Vec<Vec<Remembered>>,
    entries: usize,
    /// The thread's own stack, once it has been asked for.
    stack: Option<Range<usize>>,
    announced: AnnouncedCache,
}

impl ContextCache {
    pub(crate) const fn new() -> ContextCache {
        ContextCache {
            sets: Vec::new(),
            entries: 0,
            stack: None,
            announced: AnnouncedCache::new(),
        }
    }

    fn index(&self, sp: usize, site: *const Location<'static>) -> usize {
        let mixed = (sp >> 3).wrapping_mul(31).wrapping_add(site.addr() >> 3) as u64;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.sets.len() - 1)
    }

    /// The first remembered context that `is_true`. It moves one place towards the front.
    #[inline]
    fn find(
        &mut self,
        sp: usize,
        site: *const Location<'static>,
        is_true: impl Fn(&Remembered) -> bool,
    ) -> Option<ContextId> {
        if self.sets.is_empty() {
            return None;
        }
        let index = self.index(sp, site);
        let set = &mut self.sets[index];
        let way = set
            .iter()
            .position(|entry| entry.sp == sp && entry.site == site && is_true(entry))?;
        let id = set[way].id;
        if way > 0 {
            set.swap(way - 1, way);
        }
        Some(id)
    }

    /// Whether all these frames are on the thread's own stack, which is there for as long as the cache.
    ///
    /// Others may not be: a fiber's is given back while its thread goes on, and then its slots must not be read.
    fn owns(&mut self, frames: &[Frame]) -> bool {
        let stack = self.stack.get_or_insert_with(own_stack);
        frames
            .iter()
            .all(|frame| frame.slot >= stack.start && frame.slot < stack.end)
    }

    fn insert(&mut self, entry: Remembered) {
        if self.sets.is_empty() {
            self.sets.resize_with(INITIAL_SETS, Vec::new);
        } else if self.entries >= 2 * self.sets.len() && self.sets.len() < MAX_SETS {
            let doubled = self.sets.len() * 2;
            let old = std::mem::take(&mut self.sets);
            self.sets.resize_with(doubled, Vec::new);
            for entry in old.into_iter().flatten() {
                let index = self.index(entry.sp, entry.site);
                self.sets[index].push(entry);
            }
        }
        let index = self.index(entry.sp, entry.site);
        let set = &mut self.sets[index];
        if set.len() >= MAX_WAYS {
            // The one that was found least.
            set.pop();
        } else {
            self.entries += 1;
        }
        set.push(entry);
    }
}

/// Announced contexts that one thread was in lately, and the paths to them.
struct AnnouncedCache {
    contexts: Lately<Announced>,
    paths: PathCache,
}

/// Without locks held. Nobody's while `id` is 0, and then all of it is.
#[derive(Clone, Copy)]
struct Announced {
    /// The word of the site; the detail is in bits 61 and 62.
    site: u64,
    /// Of the [`PathId`].
    path: u32,
    /// Of the [`ContextId`].
    id: u32,
}

impl AnnouncedCache {
    const fn new() -> AnnouncedCache {
        AnnouncedCache {
            contexts: Lately::new(),
            paths: PathCache::new(),
        }
    }

    #[inline(always)]
    fn capture(&mut self, site: Site, detail: Detail, held: &[HeldLock]) -> ContextId {
        let path = calls::path(&mut self.paths);
        if held.is_empty()
            && let Some(id) = self.get(Announced::key(site, detail), PathId::bits(path))
        {
            return id;
        }
        self.capture_slow((site, path), detail, held)
    }

    #[inline(always)]
    fn get(&self, site: u64, path: u32) -> Option<ContextId> {
        let known = self.contexts.get(Announced::hash(site, path))?;
        let is_it = (known.site, known.path) == (site, path);
        is_it.then(|| ContextId::from_bits(known.id))?
    }

    #[cold]
    #[inline(never)]
    fn capture_slow(
        &mut self,
        (site, path): (Site, Option<PathId>),
        detail: Detail,
        held: &[HeldLock],
    ) -> ContextId {
        let id = depot::intern(Context {
            site: site.and_then(Position::line),
            frames: Frames::Announced {
                innermost: site.and_then(Position::code),
                path,
            },
            held: held.into(),
            detail,
        });
        if held.is_empty() {
            self.contexts.put(Announced {
                site: Announced::key(site, detail),
                path: PathId::bits(path),
                id: ContextId::bits(Some(id)),
            });
        }
        id
    }
}

impl Announced {
    #[inline(always)]
    fn key(site: Site, detail: Detail) -> u64 {
        Position::into_raw(site).addr() as u64 ^ (detail as u64) << 61
    }

    #[inline(always)]
    fn hash(key: u64, path: u32) -> u64 {
        // The detail's bits are to count, too.
        (key.rotate_left(3) ^ u64::from(path) << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Entry for Announced {
    const NOTHING: Announced = Announced {
        site: 0,
        path: 0,
        id: 0,
    };

    fn hash(&self) -> u64 {
        Announced::hash(self.site, self.path)
    }
}

/// [`capture`] in an instrumented program by a thread that holds no locks, if the thread was there lately.
#[inline(always)]
pub(crate) fn known(cache: &mut ContextCache, site: Position, detail: Detail) -> Option<ContextId> {
    let announced = &mut cache.announced;
    let path = PathId::bits(calls::path(&mut announced.paths));
    announced.get(Announced::key(Some(site), detail), path)
}

/// Interns where the caller is, with the locks it holds.
///
/// A line comes from a wrapper, whose callers are found by an unwind, unless an instrumented program has announced them.
#[inline]
pub(crate) fn capture(
    cache: &mut ContextCache,
    site: Site,
    detail: Detail,
    held: &[HeldLock],
) -> ContextId {
    let line = site.and_then(Position::line);
    if instrumented::is_on() || (line.is_none() && site.is_some()) {
        cache.announced.capture(site, detail, held)
    } else {
        capture_unwound(cache, line, detail, held)
    }
}

#[inline(never)]
fn capture_unwound(
    cache: &mut ContextCache,
    site: Option<&'static Location<'static>>,
    detail: Detail,
    held: &[HeldLock],
) -> ContextId {
    let sp = stack_pointer();
    let site_ptr = site.map_or(ptr::null(), ptr::from_ref);
    if cfg!(target_arch = "x86_64") {
        let is_true = |entry: &Remembered| {
            entry.detail == detail && entry.held[..] == *held && still_true(&entry.frames)
        };
        if let Some(id) = cache.find(sp, site_ptr, is_true) {
            return id;
        }
    }
    capture_slow(cache, sp, site, detail, held)
}

#[inline]
fn stack_pointer() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        let sp: usize;
        // SAFETY: copies a register; touches no memory and no flags.
        unsafe {
            std::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
        }
        sp
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        0
    }
}

#[inline]
fn still_true(frames: &[Frame]) -> bool {
    frames.iter().all(|frame| {
        // SAFETY: the slot is 8-aligned memory of this thread's own stack (`ContextCache::owns`). The first slot is that of `capture`'s own return
        // address, at a fixed distance above its stack pointer, which is the remembered one. Each next slot is read only after
        // the one before held the remembered return address: then the caller is at the same call with the same frame size, and
        // the slot is the one above it. Volatile: the compiler doesn't know that calls write these words.
        unsafe {
            ptr::with_exposed_provenance::<usize>(frame.slot).read_volatile() == frame.address
        }
    })
}

#[cold]
#[inline(never)]
fn capture_slow(
    cache: &mut ContextCache,
    sp: usize,
    site: Option<&'static Location<'static>>,
    detail: Detail,
    held: &[HeldLock],
) -> ContextId {
    let mut frames: SmallVec<[Frame; 64]> = SmallVec::new();
    trace(|frame| {
        let address = frame.ip().addr();
        let slot = frame.sp().addr().wrapping_sub(size_of::<usize>());
        // Frames below `capture`'s own have returned by the time anybody looks again.
        if address != 0 && slot >= sp {
            frames.push(Frame { slot, address });
        }
        frames.len() < MAX_FRAMES
    });
    let id = depot::intern(Context {
        site,
        frames: Frames::Unwound(frames.iter().map(|frame| frame.address).collect()),
        held: held.into(),
        detail,
    });
    if cfg!(target_arch = "x86_64") && cache.owns(&frames) {
        cache.insert(Remembered {
            sp,
            site: site.map_or(ptr::null(), ptr::from_ref),
            detail,
            held: held.into(),
            frames: frames.into_boxed_slice(),
            id,
        });
    }
    id
}

/// Where the calling thread's stack lies, as far as the system tells; elsewhere nothing is remembered.
#[cfg(target_os = "linux")]
pub(crate) fn own_stack() -> Range<usize> {
    // SAFETY: attributes are plain data until they are initialised, and are initialised and destroyed here; both results are valid for writes.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return 0..0;
        }
        let (mut start, mut size) = (ptr::null_mut(), 0);
        let known = libc::pthread_attr_getstack(&attributes, &mut start, &mut size) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        if known {
            start.addr()..start.addr() + size
        } else {
            0..0
        }
    }
}

/// As for Linux. There are fibers everywhere, but on these systems nobody has tested what is said of stacks.
#[cfg(not(target_os = "linux"))]
pub(crate) fn own_stack() -> Range<usize> {
    0..usize::MAX
}

fn trace(visit: impl FnMut(&backtrace::Frame) -> bool) {
    // On Windows dbghelp is not thread-safe, and `backtrace` has a lock for it.
    #[cfg(windows)]
    backtrace::trace(visit);
    // SAFETY: everywhere else the system's unwinder is thread-safe, and that is all that the lock is for.
    #[cfg(not(windows))]
    unsafe {
        backtrace::trace_unsynchronized(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[inline(never)]
    fn inner(cache: &mut ContextCache, site: &'static Location<'static>) -> ContextId {
        black_box(capture_unwound(cache, Some(site), Detail::Plain, &[]))
    }

    #[inline(never)]
    fn left(cache: &mut ContextCache, site: &'static Location<'static>) -> ContextId {
        // Or the two would be the same code, merged into one function.
        black_box(1u8);
        black_box(inner(cache, site))
    }

    #[inline(never)]
    fn right(cache: &mut ContextCache, site: &'static Location<'static>) -> ContextId {
        black_box(2u8);
        black_box(inner(cache, site))
    }

    /// `left` and `right` have frames of the same size: only the return address in a slot tells them apart.
    #[test]
    fn same_stack_pointer_other_caller_is_another_context() {
        let mut cache = ContextCache::new();
        let site = Location::caller();
        let mut seen = Vec::new();
        // Not to be unrolled: the calls must be the same two instructions each time.
        for _ in 0..black_box(4) {
            for call in black_box(&[left, right][..]) {
                seen.push(black_box(call)(&mut cache, site));
            }
        }
        assert_ne!(seen[0], seen[1]);
        assert!(seen.chunks(2).all(|pair| pair == &seen[..2]), "{seen:?}");
    }

    /// Both callers' contexts are found again: neither takes the other's place.
    #[test]
    fn callers_of_one_site_at_one_stack_pointer_do_not_evict_each_other() {
        let mut cache = ContextCache::new();
        let site = Location::caller();
        for _ in 0..10 {
            for call in [left, right] {
                black_box(call)(&mut cache, site);
            }
        }
        assert_eq!(cache.entries, 2);
    }

    #[test]
    fn what_is_remembered_is_what_an_unwind_finds() {
        let mut cache = ContextCache::new();
        let site = Location::caller();
        let ids: Vec<ContextId> = (0..3).map(|_| left(&mut cache, site)).collect();
        let fresh = (0..1).map(|_| left(&mut ContextCache::new(), site)).next();
        assert_eq!(ids[0], ids[2]);
        // The two closures above are different calls of `left`; from `left` inwards the frames are the same.
        let inner_frames = |id: ContextId| depot::get(id).frames.addresses()[..2].to_vec();
        assert_eq!(inner_frames(ids[2]), inner_frames(fresh.unwrap()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_the_threads_own_stack_is_remembered() {
        fn check() {
            let mut cache = ContextCache::new();
            let (here, elsewhere) = (0usize, Box::new(0usize));
            let frame = |place: &usize| Frame {
                slot: ptr::from_ref(place).addr(),
                address: 1,
            };
            assert!(cache.owns(&[frame(&here)]));
            assert!(!cache.owns(&[frame(&here), frame(&elsewhere)]));
        }
        check();
        std::thread::spawn(check).join().unwrap();
    }

    #[inline(never)]
    fn recurse(cache: &mut ContextCache, depth: usize, out: &mut Vec<ContextId>) {
        out.push(black_box(capture_unwound(cache, None, Detail::Plain, &[])));
        if depth > 0 {
            recurse(cache, depth - 1, out);
            black_box(&out);
        }
    }

    #[test]
    fn the_cache_grows_until_deep_recursion_fits() {
        let mut cache = ContextCache::new();
        let mut rounds = Vec::new();
        for _ in 0..20 {
            let mut out = Vec::new();
            recurse(&mut cache, 100, &mut out);
            rounds.push(out);
        }
        assert!(cache.sets.len() > INITIAL_SETS);
        assert!(rounds[1..].iter().all(|round| *round == rounds[1]));
    }
}
