//! The same module with and without the attribute: what it computes, in which order, and what it drops when, is the same.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "said once: all pointers are to live values of the function they are in"
)]

/// Compiles the module twice, and compares what its `run` returns: a log of all that it did.
macro_rules! same {
    ($(#[$attribute:meta])* mod $name:ident { $($code:tt)* }) => {
        mod $name {
            $(#[$attribute])*
            #[allow(unused, clippy::all)]
            mod plain { $($code)* }
            #[racecheck::instrument]
            #[allow(unused, clippy::all)]
            $(#[$attribute])*
            mod instrumented { $($code)* }

            #[test]
            fn means_the_same() {
                let plain = plain::run();
                assert!(!plain.is_empty());
                assert_eq!(plain, instrumented::run());
            }
        }
    };
}

same! {
mod boxes {
    pub(super) fn run() -> Vec<String> {
        struct Node { left: String, right: String, n: u32 }
        let node = || Box::new(Node { left: "l".into(), right: "r".into(), n: 3 });
        let mut log = Vec::new();
        unsafe {
            let b = node();
            let left = (*b).left;
            let right = (*b).right;
            log.push(format!("{left}{right}{}", (*b).n));
            let mut s = Box::new(String::from("q"));
            let moved = *s;
            *s = moved + "x";
            log.push(s.to_string());
            let mut t = *node();
            let m = &mut t;
            let left = &mut (*m).left;
            let n = (*m).n;
            left.push('c');
            log.push(format!("{n}{}", (*m).left));
            let (a, b);
            (a, b) = *Box::new((String::from("a"), String::from("b")));
            let (mut c, pair) = (0, (1, String::new()));
            let p = &raw const pair;
            (c, _) = *p;
            log.push(format!("{a}{b}{c}"));
            let Node { left, right, .. } = *node();
            log.push(left + &right);
        }
        log
    }
}
}

same! {
mod coercions {
    pub(super) fn run() -> Vec<String> {
        let mut log = Vec::new();
        fn up(n: u8) -> u8 { n + 1 }
        fn add(n: &mut i32) { *n += 1 }
        unsafe {
            let mut f: fn(u8) -> u8 = up;
            let p = &raw mut f;
            *p = |n| n.wrapping_mul(2);
            log.push((*p)(4).to_string());
            let mut d: Box<dyn std::fmt::Display> = Box::new(1);
            let p = &raw mut d;
            *p = Box::new("text");
            log.push((*p).to_string());
            let mut s: &[i32] = &[];
            let p = &raw mut s;
            *p = &[1, 2, 3];
            log.push(format!("{:?}{}", *p, (&(*p)).len()));
            let mut n = 1;
            let mut r = &mut n;
            let p = &raw mut r;
            add(*p);
            add(*p);
            **p += 1;
            log.push(n.to_string());
            let mut x = 7u64;
            let p = &raw mut x as *mut _;
            *p = 5;
            *p += 1;
            let y: u64 = *p;
            log.push(y.to_string());
            let mut o = None;
            let p = &raw mut o;
            *p = Some("later".parse::<String>().unwrap());
            log.push(format!("{:?}", *p));
        }
        log
    }
}
}

same! {
mod effects {
    use std::cell::RefCell;
    struct Noisy<'a>(&'a RefCell<Vec<String>>, &'static str);
    impl Drop for Noisy<'_> {
        fn drop(&mut self) { self.0.borrow_mut().push(format!("drop {}", self.1)); }
    }
    impl<'a> Noisy<'a> {
        fn say<T>(&self, what: &str, value: T) -> T { self.0.borrow_mut().push(format!("{} {what}", self.1)); value }
    }
    pub(super) fn run() -> Vec<String> {
        let log = RefCell::new(Vec::new());
        let noisy = |name| Noisy(&log, name);
        let mut array = [1, 2, 3];
        let p = &raw mut array;
        let mut drops = Some(noisy("old"));
        let d = &raw mut drops;
        unsafe {
            (*p)[noisy("i").say("index", 1)] = noisy("v").say("value", 5);
            (*noisy("p").say("pointer", p))[noisy("j").say("index", 0)] += noisy("w").say("value", 1);
            let sum = (*noisy("a").say("pointer", p))[0] + (*noisy("b").say("pointer", p))[noisy("k").say("index", 1)];
            log.borrow_mut().push(sum.to_string());
            *d = Some(noisy("new"));
            log.borrow_mut().push("assigned".into());
            noisy("r").say("receiver", p).cast::<i32>().write(noisy("x").say("argument", 9));
            let n = noisy("r").say("receiver", p).cast::<i32>().read();
            log.borrow_mut().push(n.to_string());
            if *noisy("c").say("condition", p.cast::<i32>()) == noisy("e").say("other", 9) {
                log.borrow_mut().push("equal".into());
            }
            match *noisy("m").say("scrutinee", p.cast::<i32>()) {
                9 => log.borrow_mut().push("nine".into()),
                n => log.borrow_mut().push(n.to_string()),
            }
            drop(Box::from_raw(noisy("f").say("freed", Box::into_raw(Box::new(noisy("boxed"))))));
            let inner = *Box::from_raw(noisy("f").say("taken", Box::into_raw(Box::new(noisy("unboxed")))));
            log.borrow_mut().push(inner.1.to_string());
        }
        drop(drops.take());
        log.take()
    }
}
}

same! {
mod inference_and_generics {
    use std::marker::PhantomData;
    struct Ptr<T>(*mut T);
    impl<T> Ptr<T> {
        fn get(&self) -> T where T: Copy { unsafe { *self.0 } }
        fn set(&self, value: T) { unsafe { *self.0 = value } }
        unsafe fn add(&self, value: T) where T: std::ops::AddAssign { unsafe { *self.0 += value } }
        fn same(&self, other: &Ptr<T>) -> bool where T: PartialEq { unsafe { *self.0 == *other.0 } }
        fn smaller(&self, other: T) -> bool where T: PartialOrd { unsafe { *self.0 < other } }
    }
    fn through<P: std::ops::Deref<Target = u8>>(p: P) -> u8 { unsafe { *p } }
    struct Array<T, const N: usize>([T; N], PhantomData<T>);
    impl<T: Copy + Default, const N: usize> Array<T, N> {
        fn last(&mut self) -> T {
            let p = &raw mut self.0;
            unsafe { let n = N; (*p)[n - 1] }
        }
    }
    pub(super) fn run() -> Vec<String> {
        let mut log = Vec::new();
        let (mut s, mut t) = (String::from("a"), String::from("b"));
        let (p, q) = (Ptr(&raw mut s), Ptr(&raw mut t));
        log.push(format!("{}{}", p.same(&q), p.smaller(String::from("z"))));
        q.set("c".to_string());
        let mut n = 3;
        let p = Ptr(&raw mut n);
        p.set(p.get() + 1);
        unsafe { p.add(2) };
        log.push(format!("{}{}", p.get(), through(&7) + through(Box::new(8))));
        log.push(Array::<u16, 3>([1, 2, 3], PhantomData).last().to_string());
        let mut unknown = Default::default();
        let p = &raw mut unknown;
        unsafe { *p = 5u16; }
        log.push(unknown.to_string());
        let mut list: Vec<u8> = Vec::new();
        let p = &raw mut list;
        unsafe {
            (*p) = (0..3).collect();
            let (a, b) = (&mut *p).split_at_mut(1);
            a[0] += b[1];
            *p.cast::<Vec<u8>>() = (&*p).iter().map(|n| n * 2).collect();
        }
        log.push(format!("{list:?}{t}"));
        log
    }
}
}

same! {
mod control_flow {
    pub(super) fn run() -> Vec<String> {
        let mut log = Vec::new();
        let mut list = [1, 2, 3, 0];
        let p = list.as_mut_ptr();
        unsafe fn first(p: *const i32) -> Option<i32> { unsafe {
            let n = Some(*p).filter(|n| *n > 0)?;
            Some(n + *p.add(1))
        } }
        fn parsed(p: *const &str) -> Result<i32, std::num::ParseIntError> { unsafe { let n: i32 = (*p).parse()?; Ok(n + 1) } }
        fn diverges(p: *const i32) -> i32 { unsafe { if *p == 1 { return 10 } else { return *p } } }
        fn never(p: *mut i32) -> i32 { unsafe { *p = return 7; } }
        unsafe {
            log.push(format!("{:?}{:?}", first(p), first(p.add(3))));
            log.push(format!("{:?}{}", parsed(&"4"), parsed(&"x").is_err()));
            log.push(format!("{}{}{}", diverges(p), diverges(p.add(1)), never(p)));
            let mut at = p;
            let mut sum = 0;
            'outer: loop {
                while *at != 0 {
                    sum += *at;
                    at = at.add(1);
                    if *at == 3 { break 'outer; }
                }
                break;
            }
            let found = 'found: { if *p == 1 { break 'found *p; } 0 };
            log.push(format!("{sum}{found}"));
            let mut stack = vec![Some(1), Some(2), None];
            let q = stack.as_mut_ptr();
            let mut i = 0;
            'label: while let Some(n) = *q.add(i) {
                i += 1;
                if n == 1 { continue 'label; }
                log.push(n.to_string());
            }
            let mut cursor = q;
            while let Some(n) = *cursor {
                cursor = cursor.add(1);
                if n == 1 { continue; }
                break;
            }
            let Some(n) = *q else { panic!() };
            let text = match *p { 1 => "one", n if n > 5 => "many", _ => "some" };
            let text2 = if let Some(2) = *q.add(1) { "two" } else { "other" };
            if let Some(a) = *q && a > 0 && let Some(b) = *q.add(1) && b > a { log.push(format!("{a}{b}")); }
            log.push(format!("{n}{text}{text2}"));
            match *q { Some(n) if n > 3 => log.push("big".into()), Some(ref mut n) => *n += 4, None => {} }
            log.push(format!("{:?}", *q));
            log.push(match *p { n @ 1..=3 => n, _ => 0 }.wrapping_add(1).to_string());
            match *p { 1 => log.push("1".into()), _ => {} }
            assert!(*p == 1);
            assert_eq!(*p, 1, "{}", *p);
            log.push(format!("{} {x}", *p, x = *p.add(1)));
        }
        log
    }
}
}

