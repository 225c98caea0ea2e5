//! The cache folder: what is made once and used by every later run, by any number of processes at a time.
//!
//! An entry is a folder. It is made under another name and renamed when it is whole, so that nobody sees half of one, and one process makes it while the others
//! wait, by a lock that the system takes back if that process dies. A stamp in it says what is in it; what doesn't agree with its stamp is damaged, and made anew.
//! Nothing here knows what an entry is for.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{env, io};

use anyhow::{Context, bail};
use etcetera::BaseStrategy;
use foldhash::quality::FixedState;
use serde::{Deserialize, Serialize};

use crate::progress::say;

/// The environment variable that names another folder.
pub(crate) const VARIABLE: &str = "CARGO_RACE_CACHE";
/// What an entry contains, in that folder.
const STAMP: &str = "stamp.json";
/// What an entry is called while it is made.
const UNFINISHED: &str = "unfinished";
const LOCK: &str = "lock";
/// What says that the folder is ours, in the form that backup programs know (<https://bford.info/cachedir/>).
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# What cargo-race has prepared. It will be made again.\n";

pub(crate) struct Cache {
    folder: PathBuf,
}

#[derive(Debug, PartialEq)]
pub(crate) enum State {
    Whole,
    Absent,
    /// What is wrong.
    Damaged(String),
}

/// How much to believe.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Check {
    /// A file of the right size that wasn't written to since is what it was.
    Times,
    /// Every byte is read.
    Contents,
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    files: Vec<Stamped>,
}

#[derive(Serialize, Deserialize)]
struct Stamped {
    /// In the entry.
    path: PathBuf,
    bytes: u64,
    /// When it was written to last, in nanoseconds.
    written: u64,
    contents: u64,
}

impl Cache {
    /// The user's: in the folder that `CARGO_RACE_CACHE` names, or where the system has caches.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let folder = match env::var_os(VARIABLE) {
            Some(folder) if !folder.is_empty() => {
                std::path::absolute(&folder).with_context(|| VARIABLE.to_owned())?
            }
            _ => etcetera::choose_base_strategy()
                .with_context(|| format!("no cache folder: name one in {VARIABLE}"))?
                .cache_dir()
                .join("cargo-race"),
        };
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn entry(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The entry `name`, which `make` fills if it isn't there, whole.
    pub(crate) fn get(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let entry = self.entry(name);
        if self.state(name, Check::Times) == State::Whole {
            return Ok(entry);
        }
        self.claim()?;
        let _lock = self.lock(name)?;
        // It may have been made while this process waited for the lock.
        match self.state(name, Check::Times) {
            State::Whole => return Ok(entry),
            State::Absent => {}
            State::Damaged(how) => say("Damaged", &format!("{name}: {how}; making it again")),
        }
        let unfinished = entry.with_added_extension(UNFINISHED);
        remove(&unfinished)?;
        fs::create_dir(&unfinished).with_context(|| unfinished.display().to_string())?;
        let made = make(&unfinished)
            .and_then(|()| stamp(&unfinished))
            .and_then(|()| remove(&entry))
            .and_then(|()| {
                fs::rename(&unfinished, &entry).with_context(|| entry.display().to_string())
            });
        if made.is_err() {
            // The error says more than a failure to tidy up would.
            let _ = remove(&unfinished);
        }
        made.map(|()| entry)
    }

    pub(crate) fn state(&self, name: &str, check: Check) -> State {
        let entry = self.entry(name);
        if !entry.exists() {
            return State::Absent;
        }
        match damage(&entry, check) {
            Ok(()) => State::Whole,
            Err(error) => State::Damaged(format!("{error:#}")),
        }
    }

    /// The names of the entries, and of what was left of some, with the bytes that they take.
    pub(crate) fn entries(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut entries = Vec::new();
        for path in self.folders()? {
            let mut bytes = 0;
            for file in files_in(&path)? {
                bytes += fs::metadata(&file).map_or(0, |file| file.len());
            }
            let name = path.file_name().unwrap_or_default();
            entries.push((name.to_string_lossy().into_owned(), bytes));
        }
        entries.sort();
        Ok(entries)
    }

    /// Removes all that is in the folder, each entry when nobody is making it.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        for path in self.folders()? {
            let unfinished = path.extension().is_some_and(|e| e == UNFINISHED);
            let name = if unfinished {
                path.file_stem()
            } else {
                path.file_name()
            };
            let _lock = self.lock(&name.unwrap_or_default().to_string_lossy())?;
            remove(&path)?;
        }
        if !self.is_claimed() {
            return Ok(());
        }
        for path in children(&self.folder)? {
            if path.extension().is_some_and(|e| e == LOCK) {
                let _lock = acquire(&path)?;
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
            }
        }
        let tag = self.entry(TAG);
        fs::remove_file(&tag).with_context(|| tag.display().to_string())?;
        // It stays if another process has put something into it by now.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// The folders of the entries, whole or not.
    fn folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut folders = children(&self.folder)?;
        folders.retain(|path| self.is_claimed() && path.is_dir());
        Ok(folders)
    }

    /// Makes the folder ours, so that `clear` may remove what is in it: a folder with other things in it was named by mistake.
    fn claim(&self) -> anyhow::Result<()> {
        if self.is_claimed() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let others = children(&self.folder)?;
        // Another process may just have claimed it.
        if !others.is_empty() && !others.iter().any(|path| path.ends_with(TAG)) {
            bail!(
                "{} is no cache folder of cargo-race's, and not empty: name another one in {VARIABLE}",
                self.folder.display(),
            );
        }
        let tag = self.entry(TAG);
        fs::write(&tag, TAG_TEXT).with_context(|| tag.display().to_string())
    }

    fn is_claimed(&self) -> bool {
        fs::read_to_string(self.entry(TAG)).is_ok_and(|text| text == TAG_TEXT)
    }

    /// Waits until no other process makes or removes the entry.
    fn lock(&self, name: &str) -> anyhow::Result<File> {
        acquire(&self.entry(name).with_added_extension(LOCK))
    }
}

