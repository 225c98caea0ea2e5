use std::sync::atomic::AtomicU64;

#[racecheck::shared]
enum State {
    Empty,
    Full(u64),
}

#[racecheck::shared]
union Bits {
    integer: u32,
    float: f32,
}

#[racecheck::shared]
const LIMIT: u64 = 7;

#[racecheck::shared]
static mut MUTABLE: u64 = 0;

#[racecheck::shared]
static ATOMIC: AtomicU64 = AtomicU64::new(0);

#[racecheck::shared(no_accessors)]
static WITH_ARGUMENTS: u64 = 0;

struct Counter;

#[racecheck::shared]
impl Counter {
    fn count(&self) {}
}

fn main() {
    let _ = (State::Empty, State::Full(1), Bits { integer: 1 }, LIMIT);
    Counter.count();
}