same! {
mod closures_and_futures {
    use std::task::{Context, Poll, Waker};
    fn block_on<T>(future: impl Future<Output = T> + Send) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) { Poll::Ready(value) => value, Poll::Pending => unreachable!() }
    }
    #[derive(Clone, Copy)]
    struct Sent(*mut u32);
    unsafe impl Send for Sent {}
    unsafe impl Sync for Sent {}
    struct Two { a: String, b: u32 }
    fn reads<'a>(r: &'a Two, p: &'a Sent) -> impl Fn() -> u32 + 'a { move || unsafe { (*r).b + *p.0 } }
    fn reborrows<'a>(r: &'a Two, p: &'a Sent) -> impl Fn() -> u32 + 'a {
        let made = || unsafe { (*r).b + *p.0 };
        made
    }
    async fn awaits(p: Sent) -> u32 { unsafe { let n = async { 2 }.await; *p.0 += async { n }.await; *p.0 = *p.0 + async { 1 }.await; if *p.0 == async { 6 }.await { 10 } else { *p.0 } } }
    pub(super) fn run() -> Vec<String> {
        let mut log = Vec::new();
        let (mut n, mut two) = (3, Two { a: "a".into(), b: 1 });
        let p = Sent(&raw mut n);
        log.push(reads(&two, &p)().to_string());
        log.push(block_on(awaits(p)).to_string());
        log.push(reborrows(&two, &p)().to_string());
        let mut fields = (1, 2);
        let fields = &mut fields;
        let changes = async { unsafe { (*fields).0 += 1 } };
        let reads = async { unsafe { (*fields).1 } };
        block_on(changes);
        log.push(block_on(reads).to_string());
        let mut boxed = Box::new((String::from("m"), 4));
        let mut first = || unsafe { (*boxed).0.push('n') };
        let second = || unsafe { [1, 2].iter().map(|i| (*boxed).1 + i).sum::<i32>() };
        first();
        let second = second();
        let third = || unsafe { let moved = (*boxed).0; moved };
        log.push(third() + &second.to_string());
        unsafe {
            let r = &mut two;
            let mut change_a = || (*r).a.push('x');
            let b = || (*r).b + 1;
            change_a();
            log.push(format!("{}{}", b(), (*r).a));
            let mut count = || { *p.0 += 1; *p.0 };
            log.push((count() + count()).to_string());
            let f = || -> Option<u32> { Some(*p.0).filter(|n| *n > 100)?; None };
            log.push(format!("{:?}", f()));
            let q = p.0;
            log.push(std::thread::scope(|s| { let p = &p; s.spawn(move || unsafe { *p.0 }).join().unwrap() }).to_string());
            log.push((0..3).map(|i| *q + i).sum::<u32>().to_string());
        }
        log
    }
}
}

