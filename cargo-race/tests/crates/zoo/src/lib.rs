//! Its documentation has an example:
//!
//! ```
//! static mut VALUE: u32 = 0;
//! assert_eq!(zoo::four(), 4);
//! if zoo::is_to_race("doctest") {
//!     let other = std::thread::spawn(|| unsafe { VALUE += 1 });
//!     unsafe { VALUE += 2 };
//!     other.join().unwrap();
//! }
//! ```
//!
//! ```should_panic
//! panic!("as it should");
//! ```

pub fn four() -> u32 {
    zoo_macros::four!()
}

/// Whether `ZOO` has the word `target` in it.
pub fn is_to_race(target: &str) -> bool {
    std::env::var("ZOO").is_ok_and(|words| words.split(' ').any(|word| word == target))
}

#[cfg(test)]
mod tests {
    static mut VALUE: u32 = 0;

    #[test]
    fn unit() {
        assert_eq!(env!("FROM_BUILD_SCRIPT"), "built");
        if super::is_to_race("unit") {
            let other = std::thread::spawn(|| unsafe { VALUE += 1 });
            unsafe { VALUE += 2 };
            other.join().unwrap();
        }
    }

    #[test]
    fn failing() {
        assert!(!super::is_to_race("failing"));
    }

    #[test]
    #[cfg(feature = "extra")]
    fn extra() {}
}
