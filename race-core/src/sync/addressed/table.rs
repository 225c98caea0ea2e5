//! What is known of addresses, so that all of it in a range of memory can be forgotten.
//!
//! To be used inside the engine only. Each process has its own: of a `fork`'s parent the child knows everything anyway.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use dashmap::DashMap;

use crate::errno;
use crate::fork::PerProcess;

/// Addresses that are found together.
const REGION: usize = 4096;

/// In the order of addresses.
type Region<T> = Vec<(usize, Arc<T>)>;

pub(super) struct Table<T: 'static> {
    regions: PerProcess<DashMap<usize, Region<T>>>,
    /// Whether there has ever been anything.
    any: AtomicBool,
}

impl<T: Default + Send + Sync> Table<T> {
    pub(super) const fn new() -> Table<T> {
        Table {
            regions: PerProcess::new(),
            any: AtomicBool::new(false),
        }
    }

    /// What is known of an address; something new if nothing is.
    pub(super) fn at(&self, address: usize) -> Arc<T> {
        self.find(address)
            .unwrap_or_else(|| errno::keep(|| self.add(address)))
    }

    fn add(&self, address: usize) -> Arc<T> {
        self.any.store(true, Relaxed);
        let mut region = self.regions.get().entry(address / REGION).or_default();
        match region.binary_search_by_key(&address, |(address, _)| *address) {
            Ok(index) => region[index].1.clone(),
            Err(index) => {
                let new = Arc::<T>::default();
                region.insert(index, (address, new.clone()));
                new
            }
        }
    }

    pub(super) fn find(&self, address: usize) -> Option<Arc<T>> {
        let region = errno::keep(|| self.regions.get().get(&(address / REGION)))?;
        let index = region.binary_search_by_key(&address, |(address, _)| *address);
        Some(region[index.ok()?].1.clone())
    }

    #[inline]
    pub(super) fn forget(&self, address: usize, size: usize) {
        if self.any.load(Relaxed) && size > 0 {
            self.forget_some(address, size);
        }
    }

    #[cold]
    #[inline(never)]
    fn forget_some(&self, address: usize, size: usize) {
        let last = address.saturating_add(size - 1);
        let is_left = |(at, _): &(usize, Arc<T>)| !(address..=last).contains(at);
        let regions = self.regions.get();
        let (first, end) = (address / REGION, last / REGION + 1);
        if end - first > regions.len() {
            regions.retain(|_, region| {
                region.retain(is_left);
                !region.is_empty()
            });
            return;
        }
        for number in first..end {
            if let Some(mut region) = regions.get_mut(&number) {
                region.retain(is_left);
            }
            regions.remove_if(&number, |_, region| region.is_empty());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_range_is_forgotten_and_nothing_else() {
        for (start, size, left) in [
            (0x1000, 1, vec![0xff8, 0x1008, 0x5000]),
            (0xff9, 8, vec![0xff8, 0x1008, 0x5000]),
            (0xff9, 7, vec![0xff8, 0x1000, 0x1008, 0x5000]),
            (0x1001, 0x3fff, vec![0xff8, 0x1000, 0x5000]),
            (0x1000, 0x5000, vec![0xff8]),
            (0, usize::MAX, vec![]),
            (0x1000, 0, vec![0xff8, 0x1000, 0x1008, 0x5000]),
        ] {
            let table = Table::<()>::new();
            let all = [0x1008, 0xff8, 0x5000, 0x1000];
            for address in all {
                table.at(address);
            }
            table.forget(start, size);
            let mut found = all.to_vec();
            found.retain(|address| table.find(*address).is_some());
            found.sort_unstable();
            assert_eq!(found, left, "{start:#x} {size}");
        }
    }

    #[test]
    fn an_address_keeps_what_it_has() {
        let table = Table::<()>::new();
        let known = table.at(8);
        assert!(Arc::ptr_eq(&known, &table.at(8)));
        assert!(!Arc::ptr_eq(&known, &table.at(16)));
        table.forget(8, 1);
        assert!(!Arc::ptr_eq(&known, &table.at(8)));
    }
}
