//! `from_ptr` and `as_ptr`: an atomic is its address, however it is reached.

use std::cell::UnsafeCell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use racecheck::Shared;
use racecheck::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize};

use crate::{none, one_after_the_other, races};

/// Memory with a number in it.
struct Memory(UnsafeCell<u32>);

// SAFETY: the tests below use it through atomics only, while it is shared.
unsafe impl Sync for Memory {}

impl Memory {
    const fn new() -> Memory {
        Memory(UnsafeCell::new(0))
    }

    /// An atomic made of it, each time anew.
    fn atomic(&self) -> &AtomicU32 {
        // SAFETY: aligned and valid for as long as `self`, and used through atomics of 32 bits only.
        unsafe { AtomicU32::from_ptr(self.0.get()) }
    }

    /// The same, as another type.
    fn signed(&self) -> &AtomicI32 {
        // SAFETY: as above.
        unsafe { AtomicI32::from_ptr(self.0.get().cast()) }
    }
}

/// A payload written, `store`; `load`, the payload read.
fn publish(store: impl FnOnce() + Send, load: impl FnOnce() + Send) -> (u32, u32) {
    let value = Shared::new(0);
    one_after_the_other(
        || {
            let line = at!(value.set(1));
            store();
            line
        },
        || {
            load();
            at!(value.get())
        },
    )
}

#[test]
fn two_views_of_an_address_are_one_atomic() {
    let program = |order| {
        let memory = Memory::new();
        publish(
            || memory.atomic().store(1, order),
            || assert_eq!(memory.atomic().load(Acquire), 1),
        )
    };
    none(|| program(Release));
    races(|| program(Relaxed));
}

#[test]
fn two_types_of_an_address_are_one_atomic() {
    let program = |order| {
        let memory = Memory::new();
        publish(
            || memory.atomic().store(1, Release),
            || assert_eq!(memory.signed().fetch_add(1, order), 1),
        )
    };
    none(|| program(Acquire));
    races(|| program(Relaxed));
}

#[test]
fn two_addresses_are_two_atomics() {
    let program = |stored: usize, loaded: usize| {
        let memory = [Memory::new(), Memory::new()];
        publish(
            || memory[stored].atomic().store(1, Release),
            || {
                memory[loaded].atomic().load(Acquire);
            },
        )
    };
    none(|| program(1, 1));
    races(|| program(0, 1));
    races(|| program(1, 0));
}

/// Neighbours in one word.
#[test]
fn two_bytes_of_a_word_are_two_atomics() {
    let program = |loaded: usize| {
        let memory = Memory::new();
        // SAFETY: each byte is valid for as long as `memory`, and used through an atomic byte only.
        let byte = |at: usize| unsafe { AtomicU8::from_ptr(memory.0.get().cast::<u8>().add(at)) };
        let (first, second) = (byte(0), byte(loaded));
        publish(
            || first.store(1, Release),
            || {
                second.load(Acquire);
            },
        )
    };
    none(|| program(0));
    races(|| program(1));
}

#[test]
fn a_relaxed_store_through_another_view_ends_the_release_sequence() {
    let program = |last: fn(&AtomicI32)| {
        let memory = Memory::new();
        publish(
            || {
                memory.atomic().store(1, Release);
                last(memory.signed());
            },
            || {
                memory.atomic().load(Acquire);
            },
        )
    };
    none(|| {
        program(|view| {
            view.fetch_add(1, Relaxed);
        })
    });
    races(|| program(|view| view.store(2, Relaxed)));
}

#[test]
fn an_exchange_through_a_view_acquires_and_fails_as_any_other() {
    let program = |success, failure, found: u32| {
        let memory = Memory::new();
        publish(
            || memory.atomic().store(1, Release),
            || {
                let exchanged = memory.atomic().compare_exchange(1, 2, Relaxed, Relaxed);
                assert_eq!(exchanged, Ok(1));
                let again = memory.atomic().compare_exchange(found, 3, success, failure);
                assert_eq!(again.is_ok(), found == 2);
            },
        )
    };
    none(|| program(Acquire, Relaxed, 2));
    none(|| program(Relaxed, Acquire, 1));
    races(|| program(Relaxed, Acquire, 2));
    races(|| program(Acquire, Relaxed, 1));
}

