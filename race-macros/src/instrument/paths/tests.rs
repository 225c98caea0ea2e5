//! Source in, expected source out. `T::` is short for where the tracked modules are.

use crate::instrument::expand;
use proc_macro2::TokenStream;

const TRACKED: &str = "::racecheck::__private::tracked::";

/// What has a test of its own, and is left out of the others.
const IDLE: &str = "#[allow(unused_imports)]";

/// A module of this source, after the macro.
fn expanded(arguments: &str, source: &str) -> String {
    let arguments: TokenStream = arguments.parse().unwrap();
    let item: TokenStream = format!("mod it {{ {source} }}").parse().unwrap();
    unspaced(expand(arguments, item, true))
}

/// The tokens, without what is between them, and with a line for each semicolon.
fn unspaced(tokens: TokenStream) -> String {
    let text = tokens.to_string().replace(char::is_whitespace, "");
    let text = text.replace(TRACKED, "T::").replace(IDLE, "");
    text.replace(';', ";\n")
}

#[track_caller]
fn check_with(arguments: &str, cases: &[(&str, &str)]) {
    for (before, after) in cases {
        let after: TokenStream = format!("mod it {{ {after} }}").parse().unwrap();
        assert_eq!(expanded(arguments, before), unspaced(after), "{before}");
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    check_with("", cases);
}

/// These stay as they are.
#[track_caller]
fn check_untouched(sources: &[&str]) {
    let cases: Vec<_> = sources.iter().map(|source| (*source, *source)).collect();
    check(&cases);
}

#[test]
fn uses() {
    check(&[
        ("use std::sync::Mutex;", "use T::std::sync::Mutex;"),
        (
            "pub use ::std::sync::Mutex;",
            "pub use T::std::sync::Mutex;",
        ),
        (
            "pub(in crate::a) use std::thread;",
            "pub(in crate::a) use T::std::thread;",
        ),
        (
            "#[cfg(unix)] use std::thread;",
            "#[cfg(unix)] use T::std::thread;",
        ),
        ("use core::cell::Cell;", "use T::core::cell::Cell;"),
        ("use core::sync::atomic;", "use T::core::sync::atomic;"),
        ("use alloc::sync::Arc;", "use T::alloc::sync::Arc;"),
        (
            "use ::alloc::alloc::{dealloc, Layout};",
            "use T::alloc::alloc::{dealloc, Layout};",
        ),
        ("use alloc::alloc::alloc;", "use T::alloc::alloc::alloc;"),
        ("use std::ptr;", "use T::std::ptr;"),
        ("use std::{sync, thread};", "use T::std::{sync, thread};"),
        (
            "use std::sync::{Arc, atomic::{self, AtomicU8, Ordering::*}, mpsc::*};",
            "use T::std::sync::{Arc, atomic::{self, AtomicU8, Ordering::*}, mpsc::*};",
        ),
        (
            "use std::sync::{self, Arc as Shared, Mutex as _};",
            "use T::std::sync::{self, Arc as Shared, Mutex as _};",
        ),
    ]);
}

#[test]
fn trees_are_split() {
    check(&[
        (
            "use std::{collections::{HashMap, HashSet}, fmt, sync::Arc, time::Duration, thread::{self, JoinHandle}};",
            "use std::{collections::{HashMap, HashSet}, fmt, time::Duration};
             use T::std::{sync::Arc, thread::{self, JoinHandle}};",
        ),
        (
            "#[allow(unused)] pub(crate) use std::{fmt, cell::Cell};",
            "#[allow(unused)] pub(crate) use std::fmt; #[allow(unused)] pub(crate) use T::std::cell::Cell;",
        ),
        (
            "use {std::sync::Mutex, core::{fmt, ptr}, other::Thing};",
            "use {core::fmt, other::Thing}; use T::std::sync::Mutex; use T::core::ptr;",
        ),
        (
            "use std::{self, io::{self}, sync::{self}};",
            "use std::io::{self}; use T::std::{self, sync::{self}};",
        ),
        (
            "use alloc::{boxed::Box, sync::Arc};",
            "use alloc::boxed::Box; use T::alloc::sync::Arc;",
        ),
    ]);
}

#[test]
fn globs_and_other_names() {
    check(&[
        ("use std::cell::*;", "use T::std::cell::*;"),
        ("use std::*;", "use T::std::*;"),
        (
            "use core::{cell::*, fmt::*};",
            "use core::fmt::*; use T::core::cell::*;",
        ),
        ("use std as s;", "use T::std as s;"),
        ("use std::sync as s;", "use T::std::sync as s;"),
        (
            "use std::{self as s, fmt};",
            "use std::fmt; use T::std::{self as s};",
        ),
        // `s` leads to racecheck already; the longer way is as right.
        (
            "use std as s; fn f(_: s::sync::Mutex<u8>) {}",
            "use T::std as s; fn f(_: T::std::sync::Mutex<u8>) {}",
        ),
        (
            "use std as s; use s::sync::Mutex;",
            "use T::std as s; use s::sync::Mutex;",
        ),
        (
            "use std::sync as s; fn f(_: s::Mutex<u8>) {}",
            "use T::std::sync as s; fn f(_: s::Mutex<u8>) {}",
        ),
        (
            "extern crate std as s; extern crate alloc; pub extern crate core;",
            "use T::std as s; use T::alloc; pub use T::core;",
        ),
        (
            "#[macro_use] extern crate std as s; fn f(_: s::sync::Mutex<u8>) {}",
            "#[macro_use] extern crate std as s; fn f(_: T::std::sync::Mutex<u8>) {}",
        ),
    ]);
}

#[test]
fn paths_in_all_positions() {
    check(&[
        (
            "struct S<T: std::fmt::Debug = std::cell::Cell<u8>> { a: std::sync::Arc<std::sync::Mutex<T>>, b: [::std::sync::atomic::AtomicU8; 4] }",
            "struct S<T: std::fmt::Debug = T::std::cell::Cell<u8>> { a: T::std::sync::Arc<T::std::sync::Mutex<T>>, b: [T::std::sync::atomic::AtomicU8; 4] }",
        ),
        (
            "fn f(x: &std::thread::Thread) -> impl Fn(std::sync::Weak<u8>) -> std::thread::Result<u8> + use<'_> { core::ptr::null::<std::cell::Cell<u8>>() }",
            "fn f(x: &T::std::thread::Thread) -> impl Fn(T::std::sync::Weak<u8>) -> T::std::thread::Result<u8> + use<'_> { T::core::ptr::null::<T::std::cell::Cell<u8>>() }",
        ),
        (
            "impl<T> std::fmt::Debug for std::sync::Mutex<T> where T: ::std::alloc::GlobalAlloc, std::cell::Cell<T>: Sized {}",
            "impl<T> std::fmt::Debug for T::std::sync::Mutex<T> where T: T::std::alloc::GlobalAlloc, T::std::cell::Cell<T>: Sized {}",
        ),
        (
            "unsafe impl std::alloc::GlobalAlloc for S {}",
            "unsafe impl T::std::alloc::GlobalAlloc for S {}",
        ),
        (
            "fn f() { let x: Vec<std::sync::Arc<u8>> = <std::sync::Arc<u8> as std::clone::Clone>::clone(y); <A as std::alloc::GlobalAlloc>::alloc(a); <std::cell::Cell<u8>>::new(0); }",
            "fn f() { let x: Vec<T::std::sync::Arc<u8>> = <T::std::sync::Arc<u8> as std::clone::Clone>::clone(y); <A as T::std::alloc::GlobalAlloc>::alloc(a); <T::std::cell::Cell<u8>>::new(0); }",
        ),
        (
            "fn f() { match x { std::sync::mpsc::TryRecvError::Empty => {} std::sync::TryLockError::Poisoned(e) => {} std::a::B { .. } => {} } }",
            "fn f() { match x { T::std::sync::mpsc::TryRecvError::Empty => {} T::std::sync::TryLockError::Poisoned(e) => {} std::a::B { .. } => {} } }",
        ),
        (
            "trait T: std::alloc::GlobalAlloc { type A: Into<std::thread::Builder>; fn f() { std::thread::spawn(|| std::thread::park()); } }",
            "trait T: T::std::alloc::GlobalAlloc { type A: Into<T::std::thread::Builder>; fn f() { T::std::thread::spawn(|| T::std::thread::park()); } }",
        ),
        (
            "type A = dyn Iterator<Item = std::sync::Arc<u8>>; enum E { A(std::sync::Arc<u8>), B { c: std::sync::Weak<u8> } }",
            "type A = dyn Iterator<Item = T::std::sync::Arc<u8>>; enum E { A(T::std::sync::Arc<u8>), B { c: T::std::sync::Weak<u8> } }",
        ),
        (
            "static S: std::sync::Once = std::sync::Once::new(); async fn f() { async { std::thread::yield_now() }.await }",
            "static S: T::std::sync::Once = T::std::sync::Once::new(); async fn f() { async { T::std::thread::yield_now() }.await }",
        ),
        (
            "mod inner { fn f() { fn g() { mod deep { use std::thread; } } } }",
            "mod inner { fn f() { fn g() { mod deep { use T::std::thread; } } } }",
        ),
    ]);
}

#[test]
fn what_is_not_ours() {
    check_untouched(&[
        "use std::collections::HashMap; use std::fmt::*; use std::hint::spin_loop;",
        "use core::alloc::Layout; use alloc::vec::Vec; use alloc::collections::*;",
        "fn f() { std::mem::swap(a, b); std::hint::spin_loop(); alloc::alloc(layout); }",
        "pub(in std::sync) struct S; #[path(std::sync::Mutex)] struct T;",
        "fn f() { self::std::sync::f(); crate::std::sync::f(); thing::std::sync::Mutex::new(); }",
        "macro_rules! m { () => { std::sync::Mutex::new(0) } }",
        "fn f() { thing!(std::sync::Mutex::new(0)); std::sync::thing!(); }",
        "use {a::b, c::d};",
    ]);
}

#[test]
fn local_names_shadow() {
    check_untouched(&[
        "mod std { pub mod sync { pub struct Mutex; } } fn f() { std::sync::Mutex; } use std::sync::Mutex;",
        "use other as std; use std::sync::Mutex;",
        "extern crate other as core; use core::cell::Cell;",
        "mod alloc {} use alloc::sync::Arc;",
        "fn f() { mod std {} std::sync::f(); { fn g() { std::sync::f() } } }",
        "use other::*; mod inner { use super::*; mod std {} use std::sync::Mutex; }",
        "mod std {} mod inner { use super::*; fn f() { std::sync::f() } }",
        "mod std {} mod inner { use super::std; fn f() { std::sync::f() } }",
    ]);
    check(&[
        (
            "mod std {} use ::std::sync::Mutex;",
            "mod std {} use T::std::sync::Mutex;",
        ),
        (
            "mod std {} mod inner { use std::sync::Mutex; }",
            "mod std {} mod inner { use T::std::sync::Mutex; }",
        ),
        (
            "fn f() { { mod std {} } std::thread::park(); }",
            "fn f() { { mod std {} } T::std::thread::park(); }",
        ),
        // A function is in nobody's way.
        (
            "fn std() {} use std::sync::Mutex;",
            "fn std() {} use T::std::sync::Mutex;",
        ),
        (
            "use alloc::alloc::alloc; fn f() { alloc::sync::Arc::new(0); }",
            "use T::alloc::alloc::alloc; fn f() { T::alloc::sync::Arc::new(0); }",
        ),
        (
            "use a::b; use b::a; use a as std; use std as a; fn f() { a::sync::f() }",
            "use a::b; use b::a; use a as std; use std as a; fn f() { a::sync::f() }",
        ),
    ]);
}

#[test]
fn macros_of_std() {
    check(&[
        (
            "fn f() { assert_eq!(std::sync::Arc::strong_count(&a), 1, \"{}\", x = std::thread::current()); }",
            "fn f() { assert_eq!(T::std::sync::Arc::strong_count(&a), 1, \"{}\", x = T::std::thread::current()); }",
        ),
        (
            "fn f() { vec![std::cell::Cell::new(0); 3]; vec![std::cell::Cell::new(0), x,]; vec![]; std::println!(\"{:?}\", std::thread::current()); }",
            "fn f() { vec![T::std::cell::Cell::new(0); 3]; vec![T::std::cell::Cell::new(0), x,]; vec![]; std::println!(\"{:?}\", T::std::thread::current()); }",
        ),
        (
            "fn f() { matches!(x, Err(std::sync::TryLockError::WouldBlock) | std::sync::A if std::thread::panicking()); }",
            "fn f() { matches!(x, Err(T::std::sync::TryLockError::WouldBlock) | T::std::sync::A if T::std::thread::panicking()); }",
        ),
        (
            "fn f() { assert!(matches!(vec![std::sync::A], std::sync::B)); dbg!(match x { std::sync::A => 1 }) }",
            "fn f() { assert!(matches!(vec![T::std::sync::A], T::std::sync::B)); dbg!(match x { T::std::sync::A => 1 }) }",
        ),
        // It doesn't parse as `std`'s: it is another.
        (
            "fn f() { assert!(std::sync::A => std::sync::B); }",
            "fn f() { assert!(std::sync::A => std::sync::B); }",
        ),
    ]);
}

/// `LocalKey` has `set`, `with_borrow` and so on for `std`'s cells only.
#[test]
fn cells_of_thread_locals_stay() {
    check(&[
        (
            "use std::cell::{Cell, RefCell}; use std::sync::Arc;
             thread_local! { static A: Cell<u8> = const { Cell::new(0) }; pub static B: std::cell::RefCell<Vec<Arc<u8>>> = RefCell::new(vec![std::sync::Arc::new(0)]) }",
            "use T::std::cell::{Cell, RefCell}; use T::std::sync::Arc;
             thread_local! { static A: ::std::cell::Cell<u8> = const { ::std::cell::Cell::new(0) }; pub static B: std::cell::RefCell<Vec<Arc<u8>>> = ::std::cell::RefCell::new(vec![T::std::sync::Arc::new(0)]) }",
        ),
        (
            "use core::cell; std::thread_local! { static A: cell::Cell<u8> = cell::Cell::new({ fn f() { std::cell::Cell::new(0); } 0 }); }",
            "use T::core::cell; std::thread_local! { static A: ::core::cell::Cell<u8> = ::core::cell::Cell::new({ fn f() { T::std::cell::Cell::new(0); } 0 }); }",
        ),
    ]);
}

/// racecheck's functions aren't `const`.
#[test]
fn what_the_compiler_evaluates_stays() {
    check(&[
        (
            "use std::ptr; use std::ptr::{null, read}; const fn f(read: u8) { ptr::read(p); read(p); ptr::null(); std::ptr::write::<u8>(p, read); null(); }",
            "use T::std::ptr; use T::std::ptr::{null, read}; const fn f(read: u8) { ::std::ptr::read(p); ::std::ptr::read(p); ptr::null(); std::ptr::write::<u8>(p, read); null(); }",
        ),
        (
            "use std::ptr::*; mod inner { use super::*; const A: u8 = read(p); static B: u8 = (|| read(p))(); fn read(p: P) {} }
             fn f() { fn read() {} const { read() } const { write(p, 1) } }",
            "use T::std::ptr::*; mod inner { use super::*; const A: u8 = read(p); static B: u8 = (|| read(p))(); fn read(p: P) {} }
             fn f() { fn read() {} const { read() } const { ::std::ptr::write(p, 1) } }",
        ),
        (
            "use core as c; use c::ptr as p; struct S([u8; p::read(a)]); enum E { A = c::ptr::read(a) }
             fn f() { [0; p::read(a)]; let x: A<{ p::read(a) }>; p::read(a); }
             impl S { const fn g() { fn h() { p::read(a); std::ptr::read(a); } super::it::p::read(a); self::p::read(a); } const C: u8 = p::read(a); }",
            "use T::core as c; use c::ptr as p; struct S([u8; ::core::ptr::read(a)]); enum E { A = ::core::ptr::read(a) }
             fn f() { [0; ::core::ptr::read(a)]; let x: A<{ ::core::ptr::read(a) }>; p::read(a); }
             impl S { const fn g() { fn h() { p::read(a); T::std::ptr::read(a); } super::it::p::read(a); ::core::ptr::read(a); } const C: u8 = ::core::ptr::read(a); }",
        ),
        (
            "static S: std::sync::Mutex<*const u8> = std::sync::Mutex::new(std::ptr::null()); static T: L = L::new(|| std::ptr::read(p));",
            "static S: T::std::sync::Mutex<*const u8> = T::std::sync::Mutex::new(T::std::ptr::null()); static T: L = L::new(|| T::std::ptr::read(p));",
        ),
    ]);
}

#[test]
fn kept() {
    check_with(
        "keep(Arc, std::thread, atomic::fence)",
        &[
            (
                "use std::{sync::{Arc, Mutex, atomic::{fence, AtomicU8}}, thread}; use std::thread::spawn;",
                "use std::{sync::{Arc, atomic::fence}, thread}; use T::std::sync::{Mutex, atomic::AtomicU8}; use std::thread::spawn;",
            ),
            (
                "fn f(_: std::sync::Arc<std::sync::Mutex<std::sync::Arc<u8>>>) { std::thread::Builder::new() }",
                "fn f(_: std::sync::Arc<T::std::sync::Mutex<std::sync::Arc<u8>>>) { std::thread::Builder::new() }",
            ),
            (
                "use std::sync as s; fn f(_: s::Arc<u8>, _: s::Weak<u8>) {} use s::{Arc, Weak}; mod m { use super::s as t; fn f(_: t::Arc<u8>) {} }",
                "use T::std::sync as s; fn f(_: ::std::sync::Arc<u8>, _: s::Weak<u8>) {} use s::Weak; use ::std::sync::Arc; mod m { use super::s as t; fn f(_: ::std::sync::Arc<u8>) {} }",
            ),
            (
                "use std as s; use s::thread as t; fn f() { s::thread::park(); t::park(); s::sync::Mutex::new(0); }",
                "use T::std as s; use ::std::thread as t; fn f() { ::std::thread::park(); t::park(); T::std::sync::Mutex::new(0); }",
            ),
            (
                "pub use std::sync::*; use alloc::sync::*;",
                "pub use T::std::sync::*; pub use ::std::sync::Arc; use T::alloc::sync::*; use ::alloc::sync::Arc;",
            ),
            // The program's own `Arc` comes before a glob's anyway.
            (
                "use std::sync::*; struct Arc;",
                "use T::std::sync::*; struct Arc;",
            ),
            (
                "use std::*; fn f() { thread::park(); sync::Mutex::new(0); sync::Arc::new(0); }",
                "use T::std::*; use ::std::thread; fn f() { thread::park(); sync::Mutex::new(0); ::std::sync::Arc::new(0); }",
            ),
            (
                "use core::*; extern crate std as s;",
                "use T::core::*; use T::std as s;",
            ),
        ],
    );
    check_with(
        "keep(std)",
        &[(
            "use std::{fmt, sync::Arc}; use std as s; extern crate std; fn f(_: s::sync::Once) { core::cell::Cell::new(0); }",
            "use std::{fmt, sync::Arc}; use std as s; extern crate std; fn f(_: s::sync::Once) { T::core::cell::Cell::new(0); }",
        )],
    );
}

/// Each of a program's globs could bring what another begins with.
#[test]
fn many_globs() {
    let globs = "use std::cell::*; use std::sync::*; use a::*; use b::*; use super::*;".repeat(20);
    let tracked = globs.replace("std", "T::std");
    let inner = |globs: &str, rest: &str| format!("{globs} mod inner {{ {globs} {rest} }}");
    check(&[(
        &inner(&globs, "fn f(_: std::sync::Once) {}"),
        &inner(&tracked, "fn f(_: T::std::sync::Once) {}"),
    )]);
}

/// What was used may not be any more.
#[test]
fn imports_may_idle() {
    for (idle, source) in [
        (1, "use std::cell::Cell;"),
        (1, "use std::ptr::{null, write};"),
        (1, "use std::{fmt, sync::atomic};"),
        (1, "use std::thread::{self, Builder};"),
        (1, "extern crate alloc;"),
        (0, "use std::sync::{Arc, Mutex};"),
        (0, "use std::thread::spawn;"),
        (0, "use std::ptr::null;"),
        (0, "use std::fmt;"),
    ] {
        let item = format!("mod it {{ {source} }}").parse().unwrap();
        let given = expand(TokenStream::new(), item, true).to_string();
        let given = given.replace(char::is_whitespace, "");
        assert_eq!(given.matches(IDLE).count(), idle, "{source}");
    }
}

#[test]
fn nested_attributes() {
    check(&[
        (
            "#[racecheck::instrument(skip)] #[inline] fn f() { std::thread::park() } #[::racecheck::instrument] fn g() { std::thread::park() }",
            "#[inline] fn f() { std::thread::park() } fn g() { T::std::thread::park() }",
        ),
        (
            "impl S { #[instrument(skip)] fn f() { std::thread::park() } #[tracing::instrument] #[instrument(skip(a))] fn g() { std::thread::park() } }",
            "impl S { fn f() { std::thread::park() } #[tracing::instrument] #[instrument(skip(a))] fn g() { T::std::thread::park() } }",
        ),
        (
            "#[racecheck::instrument(keep(thread))] fn f() { std::thread::park() } fn g() { #[racecheck::instrument(skip)] use std::thread; }",
            "#[racecheck::instrument(keep(thread))] fn f() { std::thread::park() } fn g() { use std::thread; }",
        ),
        (
            "trait A { #[racecheck::instrument(skip)] fn f() { std::thread::park() } } extern \"C\" { #[racecheck::instrument(skip)] fn f(_: std::sync::Once); }",
            "trait A { fn f() { std::thread::park() } } extern \"C\" { fn f(_: std::sync::Once); }",
        ),
    ]);
    let renamed = expanded(
        "crate = a::rc",
        "#[a::rc::instrument(skip)] use std::thread; use std::sync;",
    );
    let after = "mod it { use std::thread; use a::rc::__private::tracked::std::sync; }";
    assert_eq!(renamed, unspaced(after.parse().unwrap()));
}

#[test]
fn nothing_changes_without_the_feature() {
    let source =
        "mod it { #![allow(x)] use std::{sync::Mutex}; #[racecheck::instrument(skip)] fn f() {} }";
    let item: TokenStream = source.parse().unwrap();
    for (arguments, checked) in [
        ("", false),
        ("keep(Arc)", false),
        ("skip", false),
        ("skip", true),
    ] {
        let given = expand(arguments.parse().unwrap(), item.clone(), checked);
        assert_eq!(given.to_string(), item.to_string());
    }
}
