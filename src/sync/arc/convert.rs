//! What an `Arc` can be made from, and what it can be turned into.

use std::alloc::Layout;
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync as real;

use super::Arc;
use super::block::Vacant;
use crate::from_std::FromStd;

impl<T> From<T> for Arc<T> {
    #[track_caller]
    fn from(value: T) -> Arc<T> {
        Arc::new(value)
    }
}

impl<T: ?Sized> From<Box<T>> for Arc<T> {
    /// The way to an `Arc` of an unsized type.
    #[track_caller]
    fn from(value: Box<T>) -> Arc<T> {
        let vacant = Vacant::new(Layout::for_value::<T>(&value), Location::caller());
        let source = Box::into_raw(value);
        // SAFETY: a box is never null.
        let source_value = unsafe { NonNull::new_unchecked(source) };
        // SAFETY: the layout is its own; in the box it isn't used any more.
        let value = unsafe { vacant.move_in(source_value) };
        vacant.occupied();
        // SAFETY: the box is what it was, but for the type: it has the same layout, and drops no value.
        drop(unsafe { Box::from_raw(source as *mut ManuallyDrop<T>) });
        Arc { value }
    }
}

impl<T: ?Sized> FromStd<T> for Arc<T> {
    #[track_caller]
    fn from_std(mut arc: real::Arc<T>) -> Result<Arc<T>, real::Arc<T>> {
        if real::Arc::get_mut(&mut arc).is_none() {
            return Err(arc);
        }
        let vacant = Vacant::new(Layout::for_value::<T>(&arc), Location::caller());
        let source = real::Arc::into_raw(arc).cast_mut();
        // SAFETY: an `Arc`'s value is never at null.
        let source_value = unsafe { NonNull::new_unchecked(source) };
        // SAFETY: the layout is its own; the old `Arc`, which was the only handle, doesn't use it any more.
        let value = unsafe { vacant.move_in(source_value) };
        vacant.occupied();
        // SAFETY: it is from `into_raw`, but for the type: that has the same layout, and drops no value.
        drop(unsafe { real::Arc::from_raw(source as *const ManuallyDrop<T>) });
        Ok(Arc { value })
    }
}

/// By way of a box.
macro_rules! boxed {
    ($([$($generics:tt)*] $from:ty => $to:ty;)*) => {$(
        impl<$($generics)*> From<$from> for Arc<$to> {
            #[track_caller]
            fn from(value: $from) -> Arc<$to> {
                Arc::from(Box::<$to>::from(value))
            }
        }
    )*};
}

boxed! {
    [T, const N: usize] [T; N] => [T];
    [T] Vec<T> => [T];
    [T: Clone] &[T] => [T];
    [T: Clone] &mut [T] => [T];
    [] String => str;
    [] &str => str;
    [] &mut str => str;
    [] CString => CStr;
    [] &CStr => CStr;
    [] &mut CStr => CStr;
    [] OsString => OsStr;
    [] &OsStr => OsStr;
    [] &mut OsStr => OsStr;
    [] PathBuf => Path;
    [] &Path => Path;
    [] &mut Path => Path;
}

impl<'a, B> From<Cow<'a, B>> for Arc<B>
where
    B: ToOwned + ?Sized,
    Arc<B>: From<&'a B> + From<B::Owned>,
{
    #[track_caller]
    fn from(cow: Cow<'a, B>) -> Arc<B> {
        match cow {
            Cow::Borrowed(value) => Arc::from(value),
            Cow::Owned(value) => Arc::from(value),
        }
    }
}

impl From<Arc<str>> for Arc<[u8]> {
    fn from(text: Arc<str>) -> Arc<[u8]> {
        // SAFETY: text is bytes.
        unsafe { Arc::from_raw(Arc::into_raw(text) as *const [u8]) }
    }
}

impl<T, const N: usize> TryFrom<Arc<[T]>> for Arc<[T; N]> {
    type Error = Arc<[T]>;

    fn try_from(slice: Arc<[T]>) -> Result<Arc<[T; N]>, Arc<[T]>> {
        if slice.len() == N {
            // SAFETY: an array of this length has the slice's layout.
            Ok(unsafe { Arc::from_raw(Arc::into_raw(slice).cast::<[T; N]>()) })
        } else {
            Err(slice)
        }
    }
}

impl<T> FromIterator<T> for Arc<[T]> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Arc<[T]> {
        Arc::from(Vec::from_iter(iter))
    }
}

impl<T: Default> Default for Arc<T> {
    #[track_caller]
    fn default() -> Arc<T> {
        Arc::new(T::default())
    }
}

impl<T> Default for Arc<[T]> {
    #[track_caller]
    fn default() -> Arc<[T]> {
        Arc::from([])
    }
}

impl Default for Arc<str> {
    #[track_caller]
    fn default() -> Arc<str> {
        Arc::from("")
    }
}

impl Default for Arc<CStr> {
    #[track_caller]
    fn default() -> Arc<CStr> {
        Arc::from(c"")
    }
}

impl<T: ?Sized> Default for Pin<Arc<T>>
where
    Arc<T>: Default,
{
    #[track_caller]
    fn default() -> Pin<Arc<T>> {
        // SAFETY: as for `Arc::pin`.
        unsafe { Pin::new_unchecked(Arc::default()) }
    }
}
