//! Atomics in any memory: the clock of an address.
//!
//! What `from_ptr` is given has no room for a clock beside the value, so the clock is found by the address. There is one for each address, which all
//! views of it share, of whatever type. An atomic whose `as_ptr` was taken shares it too ([`AtomicClock::expose`]).
//!
//! A clock stays when its memory is freed, written by plain accesses, or used as another type. That adds no order that isn't there: who
//! released through an address did so before the memory was freed, or written, and that was before it was used again (C++20,
//! [new.delete.dataraces]), or else the program races on this very memory. So it is with atomics of two sizes that overlap: Rust wants
//! them ordered by other means. For the same reason no order is lost if it goes when its memory is freed (`forget`), as it does where there are many.
//!
//! The table never shrinks: an address takes 64 bytes that others of its bucket have when it is forgotten, and 64 more if a view of it was asked for. To look
//! something up takes no lock, and nothing here takes memory from the program's allocator: it works in the child of a `fork`, and in an allocator that the
//! engine has called. Each thread remembers where it has found the addresses that it used last.
//!
//! [new.delete.dataraces]: https://eel.is/c++draft/new.delete.dataraces

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

use crate::fork::{Lock, Locked};
use crate::primitive::global;
use crate::primitive::sync::atomic::AtomicU64;
use crate::shadow::directory::{self, Clocked, GRANULE};
use crate::shadow::page::PAGE;
use crate::sync::atomic::AtomicClock;

/// 2 MiB, of which the operating system provides what is used.
const BUCKETS: usize = 1 << 18;

/// The newest entry of each list.
static TABLE: [AtomicPtr<Outlying>; BUCKETS] = [const { AtomicPtr::new(ptr::null_mut()) }; BUCKETS];

global! {
    /// Held by who changes which addresses the entries are of.
    static CHANGING: Lock<()> = Lock::new(());
}

/// What is known of an address. Never freed. In one cache line: the next operation there is likely to be another processor's.
#[repr(align(64))]
struct Outlying {
    /// 0: nobody's any more, until another of its bucket needs one.
    address: AtomicUsize,
    clock: AtomicClock,
    /// Null until somebody asks for it.
    view: AtomicPtr<View>,
    next: AtomicPtr<Outlying>,
    /// Somebody has its clock for ever.
    is_kept: AtomicBool,
}

const _: () = assert!(size_of::<Outlying>() <= 64 || cfg!(all(test, loom)));

/// What stands for an atomic whose value is elsewhere: a clock that says where, and in the value's place nothing of use.
#[repr(C)]
#[derive(Debug)]
pub struct View {
    clock: AtomicClock,
    /// Room for a value of any type. All zeros, and never used.
    _value: AtomicU64,
}

/// The view of the value at `address`, always the same one: its clock says that the value is [elsewhere](crate::sync::atomic::Place::elsewhere).
pub fn view(address: usize) -> &'static View {
    let entry = kept(address);
    // SAFETY: null, or what `leak` made below; nobody frees it.
    if let Some(view) = unsafe { entry.view.load(Acquire).as_ref() } {
        return view;
    }
    let made = leak(View {
        clock: AtomicClock::of_a_view(&entry.clock, address),
        _value: AtomicU64::new(0),
    });
    let view = ptr::from_ref(made).cast_mut();
    match entry
        .view
        .compare_exchange(ptr::null_mut(), view, AcqRel, Acquire)
    {
        Ok(_) => made,
        // SAFETY: as above. Another thread was faster; ours is never used.
        Err(theirs) => unsafe { &*theirs },
    }
}

/// The clock of an address, for one operation on what is there, by instrumented code. Inside the engine.
#[inline]
pub(crate) fn clock_of(address: usize) -> &'static AtomicClock {
    &entry(address, find_or_take).clock
}

/// The clock of an address for ever: of its view, and of an atomic there that has been exposed.
pub(crate) fn kept_clock_of(address: usize) -> &'static AtomicClock {
    &kept(address).clock
}

/// Waits for nobody: a signal handler may have interrupted anything. Nothing is forgotten in a program whose wrappers ask for this, since it isn't instrumented.
fn kept(address: usize) -> &'static Outlying {
    let entry = entry(address, find_or_make);
    entry.is_kept.store(true, Relaxed);
    entry
}

