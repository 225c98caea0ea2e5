#[racecheck::test]
struct NotAFunction;

fn main() {}
