//! Memory from the operating system that is all zeros, and costs nothing until it is touched.
//!
//! On Unix nobody's allocator is asked for it, so a signal handler may.

use std::ptr::NonNull;

/// Room for a `T`. None when memory is short.
#[cfg(unix)]
pub(crate) fn zeroed<T>() -> Option<NonNull<T>> {
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory, wherever there is room.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), access, FLAGS, -1, 0) };
    if memory == libc::MAP_FAILED {
        return None;
    }
    // It is touched here and there: huge pages would be mostly empty.
    #[cfg(target_os = "linux")]
    // SAFETY: the mapping that was just made. If that fails, all that is lost is memory.
    unsafe {
        libc::madvise(memory, size_of::<T>(), libc::MADV_NOHUGEPAGE);
    }
    NonNull::new(memory.cast())
}

#[cfg(not(unix))]
pub(crate) fn zeroed<T>() -> Option<NonNull<T>> {
    let layout = std::alloc::Layout::new::<T>();
    // SAFETY: the layout isn't empty. The system's own allocator: the program's may touch it all.
    NonNull::new(
        unsafe { std::alloc::GlobalAlloc::alloc_zeroed(&std::alloc::System, layout) }.cast(),
    )
}

/// Gives it back.
///
/// # Safety
///
/// It is what [`zeroed`] returned, of this type, and nobody uses it from here on.
#[cfg(unix)]
pub(crate) unsafe fn give_back<T>(memory: NonNull<T>) {
    // SAFETY: the whole mapping, and nobody's.
    unsafe { libc::munmap(memory.as_ptr().cast(), size_of::<T>()) };
}

#[cfg(not(unix))]
pub(crate) unsafe fn give_back<T>(memory: NonNull<T>) {
    let layout = std::alloc::Layout::new::<T>();
    // SAFETY: made by `zeroed`, with this layout, and nobody's.
    unsafe {
        std::alloc::GlobalAlloc::dealloc(&std::alloc::System, memory.as_ptr().cast(), layout);
    }
}
