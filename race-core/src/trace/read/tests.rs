use super::*;
use std::io::Read;

use proptest::prelude::*;

/// Gives its bytes in pieces of the given sizes, in turn: each line is cut somewhere in one of the tests.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
    left: usize,
}

impl<'a> Pieces<'a> {
    fn new(rest: &'a [u8], sizes: &'a [usize]) -> Pieces<'a> {
        Pieces {
            rest,
            sizes: sizes.iter().cycle(),
            left: 0,
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("the reader takes what is buffered")
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.left = self.sizes.next().copied().unwrap_or(1).max(1);
        }
        Ok(&self.rest[..self.left.min(self.rest.len())])
    }

    fn consume(&mut self, amount: usize) {
        self.rest = &self.rest[amount..];
        self.left -= amount;
    }
}

/// The events, and the error after them.
fn all<R: BufRead>(reader: &mut Reader<R>) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    for event in reader {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error.to_string())),
        }
    }
    (events, None)
}

fn events(text: &[u8]) -> Vec<Event> {
    let (events, error) = all(&mut Reader::new(text));
    assert_eq!(error, None);
    events
}

fn operation(text: &str) -> Operation {
    let line = format!("t|{text}|1");
    let events = events(line.as_bytes());
    assert_eq!(events.len(), 1, "{text}");
    events[0].operation
}

fn error(text: impl AsRef<[u8]>) -> String {
    let (_, error) = all(&mut Reader::new(text.as_ref()));
    error.unwrap_or_else(|| panic!("read: {}", text.as_ref().escape_ascii()))
}

/// RAPID's own example, from its documentation.
#[test]
fn the_std_format_of_rapid() {
    let text = b"T0|r(V123)|345\nT1|w(V234.23[0])|456\nT0|fork(T2)|123\nT2|acq(L34)|120\nT2|rel(L34)|130\nT0|join(T2)|134\n";
    let mut reader = Reader::new(&text[..]);
    let (events, error) = all(&mut reader);
    assert_eq!(error, None);
    let read: Vec<_> = events
        .iter()
        .map(|event| (event.thread, event.operation, event.site))
        .collect();
    assert_eq!(
        read,
        [
            (0, Operation::Read(Place::Variable(0)), 0),
            (1, Operation::Write(Place::Variable(1)), 1),
            (0, Operation::Fork(2), 2),
            (2, Operation::Acquire(0), 3),
            (2, Operation::Release(0), 4),
            (0, Operation::Join(2), 5),
        ]
    );
    let names = reader.names();
    assert_eq!(names.variables.name(1), Some(&b"V234.23[0]"[..]));
    assert_eq!(names.threads.name(2), Some(&b"T2"[..]));
    assert_eq!(names.threads.len(), 3);
    assert_eq!(reader.line(), 6);
}

#[test]
fn every_operation() {
    use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
    let x = Place::Variable(0);
    let range = Place::Range {
        address: 0x7f00,
        size: 8,
    };
    for (text, expected) in [
        ("begin", Operation::Begin),
        ("begin(0)", Operation::Begin),
        ("end", Operation::End),
        ("end()", Operation::End),
        ("fork(u)", Operation::Fork(1)),
        ("fork(t)", Operation::Fork(0)),
        ("join(u)", Operation::Join(1)),
        ("acq(m)", Operation::Acquire(0)),
        ("rel(m)", Operation::Release(0)),
        ("racq(m)", Operation::ReadAcquire(0)),
        ("rrel(m)", Operation::ReadRelease(0)),
        ("r(x)", Operation::Read(x)),
        ("w(x)", Operation::Write(x)),
        ("w(0x7f00+8)", Operation::Write(range)),
        ("load(x,relaxed)", Operation::Load(x, Relaxed)),
        ("load(x,acquire)", Operation::Load(x, Acquire)),
        ("load(0x7F00+8,seq_cst)", Operation::Load(range, SeqCst)),
        ("store(x,relaxed)", Operation::Store(x, Relaxed)),
        ("store(x,release)", Operation::Store(x, Release)),
        ("store(a,b,seq_cst)", Operation::Store(x, SeqCst)),
        ("rmw(x,relaxed)", Operation::ReadModifyWrite(x, Relaxed)),
        ("rmw(x,acquire)", Operation::ReadModifyWrite(x, Acquire)),
        ("rmw(x,release)", Operation::ReadModifyWrite(x, Release)),
        ("rmw(x,acq_rel)", Operation::ReadModifyWrite(x, AcqRel)),
        ("rmw(x,seq_cst)", Operation::ReadModifyWrite(x, SeqCst)),
        ("fence(acquire)", Operation::Fence(Acquire)),
        ("fence(release)", Operation::Fence(Release)),
        ("fence(acq_rel)", Operation::Fence(AcqRel)),
        ("fence(seq_cst)", Operation::Fence(SeqCst)),
        ("send(1)", Operation::Send(0)),
        ("recv(1)", Operation::Receive(0)),
        ("arrive(b)", Operation::Arrive(0)),
        ("leave(b)", Operation::Leave(0)),
        ("alloc(0x7f00+8)", Operation::Allocate(range)),
        ("free(x)", Operation::Free(x)),
    ] {
        assert_eq!(operation(text), expected, "{text}");
    }
}

