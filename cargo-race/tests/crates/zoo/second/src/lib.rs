#[cfg(test)]
mod tests {
    static mut VALUE: u32 = 0;

    #[test]
    fn second() {
        if zoo::is_to_race("second") {
            let other = std::thread::spawn(|| unsafe { VALUE += 1 });
            unsafe { VALUE += 2 };
            other.join().unwrap();
        }
    }
}
