use std::sync::Arc;

struct Job;

// What `Arc` is here, the attribute doesn't see.
#[racecheck::instrument]
impl Job {
    fn run(self: Arc<Self>) {}
}

#[racecheck::instrument(keep(Arc))]
mod kept {
    use std::sync::Arc;

    pub struct Job;

    impl Job {
        pub fn run(self: Arc<Self>) {}
    }
}

#[racecheck::instrument]
mod job {
    use std::sync as s;

    pub struct Job;

    impl Job {
        pub fn run(self: s::Arc<Self>) {}
    }
}

#[racecheck::instrument]
mod pinned {
    use std::pin::Pin;

    pub struct Job;

    impl Job {
        pub fn run(self: Pin<&std::sync::Arc<Self>>) {}
    }
}

fn main() {
    Arc::new(Job).run();
    Arc::new(kept::Job).run();
    Arc::new(job::Job).run();
    std::pin::Pin::new(&Arc::new(pinned::Job)).run();
}
