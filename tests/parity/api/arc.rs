//! `Arc` and `Weak`.

use std::any::Any;
use std::borrow::{Borrow, Cow};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::{self, Debug, Display};
use std::io::{Read, Seek, Write};
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::super::lib::sync::{Arc, Mutex, Weak};
use super::super::lib::thread;
use super::{Results, panics};

pub(super) fn results(results: &mut Results) {
    handles(results);
    only_owner(results);
    weak(results);
    cyclic(results);
    raw(results);
    over_aligned(results);
    unsized_ones(results);
    conversions(results);
    traits(results);
    in_the_value_s_place(results);
    destructors(results);
    pinned(results);
    traits_of_their_own(results);
}

fn counts<T: ?Sized>(arc: &Arc<T>) -> (usize, usize) {
    (Arc::strong_count(arc), Arc::weak_count(arc))
}

fn handles(results: &mut Results) {
    let one = Arc::new(vec![1]);
    let two = Arc::clone(&one);
    results.saw("counts", counts(&one));
    results.saw("same", (Arc::ptr_eq(&one, &two), one == two));
    results.saw("another", Arc::ptr_eq(&one, &Arc::new(vec![1])));
    results.saw("dereferenced", (one.len(), &*two, two.first()));
    results.saw("address", ptr::eq(Arc::as_ptr(&one), &*two));
    drop(one);
    results.saw("counts", counts(&two));
    let sizes = (
        size_of::<Option<Arc<u8>>>(),
        size_of::<Arc<str>>(),
        size_of::<Option<Weak<u8>>>(),
    );
    results.saw("sizes", sizes);
    let nothing = (Arc::new(()), Arc::new(()));
    results.saw("no size", Arc::ptr_eq(&nothing.0, &nothing.1));
    let lent = String::from("lent");
    results.saw("borrows", Arc::new(&lent));
}

fn only_owner(results: &mut Results) {
    let mut one = Arc::new(String::from("a"));
    Arc::get_mut(&mut one).unwrap().push('b');
    let before = Arc::as_ptr(&one);
    Arc::make_mut(&mut one).push('c');
    results.saw("in place", (&one, Arc::as_ptr(&one) == before));
    let two = one.clone();
    results.saw("shared", Arc::get_mut(&mut one));
    Arc::make_mut(&mut one).push('d');
    results.saw("cloned", (&one, &two, counts(&one), counts(&two)));
    let weak = Arc::downgrade(&two);
    let mut two = two;
    results.saw("a weak", Arc::get_mut(&mut two));
    Arc::make_mut(&mut two).push('e');
    results.saw("left", (&two, counts(&two), weak.upgrade()));
    let three = two.clone();
    results.saw("try_unwrap", Arc::try_unwrap(three));
    results.saw("into_inner", Arc::into_inner(two.clone()));
    results.saw("unwrap_or_clone", Arc::unwrap_or_clone(two.clone()));
    results.saw("counts", counts(&two));
    let weak = Arc::downgrade(&two);
    results.saw("try_unwrap", Arc::try_unwrap(two));
    results.saw("gone", (weak.upgrade(), weak.strong_count()));
    results.saw("into_inner", Arc::into_inner(one));
    results.saw("unwrap_or_clone", Arc::unwrap_or_clone(Arc::new(1)));
    let mut slice: Arc<[u8]> = Arc::from([1, 2]);
    let other = slice.clone();
    Arc::make_mut(&mut slice)[0] = 3;
    let _weak = Arc::downgrade(&slice);
    Arc::make_mut(&mut slice)[1] = 4;
    results.saw("slices", (&slice, other));
    let mut text: Arc<str> = Arc::from("a");
    let other = text.clone();
    Arc::make_mut(&mut text).make_ascii_uppercase();
    results.saw("texts", (&text, other));
    let mut path: Arc<Path> = Arc::from(Path::new("a"));
    results.saw("path", Arc::make_mut(&mut path).is_absolute());
}