/// A lock and a variable of the same name are two things; so are the places `r(7)` and `|7`.
#[test]
fn kinds_are_numbered_apart() {
    let events = events(b"a|r(a)|a\na|acq(b)|a\nb|r(b)|a\n");
    let numbers: Vec<_> = events
        .iter()
        .map(|event| (event.thread, event.site))
        .collect();
    assert_eq!(numbers, [(0, 0), (0, 0), (1, 0)]);
    assert_eq!(events[1].operation, Operation::Acquire(0));
    assert_eq!(events[2].operation, Operation::Read(Place::Variable(1)));
}

#[test]
fn what_is_a_range_and_what_is_a_name() {
    let range = |address, size| Operation::Read(Place::Range { address, size });
    assert_eq!(operation("r(0x0+0)"), range(0, 0));
    assert_eq!(
        operation("r(0x00000000000000000ff+4294967295)"),
        range(0xff, u32::MAX)
    );
    assert_eq!(
        operation("r(0xfffffffffffffff0+15)"),
        range(u64::MAX - 15, 15)
    );
    for name in [
        "0x7f00",
        "0x",
        "0x+8",
        "0xg+8",
        "1+8",
        "0x7f 00+8",
        "x+8",
        "V(1)",
        ")",
        "a b",
    ] {
        let text = format!("r({name})");
        assert_eq!(
            operation(&text),
            Operation::Read(Place::Variable(0)),
            "{name}"
        );
    }
    for range in [
        "0x7f00+",
        "0x7f00+x",
        "0x7f00+-1",
        "0x7f00++1",
        "0x7f00+8+8",
        "0x7f00+4294967296",
        "0x7f00+99999999999999999999999999",
        "0x10000000000000000+1",
        "0xfffffffffffffff0+16",
    ] {
        let expected = format!(
            "line 1: expected a range within 64-bit memory, as in `0x7f00+8`, found `{range}`"
        );
        assert_eq!(error(format!("t|r({range})|1")), expected);
        assert_eq!(error(format!("t|load({range},relaxed)|1")), expected);
    }
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let lines = [
        ("t|foo(x)|1", "an operation such as `r(x)`, found `foo(x)`"),
        ("t||1", "an operation such as `r(x)`, found nothing"),
        ("t|r|1", "an operation such as `r(x)`, found `r`"),
        ("t|R(x)|1", "an operation such as `r(x)`, found `R(x)`"),
        ("t| r(x)|1", "an operation such as `r(x)`, found ` r(x)`"),
        ("t|r(x|1", "a `)` at the operation's end, found `r(x`"),
        ("t|r(x) |1", "a `)` at the operation's end, found `r(x) `"),
        ("t|r(|1", "a `)` at the operation's end, found `r(`"),
        ("t|r()|1", "a place between the parentheses, found `r()`"),
        ("t|acq()|1", "a name between the parentheses, found `acq()`"),
        (
            "t|fork()|1",
            "a name between the parentheses, found `fork()`",
        ),
        (
            "t|load(x)|1",
            "a place and an ordering, as in `load(x,acquire)`, found `load(x)`",
        ),
        (
            "t|load(,relaxed)|1",
            "a place between the parentheses, found `load(,relaxed)`",
        ),
        (
            "t|load(x,release)|1",
            "`relaxed`, `acquire` or `seq_cst`, found `release`",
        ),
        (
            "t|load(x,)|1",
            "`relaxed`, `acquire` or `seq_cst`, found nothing",
        ),
        (
            "t|store(x,acquire)|1",
            "`relaxed`, `release` or `seq_cst`, found `acquire`",
        ),
        (
            "t|rmw(x,consume)|1",
            "`relaxed`, `acquire`, `release`, `acq_rel` or `seq_cst`, found `consume`",
        ),
        (
            "t|fence(relaxed)|1",
            "`acquire`, `release`, `acq_rel` or `seq_cst`, found `relaxed`",
        ),
        (
            "t|r(x)",
            "three fields, as in `thread|operation(arguments)|place`, found `t|r(x)`",
        ),
        (
            "t|r(x)|1|2",
            "three fields, as in `thread|operation(arguments)|place`, found `t|r(x)|1|2`",
        ),
        (
            "hello",
            "three fields, as in `thread|operation(arguments)|place`, found `hello`",
        ),
        ("|r(x)|1", "a thread before the first `|`, found nothing"),
        ("t|r(x)|", "a place after the second `|`, found nothing"),
        (
            "t|\u{e4}\u{7}(x)|1",
            "an operation such as `r(x)`, found `\u{e4}\\x07(x)`",
        ),
        (
            "racecheck-trace/1",
            "three fields, as in `thread|operation(arguments)|place`, found `racecheck-trace/1`",
        ),
    ];
    for (line, expected) in lines {
        let text = format!("t|r(x)|1\n\n{line}\nt|w(x)|1\n");
        assert_eq!(error(text), format!("line 3: expected {expected}"));
    }
}

