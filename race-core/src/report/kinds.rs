//! What kinds of findings there are. The names are those of `race-interface`, for all who have them.

use serde::Serialize;

use super::deadlock::DeadlockLock;

race_interface::kinds_of_findings!(Serialize);