/// Addresses that a thread remembers.
const REMEMBERED: usize = 64;

thread_local! {
    static LAST: [Cell<Option<&'static Outlying>>; REMEMBERED] = const { [const { Cell::new(None) }; REMEMBERED] };
}

/// [`clock_of`], if the thread remembers the address.
#[inline(always)]
pub(crate) fn last_clock_of(address: usize) -> Option<&'static AtomicClock> {
    let entry = last(address).get()?;
    (entry.address.load(Relaxed) == address).then_some(&entry.clock)
}

/// Where the thread remembers this address, if it does.
#[inline(always)]
fn last<'a>(address: usize) -> &'a Cell<Option<&'static Outlying>> {
    // A closure with more in it isn't inlined.
    let last = LAST.with(ptr::from_ref);
    // SAFETY: without a destructor the thread-local is there for as long as its thread, and no reference to it leaves this module.
    unsafe { &(*last)[bucket_of(address) % REMEMBERED] }
}

type Find = fn(usize) -> &'static Outlying;

#[inline(always)]
fn entry(address: usize, find: Find) -> &'static Outlying {
    match last(address).get() {
        Some(entry) if entry.address.load(Relaxed) == address => entry,
        _ => entry_slow(address, find),
    }
}

#[cold]
#[inline(never)]
fn entry_slow(address: usize, find: Find) -> &'static Outlying {
    let entry = find(address);
    last(address).set(Some(entry));
    entry
}

/// The entry of an address: its own, a new one, or one that is nobody's any more.
fn find_or_take(address: usize) -> &'static Outlying {
    let bucket = &TABLE[bucket_of(address)];
    if let Some(found) = find(bucket, address) {
        return found;
    }
    let _only = CHANGING.lock();
    // Another thread was faster, perhaps.
    if let Some(found) = find(bucket, address) {
        return found;
    }
    if let Some(words) = directory::clocked_or_new(address) {
        let (word, bit) = place_of(address);
        words[word].fetch_or(1 << bit, Relaxed);
    }
    match find(bucket, 0) {
        Some(free) => {
            free.address.store(address, Release);
            free
        }
        None => make(bucket, address),
    }
}

/// The entry of an address: its own, or a new one.
fn find_or_make(address: usize) -> &'static Outlying {
    let bucket = &TABLE[bucket_of(address)];
    find(bucket, address).unwrap_or_else(|| make(bucket, address))
}

/// A new entry, unless another thread is faster with this very address.
fn make(bucket: &AtomicPtr<Outlying>, address: usize) -> &'static Outlying {
    let made = leak(Outlying {
        address: AtomicUsize::new(address),
        clock: AtomicClock::new(),
        view: AtomicPtr::new(ptr::null_mut()),
        next: AtomicPtr::new(bucket.load(Acquire)),
        is_kept: AtomicBool::new(false),
    });
    COUNT.fetch_add(1, Relaxed);
    let entry = ptr::from_ref(made).cast_mut();
    loop {
        let newest = made.next.load(Relaxed);
        let Err(now) = bucket.compare_exchange(newest, entry, Release, Acquire) else {
            return made;
        };
        // Then ours is never used.
        if let Some(found) = find(bucket, address) {
            return found;
        }
        made.next.store(now, Relaxed);
    }
}

fn find(bucket: &AtomicPtr<Outlying>, address: usize) -> Option<&'static Outlying> {
    all(bucket).find(|entry| entry.address.load(Acquire) == address)
}

/// The entries of a bucket.
fn all(bucket: &AtomicPtr<Outlying>) -> impl Iterator<Item = &'static Outlying> {
    let mut next = bucket.load(Acquire);
    std::iter::from_fn(move || {
        // SAFETY: null, or an entry, which `leak` made and the table's release published; nobody frees it, nor changes where it leads.
        let entry = unsafe { next.as_ref::<'static>() }?;
        next = entry.next.load(Relaxed);
        Some(entry)
    })
}

/// Entries of the table, nobody's included.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// So many take 2 MiB, and as much again for what they carry, or twice that. Fewer needn't be looked for whenever something is freed.
const FEW: usize = 1 << 15;

