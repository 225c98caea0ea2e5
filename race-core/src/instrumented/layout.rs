//! Where the words are by which a runtime sees, in assembly, that an access need not be announced.
//!
//! What it must do, in this order, for a plain access to bytes of one line (`shadow::line` says why that is enough):
//!
//! 1. The address above [`CHUNK_BITS`] is the index of a chunk in [`DIRECTORY`], which has [`CHUNKS`] words. Null, or beyond: not noted.
//! 2. The address and [`LINE_IN_CHUNK`], times [`LINE_RATIO`], is where the line is in the chunk.
//! 3. The word at [`read`] or [`const@write`] in the line has a bit for each byte that is noted, the lowest for the first.
//! 4. The word at [`OWNER`] is that of the calling thread's epoch, at [`EPOCH`] in the thread-local storage called `racecheck_hot`, of the initial-exec model (with the feature `runtime`).
//!
//! An access that isn't noted goes to [`range::access_unnoted`](crate::shadow::range::access_unnoted). Whoever notes too little loses time, and nothing else.

use std::mem::offset_of;

use crate::shadow::directory::{self, Directory};
use crate::shadow::line::{LINE, Line};
use crate::thread::hot::Hot;

/// Of the address, below the bits that say which chunk it is in.
pub const CHUNK_BITS: u32 = directory::CHUNK_BITS;
/// How many words [`DIRECTORY`] has.
pub const CHUNKS: usize = directory::CHUNKS;
/// The bits of an address that say which line of its chunk it is in.
pub const LINE_IN_CHUNK: usize = (1 << CHUNK_BITS) - LINE;
/// Bytes of a line for each byte that it speaks of.
pub const LINE_RATIO: usize = size_of::<Line>() / LINE;
/// The bytes of a line of which a read is noted.
#[expect(non_upper_case_globals, reason = "named as the access is")]
pub const read: usize = Line::ACCESSED;
/// The bytes of a line of which a write is noted.
#[expect(non_upper_case_globals, reason = "named as the access is")]
pub const write: usize = Line::WRITTEN;
/// The epoch in which they are.
pub const OWNER: usize = Line::OWNER;
/// The current epoch among the words of a thread.
pub const EPOCH: usize = offset_of!(Hot, epoch);

pub use crate::shadow::directory::DIRECTORY;

const _: () = assert!(size_of::<Directory>() == size_of::<usize>() * CHUNKS);
const _: () = assert!(LINE_IN_CHUNK <= u32::MAX as usize);