fn weak(results: &mut Results) {
    static NONE: Weak<u8> = Weak::new();
    results.saw("none", (&NONE, NONE.upgrade(), NONE.clone().upgrade()));
    results.saw("counts", (NONE.strong_count(), NONE.weak_count()));
    results.saw("same", NONE.ptr_eq(&Weak::default()));
    let strong = Arc::new(7);
    let weak = Arc::downgrade(&strong);
    let another = weak.clone();
    results.saw("counts", counts(&strong));
    results.saw("counts", (weak.strong_count(), weak.weak_count()));
    results.saw("same", (weak.ptr_eq(&another), weak.ptr_eq(&NONE_I32)));
    results.saw("address", weak.as_ptr() == Arc::as_ptr(&strong));
    let upgraded = weak.upgrade();
    results.saw("upgraded", (&upgraded, counts(&strong)));
    drop(upgraded);
    let pointer = another.into_raw();
    // SAFETY: it comes from `into_raw`, and is used once; the value is still there.
    let (value, another) = unsafe { (*pointer, Weak::from_raw(pointer)) };
    results.saw("raw", (value, another.upgrade(), counts(&strong)));
    // SAFETY: it comes from `into_raw`, and is used once.
    let none: Weak<u8> = unsafe { Weak::from_raw(Weak::into_raw(Weak::new())) };
    results.saw("raw none", none.upgrade());
    let address = Arc::as_ptr(&strong);
    drop(strong);
    results.saw("gone", (weak.upgrade(), weak.as_ptr() == address));
    results.saw("counts", (weak.strong_count(), weak.weak_count()));
    let pointer = another.into_raw();
    // SAFETY: it comes from `into_raw`, and is used once.
    let another = unsafe { Weak::from_raw(pointer) };
    results.saw("raw gone", (another.upgrade(), another.ptr_eq(&weak)));
}

const NONE_I32: Weak<i32> = Weak::new();

fn cyclic(results: &mut Results) {
    struct Node {
        me: Weak<Node>,
        name: String,
    }
    let mut seen = Vec::new();
    let node = Arc::new_cyclic(|me| {
        seen.push((me.strong_count(), me.weak_count(), me.upgrade().is_some()));
        Node {
            me: me.clone(),
            name: String::from("node"),
        }
    });
    results.saw("before", seen);
    results.saw("counts", counts(&node));
    results.saw("same", node.me.as_ptr() == Arc::as_ptr(&node));
    results.saw("name", &node.me.upgrade().unwrap().name);
    let mut kept = Weak::new();
    let panic = panics(|| {
        let _: Arc<u8> = Arc::new_cyclic(|me| {
            kept = me.clone();
            panic!("in the middle")
        });
    });
    results.saw("panic", (panic, kept.upgrade(), kept.strong_count()));
}

fn raw(results: &mut Results) {
    let one = Arc::new(7_u32);
    let pointer = Arc::into_raw(one.clone());
    results.saw("address", pointer == Arc::as_ptr(&one));
    // SAFETY: the pointer is from `into_raw`, and is used as often as it was given and counted up.
    unsafe {
        results.saw("value", *pointer);
        Arc::increment_strong_count(pointer);
        results.saw("counts", counts(&one));
        Arc::decrement_strong_count(pointer);
        results.saw("counts", counts(&one));
        let two = Arc::from_raw(pointer);
        results.saw("same", (Arc::ptr_eq(&one, &two), counts(&one)));
        let bytes = Arc::from_raw(Arc::into_raw(two).cast::<[u8; 4]>());
        results.saw("of another type", (bytes, counts(&one)));
    }
    // SAFETY: the values are written before they are said to be there.
    unsafe {
        let mut later = Arc::<u32>::new_uninit();
        Arc::get_mut(&mut later).unwrap().write(7);
        results.saw("later", later.assume_init());
        let mut later = Arc::<[u32]>::new_uninit_slice(2);
        for (value, place) in Arc::get_mut(&mut later).unwrap().iter_mut().enumerate() {
            place.write(u32::try_from(value).unwrap());
        }
        results.saw("later", later.assume_init());
        results.saw("zeroed", Arc::<u64>::new_zeroed().assume_init());
        results.saw("zeroed", Arc::<[u8]>::new_zeroed_slice(3).assume_init());
    }
}

