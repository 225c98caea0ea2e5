//! Names that may be a `static mut` or something else: the expansion can't see which, and must do no harm if it is a constant.

use std::marker::PhantomData;
use std::ops::Deref;

use super::Never;

/// Stands for a value of type `T`, which it never touches. Only what is `Copy` can be read out of a static, and a constant of such a type has no destructor.
#[derive(Debug)]
pub struct Value<T>(Other, PhantomData<fn(T)>);

/// A value that isn't `Copy`, so no static's.
#[derive(Debug)]
pub struct Other;

impl<T> Value<T> {
    /// Of a type that [`is`](Value::is) tells.
    #[expect(clippy::new_without_default, reason = "made by expansions only")]
    #[inline(always)]
    pub const fn new() -> Value<T> {
        Value(Other, PhantomData)
    }

    /// Tells the type. The call is compiled and never made.
    #[inline(always)]
    pub const fn is(&self, _: &T) {}
}

impl<T: Copy> Value<T> {
    /// Yes.
    #[inline(always)]
    pub const fn is_copy(&self) -> bool {
        true
    }

    /// It is: what comes next is compiled for such types only.
    #[inline(always)]
    pub const fn proof(&self) {}
}

impl<T> Deref for Value<T> {
    type Target = Other;

    #[inline(always)]
    fn deref(&self) -> &Other {
        &self.0
    }
}

impl Other {
    /// No.
    #[inline(always)]
    pub const fn is_copy(&self) -> bool {
        false
    }

    /// Never called.
    pub fn proof(&self) -> Never {
        unreachable!("it is not `Copy`")
    }
}
