//! Which pointers are raw: decided by the type alone, when the code is compiled.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use super::memory::{Memory, NoMemory};
use super::place::{OtherPlace, Place};
use super::tracked::Tracked;
use super::{read, writing};

/// Stands for a pointer of type `P`, which it never touches.
///
/// Each method that it has for raw pointers, [`NotRaw`] has for all other types; `loaded` is also for those whose dereference reads the pointer itself.
#[derive(Debug)]
pub struct Pointer<P>(PhantomData<fn(P)>);

impl<P> Pointer<P> {
    /// Of a type that [`is`](Pointer::is) tells. It is nowhere, so a closure that has it captures no variable.
    #[inline(always)]
    pub const fn anywhere<'a>() -> &'a Pointer<P>
    where
        P: 'a,
    {
        &Pointer(PhantomData)
    }

    /// Of the type of this value.
    #[inline(always)]
    pub const fn of(_: &P) -> Pointer<P> {
        Pointer(PhantomData)
    }

    /// Tells the type. The call is compiled and never made, so that the pointer may be borrowed or moved out of.
    #[inline(always)]
    pub const fn is(&self, _: *const P) {}
}

impl<P> Deref for Pointer<P> {
    type Target = NotRaw;

    #[inline(always)]
    fn deref(&self) -> &NotRaw {
        &NotRaw
    }
}

/// What has no value: a call that gives it doesn't return.
#[derive(Debug)]
pub enum Never {}

/// Any type but a raw pointer: nothing is announced.
#[derive(Debug)]
pub struct NotRaw;

impl NotRaw {
    /// No.
    #[inline(always)]
    pub const fn is_raw(&self) -> bool {
        false
    }

    /// Never called: what comes after it is for raw pointers only.
    pub fn proof(&self) -> Never {
        unreachable!("it is not raw")
    }

    /// Nobody knows what a dereference of such a type does.
    #[inline(always)]
    pub const fn is_loaded(&self) -> bool {
        false
    }

    /// The place, for a read of which nothing is known.
    #[inline(always)]
    pub const fn reading<T>(&self, at: *const T) -> *const T {
        at
    }

    /// The same for a write.
    #[inline(always)]
    pub const fn writing<T>(&self, at: *mut T) -> *mut T {
        at
    }

    /// A place of which only a reference or a box is known.
    #[inline(always)]
    pub const fn place<T: ?Sized>(&self, at: *const T) -> OtherPlace<T> {
        OtherPlace::new(at)
    }

    /// What is behind such a type, its own methods know.
    ///
    /// # Safety
    ///
    /// None.
    #[inline(always)]
    pub const unsafe fn behind<P>(&self, _: *const P) -> NoMemory {
        NoMemory
    }

    /// The value itself, whose methods are its own.
    #[inline(always)]
    pub fn tracked<P>(&self, pointer: P) -> P {
        pointer
    }
}

/// What raw pointers have.
macro_rules! raw {
    ($($pointer:ty: $this:ident => $start:expr;)*) => { $(
        impl<T: ?Sized> Pointer<$pointer> {
            /// Yes.
            #[inline(always)]
            pub const fn is_raw(&self) -> bool {
                true
            }

            /// It is: what comes next is compiled for raw pointers only.
            #[inline(always)]
            pub const fn proof(&self) {}

            /// Dereferencing it reads the pointer.
            #[inline(always)]
            pub const fn is_loaded(&self) -> bool {
                true
            }

            /// The value at this place, which the pointer leads to, is read next.
            #[track_caller]
            #[inline]
            pub fn reading<V>(&self, at: *const V) -> *const V {
                read(at)
            }

            /// The same for a write.
            #[track_caller]
            #[inline]
            pub fn writing<V>(&self, at: *mut V) -> *mut V {
                writing(at)
            }

            /// A place that the pointer leads to.
            #[inline(always)]
            pub const fn place<V: ?Sized>(&self, at: *const V) -> Place<V> {
                Place::new(at)
            }

            /// The memory behind the pointer at `at`.
            ///
            /// # Safety
            ///
            /// `at` can be read.
            #[inline(always)]
            pub const unsafe fn behind(&self, at: *const $pointer) -> Memory<T> {
                // SAFETY: as the caller promises.
                let $this = unsafe { *at };
                Memory($start)
            }

            /// The pointer, with methods that announce what they do.
            #[inline(always)]
            pub const fn tracked(&self, pointer: $pointer) -> Tracked<$pointer> {
                Tracked(pointer)
            }
        }
    )* };
}

raw! {
    *const T: this => this.cast_mut();
    *mut T: this => this;
    NonNull<T>: this => this.as_ptr();
}

/// What has a pointer in it that a dereference reads, and nothing else.
macro_rules! loaded {
    ($($pointer:ty),*) => { $(
        impl<T: ?Sized> Pointer<$pointer> {
            /// Dereferencing it reads the pointer.
            #[inline(always)]
            pub const fn is_loaded(&self) -> bool {
                true
            }
        }
    )* };
}

loaded!(&T, &mut T, Box<T>);
