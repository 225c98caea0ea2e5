//! Random programs of few threads, judged by the oracle and by the engine's replay.

mod judge;

#[test]
fn the_engine_agrees_with_the_definition() {
    judge::the_engine_agrees_with_the_definition();
}
