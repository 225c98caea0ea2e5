//! Atomics that a thread reads again and again in one epoch: what it remembers of that must be true.
//!
//! One test, in a process of its own: where a thread is met that nobody gave birth to, nothing is remembered.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use race_core::Position;
use race_core::instrumented::atomic::Atomic;
use race_core::instrumented::{self, allocator};
use race_core::report::Collector;
use race_core::shadow::range::{self, AccessKind};
use race_core::sync::{SyncClock, SyncKind};
use race_core::thread::Handle;

static KIND: SyncKind = SyncKind {
    name: "test",
    release: "released",
    acquire: "acquired",
};

type Step = Box<dyn FnOnce() + Send>;

/// A thread that carries out steps when it is told to, which orders nothing.
struct Actor {
    handle: Handle,
    steps: Sender<(Step, Sender<usize>)>,
    thread: JoinHandle<()>,
}

impl Actor {
    fn new() -> Actor {
        let handle = Handle::fork(None, Location::caller());
        let (steps, told) = channel::<(Step, Sender<usize>)>();
        let its = handle.clone();
        let thread = thread::spawn(move || {
            its.start();
            for (step, done) in told {
                let collector = Collector::open();
                step();
                done.send(collector.close().len()).unwrap();
            }
        });
        Actor {
            handle,
            steps,
            thread,
        }
    }

    /// The races that it finds.
    fn does(&self, step: impl FnOnce() + Send + 'static) -> usize {
        let (done, races) = channel();
        self.steps.send((Box::new(step), done)).unwrap();
        races.recv().unwrap()
    }

    fn end(self) {
        drop(self.steps);
        self.thread.join().unwrap();
        self.handle.join(Location::caller());
    }
}

/// Memory that is nobody's.
fn address(number: usize) -> usize {
    0x6300_0000_0000 + number * 4096
}

fn load(address: usize, size: usize) {
    let atomic = Atomic {
        address,
        size,
        site: Position::of_code(1),
    };
    assert_eq!(atomic.load(Relaxed, || 1), 1);
}

/// Often enough to be remembered.
fn load_again_and_again(address: usize) {
    (0..5).for_each(|_| load(address, 8));
}

fn write(address: usize) {
    range::access(address, 8, AccessKind::Write, Some(Location::caller()));
}

#[test]
fn what_a_thread_remembers_of_its_reads_is_true() {
    let (reader, writer) = (Actor::new(), Actor::new());
    let reads = |place| reader.does(move || load_again_and_again(place));
    let writes = |place| writer.does(move || write(place));

    // What is remembered is recorded.
    assert_eq!(reads(address(1)), 0);
    assert_eq!(writes(address(1)), 1);
    // After a race there is another one, in the other direction.
    assert_eq!(reads(address(1)), 1);

    // What was read in an epoch that is over says nothing of this one.
    assert_eq!(reads(address(2)), 0);
    let released = Arc::new(Mutex::new(SyncClock::new()));
    let handed_over = released.clone();
    reader.does(move || {
        *handed_over.lock().unwrap() = SyncClock::released(&KIND, Location::caller())
    });
    writer.does(move || released.lock().unwrap().acquire(&KIND, Location::caller()));
    assert_eq!(reads(address(2)), 0);
    assert_eq!(writes(address(2)), 1);

    // What anybody has forgotten is recorded anew.
    assert_eq!(reads(address(3)), 0);
    writer.does(|| range::forget(address(3), 64));
    assert_eq!(reads(address(3)), 0);
    assert_eq!(writes(address(3)), 1);

    // A wider read is another one.
    assert_eq!(reads(address(4)), 0);
    reader.does(|| load(address(4), 16));
    assert_eq!(writes(address(4) + 8), 1);

    // Memory that has been freed is other memory when it is given out again.
    instrumented::begin();
    reader.does(|| {
        load_again_and_again(address(5));
        allocator::free(address(5), 64, 2, || ());
        let memory = ptr::without_provenance_mut(address(5));
        assert_eq!(allocator::allocate(64, 3, || memory), memory);
        load_again_and_again(address(5));
    });
    assert_eq!(writes(address(5)), 1);

    reader.end();
    writer.end();
}
