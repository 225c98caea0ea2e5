#[racecheck::shared]
struct Nothing;

#[racecheck::shared]
#[repr(C, packed)]
struct Packed {
    length: u32,
}

#[racecheck::shared]
#[derive(Clone, Copy)]
struct Copied {
    reqs: u64,
}

#[racecheck::shared(no_defaults)]
struct UnknownArgument {
    reqs: u64,
}

#[racecheck::shared(new)]
struct NoName {
    reqs: u64,
}

#[racecheck::shared(new = make, no_new)]
struct BothNames {
    reqs: u64,
}

#[racecheck::shared]
struct Skipped {
    #[shared(skipped)]
    reqs: u64,
}

#[racecheck::shared]
struct Bare {
    #[shared]
    reqs: u64,
}

fn main() {}
