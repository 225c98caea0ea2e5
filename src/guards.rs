//! What the guards of locks and cells have in common: each is its value to whoever uses it, as `std`'s is.

/// Gives guards that have `std`'s in a field `inner` the traits of `std`'s; those after `mut` lead to the value by a mutable reference, too.
macro_rules! guards {
    ($($shared:ident),*; mut $($exclusive:ident),*) => {
        $($crate::guards::guards!(@shared $shared);)*
        $(
            $crate::guards::guards!(@shared $exclusive);

            impl<T: ?Sized> std::ops::DerefMut for $exclusive<'_, T> {
                #[inline]
                fn deref_mut(&mut self) -> &mut T {
                    &mut self.inner
                }
            }
        )*
    };
    (@shared $guard:ident) => {
        impl<T: ?Sized> std::ops::Deref for $guard<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.inner
            }
        }

        impl<T: ?Sized + std::fmt::Debug> std::fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T: ?Sized + std::fmt::Display> std::fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}
pub(crate) use guards;
