#[racecheck::instrument]
mod code {
    use std::sync::Mutex;

    pub fn borrows() {
        let mutex = Mutex::new(Vec::<u8>::new());
        let guard = mutex.lock().unwrap();
        drop(mutex);
        std::thread::spawn(|| guard.len());
    }

    pub fn moves(values: Vec<u8>) -> usize {
        let moved = std::sync::Arc::new(values);
        moved.len() + values.len()
    }

    pub fn calls(pointer: *const u8) -> u8 {
        std::ptr::read(pointer)
    }
}

fn main() {
    code::borrows();
    code::moves(Vec::new());
    code::calls(std::ptr::null());
}
