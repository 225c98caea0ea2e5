#[racecheck::instrument]
mod code {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutx, atomic::AtomicU8};
    use std::thread::{self, Thred};

    pub fn names() {
        std::thread::unheard_of();
        thread::missing();
    }

    pub fn types() -> Arc<u8> {
        let mutex = std::sync::Mutex::new(0);
        let text: &str = vec![std::sync::Arc::new(0)];
        assert_eq!(std::thread::current().id(), thread::current().name());
        Arc::new(AtomicU8::new(0))
    }
}

fn main() {
    code::names();
    code::types();
}
