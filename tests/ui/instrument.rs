#[racecheck::instrument(kep(Arc))]
mod misspelt {}

#[racecheck::instrument(with_locks)]
mod unknown {}

#[racecheck::instrument(keep)]
mod keeps_nothing {}

#[racecheck::instrument(keep())]
mod keeps_nothing_either {}

#[racecheck::instrument(keep(Arc, "Mutex"))]
mod keeps_text {}

#[racecheck::instrument(keep(Arc<u8>))]
mod keeps_a_type {}

#[racecheck::instrument(keep = Arc)]
mod keeps_a_value {}

#[racecheck::instrument(keep(std::sync::Mutx))]
mod keeps_what_is_not_there {}

#[racecheck::instrument(keep(HashMap))]
mod keeps_what_stays_anyway {}

#[racecheck::instrument(skip, keep(Arc))]
mod skips_and_keeps {}

#[racecheck::instrument(skip, skip)]
mod skips_twice {}

#[racecheck::instrument(crate)]
mod is_nowhere {}

macro_rules! make {
    () => {
        fn made() {}
    };
}

#[racecheck::instrument]
make!();

#[racecheck::instrument]
macro_rules! template {
    () => {};
}

fn main() {
    made();
    template!();
}
