//! What only the compiler can say: it does so at the user's code.

#[racecheck::shared]
struct User {
    name: String,
}

#[racecheck::shared]
struct Stats {
    reqs: u64,
}

impl Stats {
    fn new() -> Stats {
        Stats { reqs: 0.into() }
    }
}

#[racecheck::main]
async fn main() {
    User::default().get_name();
    User::default().set_name(7);
    #[racecheck::shared]
    let hits: u64 = "text";
    let _ = racecheck::label!(7, "seven");
}
