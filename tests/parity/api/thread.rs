//! `thread`.

use std::time::Duration;

use super::super::lib::thread::{self, Builder, JoinHandle, ScopedJoinHandle, Thread};
use super::Results;

pub(super) fn results(results: &mut Results) {
    threads(results);
    scopes(results);
    parking(results);
}

fn threads(results: &mut Results) {
    let handle: JoinHandle<u8> = thread::spawn(|| 3);
    results.saw("name", handle.thread().name().map(str::to_owned));
    results.saw("joined", handle.join().ok());
    let panicked = thread::spawn(|| std::panic::resume_unwind(Box::new(7)));
    let payload: Result<(), _> = panicked.join();
    let payload = payload.unwrap_err().downcast_ref::<i32>().copied();
    results.saw("payload", payload);
    let builder = Builder::new().name("named".to_owned()).stack_size(1 << 20);
    let named = builder.spawn(|| thread::current().name().map(str::to_owned));
    results.saw("name", named.unwrap().join().unwrap());
    let current: Thread = thread::current();
    results.saw("ids", current.id() == thread::current().id());
    results.saw("panicking", thread::panicking());
    results.saw("parallelism", thread::available_parallelism().is_ok());
}

fn scopes(results: &mut Results) {
    let mut value = 1;
    let sum = thread::scope(|s| {
        let inner: ScopedJoinHandle<'_, i32> = s.spawn(|| {
            value += 1;
            value
        });
        let named = Builder::new().name("scoped".to_owned());
        let named = named.spawn_scoped(s, || thread::current().name().map(str::to_owned));
        results.saw("name", named.unwrap().join().unwrap());
        inner.join().unwrap()
    });
    results.saw("sum", (sum, value));
}

fn parking(results: &mut Results) {
    thread::current().unpark();
    thread::park();
    thread::park_timeout(Duration::from_millis(1));
    #[expect(deprecated, reason = "std has them still")]
    {
        thread::park_timeout_ms(1);
        thread::sleep_ms(1);
    }
    thread::yield_now();
    results.saw("parked", thread::current().name().is_some());
}
