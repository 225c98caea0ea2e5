//! All that is compiled twice: the structures, and what runs them.

use super::lib;

pub(crate) mod deque;
pub(crate) mod fence;
pub(crate) mod hazard;
pub(crate) mod mcs;
pub(crate) mod msqueue;
pub(crate) mod ring;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod seqlock;
pub(crate) mod ticket;
pub(crate) mod treiber;
