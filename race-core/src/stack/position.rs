//! A position in the program: the line that a wrapper knows, or the address of code whose line only debug information knows.
//!
//! One word, and never looked into but for a report. No rule of order depends on it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::ptr;

/// Marks an address of code. Nothing that a program can point to is in this half of the address space.
const CODE: usize = 1 << (usize::BITS - 1);

/// Where in the program something was done.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::Position;
///
/// let line: Position = Location::caller().into();
/// let code = Position::of_code(0x401000);
/// assert_ne!(line, code);
/// ```
#[derive(Clone, Copy)]
pub struct Position(ptr::NonNull<Location<'static>>);

// SAFETY: a `&'static Location`, which may be shared and sent, or a number.
unsafe impl Send for Position {}
// SAFETY: as above.
unsafe impl Sync for Position {}

/// What a [`Position`] is.
pub(crate) enum Place {
    Line(&'static Location<'static>),
    /// A return address.
    Code(usize),
}

impl Position {
    /// The call that returns to `address`.
    #[inline(always)]
    pub const fn of_code(address: usize) -> Position {
        let tagged = ptr::without_provenance_mut(address | CODE);
        // SAFETY: the mark makes it anything but null.
        Position(unsafe { ptr::NonNull::new_unchecked(tagged) })
    }

    /// The return address, if that is what is known.
    #[inline(always)]
    pub(crate) fn code(self) -> Option<usize> {
        let bits = self.0.addr().get();
        (bits & CODE != 0).then_some(bits & !CODE)
    }

    pub(crate) fn place(self) -> Place {
        match self.code() {
            Some(address) => Place::Code(address),
            // SAFETY: without the mark it came from a `&'static Location`, in `from`.
            None => Place::Line(unsafe { self.0.as_ref() }),
        }
    }

    /// The line, if that is what is known.
    pub(crate) fn line(self) -> Option<&'static Location<'static>> {
        match self.place() {
            Place::Line(line) => Some(line),
            Place::Code(_) => None,
        }
    }

    /// One word that tells it from others: what [`Position::from_raw`] wants.
    #[inline(always)]
    pub(crate) fn into_raw(site: Option<Position>) -> *mut Location<'static> {
        site.map_or(ptr::null_mut(), |site| site.0.as_ptr())
    }

    /// # Safety
    ///
    /// `raw` must be from [`Position::into_raw`].
    #[inline(always)]
    pub(crate) unsafe fn from_raw(raw: *mut Location<'static>) -> Option<Position> {
        ptr::NonNull::new(raw).map(Position)
    }
}

impl From<&'static Location<'static>> for Position {
    #[inline(always)]
    fn from(line: &'static Location<'static>) -> Position {
        Position(ptr::NonNull::from(line))
    }
}

/// One line may have several addresses.
impl PartialEq for Position {
    fn eq(&self, other: &Position) -> bool {
        let same_line = || self.line().is_some() && self.line() == other.line();
        self.0 == other.0 || same_line()
    }
}

impl Eq for Position {}

impl Hash for Position {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.place() {
            // As much as tells most lines apart: the file's name takes too long.
            Place::Line(line) => (line.line(), line.column()).hash(state),
            Place::Code(address) => address.hash(state),
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Place::Line(line) => write!(f, "{line}"),
            Place::Code(address) => write!(f, "{address:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_it_was_made_of() {
        let here = Location::caller();
        let line = Position::from(here);
        assert!(line.line().is_some_and(|line| ptr::eq(line, here)));
        assert_eq!(line.code(), None);
        let code = Position::of_code(0x1234);
        assert_eq!(code.code(), Some(0x1234));
        assert!(code.line().is_none());
        for site in [None, Some(line), Some(code)] {
            assert_eq!(
                // SAFETY: just made.
                unsafe { Position::from_raw(Position::into_raw(site)) },
                site
            );
        }
    }
}
