//! What can't be had beside the tracked types: threads that the engine doesn't see.
//!
//! In the binary of the benchmark `tracked` it sees the threads of plain `std::thread` too. This one never names `racecheck`, so the engine isn't
//! linked.

fn main() {
    divan::main();
}

#[divan::bench(sample_size = 10)]
fn spawn_and_join() {
    std::thread::spawn(|| ())
        .join()
        .expect("the thread does nothing");
}
