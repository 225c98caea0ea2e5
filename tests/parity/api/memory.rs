//! What accesses memory: `cell`, `ptr` and `alloc`.

use std::fmt::Debug;
use std::panic::UnwindSafe;

use super::super::lib::alloc::{
    GlobalAlloc, Layout, LayoutError, System, alloc, alloc_zeroed, dealloc, realloc,
};
use super::super::lib::cell::{
    BorrowError, BorrowMutError, Cell, LazyCell, OnceCell, Ref, RefCell, RefMut, UnsafeCell,
};
use super::super::lib::ptr::{self, NonNull};
use super::{Results, panics};

pub(super) fn results(results: &mut Results) {
    cell(results);
    unsafe_cell(results);
    ref_cell(results);
    borrows(results);
    failed_borrows(results);
    once_cell(results);
    lazy_cell(results);
    values(results);
    ranges(results);
    pointers(results);
    blocks(results);
    auto_traits();
}

fn cell(results: &mut Results) {
    thread_local! {
        static OF_THIS_THREAD: Cell<u8> = const { Cell::new(3) };
    }
    results.saw("thread-local", OF_THIS_THREAD.with(Cell::get));
    let mut cell = Cell::new(1);
    results.saw("new", (&cell, cell.get()));
    cell.set(2);
    cell.update(|n| n + 1);
    results.saw("replace", (cell.replace(4), cell.get()));
    *cell.get_mut() += 1;
    let other = Cell::from(7);
    cell.swap(&other);
    cell.swap(&cell);
    results.saw("swapped", (&cell, &other));
    // SAFETY: nobody else has the cell.
    results.saw("as_ptr", unsafe { *cell.as_ptr() });
    results.saw("clone", cell.clone());
    results.saw(
        "equal",
        (cell == other, cell != other, cell < other, cell.cmp(&other)),
    );
    results.saw("take", (cell.take(), cell.into_inner()));
    results.saw("default", Cell::<u8>::default());
    let list = Cell::new(vec![1]);
    list.set(vec![2]);
    results.saw(
        "not Copy",
        (list.replace(vec![3]), list.take(), list.into_inner()),
    );
    let unsized_one: &Cell<[u8]> = &Cell::new([1, 2]);
    // SAFETY: nobody else has the cell.
    results.saw("unsized", unsafe { (&*unsized_one.as_ptr()).len() });
    let object: Box<Cell<dyn Debug>> = Box::new(Cell::new(1));
    // SAFETY: nobody else has the cell.
    results.saw("object", unsafe { &*object.as_ptr() });
}

fn unsafe_cell(results: &mut Results) {
    let mut cell = UnsafeCell::new(1);
    // SAFETY: nobody else has the cell.
    unsafe { *cell.get() += 1 };
    *cell.get_mut() += 1;
    // SAFETY: nobody else has the cell.
    results.saw("raw_get", unsafe { *UnsafeCell::raw_get(&raw const cell) });
    results.saw("debug", &cell);
    results.saw("inner", cell.into_inner());
    results.saw("default", UnsafeCell::<u8>::default().into_inner());
    results.saw("from", UnsafeCell::from(1).into_inner());
    let unsized_one: &UnsafeCell<[u8]> = &UnsafeCell::new([1, 2]);
    // SAFETY: nobody else has the cell.
    results.saw("unsized", unsafe { (&*unsized_one.get()).len() });
}

