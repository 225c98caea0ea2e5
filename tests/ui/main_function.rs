#[racecheck::main]
fn main(arguments: Vec<String>) {
    drop(arguments);
}

#[racecheck::main]
fn start() {}

#[racecheck::main]
struct Program;

mod other {
    #[racecheck::main(crates = racecheck)]
    fn main() {}
}
