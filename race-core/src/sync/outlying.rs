//! Atomics in any memory: the clock of an address.
//!
//! What `from_ptr` is given has no room for a clock beside the value, so the clock is found by the address. There is one for each address, which all
//! views of it share, of whatever type. An atomic whose `as_ptr` was taken shares it too ([`AtomicClock::expose`]).
//!
//! A clock stays when its memory is freed, written by plain accesses, or used as another type. That adds no order that isn't there: who
//! released through an address did so before the memory was freed, or written, and that was before it was used again (C++20,
//! [new.delete.dataraces]), or else the program races on this very memory. So it is with atomics of two sizes that overlap: Rust wants
//! them ordered by other means.
//!
//! The table only grows, by 64 bytes for each address that was ever used so, and by 64 more if a view of it was asked for. It has no lock, and takes no
//! memory from the program's allocator: it works in the child of a `fork`, and in an allocator that the engine has called. Each thread remembers where it
//! has found the addresses that it used last.
//!
//! [new.delete.dataraces]: https://eel.is/c++draft/new.delete.dataraces

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::primitive::sync::atomic::AtomicU64;
use crate::sync::atomic::AtomicClock;

/// 2 MiB, of which the operating system provides what is used.
const BUCKETS: usize = 1 << 18;

/// The newest entry of each list.
static TABLE: [AtomicPtr<Outlying>; BUCKETS] = [const { AtomicPtr::new(ptr::null_mut()) }; BUCKETS];

/// What is known of an address. Never freed.
struct Outlying {
    address: usize,
    clock: AtomicClock,
    /// Null until somebody asks for it.
    view: AtomicPtr<View>,
    next: AtomicPtr<Outlying>,
}

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
    let entry = entry(address);
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

/// The clock of an address: of its view, and of an atomic there that has been exposed.
pub(crate) fn clock_of(address: usize) -> &'static AtomicClock {
    &entry(address).clock
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
    (entry.address == address).then_some(&entry.clock)
}

/// Where the thread remembers this address, if it does.
#[inline(always)]
fn last<'a>(address: usize) -> &'a Cell<Option<&'static Outlying>> {
    // A closure with more in it isn't inlined.
    let last = LAST.with(ptr::from_ref);
    // SAFETY: without a destructor the thread-local is there for as long as its thread, and no reference to it leaves this module.
    unsafe { &(*last)[bucket_of(address) % REMEMBERED] }
}

#[inline(always)]
fn entry(address: usize) -> &'static Outlying {
    match last(address).get() {
        Some(entry) if entry.address == address => entry,
        _ => entry_slow(address),
    }
}

#[cold]
#[inline(never)]
fn entry_slow(address: usize) -> &'static Outlying {
    let entry = find_or_make(address);
    last(address).set(Some(entry));
    entry
}

fn find_or_make(address: usize) -> &'static Outlying {
    let bucket = &TABLE[bucket_of(address)];
    let mut newest = bucket.load(Acquire);
    if let Some(found) = find(newest, address) {
        return found;
    }
    let made = leak(Outlying {
        address,
        clock: AtomicClock::new(),
        view: AtomicPtr::new(ptr::null_mut()),
        next: AtomicPtr::new(newest),
    });
    let entry = ptr::from_ref(made).cast_mut();
    while let Err(now) = bucket.compare_exchange(newest, entry, Release, Acquire) {
        // Another thread was faster, perhaps with this very address: then ours is never used.
        if let Some(found) = find(now, address) {
            return found;
        }
        newest = now;
        made.next.store(newest, Relaxed);
    }
    made
}

fn find(newest: *mut Outlying, address: usize) -> Option<&'static Outlying> {
    let mut next = newest;
    loop {
        // SAFETY: null, or an entry, which `leak` made and the table's release published; nobody frees or changes it.
        let entry = unsafe { next.as_ref::<'static>() }?;
        if entry.address == address {
            return Some(entry);
        }
        next = entry.next.load(Relaxed);
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

thread_local! {
    /// What is left of this thread's slab. A thread that ends leaves less than a slab unused.
    static REST: Cell<(*mut u8, usize)> = const { Cell::new((ptr::null_mut(), 0)) };
}

/// Puts a value where it stays, in memory that isn't from the program's allocator.
fn leak<T>(value: T) -> &'static T {
    const { assert!(size_of::<T>() > 0 && size_of::<T>().is_multiple_of(8) && align_of::<T>() <= 8) };
    let (mut place, mut rest) = REST.get();
    if rest < size_of::<T>() {
        // Aligned to 16 bytes at least, as all that is allocated.
        let slab = Layout::new::<[u128; SLAB / 16]>();
        // SAFETY: not of size zero.
        place = unsafe { System.alloc(slab) };
        if place.is_null() {
            handle_alloc_error(slab);
        }
        rest = SLAB;
    }
    // SAFETY: that much is left of it.
    REST.set((unsafe { place.add(size_of::<T>()) }, rest - size_of::<T>()));
    let place = place.cast::<T>();
    // SAFETY: in a slab that nobody frees, which nobody else takes from, and aligned since all sizes are multiples of 8.
    unsafe {
        place.write(value);
        &*place
    }
}
