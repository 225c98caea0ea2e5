#[racecheck::test(threads = 4)]
fn counts() {}

fn main() {}
