static mut VALUE: u32 = 0;

#[test]
fn integration() {
    if zoo::is_to_race("integration") {
        let other = std::thread::spawn(|| unsafe { VALUE += 1 });
        unsafe { VALUE += 2 };
        other.join().unwrap();
    }
}