fn ref_cell(results: &mut Results) {
    thread_local! {
        static OF_THIS_THREAD: RefCell<u8> = const { RefCell::new(3) };
    }
    results.saw("thread-local", OF_THIS_THREAD.with(|cell| *cell.borrow()));
    let mut cell = RefCell::new(vec![1]);
    results.saw("new", &cell);
    cell.borrow_mut().push(2);
    cell.get_mut().push(3);
    results.saw("replace", cell.replace(vec![4]));
    results.saw("replace_with", cell.replace_with(|list| vec![list.len()]));
    let other = RefCell::from(vec![7]);
    cell.swap(&other);
    results.saw("swapped", (&cell, &other));
    results.saw("compared", (cell == other, cell < other, cell.cmp(&other)));
    results.saw("clone", cell.clone());
    cell.clone_from(&other);
    results.saw("clone_from", &cell);
    // SAFETY: nobody has borrowed it.
    results.saw("as_ptr", unsafe { (&*cell.as_ptr()).len() });
    // SAFETY: nobody borrows it mutably meanwhile.
    results.saw("unguarded", unsafe { cell.try_borrow_unguarded() });
    results.saw("take", (cell.take(), cell.into_inner()));
    results.saw("default", RefCell::<u8>::default());
    let unsized_one: &RefCell<[u8]> = &RefCell::new([1, 2]);
    results.saw("unsized", unsized_one.borrow().len());
    let object: Box<RefCell<dyn Debug>> = Box::new(RefCell::new(1));
    results.saw("object", object.borrow());
    results.saw("object", object);
}

fn borrows(results: &mut Results) {
    let cell = RefCell::new((1, "a".to_owned()));
    let guard: Ref<'_, (i32, String)> = cell.borrow();
    let again = Ref::clone(&guard);
    results.saw("borrowed", (&guard, cell.try_borrow_mut().is_err()));
    let number = Ref::map(guard, |pair| &pair.0);
    results.saw("map", (&number, number.to_string(), format!("{number:>4}")));
    let none = Ref::filter_map(again, |_| None::<&u8>).unwrap_err();
    let letter = Ref::filter_map(none, |pair| pair.1.get(..1)).unwrap();
    results.saw("filter_map", (&letter, &*letter));
    drop((number, letter));
    let (number, letter) = Ref::map_split(cell.borrow(), |pair| (&pair.0, &pair.1));
    drop(number);
    results.saw("one is left", (&letter, cell.try_borrow_mut().is_err()));
    drop(letter);
    let guard: RefMut<'_, (i32, String)> = cell.borrow_mut();
    results.saw("borrowed mutably", (&guard, &cell));
    let mut number = RefMut::map(guard, |pair| &mut pair.0);
    *number += 1;
    results.saw("map", (&number, number.to_string(), format!("{number:>4}")));
    drop(number);
    let none = RefMut::filter_map(cell.borrow_mut(), |_| None::<&mut u8>).unwrap_err();
    let mut text = RefMut::filter_map(none, |pair| Some(&mut pair.1)).unwrap();
    text.push('b');
    drop(text);
    let (number, mut text) =
        RefMut::map_split(cell.borrow_mut(), |pair| (&mut pair.0, &mut pair.1));
    drop(number);
    text.push('c');
    results.saw("one is left", (&text, cell.try_borrow().is_err()));
    drop(text);
    results.saw("all have ended", (cell.try_borrow_mut().is_ok(), &cell));
    let panic = panics(|| drop(Ref::map(cell.borrow(), |_| -> &u8 { panic!("in a map") })));
    results.saw("panic", (panic, cell.try_borrow_mut().is_ok()));
    let panic = panics(|| {
        let _guard = cell.borrow_mut();
        panic!("while it is borrowed");
    });
    results.saw("panic", (panic, cell.try_borrow_mut().is_ok()));
}

fn failed_borrows(results: &mut Results) {
    let cell = RefCell::new(1);
    let guard = cell.borrow();
    let error: BorrowMutError = cell.try_borrow_mut().unwrap_err();
    results.saw("error", (&error, error.to_string()));
    results.saw("panic", panics(|| drop(cell.borrow_mut())));
    results.saw("panic", panics(|| assert_eq!(cell.replace(2), 1)));
    results.saw("panic", panics(|| cell.swap(&RefCell::new(2))));
    drop(guard);
    let guard = cell.borrow_mut();
    let error: BorrowError = cell.try_borrow().unwrap_err();
    results.saw("error", (&error, error.to_string()));
    results.saw("panic", panics(|| drop(cell.borrow())));
    results.saw("panic", panics(|| drop(cell.clone())));
    results.saw("borrowed", &cell);
    drop(guard);
    results.saw("panic", panics(|| cell.swap(&cell)));
}

