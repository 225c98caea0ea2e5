//! crate: rust-i18n-support
//! race: as_str / main
//!
//! `AtomicStr::as_str` returns a string that it counts no reference to. A thread that replaces the string frees it, with no order after those that
//! read it. Mended: a guard holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use rust_i18n_support::AtomicStr;

/// Tells when, and orders nothing.
static READ: AtomicBool = AtomicBool::new(false);

fn main() {
    let locale = Arc::new(AtomicStr::from("en"));
    let same = Arc::clone(&locale);
    let reading = thread::spawn(move || {
        let british = same.as_str().ends_with("GB");
        READ.store(true, Relaxed);
        british
    });
    while !READ.load(Relaxed) {
        thread::yield_now();
    }
    locale.replace("fr");
    println!("British: {}", reading.join().unwrap());
}
