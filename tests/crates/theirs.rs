//! The modules on the crates' own types.

pub(crate) mod lib {
    #[cfg(feature = "arc-swap")]
    pub(crate) use ::arc_swap;
    #[cfg(feature = "crossbeam")]
    pub(crate) use crossbeam_channel as channel;
    #[cfg(feature = "crossbeam")]
    pub(crate) use crossbeam_utils::sync::WaitGroup;
}

#[cfg(feature = "crossbeam")]
#[path = "channel.rs"]
pub(crate) mod channel;
#[cfg(feature = "arc-swap")]
#[path = "snapshots.rs"]
pub(crate) mod snapshots;
#[cfg(feature = "crossbeam")]
#[path = "wait_group.rs"]
pub(crate) mod wait_group;