fn once_cell(results: &mut Results) {
    let mut cell: OnceCell<String> = OnceCell::new();
    results.saw("empty", (&cell, cell.get()));
    results.saw("empty", (cell.get_mut(), OnceCell::<u8>::new().clone()));
    results.saw(
        "panic",
        panics(|| drop(cell.get_or_init(|| panic!("in the initializer")).clone())),
    );
    results.saw("set", (cell.set("a".to_owned()), cell.set("b".to_owned())));
    results.saw("full", (&cell, cell.get(), cell.get_or_init(String::new)));
    results.saw(
        "equal",
        (
            cell == OnceCell::from("a".to_owned()),
            cell == OnceCell::new(),
        ),
    );
    cell.get_mut().unwrap().push('!');
    results.saw("clone", cell.clone());
    results.saw("take", (cell.take(), cell.take(), &cell));
    results.saw("inner", (cell.into_inner(), OnceCell::from(1).into_inner()));
    results.saw("default", OnceCell::<u8>::default());
    let cell = OnceCell::new();
    let panic = panics(|| {
        cell.get_or_init(|| {
            cell.set(1).unwrap();
            2
        });
    });
    results.saw("set by its initializer", (panic.is_some(), cell));
}

fn lazy_cell(results: &mut Results) {
    let mut lazy = LazyCell::new(|| vec![1]);
    results.saw("not yet", (&lazy, LazyCell::get(&lazy)));
    results.saw("not yet", LazyCell::get_mut(&mut lazy).is_none());
    results.saw("force", LazyCell::force(&lazy));
    lazy.push(2);
    LazyCell::force_mut(&mut lazy).push(3);
    results.saw("forced", (&lazy, LazyCell::get(&lazy), lazy.len()));
    LazyCell::get_mut(&mut lazy).unwrap().push(4);
    results.saw("forced", &*lazy);
    results.saw("default", LazyCell::<u8>::default().leading_zeros());
    let broken: LazyCell<u8> = LazyCell::new(|| panic!("in the initializer"));
    results.saw("panic", panics(|| assert_eq!(*broken, 1)));
    results.saw("poisoned", panics(|| assert_eq!(*broken, 1)));
}

fn values(results: &mut Results) {
    let (mut a, mut b) = (1u64, 2u64);
    let mut list = vec!["a".to_owned(), "b".to_owned()];
    // SAFETY: live values of this function.
    unsafe {
        results.saw(
            "read",
            (ptr::read(&raw const a), ptr::read_volatile(&raw const b)),
        );
        ptr::write(&raw mut a, 3);
        ptr::write_volatile(&raw mut b, 4);
        ptr::swap(&raw mut a, &raw mut b);
        results.saw("swapped", (a, b, ptr::replace(&raw mut a, 5), a));
        results.saw(
            "replaced",
            (ptr::replace(&raw mut list[0], "c".to_owned()), &list),
        );
        let first = ptr::read(&raw const list[0]);
        ptr::write(&raw mut list[0], first + "!");
        results.saw("moved", &list);
        let mut bytes = [1u8, 2, 3, 4];
        let odd = bytes.as_mut_ptr().add(1).cast::<u16>();
        results.saw("unaligned", ptr::read_unaligned(odd).to_ne_bytes());
        ptr::write_unaligned(odd, 0x0505);
        results.saw("unaligned", bytes);
        let mut kept = std::mem::ManuallyDrop::new(list);
        ptr::drop_in_place(&raw mut *kept);
        let object: Box<std::mem::ManuallyDrop<Droppy>> =
            Box::new(std::mem::ManuallyDrop::new(Droppy));
        let object: *mut dyn Debug = Box::into_raw(object).cast::<Droppy>();
        ptr::drop_in_place(object);
        drop(Box::from_raw(
            object.cast::<std::mem::ManuallyDrop<Droppy>>(),
        ));
        let mut numbers = [1, 2];
        ptr::drop_in_place(&raw mut numbers[..]);
    }
    results.saw("dropped", DROPPED.with(Cell::get));
}