fn over_aligned(results: &mut Results) {
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(128))]
    struct Wide(u8);

    let mut wide = Arc::new(Wide(1));
    let weak = Arc::downgrade(&wide);
    Arc::make_mut(&mut wide).0 = 2;
    results.saw("moved", (&wide, weak.upgrade()));
    results.saw("aligned", Arc::as_ptr(&wide).is_aligned());
    let boxed: Arc<[Wide]> = Arc::from(vec![Wide(3), Wide(4)]);
    results.saw("aligned", (&boxed, boxed.as_ptr().is_aligned()));
    let none: Arc<[Wide]> = Arc::default();
    results.saw("empty", (&none, none.as_ptr().is_aligned()));
}

fn unsized_ones(results: &mut Results) {
    let object: Arc<dyn Display + Send + Sync> =
        Arc::from(Box::new(7) as Box<dyn Display + Send + Sync>);
    let weak: Weak<dyn Display + Send + Sync> = Arc::downgrade(&object);
    results.saw("object", (object.to_string(), counts(&object)));
    results.saw("upgraded", weak.upgrade().map(|object| object.to_string()));
    drop(object);
    results.saw("gone", (weak.upgrade().is_none(), weak.strong_count()));
    // SAFETY: it comes from `into_raw`, and is used once.
    let weak = unsafe { Weak::from_raw(weak.into_raw()) };
    results.saw("raw", weak.upgrade().is_none());

    let any: Arc<dyn Any + Send + Sync> = Arc::from(Box::new(7_u8) as Box<dyn Any + Send + Sync>);
    let any = any.downcast::<u16>().unwrap_err();
    results.saw("downcast", any.downcast::<u8>());

    let call: Arc<dyn Fn(i32) -> i32 + Send + Sync> =
        Arc::from(Box::new(|x| x + 1) as Box<dyn Fn(i32) -> i32 + Send + Sync>);
    let there = thread::spawn({
        let call = call.clone();
        move || call(1)
    });
    results.saw("called", (call(2), there.join().unwrap()));

    let lock: Arc<Mutex<[u8]>> = Arc::from(Box::new(Mutex::new([1_u8, 2])) as Box<Mutex<[u8]>>);
    lock.lock().unwrap()[0] = 3;
    results.saw("lock", lock);
}