#[test]
fn an_error_shows_no_more_than_the_beginning_of_a_long_line() {
    let line = "x".repeat(1 << 20);
    let shown = "x".repeat(60);
    let expected = format!(
        "line 1: expected three fields, as in `thread|operation(arguments)|place`, found `{shown}...`"
    );
    assert_eq!(error(line), expected);
}

#[test]
fn nothing_follows_an_error() {
    let mut reader = Reader::new(&b"t|foo(x)|1\nt|r(x)|1\n"[..]);
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn line_ends_comments_and_empty_lines() {
    let expected = events(b"t|r(x)|1\nt|w(x)|2\n");
    for text in [
        "t|r(x)|1\nt|w(x)|2",
        "t|r(x)|1\r\nt|w(x)|2\r\n",
        "t|r(x)|1\r\nt|w(x)|2\r",
        "\n\nt|r(x)|1\n\r\n\nt|w(x)|2\n\n\n",
        "# a trace\n#t|r(y)|0\nt|r(x)|1\n#\nt|w(x)|2\n#",
        "racecheck-trace/1\nt|r(x)|1\nt|w(x)|2\n",
        "racecheck-trace/1\r\nt|r(x)|1\r\nt|w(x)|2\r\n",
        "\u{feff}t|r(x)|1\nt|w(x)|2\n",
        "\u{feff}racecheck-trace/1\nt|r(x)|1\nt|w(x)|2\n",
    ] {
        assert_eq!(events(text.as_bytes()), expected, "{text:?}");
    }
    for text in [
        "",
        "\n",
        "\r\n",
        "#",
        "\n\n\n",
        "racecheck-trace/1",
        "racecheck-trace/1\n",
    ] {
        assert_eq!(events(text.as_bytes()), [], "{text:?}");
    }
    let mut last = Reader::new(&b"t|r(x)|1\n"[..]);
    assert_eq!((all(&mut last).0.len(), last.line()), (1, 1));
}

#[test]
fn the_first_line_names_the_version() {
    let mut reader = Reader::new(&b"racecheck-trace/1\nt|r(x)|1\n"[..]);
    assert_eq!(reader.version(), None);
    assert_eq!(all(&mut reader).0.len(), 1);
    assert_eq!(reader.version(), Some(1));
    let mut reader = Reader::new(&b"t|r(x)|1\n"[..]);
    assert_eq!(all(&mut reader).0.len(), 1);
    assert_eq!(reader.version(), None);
    for other in [
        "racecheck-trace/2",
        "racecheck-trace/",
        "racecheck-trace/1 ",
        "racecheck-trace/+1",
    ] {
        let expected = format!("line 1: expected the format `racecheck-trace/1`, found `{other}`");
        assert_eq!(error(other), expected);
    }
}

#[test]
fn any_bytes_are_a_name() {
    let mut reader = Reader::new(&b"\xff\xfe|w(\x80\0)|\xc3\n\xff\xfe|r(\x80)|\xc3\n"[..]);
    let (events, error) = all(&mut reader);
    assert_eq!(error, None);
    assert_eq!(
        (events[0].thread, events[0].site),
        (events[1].thread, events[1].site)
    );
    assert_eq!(reader.names().variables.name(0), Some(&b"\x80\0"[..]));
    assert_eq!(reader.names().variables.name(1), Some(&b"\x80"[..]));
}

#[test]
fn a_line_of_a_megabyte() {
    let name = "x".repeat(1 << 20);
    let text = format!("t|r({name})|1\n{name}|w({name})|{name}\nt|r(y)|1");
    let mut reader = Reader::new(io::BufReader::new(text.as_bytes()));
    assert_eq!(all(&mut reader).0.len(), 3);
    assert_eq!(reader.names().variables.len(), 2);
}

#[test]
fn input_without_an_end_is_an_error() {
    let mut reader = Reader::new(io::BufReader::new(io::repeat(b'x')));
    assert_eq!(all(&mut reader).1.unwrap(), "line 1: longer than 16 MiB");
}

/// Once, at any point; after that the input is at its end.
#[test]
fn an_error_of_the_input_is_passed_on() {
    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Ok(0);
            }
            Err(io::Error::other("the disk is gone"))
        }
    }
    for (text, expected) in [
        (&b""[..], (0, "line 1: the disk is gone")),
        (b"t|r(x)|1\n", (1, "line 2: the disk is gone")),
        (b"t|r(x)|1\nt|w(", (1, "line 2: the disk is gone")),
    ] {
        let input = io::BufReader::new(text.chain(Broken(false)));
        let (events, error) = all(&mut Reader::new(input));
        assert_eq!((events.len(), error.unwrap().as_str()), expected);
    }
}

