//! Where the shadow of an address is: a directory by the address's upper bits leads to chunks, which the system fills with zeros where they are touched.
//!
//! To look a line up takes one load and an addition. Chunks are never given back, and a forked child keeps its parent's: each line knows how to
//! empty itself if the fork found it locked. Nothing here may allocate with the program's allocator, nor wait.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Once;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use dashmap::DashMap;

use crate::errno;
use crate::fork::PerProcess;
use crate::runtime;
use crate::shadow::blocks::{PageBlocks, Records, Starts};
use crate::shadow::line::{LINE, Line};
use crate::shadow::page::{self, PAGE, Page, Shadow};
use crate::zeroed::{give_back, zeroed};

/// Bits of an address within one chunk: 64 MiB of memory, 128 MiB of shadow, and 32 MiB for its heap blocks.
pub(crate) const CHUNK_BITS: u32 = 26;
const LINES: usize = (1 << CHUNK_BITS) / LINE;
const PAGES: usize = LINES / page::LINES;

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
    pages: [Page; PAGES],
    /// Apart from the records, which most pages have none of.
    starts: [Starts; PAGES],
    records: [Records; PAGES],
}

impl Chunk {
    fn shadow(&'static self, address: usize) -> Shadow<'static> {
        let page = (address / PAGE) % PAGES;
        Shadow {
            page: &self.pages[page],
            lines: &self.lines[page * page::LINES..][..page::LINES],
        }
    }

    fn blocks(&'static self, address: usize) -> PageBlocks<'static> {
        let page = (address / PAGE) % PAGES;
        PageBlocks {
            starts: &self.starts[page],
            records: &self.records[page],
        }
    }
}

pub(crate) const CHUNKS: usize = 1 << (ADDRESS_BITS - CHUNK_BITS);

/// A chunk for each piece of the address space. Null: nothing there has been accessed.
#[repr(transparent)]
pub struct Directory([AtomicPtr<Chunk>; CHUNKS]);

/// The only one.
pub static DIRECTORY: Directory =
    Directory([const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS]);

/// The chunks of addresses beyond. They must be asked for.
static BEYOND: PerProcess<DashMap<usize, &'static Chunk>> = PerProcess::new();

#[inline(always)]
fn index(address: usize) -> usize {
    (address >> LINE.trailing_zeros()) % LINES
}

/// The line of an address that systems give out unasked, if anything near it has been accessed. Whether it tells anything is the page's to know; what it
/// tells is true.
#[inline(always)]
pub(crate) fn near_line(address: usize) -> Option<&'static Line> {
    Some(&near_chunk(address)?.lines[index(address)])
}

/// The line of an address, if it is near and its page is open: then it tells.
#[inline(always)]
pub(crate) fn open_line(address: usize) -> Option<&'static Line> {
    let chunk = near_chunk(address)?;
    let is_open = chunk.pages[address / PAGE % PAGES].is_open();
    is_open.then(|| &chunk.lines[index(address)])
}

/// The chunk of an address that systems give out unasked.
#[inline(always)]
fn near_chunk(address: usize) -> Option<&'static Chunk> {
    let chunk = DIRECTORY.0.get(address >> CHUNK_BITS)?.load(Acquire);
    // SAFETY: null, or stored by `make`, and there for as long as the process.
    unsafe { chunk.as_ref() }
}

#[inline(always)]
fn chunk(address: usize) -> Option<&'static Chunk> {
    if address >> CHUNK_BITS < CHUNKS {
        near_chunk(address)
    } else {
        chunk_beyond(address)
    }
}

#[cold]
#[inline(never)]
fn chunk_beyond(address: usize) -> Option<&'static Chunk> {
    let number = address >> CHUNK_BITS;
    errno::keep(|| BEYOND.get().get(&number).map(|chunk| *chunk))
}

/// The shadow of an address, if anything near it has been accessed; otherwise how far there is none.
#[inline]
pub(crate) fn shadow(address: usize) -> Result<Shadow<'static>, usize> {
    Ok(chunk_or_next(address)?.shadow(address))
}

/// The chunk of an address, or where the next one begins.
#[inline]
fn chunk_or_next(address: usize) -> Result<&'static Chunk, usize> {
    chunk(address).ok_or_else(|| ((address >> CHUNK_BITS) + 1).saturating_mul(1 << CHUNK_BITS))
}

/// The shadow of an address. None when memory is short, which is said once: whatever lies there isn't checked.
#[inline]
pub(crate) fn shadow_or_new(address: usize) -> Option<Shadow<'static>> {
    let chunk = chunk(address).or_else(|| make(address))?;
    Some(chunk.shadow(address))
}

