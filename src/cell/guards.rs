//! The guards of a [`RefCell`](super::RefCell): `std`'s, and the flag that their end writes.

use std::cell::{Ref as RealRef, RefMut as RealRefMut};
use std::panic::Location;

use crate::guards::guards;
use crate::shadow::{ShadowCell, Target};

/// A `RefCell`'s borrow flag, as one borrow sees it.
#[derive(Clone, Copy)]
pub(super) struct Flag<'b> {
    pub(super) shadow: &'b ShadowCell,
    pub(super) target: Target,
    /// Where the borrow began: its end has no place in the source.
    pub(super) site: &'static Location<'static>,
}

impl Flag<'_> {
    #[inline]
    pub(super) fn read(self) {
        self.shadow.read(|| self.target, self.site);
    }

    #[inline]
    fn write(self) {
        self.shadow.write(|| self.target, self.site);
    }
}

/// A borrow that has begun. It must end before `std`'s guard does, or the flag would be written unseen.
struct Borrow<'b>(Flag<'b>);

impl<'b> Borrow<'b> {
    #[inline]
    fn begin(flag: Flag<'b>) -> Borrow<'b> {
        flag.write();
        Borrow(flag)
    }

    /// Another one beside it, begun at `site`.
    fn another(&self, site: &'static Location<'static>) -> Borrow<'b> {
        Borrow::begin(Flag { site, ..self.0 })
    }
}

impl Drop for Borrow<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.write();
    }
}

/// `std::cell::Ref`, tracked: its end writes the cell's borrow flag.
///
/// # Example
///
/// ```
/// use racecheck::cell::{Ref, RefCell};
///
/// let cell = RefCell::new((1, 'a'));
/// let number = Ref::map(cell.borrow(), |pair| &pair.0);
/// assert_eq!(*number, 1);
/// ```
pub struct Ref<'b, T: ?Sized + 'b> {
    // Dropped first.
    borrow: Borrow<'b>,
    inner: RealRef<'b, T>,
}

