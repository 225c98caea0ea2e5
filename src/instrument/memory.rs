//! What the methods of a pointer that is a place access: announced before the call, which is then made on the place as it stands.

use std::mem;
use std::panic::Location;
use std::ptr::NonNull;

use crate::ptr::bytes;
use crate::shadow::{AccessKind, range};

/// The memory behind a raw pointer, from where it points.
#[derive(Debug)]
pub struct Memory<T: ?Sized>(pub(super) *mut T);

/// Whatever is behind something else.
#[derive(Debug)]
pub struct NoMemory;

macro_rules! accesses {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {
        impl<T> Memory<T> { $(
            $(#[$doc])*
            #[track_caller]
            #[inline]
            pub fn $name(&self, count: &usize) {
                self.access(self.0.addr(), *count, AccessKind::$kind, Location::caller());
            }
        )* }

        impl NoMemory { $(
            /// Nothing is announced.
            pub fn $name<C>(&self, _: &C) {}
        )* }
    };
}

accesses! {
    /// So many values are read.
    reads = Read;
    /// So many values are read, as `read_volatile` does.
    reads_volatile = VolatileRead;
    /// So many values are written.
    writes = Write;
    /// So many values are written, as `write_volatile` does.
    writes_volatile = VolatileWrite;
}

impl<T> Memory<T> {
    /// So many values of the same type are read behind another pointer.
    #[track_caller]
    #[inline]
    pub fn reads_at(&self, other: &impl Address, count: &usize) {
        let start = other.address();
        self.access(start, *count, AccessKind::Read, Location::caller());
    }

    /// So many values of the same type are written behind another pointer.
    #[track_caller]
    #[inline]
    pub fn writes_at(&self, other: &impl Address, count: &usize) {
        let start = other.address();
        self.access(start, *count, AccessKind::Write, Location::caller());
    }

    #[inline]
    fn access(
        &self,
        start: usize,
        count: usize,
        kind: AccessKind,
        site: &'static Location<'static>,
    ) {
        range::access(start, bytes::<T>(count), kind, Some(site));
    }
}

impl<T: ?Sized> Memory<T> {
    /// The value is dropped where it is: a write, if its type has anything to drop.
    ///
    /// # Safety
    ///
    /// As for `drop_in_place`.
    #[track_caller]
    #[inline]
    pub unsafe fn drops(&self) {
        if mem::needs_drop::<T>() {
            // SAFETY: the caller promises that it points to a valid value that nobody else uses meanwhile.
            let size = size_of_val(unsafe { &*self.0 });
            let (start, site) = (self.0.cast::<u8>().addr(), Location::caller());
            range::access(start, size, AccessKind::Write, Some(site));
        }
    }
}

impl NoMemory {
    /// Nothing is announced.
    pub fn reads_at<P, C>(&self, _: &P, _: &C) {}

    /// Nothing is announced.
    pub fn writes_at<P, C>(&self, _: &P, _: &C) {}

    /// Nothing is announced.
    ///
    /// # Safety
    ///
    /// None.
    pub unsafe fn drops(&self) {}
}

/// What can be given where a pointer is expected.
pub trait Address {
    /// Where it points.
    fn address(&self) -> usize;
}

macro_rules! addresses {
    ($($pointer:ty: $this:ident => $start:expr;)*) => { $(
        impl<T> Address for $pointer {
            #[inline(always)]
            fn address(&self) -> usize {
                let $this = self;
                $start.addr()
            }
        }
    )* };
}

addresses! {
    *const T: this => this;
    *mut T: this => this;
    NonNull<T>: this => this.as_ptr();
    &T: this => (&raw const **this);
    &mut T: this => (&raw const **this);
}