/// The heap blocks that begin in an address's page, if anything near it has been accessed or allocated; otherwise where there is nothing.
#[inline]
pub(crate) fn blocks(address: usize) -> Result<PageBlocks<'static>, Range<usize>> {
    match chunk(address) {
        Some(chunk) => Ok(chunk.blocks(address)),
        None => {
            let start = address >> CHUNK_BITS << CHUNK_BITS;
            Err(start..start.saturating_add(1 << CHUNK_BITS))
        }
    }
}

/// As [`blocks`]. None when memory is short.
#[inline]
pub(crate) fn blocks_or_new(address: usize) -> Option<PageBlocks<'static>> {
    let chunk = chunk(address).or_else(|| make(address))?;
    Some(chunk.blocks(address))
}

/// Pages that are asked for at a time.
#[cfg(target_os = "linux")]
const AHEAD: usize = 16;

/// The page of this address is about to be opened, and so will those after it be if the one before it was. Their lines are asked for at once: the system has a
/// page of zeros for who reads first, and takes it away from all processors when somebody writes.
#[cfg(target_os = "linux")]
pub(crate) fn prepare(address: usize) {
    let page = address / PAGE % PAGES;
    if !page.is_multiple_of(AHEAD) || page == 0 {
        return;
    }
    let Some(chunk) = chunk(address) else {
        return;
    };
    if chunk.pages[page - 1].is_open() && !chunk.pages[page].is_open() {
        let lines = &chunk.lines[page * page::LINES..(page + AHEAD) * page::LINES];
        // SAFETY: whole pages of a mapping that `zeroed` made; no byte changes. What it can't do, it leaves undone.
        errno::keep(|| unsafe {
            libc::madvise(
                std::ptr::from_ref(lines).cast_mut().cast(),
                size_of_val(lines),
                libc::MADV_POPULATE_WRITE,
            )
        });
    }
}

#[cold]
#[inline(never)]
fn make(address: usize) -> Option<&'static Chunk> {
    errno::keep(|| make_inside(address))
}

fn make_inside(address: usize) -> Option<&'static Chunk> {
    let Some(new) = zeroed::<Chunk>() else {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            runtime::say(format_args!("racecheck: out of memory: accesses to raw memory are no longer checked where there were none before\n"));
        });
        return None;
    };
    let chunk = match DIRECTORY.0.get(address >> CHUNK_BITS) {
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
        // SAFETY: just made, and nobody else has seen it: somebody else was faster.
        unsafe { give_back(new) };
    }
    // SAFETY: zeros, or what others have stored in the meantime; there for as long as the process.
    Some(unsafe { chunk.as_ref() })
}

/// Calls `close` with the pages in a range that has been freed, and gives their lines back to the system, which makes zeros of them.
///
/// Nobody has any business there. Who goes there all the same may leave something behind, which is dropped when the page is opened; what he finds
/// or loses is memory of the shadow's own, whose lists on the heap have one owner at any time ([`Line`]).
#[cfg(target_os = "linux")]
#[cold]
pub(crate) fn close(address: usize, size: usize, close: impl Fn(&Page)) {
    // SAFETY: asks for a number.
    let system_page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(0);
    let step = PAGE
        * system_page
            .div_ceil(size_of::<[Line; page::LINES]>())
            .max(1);
    let end = address.saturating_add(size);
    let mut at = address.saturating_add(step - 1) / step * step;
    while at < end {
        let next = ((at >> CHUNK_BITS) + 1).saturating_mul(1 << CHUNK_BITS);
        let count = (next.min(end) - at) / step * step / PAGE;
        if let Some(chunk) = chunk(at)
            && count > 0
        {
            let first = (at / PAGE) % PAGES;
            for page in &chunk.pages[first..first + count] {
                close(page);
            }
            let lines = &chunk.lines[first * page::LINES..(first + count) * page::LINES];
            // SAFETY: whole pages of a mapping that `zeroed` made. Zeros are lines in which nothing is recorded; nobody holds a reference to
            // anything else than the atomics in them.
            let result = errno::keep(|| unsafe {
                libc::madvise(
                    std::ptr::from_ref(lines).cast_mut().cast(),
                    size_of_val(lines),
                    libc::MADV_DONTNEED,
                )
            });
            if result != 0 {
                // The program has locked all its memory.
                for line in lines {
                    line.forget(u64::MAX);
                }
            }
        }
        at = next;
    }
}
