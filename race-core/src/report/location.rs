//! Whose memory an address is in, where no wrapper and no allocation tells: a thread's stack, or a global.
//!
//! Asked for a report only. What isn't known stays raw memory.

use std::sync::Arc;

use super::build::thread_info;
use super::race::{Global, ThreadMemory};
use crate::stack::symbols::Paths;
use crate::thread::registry;

/// The thread whose stack an address is in, or whose thread-locals.
pub(super) fn thread_memory(address: usize, paths: &Arc<Paths>) -> Option<ThreadMemory> {
    let of = |record| thread_info(record, paths);
    if let Some(record) = registry::find(|record| record.memory_at(address).is_some()) {
        return Some(ThreadMemory {
            thread: of(&record),
            thread_local: record.memory_at(address) == Some(Part::ThreadLocals),
        });
    }
    if !is_on_main_stack(address) {
        return None;
    }
    let main = registry::find(|record| record.number == 1)?;
    Some(ThreadMemory {
        thread: of(&main),
        thread_local: false,
    })
}

/// What a thread has of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Stack,
    ThreadLocals,
}

/// Linux makes this stack, and nobody has asked it how large it is: it grows.
#[cfg(target_os = "linux")]
fn is_on_main_stack(address: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let hexadecimal = |text| usize::from_str_radix(text, 16).ok();
    (maps.lines().filter(|line| line.ends_with("[stack]")))
        .filter_map(|line| line.split_once(' ')?.0.split_once('-'))
        .filter_map(|(start, end)| Some(hexadecimal(start)?..hexadecimal(end)?))
        .any(|stack| stack.contains(&address))
}

#[cfg(not(target_os = "linux"))]
fn is_on_main_stack(_: usize) -> bool {
    false
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
