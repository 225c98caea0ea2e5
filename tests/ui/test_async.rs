#[racecheck::test]
async fn counts() {}

fn main() {}
