//! Threads that C11 starts: what was done before is there for them, and what they did for who joins them.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::threads;
use crate::c::{thrd_create, thrd_join};

extern "C" fn double(value: *mut c_void) -> c_int {
    let value = unsafe { &mut *value.cast::<c_int>() };
    *value *= 2;
    -*value
}

pub(crate) fn run() {
    let mut values: Vec<c_int> = (0..threads() as c_int).collect();
    let mut all = vec![0; values.len()];
    for (thread, value) in all.iter_mut().zip(&mut values) {
        let value = ptr::from_mut(value).cast();
        assert_eq!(unsafe { thrd_create(thread, double, value) }, 0);
    }
    for (number, thread) in (0..).zip(all) {
        let mut result = 7;
        assert_eq!(unsafe { thrd_join(thread, &mut result) }, 0);
        assert_eq!((result, values[number as usize]), (-2 * number, 2 * number));
    }
}
