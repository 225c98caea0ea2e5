//! A slot as crossbeam's deques have it.

use std::ptr;

pub struct Buffer<T> {
    ptr: *mut T,
}

unsafe impl<T> Sync for Buffer<T> {}

impl<T> Buffer<T> {
    pub fn alloc(task: T) -> Self {
        Self {
            ptr: Box::into_raw(Box::new(task)),
        }
    }

    /// # Safety
    ///
    /// Of `task`, nobody may make use who can't know that it is whole.
    #[inline(never)]
    pub unsafe fn write(&self, task: T) {
        unsafe { ptr::write_volatile(self.ptr, task) }
    }

    /// # Safety
    ///
    /// It may be half of what is being written.
    #[inline(never)]
    pub unsafe fn read(&self) -> T {
        unsafe { ptr::read_volatile(self.ptr) }
    }

    /// # Safety
    ///
    /// The last use.
    #[inline(never)]
    pub unsafe fn dealloc(&self) {
        drop(unsafe { Box::from_raw(self.ptr) });
    }
}
