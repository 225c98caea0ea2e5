#[racecheck::test]
fn counts(threads: usize, rounds: usize) {
    let _ = (threads, rounds);
}

fn main() {}
