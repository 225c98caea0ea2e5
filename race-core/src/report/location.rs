//! Whose memory an address is in, where no wrapper and no allocation tells: a thread's, or a global's.
//!
//! Asked for a report only. What isn't known stays raw memory.

use super::race::Global;
use crate::primitive::sync::Arc;
use crate::thread::record::Record;
use crate::thread::registry;

/// The thread on whose stack an address is, or among whose thread-locals.
pub(super) fn owner(address: usize) -> Option<Arc<Record>> {
    registry::find(|record| record.has_on_stack(address) || record.has_as_thread_local(address))
}

/// The global that an address is in.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub(super) fn global(address: usize) -> Option<Global> {
    let global = crate::stack::globals::around(address)?;
    Some(Global {
        name: global.name,
        address: global.address,
        size: global.size,
    })
}

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
)))]
pub(super) fn global(_: usize) -> Option<Global> {
    None
}