/// The lock on the file `path`, which is made if it isn't there.
fn acquire(path: &Path) -> anyhow::Result<File> {
    let context = || path.display().to_string();
    loop {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say(
                    "Blocking",
                    &format!("waiting for another cargo race ({})", path.display()),
                );
                file.lock().with_context(context)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        // Whoever removed the file had its lock: then the next process has another file, and this lock holds nobody off.
        if is_at(&file, path).with_context(context)? {
            return Ok(file);
        }
    }
}

/// Whether the open file is the one that is at `path` now.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok(named.ino() == opened.ino() && named.dev() == opened.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes down what is in the folder.
fn stamp(folder: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for file in files_in(folder)? {
        let context = || file.display().to_string();
        let metadata = fs::metadata(&file).with_context(context)?;
        files.push(Stamped {
            path: file.strip_prefix(folder).with_context(context)?.to_owned(),
            bytes: metadata.len(),
            written: written(&metadata),
            contents: contents(&file)?,
        });
    }
    let path = folder.join(STAMP);
    let text = serde_json::to_vec(&Stamp { files }).context("the stamp")?;
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Fails with what isn't as the stamp says.
fn damage(folder: &Path, check: Check) -> anyhow::Result<()> {
    let text = fs::read(folder.join(STAMP)).context(STAMP)?;
    let stamp: Stamp = serde_json::from_slice(&text).context(STAMP)?;
    for stamped in stamp.files {
        let context = || stamped.path.display().to_string();
        let file = folder.join(&stamped.path);
        let metadata = fs::metadata(&file).with_context(context)?;
        if metadata.len() != stamped.bytes {
            bail!(
                "{}: {} bytes, not {}",
                context(),
                metadata.len(),
                stamped.bytes
            );
        }
        let believed = check == Check::Times && written(&metadata) == stamped.written;
        if !believed && contents(&file)? != stamped.contents {
            bail!("{}: other contents", context());
        }
    }
    Ok(())
}

fn written(file: &fs::Metadata) -> u64 {
    let time = file.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos().try_into().unwrap_or(u64::MAX))
}

/// A hash: it tells of damage, not of malice.
fn contents(file: &Path) -> anyhow::Result<u64> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(&bytes);
    Ok(hasher.finish())
}

/// All files in the folder and in those in it, in no order.
fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in children(folder)? {
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// What is in the folder; nothing if it isn't there.
fn children(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || folder.display().to_string();
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| Ok(entry.with_context(context)?.path()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(context),
    }
}

/// Removes the folder, if it is there.
fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
