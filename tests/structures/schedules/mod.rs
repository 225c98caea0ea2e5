//! What is run on each structure: threads under contention, and for each weakening the schedule that shows it.

use super::{lib, schedule};

pub(crate) mod deque;
pub(crate) mod hazard;
pub(crate) mod mcs;
pub(crate) mod msqueue;
pub(crate) mod ring;
pub(crate) mod seqlock;
pub(crate) mod ticket;
pub(crate) mod treiber;
