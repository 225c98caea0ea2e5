#[racecheck::instrument]
#[path = "around/file.rs"]
mod file;

#[racecheck::instrument]
mod around {
    mod file;
}

fn main() {}
