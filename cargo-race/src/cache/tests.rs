use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

const NAME: &str = "an-entry-1.0";

fn cache(folder: &Path) -> Cache {
    Cache {
        folder: folder.join("cache"),
    }
}

fn fill(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder.join("inner"))?;
    fs::write(folder.join("one"), "1")?;
    Ok(fs::write(folder.join("inner/two"), "22")?)
}

fn none(_: &Path) -> anyhow::Result<()> {
    panic!("made again")
}

#[test]
fn what_is_whole_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    assert_eq!(cache.state(NAME, Check::Contents), State::Absent);
    let entry = cache.get(NAME, fill).unwrap();
    assert_eq!(fs::read_to_string(entry.join("inner/two")).unwrap(), "22");
    assert_eq!(cache.state(NAME, Check::Contents), State::Whole);
    assert_eq!(cache.get(NAME, none).unwrap(), entry);
}

#[test]
fn what_is_damaged_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 6] = [
        ("a missing file", |e| {
            fs::remove_file(e.join("one")).unwrap()
        }),
        ("a missing folder", |e| {
            fs::remove_dir_all(e.join("inner")).unwrap()
        }),
        ("a short file", |e| {
            fs::write(e.join("inner/two"), "2").unwrap()
        }),
        ("another byte", |e| {
            fs::write(e.join("inner/two"), "23").unwrap();
            // The clock may not have moved on since the file was made.
            let changed = File::options().write(true).open(e.join("inner/two"));
            changed.unwrap().set_modified(UNIX_EPOCH).unwrap();
        }),
        ("no stamp", |e| fs::remove_file(e.join(STAMP)).unwrap()),
        ("half a stamp", |e| {
            let text = fs::read(e.join(STAMP)).unwrap();
            fs::write(e.join(STAMP), &text[..text.len() / 2]).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let entry = cache.get(NAME, fill).unwrap();
        damage(&entry);
        let state = cache.state(NAME, Check::Times);
        assert!(matches!(state, State::Damaged(_)), "{name}: {state:?}");
        assert_eq!(cache.get(NAME, fill).unwrap(), entry, "{name}");
        assert_eq!(cache.state(NAME, Check::Contents), State::Whole, "{name}");
    }
}

#[test]
fn a_change_that_the_times_hide_shows_in_the_contents() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let file = cache.get(NAME, fill).unwrap().join("one");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "2").unwrap();
    let changed = File::options().write(true).open(&file).unwrap();
    changed.set_modified(before).unwrap();
    assert_eq!(cache.state(NAME, Check::Times), State::Whole);
    let state = cache.state(NAME, Check::Contents);
    assert_eq!(state, State::Damaged("one: other contents".to_owned()));
}

#[test]
fn a_file_that_was_only_touched_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let file = cache.get(NAME, fill).unwrap().join("one");
    let touched = File::options().write(true).open(&file).unwrap();
    touched.set_modified(UNIX_EPOCH).unwrap();
    assert_eq!(cache.state(NAME, Check::Times), State::Whole);
}

#[test]
fn what_could_not_be_made_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let error = cache
        .get(NAME, |folder| {
            fill(folder)?;
            bail!("no more")
        })
        .unwrap_err();
    assert_eq!(error.to_string(), "no more");
    assert_eq!(cache.entries().unwrap(), []);
    // As if the process had died there.
    let unfinished = cache.entry(NAME).with_added_extension(UNFINISHED);
    fs::create_dir(&unfinished).unwrap();
    fill(&unfinished).unwrap();
    assert_eq!(cache.state(NAME, Check::Times), State::Absent);
    cache.get(NAME, fill).unwrap();
    assert!(!unfinished.exists());
}

/// Locks are an open file's and not a process's: threads are as good as processes.
#[test]
fn it_is_made_once_by_many_at_once() {
    const MANY: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let made = AtomicU32::new(0);
    let start = Barrier::new(MANY);
    thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                let cache = cache(folder.path());
                start.wait();
                let entry = cache.get(NAME, |folder| {
                    made.fetch_add(1, Ordering::Relaxed);
                    // However late the others are, they would wait now.
                    let lock = File::open(cache.entry(NAME).with_added_extension(LOCK))?;
                    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
                    fill(folder)
                });
                let two = entry.unwrap().join("inner/two");
                assert_eq!(fs::read_to_string(two).unwrap(), "22");
            });
        }
    });
    assert_eq!(made.into_inner(), 1);
}

/// Where a process waits for the lock of a file that `clear` removes, the next one makes another file.
#[test]
fn a_lock_of_a_file_that_was_removed_holds_nobody_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let locked = acquire(&path).unwrap();
    assert!(is_at(&locked, &path).unwrap());
    fs::remove_file(&path).unwrap();
    assert!(!is_at(&locked, &path).unwrap());
    let next = acquire(&path).unwrap();
    assert!(!is_at(&locked, &path).unwrap());
    assert!(is_at(&next, &path).unwrap());
}

#[test]
fn clearing_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    cache.clear().unwrap();
    cache.get(NAME, fill).unwrap();
    cache.get("another", fill).unwrap();
    fs::create_dir(cache.entry("third").with_added_extension(UNFINISHED)).unwrap();
    // With the stamps.
    let names: Vec<String> = cache.entries().unwrap().into_iter().map(|e| e.0).collect();
    assert_eq!(names, [NAME, "another", "third.unfinished"]);
    cache.clear().unwrap();
    assert!(!cache.folder().exists());
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let precious = cache.folder().join("precious");
    fs::create_dir_all(&precious).unwrap();
    let error = cache.get(NAME, none).unwrap_err().to_string();
    assert!(
        error.contains("is no cache folder of cargo-race's"),
        "{error}"
    );
    cache.clear().unwrap();
    assert!(precious.exists());
    assert_eq!(cache.entries().unwrap(), []);
}
