//! Traces: what threads did, event by event, as text.
//!
//! An [`Event`] names threads, locks, variables and places in the program by number; the text has the names themselves. The format is described in
//! `docs/traces.md`. It contains the STD format of the RAPID tool (Mathur et al.), which traces of other detectors come in.
//!
//! What an event means is decided in [`crate::replay`], never here.

pub mod names;
pub mod read;
mod text;
pub mod write;

use std::sync::atomic::Ordering;

pub use text::VERSION;

/// The number of a name: of a thread, a lock, a variable, an atomic, a message, a barrier or a place in the program. Each kind counts from 0.
pub type Id = u32;

/// What is accessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// A variable as a whole. Different variables share no bytes.
    Variable(Id),
    /// `size` bytes at `address`; they may overlap with others.
    Range {
        /// The first byte.
        address: u64,
        /// How many bytes; 0 touches nothing.
        size: u32,
    },
}

/// One step of one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Whose step.
    pub thread: Id,
    /// What it was.
    pub operation: Operation,
    /// Where in the program.
    pub site: Id,
}

/// What a thread did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// The thread's first step. It may be left out.
    Begin,
    /// Its last one. It may be left out.
    End,
    /// Started another thread, which has done nothing before.
    Fork(Id),
    /// Waited for another thread's end, which does nothing afterwards.
    Join(Id),
    /// Locked a mutex, or a read-write lock for writing.
    Acquire(Id),
    /// Unlocked it.
    Release(Id),
    /// Locked a read-write lock for reading.
    ReadAcquire(Id),
    /// Unlocked it.
    ReadRelease(Id),
    /// A plain load.
    Read(Place),
    /// A plain store.
    Write(Place),
    /// An atomic load, or a compare-exchange that failed.
    Load(Place, Ordering),
    /// An atomic store.
    Store(Place, Ordering),
    /// An atomic read-modify-write that wrote.
    ReadModifyWrite(Place, Ordering),
    /// An atomic fence.
    Fence(Ordering),
    /// Sent a message.
    Send(Id),
    /// Received it.
    Receive(Id),
    /// Came to a barrier.
    Arrive(Id),
    /// Left it, after all who had come to it since the last time that it was empty.
    Leave(Id),
    /// Allocated memory: whatever was there before is forgotten.
    Allocate(Place),
    /// Freed memory: a write to all of it.
    Free(Place),
}
