use super::*;
use crate::trace::read::Reader;

use proptest::prelude::*;

/// A name that the format can hold, in any place.
fn a_name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => prop::sample::select(b"aV01(),+x# \r".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 1..12).prop_filter("not a name", |name| {
        !name.contains(&b'|')
            && !name.contains(&b'\n')
            && !name.ends_with(b"\r")
            && name[0] != b'#'
            && !read::is_range(name)
    })
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (0u32..4).prop_map(Place::Variable),
        (any::<u64>(), any::<u32>())
            .prop_filter("beyond memory", |(address, size)| {
                address.checked_add(u64::from(*size)).is_some()
            })
            .prop_map(|(address, size)| Place::Range { address, size }),
    ]
}

fn ordering(kind: Ordered) -> impl Strategy<Value = Ordering> {
    use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
    let orders = [Relaxed, Acquire, Release, AcqRel, SeqCst];
    prop::sample::select(
        orders
            .into_iter()
            .filter(|order| kind.allows(*order))
            .collect::<Vec<_>>(),
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let id = 0u32..4;
    prop_oneof![
        Just(Operation::Begin),
        Just(Operation::End),
        id.clone().prop_map(Operation::Fork),
        id.clone().prop_map(Operation::Join),
        id.clone().prop_map(Operation::Acquire),
        id.clone().prop_map(Operation::Release),
        id.clone().prop_map(Operation::ReadAcquire),
        id.clone().prop_map(Operation::ReadRelease),
        place().prop_map(Operation::Read),
        place().prop_map(Operation::Write),
        (place(), ordering(Ordered::Load)).prop_map(|(place, order)| Operation::Load(place, order)),
        (place(), ordering(Ordered::Store))
            .prop_map(|(place, order)| Operation::Store(place, order)),
        (place(), ordering(Ordered::ReadModifyWrite))
            .prop_map(|(place, order)| Operation::ReadModifyWrite(place, order)),
        ordering(Ordered::Fence).prop_map(Operation::Fence),
        id.clone().prop_map(Operation::Send),
        id.clone().prop_map(Operation::Receive),
        id.clone().prop_map(Operation::Arrive),
        id.prop_map(Operation::Leave),
        place().prop_map(Operation::Allocate),
        place().prop_map(Operation::Free),
    ]
}

/// Four names, all different, in the table.
fn table(names: &std::collections::BTreeSet<Vec<u8>>) -> Table {
    let mut table = Table::default();
    for name in names {
        table.intern(name).unwrap();
    }
    table
}

fn written(events: &[Event], names: &Names) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    for event in events {
        writer.write(event, names).unwrap();
    }
    writer.into_inner()
}

