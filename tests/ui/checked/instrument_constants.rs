#[racecheck::instrument]
mod counters {
    static mut HITS: u64 = 0;
    static mut TABLE: [u64; 4] = [0; 4];

    const START: u64 = unsafe { HITS } + 1;
    static FIRST: u64 = unsafe { TABLE[0] };

    struct Counter;

    impl Counter {
        const NOW: u64 = unsafe { HITS };
    }

    trait Counts {
        const SOME: u64 = unsafe { TABLE[1] };
    }

    // Where they are may be known before.
    const PLACE: *const u64 = &raw const HITS;
    const SECOND: *mut u64 = unsafe { &raw mut TABLE[1] };
    const READ_LATER: fn() -> u64 = || unsafe { HITS };
}

fn main() {}
