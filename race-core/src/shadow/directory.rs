//! Where the shadow of an address is: a directory by the address's upper bits leads to chunks, which the system fills with zeros where they are touched.
//!
//! To look a line up takes one load and an addition. Chunks are never given back, and a forked child keeps its parent's: each line knows how to
//! empty itself if the fork found it locked. Nothing here may allocate with the program's allocator, nor wait.

use std::ptr::NonNull;
use std::sync::Once;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use dashmap::DashMap;

use crate::fork::PerProcess;
use crate::runtime;
use crate::shadow::line::{LINE, Line};

/// Bits of an address within one chunk: 64 MiB of memory, 128 MiB of shadow.
const CHUNK_BITS: u32 = 26;
const LINES: usize = (1 << CHUNK_BITS) / LINE;

/// Bits of the addresses that systems give out unasked.
const ADDRESS_BITS: u32 = if cfg!(target_pointer_width = "32") {
    32
} else if cfg!(target_arch = "x86_64") {
    47
} else {
    48
};

#[repr(C)]
struct Chunk {
    lines: [Line; LINES],
}

/// Null: nothing there has been accessed.
static CHUNKS: [AtomicPtr<Chunk>; 1 << (ADDRESS_BITS - CHUNK_BITS)] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; 1 << (ADDRESS_BITS - CHUNK_BITS)];

/// The chunks of addresses beyond. They must be asked for.
static BEYOND: PerProcess<DashMap<usize, &'static Chunk>> = PerProcess::new();

#[inline(always)]
fn index(address: usize) -> usize {
    (address >> LINE.trailing_zeros()) % LINES
}

/// The line of an address, if anything near it has been accessed.
#[inline(always)]
pub(crate) fn line(address: usize) -> Option<&'static Line> {
    Some(&chunk(address)?.lines[index(address)])
}

#[inline(always)]
fn chunk(address: usize) -> Option<&'static Chunk> {
    match CHUNKS.get(address >> CHUNK_BITS) {
        // SAFETY: null, or stored by `make`, and there for as long as the process.
        Some(chunk) => unsafe { chunk.load(Acquire).as_ref() },
        None => chunk_beyond(address),
    }
}

#[cold]
#[inline(never)]
fn chunk_beyond(address: usize) -> Option<&'static Chunk> {
    BEYOND
        .get()
        .get(&(address >> CHUNK_BITS))
        .map(|chunk| *chunk)
}

/// The line of an address. None when memory is short, which is said once: whatever lies there isn't checked.
#[inline]
pub(crate) fn line_or_new(address: usize) -> Option<&'static Line> {
    let chunk = chunk(address).or_else(|| make(address))?;
    Some(&chunk.lines[index(address)])
}

#[cold]
#[inline(never)]
fn make(address: usize) -> Option<&'static Chunk> {
    let Some(new) = zeroed() else {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            runtime::say(format_args!("racecheck: out of memory: accesses to raw memory are no longer checked where there were none before\n"));
        });
        return None;
    };
    let chunk = match CHUNKS.get(address >> CHUNK_BITS) {
        None => {
            let map = BEYOND.get();
            let chunk = map.entry(address >> CHUNK_BITS).or_insert_with(|| {
                // SAFETY: zeros, a chunk in which nothing is recorded; there for as long as the process, or given back below.
                unsafe { new.as_ref() }
            });
            NonNull::from(*chunk)
        }
        Some(place) => {
            match place.compare_exchange(std::ptr::null_mut(), new.as_ptr(), AcqRel, Acquire) {
                Ok(_) => new,
                Err(theirs) => NonNull::new(theirs).unwrap_or(new),
            }
        }
    };
    if chunk != new {
        // Somebody else was faster.
        give_back(new);
    }
    // SAFETY: zeros, or what others have stored in the meantime; there for as long as the process.
    Some(unsafe { chunk.as_ref() })
}

/// Memory for a chunk, which costs nothing until it is touched.
#[cfg(unix)]
fn zeroed() -> Option<NonNull<Chunk>> {
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory, wherever there is room.
    let chunk = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<Chunk>(),
            access,
            FLAGS,
            -1,
            0,
        )
    };
    if chunk == libc::MAP_FAILED {
        return None;
    }
    // Shadow is touched here and there: huge pages would be mostly empty.
    #[cfg(target_os = "linux")]
    // SAFETY: the mapping that was just made. If that fails, all that is lost is memory.
    unsafe {
        libc::madvise(chunk, size_of::<Chunk>(), libc::MADV_NOHUGEPAGE);
    }
    NonNull::new(chunk.cast())
}

#[cfg(unix)]
fn give_back(chunk: NonNull<Chunk>) {
    // SAFETY: the whole mapping that `zeroed` made, and nobody else has seen it.
    unsafe { libc::munmap(chunk.as_ptr().cast(), size_of::<Chunk>()) };
}

#[cfg(not(unix))]
fn zeroed() -> Option<NonNull<Chunk>> {
    let layout = std::alloc::Layout::new::<Chunk>();
    // SAFETY: the layout isn't empty. The system's own allocator: the program's may touch it all.
    NonNull::new(
        unsafe { std::alloc::GlobalAlloc::alloc_zeroed(&std::alloc::System, layout) }.cast(),
    )
}

#[cfg(not(unix))]
fn give_back(chunk: NonNull<Chunk>) {
    let layout = std::alloc::Layout::new::<Chunk>();
    // SAFETY: made by `zeroed`, with this layout, and nobody else has seen it.
    unsafe { std::alloc::GlobalAlloc::dealloc(&std::alloc::System, chunk.as_ptr().cast(), layout) };
}
