//! The same module with and without the attribute: what it computes, in which order, and what it drops when, is the same.

/// Compiles the module twice, and compares what its `run` returns: a log of all that it did.
macro_rules! same {
    ($(#[$attribute:meta])* mod $name:ident { $($code:tt)* }) => {
        mod $name {
            $(#[$attribute])*
            mod plain { $($code)* }
            #[racecheck::instrument]
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
#[allow(unused_unsafe)]
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