#[test]
fn an_interrupted_read_is_done_again() {
    struct Interrupted<'a>(&'a [u8], bool);
    impl Read for Interrupted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = buffer.len().min(7);
            self.0.read(&mut buffer[..length])
        }
    }
    let input = io::BufReader::new(Interrupted(b"t|r(x)|1\nt|w(x)|1\nt|r(y)|1", false));
    let (events, error) = all(&mut Reader::new(input));
    assert_eq!((events.len(), error), (3, None));
}

/// Bytes that are often nearly a trace.
fn nearly_a_trace() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "t|r(x)|1\n", "|", "(", ")", "\n", "\r", "0x", "+", ",", "#", "r", "w", "load", "rmw", "fence",
            "relaxed", "seq_cst", "acq", "begin", "end", "racecheck-trace/", "1", "4294967296", "ffffffffffffffff", "\u{feff}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_give_events_or_an_error(text in nearly_a_trace(), sizes in prop::collection::vec(1usize..20, 1..8)) {
        let mut whole = Reader::new(&text[..]);
        let (events, error) = all(&mut whole);
        // Every line that was read gave an event, but for those that have none.
        let is_event = |(number, line): &(usize, &[u8])| {
            let line = if *number == 0 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
            let header = *number == 0 && whole.version().is_some();
            !header && !matches!(line, [] | b"\r" | [b'#', ..])
        };
        let read = whole.line() as usize - usize::from(error.is_some());
        let lines = text.split(|byte| *byte == b'\n').enumerate().take(read);
        prop_assert_eq!(events.len(), lines.filter(is_event).count());
        // However it comes.
        let mut pieces = Reader::new(Pieces::new(&text, &sizes));
        prop_assert_eq!(all(&mut pieces), (events, error));
        prop_assert_eq!(pieces.line(), whole.line());
    }
}

/// Lines that are read a word at a time, and such as are nearly that.
fn nearly_usual() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        4 => "[a-c]{1,9}",
        1 => "[a-c]{0,40}",
        1 => prop::sample::select(vec!["0x1", "0x1+1", "#", "()", ")", "\0", "a\0", "\r", "\u{e4}", " "]).prop_map(str::to_owned),
    ];
    let word = prop::sample::select(vec!["r", "r", "w", "w", "acq", "", "rw"]);
    let line = (name.clone(), word, name.clone(), name, 0usize..60).prop_map(
        |(thread, word, argument, site, odd)| match odd {
            0 => String::new(),
            1 => "# r(x)".to_owned(),
            2 => format!("{thread}|begin|{site}\r"),
            _ => format!("{thread}|{word}({argument})|{site}"),
        },
    );
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n").into_bytes())
}

proptest! {
    /// In pieces of less than a window, every line goes the slow way.
    #[test]
    fn the_quick_way_reads_what_the_slow_one_does(text in nearly_usual(), size in 1..quick::WINDOW) {
        let mut whole = Reader::new(&text[..]);
        let sizes = [size];
        let mut pieces = Reader::new(Pieces::new(&text, &sizes));
        prop_assert_eq!(all(&mut whole), all(&mut pieces));
        prop_assert_eq!(whole.line(), pieces.line());
        prop_assert_eq!(format!("{:?}", whole.names()), format!("{:?}", pieces.names()));
    }
}