impl<'b, T: ?Sized> Ref<'b, T> {
    #[inline]
    pub(super) fn begin(flag: Flag<'b>, inner: RealRef<'b, T>) -> Ref<'b, T> {
        Ref {
            borrow: Borrow::begin(flag),
            inner,
        }
    }

    /// As `std::cell::Ref::clone`: another borrow, which writes the flag.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{Ref, RefCell};
    ///
    /// let cell = RefCell::new(1);
    /// let one = cell.borrow();
    /// assert_eq!(*Ref::clone(&one), 1);
    /// ```
    #[expect(
        clippy::should_implement_trait,
        reason = "std's isn't the trait's, so that it doesn't hide the value's"
    )]
    #[track_caller]
    pub fn clone(orig: &Ref<'b, T>) -> Ref<'b, T> {
        Ref {
            borrow: orig.borrow.another(Location::caller()),
            inner: RealRef::clone(&orig.inner),
        }
    }

    /// As `std::cell::Ref::map`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{Ref, RefCell};
    ///
    /// let cell = RefCell::new((1, 'a'));
    /// assert_eq!(*Ref::map(cell.borrow(), |pair| &pair.1), 'a');
    /// ```
    pub fn map<U: ?Sized, F>(orig: Ref<'b, T>, f: F) -> Ref<'b, U>
    where
        F: FnOnce(&T) -> &U,
    {
        Ref {
            borrow: orig.borrow,
            inner: RealRef::map(orig.inner, f),
        }
    }

    /// As `std::cell::Ref::filter_map`.
    ///
    /// # Errors
    ///
    /// The guard, if `f` returns `None`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{Ref, RefCell};
    ///
    /// let cell = RefCell::new(vec![1]);
    /// assert!(Ref::filter_map(cell.borrow(), |list| list.get(1)).is_err());
    /// ```
    pub fn filter_map<U: ?Sized, F>(orig: Ref<'b, T>, f: F) -> Result<Ref<'b, U>, Ref<'b, T>>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let borrow = orig.borrow;
        match RealRef::filter_map(orig.inner, f) {
            Ok(inner) => Ok(Ref { borrow, inner }),
            Err(inner) => Err(Ref { borrow, inner }),
        }
    }

    /// As `std::cell::Ref::map_split`: another borrow, which writes the flag.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{Ref, RefCell};
    ///
    /// let cell = RefCell::new((1, 'a'));
    /// let (number, letter) = Ref::map_split(cell.borrow(), |pair| (&pair.0, &pair.1));
    /// assert_eq!((*number, *letter), (1, 'a'));
    /// ```
    #[track_caller]
    pub fn map_split<U: ?Sized, V: ?Sized, F>(orig: Ref<'b, T>, f: F) -> (Ref<'b, U>, Ref<'b, V>)
    where
        F: FnOnce(&T) -> (&U, &V),
    {
        let another = orig.borrow.another(Location::caller());
        let (one, two) = RealRef::map_split(orig.inner, f);
        (
            Ref {
                borrow: orig.borrow,
                inner: one,
            },
            Ref {
                borrow: another,
                inner: two,
            },
        )
    }
}

/// `std::cell::RefMut`, tracked: its end writes the cell's borrow flag.
///
/// # Example
///
/// ```
/// use racecheck::cell::{RefCell, RefMut};
///
/// let cell = RefCell::new((1, 'a'));
/// *RefMut::map(cell.borrow_mut(), |pair| &mut pair.0) += 1;
/// assert_eq!(*cell.borrow(), (2, 'a'));
/// ```
pub struct RefMut<'b, T: ?Sized + 'b> {
    // Dropped first.
    borrow: Borrow<'b>,
    inner: RealRefMut<'b, T>,
}

impl<'b, T: ?Sized> RefMut<'b, T> {
    #[inline]
    pub(super) fn begin(flag: Flag<'b>, inner: RealRefMut<'b, T>) -> RefMut<'b, T> {
        RefMut {
            borrow: Borrow::begin(flag),
            inner,
        }
    }

    /// As `std::cell::RefMut::map`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{RefCell, RefMut};
    ///
    /// let cell = RefCell::new((1, 'a'));
    /// *RefMut::map(cell.borrow_mut(), |pair| &mut pair.1) = 'b';
    /// assert_eq!(cell.into_inner(), (1, 'b'));
    /// ```
    pub fn map<U: ?Sized, F>(orig: RefMut<'b, T>, f: F) -> RefMut<'b, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RefMut {
            borrow: orig.borrow,
            inner: RealRefMut::map(orig.inner, f),
        }
    }

    /// As `std::cell::RefMut::filter_map`.
    ///
    /// # Errors
    ///
    /// The guard, if `f` returns `None`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{RefCell, RefMut};
    ///
    /// let cell = RefCell::new(vec![1]);
    /// assert!(RefMut::filter_map(cell.borrow_mut(), |list| list.get_mut(1)).is_err());
    /// ```
    pub fn filter_map<U: ?Sized, F>(
        orig: RefMut<'b, T>,
        f: F,
    ) -> Result<RefMut<'b, U>, RefMut<'b, T>>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let borrow = orig.borrow;
        match RealRefMut::filter_map(orig.inner, f) {
            Ok(inner) => Ok(RefMut { borrow, inner }),
            Err(inner) => Err(RefMut { borrow, inner }),
        }
    }

    /// As `std::cell::RefMut::map_split`: another borrow, which writes the flag.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::{RefCell, RefMut};
    ///
    /// let cell = RefCell::new((1, 'a'));
    /// let (mut number, letter) = RefMut::map_split(cell.borrow_mut(), |pair| (&mut pair.0, &mut pair.1));
    /// *number += *letter as i32;
    /// assert_eq!(*number, 98);
    /// ```
    #[track_caller]
    pub fn map_split<U: ?Sized, V: ?Sized, F>(
        orig: RefMut<'b, T>,
        f: F,
    ) -> (RefMut<'b, U>, RefMut<'b, V>)
    where
        F: FnOnce(&mut T) -> (&mut U, &mut V),
    {
        let another = orig.borrow.another(Location::caller());
        let (one, two) = RealRefMut::map_split(orig.inner, f);
        (
            RefMut {
                borrow: orig.borrow,
                inner: one,
            },
            RefMut {
                borrow: another,
                inner: two,
            },
        )
    }
}

guards!(Ref; mut RefMut);
