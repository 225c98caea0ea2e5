struct Counter {
    #[racecheck::instrument]
    value: u64,
}

fn main() {
    #[racecheck::instrument]
    let counter = Counter { value: 0 };
    #[racecheck::instrument]
    {
        counter.value;
    }
    let _ = #[racecheck::instrument]
    || 0;
}
