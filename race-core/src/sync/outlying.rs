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
//! An address leads to its entry in one step (`index`), and entries are known by numbers and used again (`entries`): one is 64 bytes, and 64 more if a view
//! of it was asked for. To look something up takes no lock, nor does anything else here, and nothing takes memory from the program's allocator: it works in
//! the child of a `fork`, and in an allocator that the engine has called. Each thread remembers where it has found the addresses that it used last.
//!
//! [new.delete.dataraces]: https://eel.is/c++draft/new.delete.dataraces

pub(crate) mod entries;
mod index;

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::primitive::sync::atomic::AtomicU64;
use crate::sync::atomic::AtomicClock;
use entries::{Entry, Forgotten};

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
    &entry(address).clock
}

/// The clock of an address for ever: of its view, and of an atomic there that has been exposed.
pub(crate) fn kept_clock_of(address: usize) -> &'static AtomicClock {
    &kept(address).clock
}

/// A signal handler may ask for it, which may have interrupted anything. Nothing is forgotten in a program whose wrappers ask for this, since it isn't instrumented.
fn kept(address: usize) -> &'static Entry {
    let entry = entry(address);
    entry.is_kept.store(true, Relaxed);
    entry
}

/// Addresses that a thread remembers.
const REMEMBERED: usize = 64;

thread_local! {
    static LAST: [Cell<Option<&'static Entry>>; REMEMBERED] = const { [const { Cell::new(None) }; REMEMBERED] };
}

/// [`clock_of`], if the thread remembers the address.
#[inline(always)]
pub(crate) fn last_clock_of(address: usize) -> Option<&'static AtomicClock> {
    let entry = last(address).get()?;
    (entry.address.load(Relaxed) == address).then_some(&entry.clock)
}

/// Where the thread remembers this address, if it does.
#[inline(always)]
fn last<'a>(address: usize) -> &'a Cell<Option<&'static Entry>> {
    // A closure with more in it isn't inlined.
    let last = LAST.with(ptr::from_ref);
    // Fibonacci hashing.
    let hash =
        (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - REMEMBERED.ilog2());
    // SAFETY: without a destructor the thread-local is there for as long as its thread, and no reference to it leaves this module.
    unsafe { &(*last)[hash as usize] }
}

#[inline(always)]
fn entry(address: usize) -> &'static Entry {
    match last(address).get() {
        Some(entry) if entry.address.load(Relaxed) == address => entry,
        _ => entry_slow(address),
    }
}

#[cold]
#[inline(never)]
fn entry_slow(address: usize) -> &'static Entry {
    let found = index::list(address).and_then(|list| entries::find(list, address).ok());
    let entry = found.unwrap_or_else(|| find_or_make(address));
    last(address).set(Some(entry));
    entry
}

#[cold]
fn find_or_make(address: usize) -> &'static Entry {
    let place = index::place(address);
    let (entry, is_new) = entries::find_or_add(place.list, address);
    if is_new {
        place.note();
    }
    entry
}

/// So many take 2 MiB, and as much again for what they carry, or twice that. Fewer needn't be looked for whenever something is freed.
const FEW: usize = 1 << 15;

/// These bytes are freed: no clock of theirs matters any more. Inside the engine.
#[inline]
pub(crate) fn forget(address: usize, size: usize) {
    if entries::count() > FEW {
        forget_all(address, size);
    }
}

#[inline(never)]
fn forget_all(address: usize, size: usize) {
    let mut forgotten = Forgotten::default();
    let bytes = address..address.saturating_add(size);
    index::for_each_in(bytes, |list| forgotten.add_all_of(list));
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
mod tests;
