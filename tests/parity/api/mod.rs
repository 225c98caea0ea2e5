//! Uses the API of `lib`, and says what it saw: one file a module of `std`.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

mod arc;
mod atomic;
mod memory;
mod mpsc;
mod sync;
mod thread;

#[derive(Default)]
struct Results(Vec<String>);

impl Results {
    fn saw(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?} {value:#?}"));
    }
}

pub(crate) fn results() -> Vec<String> {
    let mut results = Results::default();
    arc::results(&mut results);
    atomic::results(&mut results);
    memory::results(&mut results);
    mpsc::results(&mut results);
    sync::results(&mut results);
    thread::results(&mut results);
    results.0
}

/// With what `f` panics, if it does.
fn panics(f: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned()))
}
