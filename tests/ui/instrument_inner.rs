mod inside {
    #![racecheck::instrument]
}

fn main() {}