/// These bytes are freed: no clock of theirs matters any more. Inside the engine.
#[inline]
pub(crate) fn forget(address: usize, size: usize) {
    if COUNT.load(Relaxed) > FEW {
        forget_all(address, size);
    }
}

#[inline(never)]
fn forget_all(address: usize, size: usize) {
    let mut only = None;
    let end = address.saturating_add(size);
    let mut at = address;
    while at < end {
        match directory::clocked(at) {
            Ok(words) => {
                let next = (at / PAGE + 1).saturating_mul(PAGE).min(end);
                forget_in_page(words, at..next, &mut only);
                at = next;
            }
            Err(none_until) => at = none_until,
        }
    }
}

/// Where the bit of an address is among those of its page.
fn place_of(address: usize) -> (usize, usize) {
    let granule = address % PAGE / GRANULE;
    (granule / 64, granule % 64)
}

/// `only`: held from the first clock on that is found.
fn forget_in_page(words: &Clocked, bytes: Range<usize>, only: &mut Option<Locked<'static, ()>>) {
    let (first, last) = (place_of(bytes.start).0, place_of(bytes.end - 1).0);
    let base = bytes.start / PAGE * PAGE;
    for (index, word) in words.iter().enumerate().take(last + 1).skip(first) {
        let mut bits = word.load(Relaxed);
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let start = base + (64 * index + bit) * GRANULE;
            if bytes.contains(&start) && start + GRANULE <= bytes.end {
                only.get_or_insert_with(|| CHANGING.lock());
                forget_granule(start, word, 1 << bit);
            }
        }
    }
}

/// A granule's addresses are in two buckets. With [`CHANGING`] held.
fn forget_granule(start: usize, word: &AtomicU64, bit: u64) {
    let mut is_left = false;
    for bucket in [start, start + GRANULE / 2].map(bucket_of) {
        for entry in all(&TABLE[bucket]) {
            if !(start..start + GRANULE).contains(&entry.address.load(Relaxed)) {
                continue;
            }
            if entry.is_kept.load(Relaxed) {
                is_left = true;
                continue;
            }
            entry.clock.forget();
            // Last: from here on it may be another's.
            entry.address.store(0, Release);
        }
    }
    if !is_left {
        word.fetch_and(!bit, Relaxed);
    }
}

