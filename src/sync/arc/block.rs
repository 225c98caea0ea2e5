//! The memory of a value with the counts of its handles: what `Arc` and `Weak` share.
//!
//! The counting is `std`'s: a [`real::Arc`] of an [`Owner`] has as many strong handles as there are tracked `Arc`s, and as many weak ones as there are
//! tracked `Weak`s. The value isn't inside of it, because then nobody could tell who drops the last handle before the value's destructor
//! runs. It has memory of its own, with a [`Header`] directly before it, at the same distance for every type. So a handle is a pointer to the
//! value, `into_raw` gives it away, and `from_raw` finds the counts again, even through a pointer to another type.
//!
//! Nothing here may drop a value: that is up to the last handle, which knows the type.

use std::alloc::{self, Layout};
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync as real;

use race_core::sync::SyncObject;

/// What directly precedes a value. Never changes once the first handle is there.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// Each `Arc` holds one of its strong counts, each `Weak` one of its weak ones.
    owner: *const Owner,
    /// `Owner` holds one of its counts, each `Weak` one.
    block: *const Block,
}

/// That there are `Arc`s: whoever gets it out of its last [`real::Arc`] has to drop the value.
pub(super) struct Owner {
    pub(super) block: real::Arc<Block>,
}

/// The memory, as long as there is a handle of any kind: a `Weak` may ask for its address.
pub(super) struct Block {
    /// What those who dropped an `Arc` have released.
    pub(super) arcs: SyncObject,
    /// What those who dropped a `Weak` have released.
    pub(super) weaks: SyncObject,
    /// Where the first handle was made.
    pub(super) created: &'static Location<'static>,
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory is only freed through the pointer, by whoever is last. What else may be done with it is up to the handles' own `Send` and
// `Sync`.
unsafe impl Send for Block {}
// SAFETY: as above; the clocks are `Sync`.
unsafe impl Sync for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it comes from `alloc`, with this layout; and no handle is left to use it.
        unsafe { alloc::dealloc(self.memory.as_ptr(), self.layout) };
    }
}

/// A block without a value.
pub(super) struct Vacant {
    block: real::Arc<Block>,
    value: NonNull<()>,
}

impl Vacant {
    /// Memory for a value of this layout.
    pub(super) fn new(value: Layout, created: &'static Location<'static>) -> Vacant {
        let (layout, offset) = Layout::new::<Header>()
            .extend(value)
            .expect("a value that is there already leaves room for a header");
        // SAFETY: the header has a size.
        let memory = NonNull::new(unsafe { alloc::alloc(layout) })
            .unwrap_or_else(|| alloc::handle_alloc_error(layout));
        Vacant {
            // SAFETY: the offset is inside of what was allocated, or just behind it.
            value: unsafe { memory.add(offset) }.cast(),
            block: real::Arc::new(Block {
                arcs: SyncObject::new(),
                weaks: SyncObject::new(),
                created,
                memory,
                layout,
            }),
        }
    }

