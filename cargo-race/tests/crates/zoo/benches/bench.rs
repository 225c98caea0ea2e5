static mut VALUE: u32 = 0;

fn main() {
    if zoo::is_to_race("bench") {
        let other = std::thread::spawn(|| unsafe { VALUE += 1 });
        unsafe { VALUE += 2 };
        other.join().unwrap();
    }
}
