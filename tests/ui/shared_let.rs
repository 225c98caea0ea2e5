#[racecheck::shared]
fn without_a_value() {
    #[racecheck::shared]
    let hits: u64;
    hits = 1;
    let _ = hits;
}

#[racecheck::shared]
fn two_names() {
    #[racecheck::shared]
    let (a, b) = (1, 2);
    let _ = (a, b);
}

#[racecheck::shared]
fn synchronised() {
    #[racecheck::shared]
    let lock: std::sync::Mutex<u64> = std::sync::Mutex::new(1);
    let _ = lock;
}

#[racecheck::shared]
fn with_arguments() {
    #[racecheck::shared(skip)]
    let hits = 1;
    let _ = hits;
}

#[racecheck::shared]
fn none() {}

fn main() {
    without_a_value();
    two_names();
    synchronised();
    with_arguments();
    none();
}