    /// Where the value goes.
    pub(super) fn value(&self) -> NonNull<()> {
        self.value
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    /// Moves a value here, and says where it is.
    ///
    /// # Safety
    ///
    /// - The memory was asked for with the value's layout.
    /// - There is a value, and it isn't used any more where it was.
    pub(super) unsafe fn move_in<T: ?Sized>(&self, value: NonNull<T>) -> NonNull<T> {
        // SAFETY: there is one.
        let size = size_of_val(unsafe { value.as_ref() });
        // SAFETY: there is room for it; and the memory is new, so the two don't overlap.
        unsafe {
            value
                .cast::<u8>()
                .copy_to_nonoverlapping(self.value.cast(), size);
        }
        with_address(value, self.value)
    }

    /// Gives the memory, in which there is a value by now, to one `Arc`.
    pub(super) fn occupied(self) {
        let block = real::Arc::as_ptr(&self.block);
        let owner = real::Arc::into_raw(real::Arc::new(Owner { block: self.block }));
        // SAFETY: nobody else knows of this memory.
        unsafe { write_header(self.value, Header { owner, block }) };
    }

    /// The same, if `fill` wants to know of a `Weak` before there is a value. It gets the share of one, to be given up by [`Header::drop_weak`].
    pub(super) fn occupied_by(self, fill: impl FnOnce(&Vacant)) {
        let owner = real::Arc::new_cyclic(|weak| {
            let header = Header {
                owner: weak.as_ptr(),
                block: real::Arc::as_ptr(&self.block),
            };
            // SAFETY: nobody else knows of this memory.
            unsafe { write_header(self.value, header) };
            let _ = weak.clone().into_raw();
            let _ = real::Arc::into_raw(self.block.clone());
            fill(&self);
            Owner { block: self.block }
        });
        let _ = real::Arc::into_raw(owner);
    }
}

/// The pointer with another address; what else an unsized type's has, a length or a table, stays.
fn with_address<T: ?Sized>(pointer: NonNull<T>, address: NonNull<()>) -> NonNull<T> {
    let mut pointer = pointer;
    // SAFETY: every pointer is at least an address, and that comes first, as is checked below.
    unsafe { (&raw mut pointer).cast::<NonNull<()>>().write(address) };
    assert_eq!(
        pointer.cast::<()>(),
        address,
        "a pointer begins with its address"
    );
    pointer
}

/// # Safety
///
/// - `value` is where the value of a [`Vacant`] goes.
/// - Nobody else has access to the memory before it.
unsafe fn write_header(value: NonNull<()>, header: Header) {
    // SAFETY: there is room for it, says the first promise. It is aligned: the value's offset is a multiple of the header's alignment, since its
    // size is one.
    unsafe { value.cast::<Header>().sub(1).write(header) };
}

impl Header {
    /// The header of a value.
    ///
    /// # Safety
    ///
    /// - `value` is the address of a value in a block, derived from the address of the block itself.
    /// - A handle keeps the block for all of `'a`.
    pub(super) unsafe fn of<'a>(value: NonNull<()>) -> &'a Header {
        // SAFETY: it is directly before the value, and never changes.
        unsafe { value.cast::<Header>().sub(1).as_ref() }
    }

    /// The block.
    ///
    /// # Safety
    ///
    /// A handle keeps the block while the reference is used.
    pub(super) unsafe fn block(&self) -> &Block {
        // SAFETY: says the caller.
        unsafe { &*self.block }
    }

    /// An `Arc`'s share of the counts, for a look at it.
    ///
    /// # Safety
    ///
    /// The `Arc` outlives what is returned.
    pub(super) unsafe fn arc(&self) -> ManuallyDrop<real::Arc<Owner>> {
        // SAFETY: the count stays the `Arc`'s, since this one is never dropped.
        ManuallyDrop::new(unsafe { self.take_arc() })
    }

    /// An `Arc`'s share of the counts.
    ///
    /// # Safety
    ///
    /// The `Arc` gives it up: it isn't used any more, unless what is returned is forgotten.
    pub(super) unsafe fn take_arc(&self) -> real::Arc<Owner> {
        // SAFETY: each `Arc` has one count from an `into_raw`.
        unsafe { real::Arc::from_raw(self.owner) }
    }

    /// A share for one more `Arc`.
    ///
    /// # Safety
    ///
    /// There is an `Arc`.
    pub(super) unsafe fn add_arc(&self) {
        // SAFETY: so the count isn't zero.
        unsafe { real::Arc::increment_strong_count(self.owner) };
    }

    /// A `Weak`'s share of the counts, for a look at it.
    ///
    /// # Safety
    ///
    /// The `Weak` outlives what is returned.
    pub(super) unsafe fn weak(&self) -> ManuallyDrop<real::Weak<Owner>> {
        // SAFETY: each `Weak` has one count from an `into_raw`; it stays the `Weak`'s, since this one is never dropped.
        ManuallyDrop::new(unsafe { real::Weak::from_raw(self.owner) })
    }

    /// A share for one more `Weak`.
    ///
    /// # Safety
    ///
    /// - `weak` is of the same owner.
    /// - A handle keeps the block.
    pub(super) unsafe fn add_weak(&self, weak: real::Weak<Owner>) {
        let _ = weak.into_raw();
        // SAFETY: the block is there.
        unsafe { real::Arc::increment_strong_count(self.block) };
    }

    /// Gives up a `Weak`'s share.
    ///
    /// # Safety
    ///
    /// The `Weak` isn't used any more.
    pub(super) unsafe fn drop_weak(&self) {
        // SAFETY: it is the `Weak`'s to give.
        unsafe {
            drop(real::Weak::from_raw(self.owner));
            real::Arc::decrement_strong_count(self.block);
        }
    }
}
