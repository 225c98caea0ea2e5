//! An expansion names nothing that the code around it might have made its own, and has the compiler say nothing.

#![deny(warnings)]
#![no_implicit_prelude]

mod core {}
mod racecheck {}
mod std {}

#[::racecheck::instrument]
mod code {
    mod core {}
    mod racecheck {}
    mod std {}

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(super) struct Place {
        pub(super) value: u64,
        pub(super) pointer: *mut Place,
        pub(super) list: [u64; 2],
    }

    static mut VALUE: u64 = 1;
    static mut PLACES: [u64; 2] = [1, 2];

    /// Names that an expansion has too.
    ///
    /// # Safety
    ///
    /// `pointer` leads to itself.
    pub(super) unsafe fn names(pointer: *mut Place, value: u64) -> u64 {
        // SAFETY: as the caller promises.
        unsafe {
            let i = 1;
            (*pointer).value = value;
            (*pointer).value += (*pointer).value;
            (*(*pointer).pointer).value = 1;
            *(&raw mut (*pointer).value).cast::<u64>() = value + (*pointer).list[i];
            (*pointer).list[index(value)] = (*pointer).list[index(value)] + 1;
            (*pointer).list[index(value)] += 1;
            pointer.cast::<u64>().write(value);
            let first = pointer.cast::<u64>();
            first.write(first.read() + 1);
            first.swap(&mut { value });
            first.copy_to(first.add(0), 1);
            VALUE += PLACES[i];
            PLACES[index(value)] = VALUE;
            let Place { value, .. } = *pointer;
            let same = (*pointer).value == value && (*pointer).value > 0;
            if let Place { value: 5, list, .. } = *pointer {
                return list[0];
            }
            let mut n = value;
            while n > 0 && same {
                n -= 1;
            }
            match (*pointer).value {
                0 => 1,
                1..=3 => 2,
                value => value + n,
            }
        }
    }

    fn index(value: u64) -> usize {
        (value % 2) as usize
    }
}

#[::racecheck::instrument]
pub(crate) fn run() -> u64 {
    let mut place = code::Place {
        value: 1,
        pointer: ::core::ptr::null_mut(),
        list: [3, 4],
    };
    place.pointer = &raw mut place;
    // SAFETY: it leads to itself.
    unsafe { code::names(place.pointer, 7) }
}