thread_local! {
    static DROPPED: Cell<u8> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Droppy;

impl Drop for Droppy {
    fn drop(&mut self) {
        DROPPED.with(|dropped| dropped.set(dropped.get() + 1));
    }
}

fn ranges(results: &mut Results) {
    let (mut a, mut b) = ([1u16, 2, 3, 4], [5u16; 4]);
    // SAFETY: within live arrays of this function.
    unsafe {
        ptr::copy(a.as_ptr(), a.as_mut_ptr().add(1), 3);
        results.saw("copied", a);
        ptr::copy_nonoverlapping(a.as_ptr(), b.as_mut_ptr(), 2);
        results.saw("copied", b);
        ptr::swap_nonoverlapping(a.as_mut_ptr(), b.as_mut_ptr(), 3);
        results.saw("swapped", (a, b));
        ptr::write_bytes(a.as_mut_ptr(), 1, 2);
        results.saw("written", a);
        ptr::copy(a.as_ptr(), b.as_mut_ptr(), 0);
        ptr::write(ptr::dangling_mut::<()>(), ());
        results.saw("no bytes", b);
    }
}

fn pointers(results: &mut Results) {
    let x = 7;
    let p = ptr::from_ref(&x);
    results.saw(
        "null",
        (ptr::null::<u8>().is_null(), ptr::null_mut::<u8>().is_null()),
    );
    results.saw(
        "equal",
        (ptr::eq(p, &raw const x), ptr::addr_eq(p, p.cast::<u8>())),
    );
    results.saw("slice", ptr::slice_from_raw_parts(p, 3).len());
    results.saw("address", ptr::without_provenance::<u8>(16));
    let nonnull = NonNull::from(&x);
    // SAFETY: the pointer of a live value.
    results.saw("NonNull", unsafe { nonnull.read() });
    // SAFETY: as above.
    results.saw("addr_of", unsafe { *ptr::addr_of!(x) });
}

fn blocks(results: &mut Results) {
    let layout = Layout::array::<u32>(4).unwrap();
    results.saw("layout", layout);
    let error: LayoutError = Layout::from_size_align(1, 3).unwrap_err();
    results.saw("error", (&error, error.to_string()));
    // SAFETY: the layouts have a size; what is allocated is freed with the layout that it has then.
    unsafe {
        let block = alloc(layout).cast::<u32>();
        ptr::write_bytes(block, 1, 4);
        let larger = Layout::array::<u32>(64).unwrap();
        let block = realloc(block.cast(), layout, larger.size()).cast::<u32>();
        results.saw("kept", *block.add(3));
        dealloc(block.cast(), larger);
        let block = alloc_zeroed(layout);
        results.saw("zeroed", *block.cast::<[u32; 4]>());
        dealloc(block, layout);
        let page = Layout::from_size_align(100, 4096).unwrap();
        let block = alloc_zeroed(page);
        results.saw("aligned", block.addr() % 4096);
        dealloc(
            realloc(block, page, 10),
            Layout::from_size_align(10, 4096).unwrap(),
        );
        results.saw(
            "too much",
            alloc(Layout::from_size_align(isize::MAX as usize, 1).unwrap()),
        );
        let block = alloc(layout);
        results.saw("too much", realloc(block, layout, isize::MAX as usize - 16));
        dealloc(block, layout);
        System.dealloc(System.alloc(layout), layout);
    }
}

fn auto_traits() {
    fn send<T: Send + ?Sized>() {}
    fn unwind_safe<T: UnwindSafe + ?Sized>() {}
    send::<Cell<Cell<u8>>>();
    send::<UnsafeCell<Cell<u8>>>();
    send::<RefCell<Cell<u8>>>();
    send::<OnceCell<Cell<u8>>>();
    send::<LazyCell<Cell<u8>>>();
    unwind_safe::<Cell<u8>>();
    unwind_safe::<UnsafeCell<u8>>();
    unwind_safe::<RefCell<u8>>();
    unwind_safe::<OnceCell<u8>>();
    unwind_safe::<LazyCell<u8>>();
}
