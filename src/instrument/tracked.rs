//! The methods of raw pointers and `NonNull` that access memory: what `crate::ptr`'s functions are to `std::ptr`'s.
//!
//! Each does what `std`'s of this name does, and records what that function of `crate::ptr` records.

use std::ptr::NonNull;

use crate::ptr;

/// A raw pointer, or a `NonNull`, of which one method is called.
#[derive(Debug)]
pub struct Tracked<P>(pub(super) P);

macro_rules! methods {
    ($pointer:ty: $($name:ident($this:ident $(, $argument:ident: $type:ty)*) $(-> $output:ty)? = $call:expr;)*) => {
        impl<T> Tracked<$pointer> { $(
            /// As the pointer's.
            ///
            /// # Safety
            ///
            /// As the pointer's.
            #[track_caller]
            #[inline]
            pub unsafe fn $name(self $(, $argument: $type)*) $(-> $output)? {
                let $this = self.0;
                // SAFETY: as the caller promises.
                unsafe { $call }
            }
        )* }
    };
}

methods! { *const T:
    read(this) -> T = ptr::read(this);
    read_volatile(this) -> T = ptr::read_volatile(this);
    read_unaligned(this) -> T = ptr::read_unaligned(this);
    copy_to(this, dest: *mut T, count: usize) = ptr::copy(this, dest, count);
    copy_to_nonoverlapping(this, dest: *mut T, count: usize) = ptr::copy_nonoverlapping(this, dest, count);
}

methods! { *mut T:
    read(this) -> T = ptr::read(this);
    read_volatile(this) -> T = ptr::read_volatile(this);
    read_unaligned(this) -> T = ptr::read_unaligned(this);
    copy_to(this, dest: *mut T, count: usize) = ptr::copy(this, dest, count);
    copy_to_nonoverlapping(this, dest: *mut T, count: usize) = ptr::copy_nonoverlapping(this, dest, count);
    copy_from(this, src: *const T, count: usize) = ptr::copy(src, this, count);
    copy_from_nonoverlapping(this, src: *const T, count: usize) = ptr::copy_nonoverlapping(src, this, count);
    write(this, value: T) = ptr::write(this, value);
    write_volatile(this, value: T) = ptr::write_volatile(this, value);
    write_unaligned(this, value: T) = ptr::write_unaligned(this, value);
    write_bytes(this, value: u8, count: usize) = ptr::write_bytes(this, value, count);
    replace(this, value: T) -> T = ptr::replace(this, value);
    swap(this, with: *mut T) = ptr::swap(this, with);
}

methods! { NonNull<T>:
    read(this) -> T = ptr::read(this.as_ptr());
    read_volatile(this) -> T = ptr::read_volatile(this.as_ptr());
    read_unaligned(this) -> T = ptr::read_unaligned(this.as_ptr());
    copy_to(this, dest: NonNull<T>, count: usize) = ptr::copy(this.as_ptr(), dest.as_ptr(), count);
    copy_to_nonoverlapping(this, dest: NonNull<T>, count: usize)
        = ptr::copy_nonoverlapping(this.as_ptr(), dest.as_ptr(), count);
    copy_from(this, src: NonNull<T>, count: usize) = ptr::copy(src.as_ptr(), this.as_ptr(), count);
    copy_from_nonoverlapping(this, src: NonNull<T>, count: usize)
        = ptr::copy_nonoverlapping(src.as_ptr(), this.as_ptr(), count);
    write(this, value: T) = ptr::write(this.as_ptr(), value);
    write_volatile(this, value: T) = ptr::write_volatile(this.as_ptr(), value);
    write_unaligned(this, value: T) = ptr::write_unaligned(this.as_ptr(), value);
    write_bytes(this, value: u8, count: usize) = ptr::write_bytes(this.as_ptr(), value, count);
    replace(this, value: T) -> T = ptr::replace(this.as_ptr(), value);
    swap(this, with: NonNull<T>) = ptr::swap(this.as_ptr(), with.as_ptr());
}

/// `drop_in_place`, which needs no size.
macro_rules! dropping {
    ($pointer:ty, $this:ident => $start:expr) => {
        impl<T: ?Sized> Tracked<$pointer> {
            /// As the pointer's.
            ///
            /// # Safety
            ///
            /// As the pointer's.
            #[track_caller]
            #[inline]
            pub unsafe fn drop_in_place(self) {
                let $this = self.0;
                // SAFETY: as the caller promises.
                unsafe { ptr::drop_in_place($start) }
            }
        }
    };
}

dropping!(*mut T, this => this);
dropping!(NonNull<T>, this => this.as_ptr());