fn conversions(results: &mut Results) {
    results.saw("value", Arc::from(7));
    results.saw("box", Arc::<i32>::from(Box::new(7)));
    results.saw("array", Arc::<[i32]>::from([1, 2]));
    results.saw("slice", Arc::<[String]>::from(&[String::from("a")][..]));
    results.saw("slice", Arc::<[i32]>::from(&mut [1][..]));
    results.saw("vec", Arc::<[i32]>::from(vec![1, 2]));
    results.saw("collected", (1..4).collect::<Arc<[i32]>>());
    results.saw("text", Arc::<str>::from("a"));
    results.saw("text", Arc::<str>::from(&mut *String::from("a")));
    results.saw("text", Arc::<str>::from(String::from("a")));
    results.saw("text", Arc::<str>::from(Cow::Borrowed("a")));
    results.saw("cow", Arc::<[u8]>::from(Cow::Owned(vec![1])));
    results.saw("bytes", Arc::<[u8]>::from(Arc::<str>::from("a")));
    let mut c_string = CString::new("a").unwrap();
    results.saw("c", Arc::<CStr>::from(c"a"));
    results.saw("c", Arc::<CStr>::from(c_string.clone()));
    let c_str: &mut CStr = &mut c_string.clone().into_boxed_c_str();
    results.saw("c", Arc::<CStr>::from(c_str));
    results.saw("c", Arc::<CStr>::from(Cow::Borrowed(&*c_string)));
    c_string = CString::default();
    results.saw("c", Arc::<CStr>::from(&*c_string));
    let os_string = OsString::from("a");
    results.saw("os", Arc::<OsStr>::from(&*os_string));
    results.saw(
        "os",
        Arc::<OsStr>::from(&mut *os_string.clone().into_boxed_os_str()),
    );
    results.saw("os", Arc::<OsStr>::from(os_string));
    let mut path = PathBuf::from("a");
    results.saw("path", Arc::<Path>::from(&*path));
    results.saw(
        "path",
        Arc::<Path>::from(&mut *path.clone().into_boxed_path()),
    );
    path.push("b");
    results.saw("path", Arc::<Path>::from(path));
    let slice: Arc<[i32]> = Arc::from([1, 2]);
    results.saw("to an array", Arc::<[i32; 2]>::try_from(slice.clone()));
    results.saw("too long", Arc::<[i32; 3]>::try_from(slice));
    results.saw("default", Arc::<i32>::default());
    results.saw("default", (Arc::<[i32]>::default(), Arc::<str>::default()));
    results.saw("default", Arc::<CStr>::default());
    results.saw("default", Pin::<Arc<i32>>::default());
}

fn traits(results: &mut Results) {
    let (one, two) = (Arc::new(1.0), Arc::new(f64::NAN));
    results.saw(
        "equal",
        (one == one.clone(), two == two.clone(), one != two),
    );
    results.saw(
        "compared",
        (one.partial_cmp(&two), one < two, one >= one.clone()),
    );
    results.saw("ordered", Arc::new(1).max(Arc::new(2)));
    let ages: HashMap<Arc<str>, u8> = HashMap::from([(Arc::from("a"), 1)]);
    results.saw("found", ages.get("a"));
    let set: HashSet<Arc<i32>> = [Arc::new(1), Arc::new(1)].into();
    results.saw("set", set);
    let one = Arc::new(String::from("a"));
    let text: &str = one.as_ref().as_ref();
    let borrowed: &String = one.borrow();
    results.saw("references", (text, borrowed));
    results.saw("shown", (one.to_string(), &one));
    results.saw("aligned", format!("{one:>4}|{:04}", Arc::new(7)));
    let pointer = format!("{one:p}") == format!("{:p}", Arc::as_ptr(&one));
    results.saw("pointer", pointer);

    #[derive(Debug)]
    struct Outer(fmt::Error);
    impl Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    let error: Box<dyn Error> = Box::new(Arc::new(Outer(fmt::Error)));
    let source = error.source().map(ToString::to_string);
    results.saw("error", (error.to_string(), source));
}

fn in_the_value_s_place(results: &mut Results) {
    let mut file = Arc::new(tempfile::tempfile().unwrap());
    file.write_all(b"some text").unwrap();
    file.flush().unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    results.saw("file", (text, file.stream_position().unwrap()));
    #[cfg(unix)]
    {
        use std::os::fd::{AsFd, AsRawFd};
        let same = file.as_fd().as_raw_fd() == file.as_raw_fd();
        results.saw("descriptor", same);
    }
}

/// Says that it is dropped.
struct Says<'a>(&'a AtomicU32);