/// How a program reaches an atomic that is tracked by itself.
type Reach = for<'a> fn(&'a AtomicUsize) -> &'a AtomicUsize;

fn itself(atomic: &AtomicUsize) -> &AtomicUsize {
    atomic
}

fn by_pointer(atomic: &AtomicUsize) -> &AtomicUsize {
    // SAFETY: the pointer is the atomic's own.
    unsafe { AtomicUsize::from_ptr(atomic.as_ptr()) }
}

#[test]
fn an_atomic_and_what_is_made_of_its_pointer_are_one() {
    let program = |writer: Reach, reader: Reach, order| {
        let atomic = AtomicUsize::new(0);
        publish(
            || writer(&atomic).store(1, order),
            || assert_eq!(reader(&atomic).load(Acquire), 1),
        )
    };
    let ways: [Reach; 2] = [itself, by_pointer];
    for writer in ways {
        for reader in ways {
            none(|| program(writer, reader, Release));
            races(|| program(writer, reader, Relaxed));
        }
    }
}

/// Its pointer has been told, and then it is somewhere else; by a way that racecheck doesn't see.
#[test]
fn a_moved_atomic_takes_along_what_its_value_carries() {
    let program = |writer: Reach, reader: Reach, order| {
        let on_its_way = std::sync::Mutex::new(None);
        let value = Shared::new(0);
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                let atomic = AtomicUsize::new(0);
                atomic.as_ptr();
                writer(&atomic).store(1, order);
                *on_its_way.lock().unwrap() = Some(atomic);
                line
            },
            || {
                let atomic = on_its_way.lock().unwrap().take().unwrap();
                assert_eq!(reader(&atomic).load(Acquire), 1);
                at!(value.get())
            },
        )
    };
    let ways: [Reach; 2] = [itself, by_pointer];
    for writer in ways {
        for reader in ways {
            none(|| program(writer, reader, Release));
            races(|| program(writer, reader, Relaxed));
        }
    }
}

/// What was released before the pointer was told.
#[test]
fn a_pointer_leads_to_what_the_value_carries_already() {
    let program = |order| {
        let atomic = AtomicUsize::new(0);
        publish(
            || atomic.store(1, order),
            || assert_eq!(by_pointer(&atomic).load(Acquire), 1),
        )
    };
    none(|| program(Release));
    races(|| program(Relaxed));
}

#[test]
fn a_pointer_in_memory_publishes_what_it_points_to() {
    let program = |order| {
        let value = Shared::new(0);
        let slot = AtomicUsize::new(0);
        // SAFETY: a pointer has the size of a `usize`, and the slot is used through pointers only.
        let pointer = || unsafe { AtomicPtr::<Shared<i32>>::from_ptr(slot.as_ptr().cast()) };
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                pointer().store((&raw const value).cast_mut(), order);
                line
            },
            || {
                // SAFETY: `value` outlives both threads, and `Shared` is safe to share.
                let value = unsafe { &*pointer().load(Acquire) };
                at!(value.get())
            },
        )
    };
    none(|| program(Release));
    races(|| program(Relaxed));
}

/// Readers through every view, while writers go on: nobody is ever told a clock that isn't that of the value.
#[test]
fn an_atomic_may_be_exposed_while_it_is_used() {
    none(|| {
        let (atomic, values) = (AtomicUsize::new(0), [const { Shared::new(0) }; 20]);
        racecheck::thread::scope(|s| {
            s.spawn(|| {
                for (turn, value) in values.iter().enumerate() {
                    value.set(1);
                    let reach = if turn % 2 == 0 { itself } else { by_pointer };
                    reach(&atomic).store(turn + 1, Release);
                }
            });
            for reach in [itself as Reach, by_pointer] {
                let (atomic, values) = (&atomic, &values);
                s.spawn(move || {
                    let mut seen = 0;
                    while seen < values.len() {
                        seen = reach(atomic).load(Acquire);
                        for value in &values[..seen] {
                            value.get();
                        }
                    }
                });
            }
        });
    });
}