same! {
#[allow(static_mut_refs)]
mod layouts {
    use std::cell::UnsafeCell;
    use std::mem::{ManuallyDrop, MaybeUninit};
    use std::ptr::NonNull;
    #[repr(C, packed)]
    #[derive(Clone, Copy)]
    struct Packed { tag: u8, value: u32, next: *const Packed }
    #[repr(C)]
    union Bits { int: u32, float: f32, text: ManuallyDrop<(u8, u8)> }
    static mut COUNTER: u32 = 0;
    static mut TABLE: [[u8; 2]; 2] = [[1, 2], [3, 4]];
    static NAMES: [&str; 2] = ["a", "b"];
    const LIMIT: u32 = 10;
    struct Outer { slots: UnsafeCell<[MaybeUninit<u64>; 4]>, buffer: UnsafeCell<Vec<u8>> }
    impl Outer { fn at(&self, i: usize) -> *mut u64 { self.slots.get().cast::<u64>().wrapping_add(i) } }
    const fn at_compile_time(p: *const u8) -> u8 { unsafe { *p } }
    const BYTE: u8 = at_compile_time(&4);
    macro_rules! deref { ($p:expr) => { *$p } }
    pub(super) fn run() -> Vec<String> {
        let mut log = Vec::new();
        let inner = Packed { tag: 1, value: 5, next: std::ptr::null() };
        let mut packed = Packed { tag: 2, value: 6, next: &raw const inner };
        let p = &raw mut packed;
        unsafe {
            (*p).value += 1;
            (*p).tag = (*(*p).next).tag + 1;
            let Packed { tag, value, .. } = *p;
            let Packed { tag: other, .. } = *(*p).next;
            let field = &raw const (*p).value;
            log.push(format!("{tag}{value}{other}{}{}", field.read_unaligned(), (*p).next.is_null()));
            if { (*p).value } == 7 && (*p).value == 7 { log.push("equal".into()); }
            let mut bits = Bits { int: 1 };
            let b = &raw mut bits;
            (*b).float = 1.0;
            log.push(format!("{:x}{:?}", (*b).int, *(*b).text));
            (*(*b).text).0 = 3;
            let first = (&(*b).text).0;
            log.push(first.to_string());
            COUNTER += 1;
            COUNTER = COUNTER + LIMIT;
            if COUNTER > LIMIT && COUNTER == 11 { log.push(COUNTER.to_string()); }
            TABLE[1][0] += TABLE[0][1];
            log.push(format!("{:?}{}{}", TABLE, TABLE[1][{ COUNTER += 1; 0 }], NAMES[1]));
            let n = match COUNTER { 12 => LIMIT, n => n };
            COUNTER = 0;
            TABLE = [[1, 2], [3, 4]];
            log.push(n.to_string());
            let outer = Outer { slots: UnsafeCell::new([MaybeUninit::uninit(); 4]), buffer: UnsafeCell::new(vec![1, 2]) };
            outer.at(1).write(8);
            *outer.at(2) = outer.at(1).read() + 1;
            (*outer.slots.get())[3] = MaybeUninit::new(*outer.at(2));
            log.push(format!("{}", (*outer.slots.get())[3].assume_init()));
            (&mut *outer.buffer.get())[1] = 9;
            (*outer.buffer.get()).push(3);
            let slice: *mut [u8] = (&mut *outer.buffer.get()).as_mut_slice();
            (*slice)[0] = (*slice)[1] + (&(*slice)).len() as u8;
            log.push(format!("{:?}{}", &*slice, (&(&(*slice))[1..]).len()));
            let text: *const str = "text";
            log.push(format!("{}{}", *text == *"text", (&(*text)).len()));
            let mut x = 5;
            let n = NonNull::from(&mut x);
            n.write(n.read() + 1);
            n.as_ptr().cast::<u8>().cast_const().copy_to(n.as_ptr().cast(), 1);
            log.push(format!("{}{}{}", *n.as_ptr(), n.replace(3), *n.as_ref()));
            log.push(format!("{}{}", deref!(n.as_ptr()), BYTE));
            let d: *const dyn std::fmt::Display = &x;
            log.push(format!("{}", (&(*d)).to_string()));
            let mut words = [String::from("a"), String::from("b")];
            let w = words.as_mut_ptr();
            w.swap(w.add(1));
            log.push(std::mem::take(&mut *w) + &(*w.add(1)).clone());
            let mut s = ManuallyDrop::new(vec![String::from("x")]);
            let t = &raw mut s;
            (&mut (*t)).push("y".into());
            log.push((&(**t)).join(""));
            (t as *mut Vec<String>).drop_in_place();
        }
        log
    }
}
}

#[test]
fn names_of_its_own_are_in_nobodys_way() {
    assert_eq!(crate::hygiene::run(), 7);
}