impl Drop for Says<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn destructors(results: &mut Results) {
    let dropped = AtomicU32::new(0);
    let mut saw = |what: &str| results.saw(what, dropped.swap(0, Relaxed));
    let one = Arc::new(Says(&dropped));
    let (two, weak) = (one.clone(), Arc::downgrade(&one));
    drop(one);
    saw("not yet");
    drop(two);
    saw("with the last handle");
    drop(weak);
    saw("and once");
    drop(Arc::<[Says<'_>]>::from([Says(&dropped), Says(&dropped)]));
    saw("a slice");
    drop(Arc::<Says<'_>>::from(Box::new(Says(&dropped))));
    saw("from a box");
    let taken = Arc::into_inner(Arc::new(Says(&dropped)));
    saw("not if it is taken");
    drop(taken);
    saw("but then");
    drop(Arc::<Says<'_>>::new_uninit());
    saw("not if there is none");
    let mut one = Arc::new([Says(&dropped)]);
    *Arc::get_mut(&mut one).unwrap() = [Says(&dropped)];
    saw("replaced");
    drop(one);
    saw("and dropped");

    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in the destructor");
        }
    }
    let one = Arc::new(Panics);
    let weak = Arc::downgrade(&one);
    let panic = panics(|| drop(one));
    results.saw("panic", (panic, weak.upgrade().is_some()));
}

fn pinned(results: &mut Results) {
    let pinned: Pin<Arc<(u8, PhantomPinned)>> = Arc::pin((7, PhantomPinned));
    results.saw("pinned", (pinned.0, pinned.clone().as_ref().0));
    fn unpin<T: Unpin>() {}
    unpin::<Arc<PhantomPinned>>();
    unpin::<Weak<PhantomPinned>>();
}

/// What they implement, and what they don't, for a value of this type.
fn traits_of_their_own(results: &mut Results) {
    /// Which of the types implement which trait: the inherent constant is there if the type does, and hides the trait's.
    macro_rules! implemented {
        ($results:ident, [$($bound:ident),*] for $types:tt) => {
            $(implemented!(@ $results, $bound, $types);)*
        };
        (@ $results:ident, $bound:ident, [$($type:ty),* $(,)?]) => {{
            #[allow(dead_code, reason = "every type may implement it")]
            trait Otherwise {
                const IS: bool = false;
            }
            impl<T: ?Sized> Otherwise for T {}
            struct Asked<T: ?Sized>(std::marker::PhantomData<T>);
            #[allow(dead_code, reason = "no type may implement it")]
            impl<T: ?Sized + $bound> Asked<T> {
                const IS: bool = true;
            }
            $results.saw(
                concat!(stringify!($bound), " for ", $(stringify!($type), " "),*),
                [$(<Asked<$type>>::IS),*],
            );
        }};
    }
    /// `Send` and not `Sync`.
    type Local = Cell<u8>;
    /// `Sync` and not `Send`.
    type Lent = std::sync::MutexGuard<'static, u8>;
    /// `UnwindSafe` and not `RefUnwindSafe`.
    type Unsafe = std::cell::UnsafeCell<u8>;
    /// None of them.
    type Pointer = *const Unsafe;
    implemented!(results, [Send, Sync, Unpin, UnwindSafe, RefUnwindSafe] for [
        Arc<u8>, Arc<str>, Arc<Local>, Arc<Lent>, Arc<Unsafe>, Arc<Pointer>, Arc<&mut u8>, Arc<PhantomPinned>,
        Arc<dyn Debug>, Arc<dyn Debug + Send>, Arc<dyn Debug + Send + Sync>, Arc<Mutex<Local>>,
        Weak<u8>, Weak<str>, Weak<Local>, Weak<Lent>, Weak<Unsafe>, Weak<Pointer>, Weak<&mut u8>, Weak<PhantomPinned>,
        Weak<dyn Debug + Send>, Weak<dyn Debug + Send + Sync>,
    ]);
    implemented!(results, [Clone, Debug, Display, Eq, Ord, Default, Error, Copy] for [
        Arc<u8>, Arc<str>, Arc<f64>, Arc<Local>, Arc<fmt::Error>, Arc<dyn Debug>, Arc<dyn Error>, Weak<u8>, Weak<str>, Weak<dyn Debug>,
    ]);
}