/// Atomics that lie side by side are used together, so their buckets are side by side: only where a region of memory has its buckets is hashed (Fibonacci hashing).
#[inline(always)]
fn bucket_of(address: usize) -> usize {
    const REGION: u32 = 14;
    let hash = ((address >> REGION) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let region = (hash >> (u64::BITS - BUCKETS.ilog2())) as usize;
    (region ^ (address / 4)) % BUCKETS
}

/// Bytes that are taken from the system at a time.
const SLAB: usize = 1 << 14;

#[repr(align(64))]
struct Slab(#[expect(dead_code, reason = "for its size")] [u8; SLAB]);

thread_local! {
    /// What is left of this thread's slab. A thread that ends leaves less than a slab unused.
    static REST: Cell<(*mut u8, usize)> = const { Cell::new((ptr::null_mut(), 0)) };
}

/// Puts a value where it stays, in memory that isn't from the program's allocator.
fn leak<T>(value: T) -> &'static T {
    const { assert!(0 < size_of::<T>() && size_of::<T>() <= SLAB / 4 && align_of::<T>() <= 64) };
    let (mut place, mut rest) = REST.get();
    let skipped = place.align_offset(align_of::<T>());
    if rest < skipped.saturating_add(size_of::<T>()) {
        let slab = Layout::new::<Slab>();
        // SAFETY: not of size zero.
        place = unsafe { System.alloc(slab) };
        if place.is_null() {
            handle_alloc_error(slab);
        }
        rest = SLAB;
    } else {
        // SAFETY: that much is left of it.
        place = unsafe { place.add(skipped) };
        rest -= skipped;
    }
    // SAFETY: as above.
    REST.set((unsafe { place.add(size_of::<T>()) }, rest - size_of::<T>()));
    let place = place.cast::<T>();
    // SAFETY: in a slab that nobody frees, which nobody else takes from, and aligned: it was just made so, or is a slab's beginning.
    unsafe {
        place.write(value);
        &*place
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Position;
    use crate::instrumented::atomic::Atomic;
    use crate::thread::local;
    use std::panic::Location;

    /// Addresses that are nobody's, one page for each test.
    fn page(number: usize) -> usize {
        0x6100_0000_0000 + number * PAGE
    }

    fn release(clock: &AtomicClock) {
        clock.store(Release, Location::caller(), |_| ());
    }

    fn carries_nothing(clock: &AtomicClock) -> bool {
        format!("{clock:?}") == format!("{:?}", AtomicClock::new())
    }

    #[test]
    fn a_forgotten_address_carries_nothing() {
        let address = page(1) + 16;
        let before = clock_of(address);
        release(before);
        assert!(!carries_nothing(clock_of(address)));
        forget_all(address, 8);
        assert!(last_clock_of(address).is_none());
        let after = clock_of(address);
        assert!(carries_nothing(after));
        assert!(ptr::eq(before, after), "there was one to be had");
    }

    #[test]
    fn an_address_takes_the_place_of_one_that_is_forgotten() {
        let address = page(2);
        let clock = clock_of(address);
        forget_all(address, 8);
        let is_near = |other: &usize| bucket_of(*other) == bucket_of(address);
        let other = (page(100)..).step_by(4).find(is_near).unwrap();
        let theirs = clock_of(other);
        assert!(ptr::eq(clock, theirs));
        // Whoever has it in mind finds another one.
        release(theirs);
        assert!(!ptr::eq(clock_of(address), theirs));
        assert!(carries_nothing(clock_of(address)));
    }

    #[test]
    fn only_what_is_freed_is_forgotten() {
        let start = page(3) + PAGE - 32;
        let all = || (start..start + 64).step_by(4);
        all().for_each(|address| release(clock_of(address)));
        // From the middle of a granule, over a page's end, to the middle of another.
        forget_all(start + 12, 40);
        for address in all() {
            let is_freed = (start + 16..start + 48).contains(&address);
            assert_eq!(carries_nothing(clock_of(address)), is_freed, "{address:x}");
        }
        forget_all(start, 64);
        assert!(all().all(|address| carries_nothing(clock_of(address))));
    }

    #[test]
    fn what_somebody_has_for_ever_stays() {
        let address = page(5);
        let view = view(address);
        release(clock_of(address));
        forget_all(address, 8);
        assert!(!carries_nothing(clock_of(address)));
        assert!(ptr::eq(super::view(address), view));
        let exposed = kept_clock_of(address + 8);
        release(exposed);
        forget_all(address + 8, 8);
        assert!(!carries_nothing(exposed));
    }

    #[test]
    fn many_addresses_that_come_and_go_are_few_entries() {
        let before = COUNT.load(Relaxed);
        for round in 0..3_000 {
            let start = page(1000) + round * (16 << 10);
            let all = (start..start + 4096).step_by(8);
            all.for_each(|address| release(clock_of(address)));
            forget_all(start, 4096);
        }
        // Of a million and a half.
        let more = COUNT.load(Relaxed) - before;
        assert!(more <= BUCKETS, "{more}");
    }

    /// Relaxed, on a thread of its own: what passes by orders nothing in other tests.
    #[test]
    fn a_signal_handler_waits_for_nobody() {
        let in_handler = || {
            let interrupted = CHANGING.lock();
            let door = local::begin_handler();
            let atomic = Atomic {
                address: page(6),
                size: 8,
                site: Position::of_code(1),
            };
            assert_eq!(atomic.load(Relaxed, || 1), 1);
            assert_eq!(atomic.store(Relaxed, || 2), 2);
            assert_eq!(atomic.rmw(Relaxed, || 3), 3);
            let exchange = || Ok::<_, ()>(4);
            assert_eq!(atomic.compare_exchange(Relaxed, Relaxed, exchange), Ok(4));
            view(page(7));
            local::end_handler(door);
            drop(interrupted);
        };
        std::thread::spawn(in_handler).join().unwrap();
    }
}
