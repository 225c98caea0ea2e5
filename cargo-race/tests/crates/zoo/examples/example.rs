static mut VALUE: u32 = 0;

fn main() {
    println!("arguments: {:?}", std::env::args().skip(1).collect::<Vec<_>>());
    for (name, set) in [
        ("from_environment", cfg!(from_environment)),
        ("from_build", cfg!(from_build)),
        ("from_target", cfg!(from_target)),
        ("from_command_line", cfg!(from_command_line)),
        ("debug_assertions", cfg!(debug_assertions)),
    ] {
        println!("{name}: {set}");
    }
    if zoo::is_to_race("example") {
        let other = std::thread::spawn(|| unsafe { VALUE += 1 });
        unsafe { VALUE += 2 };
        other.join().unwrap();
    }
}