/// The event with the numbers that the reader has given to the same names.
fn renumbered(event: Event, from: &Names, to: &mut Names) -> Event {
    let number = |from: &Table, to: &mut Table, id| to.intern(from.name(id).unwrap()).unwrap();
    let memory = |to: &mut Names, place| match place {
        Place::Variable(id) => Place::Variable(number(&from.variables, &mut to.variables, id)),
        range => range,
    };
    use Operation::*;
    let thread = number(&from.threads, &mut to.threads, event.thread);
    let operation = match event.operation {
        Fork(id) => Fork(number(&from.threads, &mut to.threads, id)),
        Join(id) => Join(number(&from.threads, &mut to.threads, id)),
        Acquire(id) => Acquire(number(&from.locks, &mut to.locks, id)),
        Release(id) => Release(number(&from.locks, &mut to.locks, id)),
        ReadAcquire(id) => ReadAcquire(number(&from.locks, &mut to.locks, id)),
        ReadRelease(id) => ReadRelease(number(&from.locks, &mut to.locks, id)),
        Read(place) => Read(memory(to, place)),
        Write(place) => Write(memory(to, place)),
        Load(place, order) => Load(memory(to, place), order),
        Store(place, order) => Store(memory(to, place), order),
        ReadModifyWrite(place, order) => ReadModifyWrite(memory(to, place), order),
        Send(id) => Send(number(&from.messages, &mut to.messages, id)),
        Receive(id) => Receive(number(&from.messages, &mut to.messages, id)),
        Arrive(id) => Arrive(number(&from.barriers, &mut to.barriers, id)),
        Leave(id) => Leave(number(&from.barriers, &mut to.barriers, id)),
        Allocate(place) => Allocate(memory(to, place)),
        Free(place) => Free(memory(to, place)),
        same @ (Begin | End | Fence(_)) => same,
    };
    Event {
        thread,
        operation,
        site: number(&from.sites, &mut to.sites, event.site),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal(
        events in prop::collection::vec(
            (0u32..4, operation(), 0u32..4).prop_map(|(thread, operation, site)| Event { thread, operation, site }),
            0..40,
        ),
        names in prop::collection::vec(prop::collection::btree_set(a_name(), 4), 6),
    ) {
        let names = Names {
            threads: table(&names[0]),
            locks: table(&names[1]),
            variables: table(&names[2]),
            messages: table(&names[3]),
            barriers: table(&names[4]),
            sites: table(&names[5]),
        };
        let text = written(&events, &names);
        let mut reader = Reader::new(&text[..]);
        let read: std::result::Result<Vec<Event>, _> = reader.by_ref().collect();
        let read = read.unwrap();
        prop_assert_eq!(reader.version(), Some(VERSION));
        let mut renumber = Names::default();
        let expected: Vec<Event> = events.iter().map(|event| renumbered(*event, &names, &mut renumber)).collect();
        prop_assert_eq!(&read, &expected);
        // The numbers stand for the same names, too.
        prop_assert_eq!(written(&read, reader.names()), text);
    }
}

#[test]
fn what_the_format_cannot_hold_is_not_written() {
    let event = |names: &Names, operation| {
        let event = Event {
            thread: 0,
            operation,
            site: 0,
        };
        let mut writer = Writer::new(Vec::new()).unwrap();
        let error = writer.write(&event, names).map_err(|error| {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let text = error.to_string();
            text.rsplit_once(": ").unwrap().1.to_owned()
        });
        if error.is_err() {
            assert_eq!(writer.into_inner(), b"racecheck-trace/1\n");
        }
        error.err()
    };
    let with = |thread: &str, variable: &str, site: &str| {
        let mut names = Names::default();
        names.threads.intern(thread.as_bytes()).unwrap();
        names.variables.intern(variable.as_bytes()).unwrap();
        names.sites.intern(site.as_bytes()).unwrap();
        event(&names, Operation::Read(Place::Variable(0)))
    };
    assert_eq!(with("t", "x", "1"), None);
    for (thread, variable, site, problem) in [
        ("", "x", "1", "a name is empty"),
        ("t", "", "1", "a name is empty"),
        ("t", "x", "", "a name is empty"),
        ("t|", "x", "1", "a name has a separator in it"),
        ("t", "x\n", "1", "a name has a separator in it"),
        ("t", "x", "|", "a name has a separator in it"),
        ("#t", "x", "1", "the thread's name begins a comment"),
        ("t", "x", "1\r", "the place ends in a carriage return"),
        (
            "t",
            "0x7f00+8",
            "1",
            "a variable is called like a range of bytes",
        ),
        (
            "t",
            "0x7f00+x",
            "1",
            "a variable is called like a range of bytes",
        ),
    ] {
        assert_eq!(with(thread, variable, site).as_deref(), Some(problem));
    }
    let mut names = Names::default();
    names.threads.intern(b"t").unwrap();
    names.sites.intern(b"1").unwrap();
    for (operation, problem) in [
        (Operation::Acquire(0), "a number has no name"),
        (Operation::Fork(1), "a number has no name"),
        (
            Operation::Fence(Ordering::Relaxed),
            "the operation can't have this ordering",
        ),
        (
            Operation::Read(Place::Range {
                address: u64::MAX,
                size: 1,
            }),
            "the range ends beyond the last address",
        ),
    ] {
        assert_eq!(event(&names, operation).as_deref(), Some(problem));
    }
}
