//! Names and lines for a report, and the trimming of frames that aren't the user's.
//!
//! Slow: the first call reads the program's debug information. Never called before there is a race.

use std::ffi::c_void;
use std::path::{Component, Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread;

use super::capture::MAX_FRAMES;
use super::depot::Context;
use crate::fork;
use crate::options::{Frames, Options};
use crate::report::race::{Frame, Site};
use crate::runtime;
use crate::thread::local;

/// How paths and frames are shown in this run.
pub(crate) struct Paths {
    prefix: String,
    workspace: Option<PathBuf>,
    frames: Frames,
}

impl Paths {
    pub(crate) fn of_this_process(options: &Options) -> Paths {
        Paths {
            prefix: options.strip_path_prefix.clone(),
            workspace: workspace(),
            frames: options.frames,
        }
    }

    /// The folder that paths are relative to, as far as they are.
    pub(crate) fn root(&self) -> &Path {
        self.workspace.as_deref().unwrap_or(Path::new(""))
    }

    /// The path as a report shows it: relative to the workspace, if it lies within; without the user's prefix, whether that is meant
    /// for the whole path or for the relative one.
    ///
    /// Debug information names files by whole paths and `Location` by relative ones: both have to come out the same.
    pub(crate) fn shorten(&self, path: &str) -> String {
        let root = self.root();
        let whole = without_dots(&root.join(path));
        let relative = whole.strip_prefix(root).unwrap_or(&whole);
        for path in [&whole, relative] {
            if !self.prefix.is_empty()
                && let Some(rest) = path
                    .to_str()
                    .and_then(|path| path.strip_prefix(&self.prefix))
            {
                return rest.to_owned();
            }
        }
        relative.to_string_lossy().into_owned()
    }
}

/// The path without its `..`, by the names alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match (part, out.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                out.pop();
            }
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => out.push(part),
        }
    }
    out
}

/// The folder of the workspace that the program was built from, as far as its surroundings tell: cargo names the package.
fn workspace() -> Option<PathBuf> {
    let start = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| std::env::current_dir().ok())?;
    let with_lock = start
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").exists());
    Some(with_lock.unwrap_or(&start).to_path_buf())
}

/// Reading debug information takes tens of kilobytes of stack, and more where it isn't optimised. The thread that races may have less.
const STACK: usize = 2 << 20;

/// Held while symbols are looked up. `backtrace` has a lock for that as well, but in a `fork`'s child that one could stay locked for ever.
static RESOLVING: Mutex<()> = Mutex::new(());

/// No symbol is looked up while the guard lives.
pub(crate) fn hold_still() -> MutexGuard<'static, ()> {
    RESOLVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The frames of a context, innermost first, inlined ones included; those of the user only, unless all are wanted or none is the user's.
///
/// Runs on a thread of its own: see [`STACK`].
pub(crate) fn resolve(context: &Arc<Context>, paths: &Arc<Paths>) -> Vec<Frame> {
    let (context, paths) = (context.clone(), paths.clone());
    looking_up(move |named| resolve_here(&context, &paths, named))
}

/// The user's line that a call was made at: `address` is where it returns to. If it is in code that isn't the user's, the function that this is in.
pub(crate) fn line_of(address: usize, paths: &Arc<Paths>) -> Result<Site, String> {
    let frames = frames_of(vec![address], paths);
    users_line(&frames).ok_or_else(|| function_of(address, &frames))
}

/// The innermost line of a context that is the user's.
pub(crate) fn line_of_context(context: &Context, paths: &Arc<Paths>) -> Option<Site> {
    let mut addresses = context.frames.addresses();
    addresses.truncate(MAX_FRAMES);
    users_line(&frames_of(addresses, paths))
}

/// The line that a call was made at; without debug information, the function, as far as that is known.
pub(crate) fn place_of(address: usize, paths: &Arc<Paths>) -> Site {
    let frames = frames_of(vec![address], paths);
    let innermost = frames.iter().find(|(_, internal)| !internal);
    // Where none is the user's, the outermost says at least which call it was.
    let site = innermost
        .or(frames.last())
        .and_then(|(frame, _)| frame.site.clone());
    site.unwrap_or_else(|| Site::of_function(function_of(address, &frames)))
}

/// The frames of some addresses, innermost first; of each, whether it isn't the user's.
fn frames_of(addresses: Vec<usize>, paths: &Arc<Paths>) -> Vec<(Frame, bool)> {
    let paths = paths.clone();
    looking_up(move |named| {
        let mut all = Vec::new();
        for address in &addresses {
            resolve_address(*address, &paths, named, &mut all);
        }
        all
    })
}

fn users_line(frames: &[(Frame, bool)]) -> Option<Site> {
    let mut users = frames.iter().filter(|(_, internal)| !internal);
    users.find_map(|(frame, _)| frame.site.clone())
}

/// The outermost frame's: the others were inlined into it.
fn function_of(address: usize, frames: &[(Frame, bool)]) -> String {
    match frames.last() {
        Some((frame, _)) => frame.function.clone(),
        None => format!("{address:#x}"),
    }
}

/// Runs `job`, which is told whether it can have names.
pub(super) fn looking_up<T: Default + Send + 'static>(
    job: impl Fn(bool) -> T + Clone + Send + 'static,
) -> T {
    if is_iterating() {
        // Whoever is looking names up now waits for this thread.
        let alone = RESOLVING.try_lock();
        return job(alone.is_ok() && has_memory());
    }
    let _one_at_a_time = hold_still();
    let named = has_memory();
    // In a `fork`'s child `std` may be unable to start a thread: it has locks of its own.
    if fork::generation() > 1 {
        return job(named);
    }
    let elsewhere = job.clone();
    let thread = thread::Builder::new()
        .name("racecheck".to_owned())
        .stack_size(STACK)
        .spawn(move || local::enter_bare(|| elsewhere(named)));
    match thread {
        Ok(thread) => thread.join().ok().flatten().unwrap_or_default(),
        Err(_) => job(named),
    }
}

/// Whether this thread has the loader's lock, for which any other would wait.
fn is_iterating() -> bool {
    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        not(target_feature = "crt-static"),
        not(all(test, loom))
    ))]
    return super::loader::is_iterating();
    #[cfg(not(all(
        target_os = "linux",
        target_env = "gnu",
        not(target_feature = "crt-static"),
        not(all(test, loom))
    )))]
    false
}

/// What reading debug information takes, besides the file itself: the thread, its heap, and the tables that are made.
const WORKSPACE: u64 = 96 << 20;

/// Whether there is memory enough for names. If not, says so: reading debug information would end the process.
fn has_memory() -> bool {
    // The file may be mapped once for itself and once for its debug information.
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let wanted = file.map_or(0, |file| 2 * file.len()) + WORKSPACE;
    let mut probe: Vec<u8> = Vec::new();
    let has = usize::try_from(wanted).is_ok_and(|wanted| probe.try_reserve_exact(wanted).is_ok());
    if !has {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            runtime::say(format_args!(
                "racecheck: too little memory to look up names: reports have addresses instead\n"
            ));
        });
    }
    has
}

fn resolve_here(context: &Context, paths: &Paths, named: bool) -> Vec<Frame> {
    let mut all = Vec::new();
    for address in context.frames.addresses().into_iter().take(MAX_FRAMES) {
        resolve_address(address, paths, named, &mut all);
    }
    let mut frames: Vec<Frame> = match paths.frames {
        Frames::All => Vec::new(),
        Frames::User => all
            .iter()
            .filter(|(_, internal)| !internal)
            .map(|(frame, _)| frame.clone())
            .collect(),
    };
    if frames.is_empty() {
        frames = all.into_iter().map(|(frame, _)| frame).collect();
    }
    let Some(site) = context.site else {
        return frames;
    };
    let site = Site {
        file: paths.shorten(site.file()),
        line: site.line(),
        column: site.column(),
    };
    if paths.frames == Frames::User {
        begin_at(&site, &mut frames);
    }
    // Without debug information the wrapper still knows the line.
    if let Some(first) = frames.first_mut()
        && first.site.is_none()
    {
        first.site = Some(site);
    }
    frames
}

/// Leaves out what lies further in than the line of the access: functions with `#[track_caller]`, an accessor that a macro has made for one, which
/// say by it that their caller's line counts.
fn begin_at(site: &Site, frames: &mut Vec<Frame>) {
    let is_there = |frame: &Frame| {
        let of = frame.site.as_ref();
        of.is_some_and(|of| (&of.file, of.line) == (&site.file, site.line))
    };
    if let Some(first) = frames.iter().position(is_there) {
        frames.drain(..first);
    }
}

fn resolve_address(address: usize, paths: &Paths, named: bool, out: &mut Vec<(Frame, bool)>) {
    let offset = address.wrapping_sub(function_start(address));
    let before = out.len();
    let add = |symbol: &backtrace::Symbol| {
        let Some(name) = symbol.name() else {
            return;
        };
        let function = format!("{name:#}");
        let path = symbol
            .filename()
            .map(|path| path.to_string_lossy().into_owned());
        let internal = is_internal(&function, path.as_deref());
        let site = path.zip(symbol.lineno()).map(|(path, line)| Site {
            file: paths.shorten(&path),
            line,
            column: symbol.colno().unwrap_or(0),
        });
        let frame = Frame {
            function,
            site,
            offset,
        };
        out.push((frame, internal));
    };
    if named {
        backtrace::resolve(ptr::without_provenance_mut(address), add);
    }
    if out.len() == before {
        let frame = Frame {
            function: format!("{address:#x}"),
            site: None,
            offset,
        };
        out.push((frame, true));
    }
}

#[cfg(unix)]
fn function_start(address: usize) -> usize {
    unsafe extern "C" {
        /// Part of every unwinder (LSB 5.0); `std` links one.
        fn _Unwind_FindEnclosingFunction(pc: *mut c_void) -> *mut c_void;
    }
    // A return address may be the first one after the function; the call before it isn't.
    let call = ptr::without_provenance_mut(address.wrapping_sub(1));
    // SAFETY: looks the address up in the unwind tables; it need not be code.
    let start = unsafe { _Unwind_FindEnclosingFunction(call) }.addr();
    if start == 0 { address } else { start }
}

#[cfg(not(unix))]
fn function_start(address: usize) -> usize {
    address
}

/// Crates whose frames say nothing about the user's program.
const INTERNAL_CRATES: [&str; 10] = [
    "__rustc",
    "std",
    "core",
    "alloc",
    "test",
    "racecheck",
    "race_core",
    "race_rt",
    "backtrace",
    "once_cell",
];

/// Functions of C and of the runtime below `main`, and above every thread.
const INTERNAL_FUNCTIONS: [&str; 7] = [
    "_start",
    "start_thread",
    "clone",
    "clone3",
    "__clone3",
    "__rust_try",
    "pthread_create",
];

/// Where the sources of racecheck's own types are, if the program has told.
static OWN_SOURCES: OnceLock<String> = OnceLock::new();

/// The sources in this folder are racecheck's own: where there are line tables only, a function's name doesn't say so.
pub fn set_own_sources(folder: String) {
    // The first one that says so is as good as any.
    let _ = OWN_SOURCES.set(folder);
}

fn is_internal(function: &str, path: Option<&str>) -> bool {
    // The standard library's sources, as shipped binaries name them and as `rust-src` installs them.
    let in_std = path.is_some_and(|path| {
        path.starts_with("/rustc/") || path.contains("/rustlib/src/rust/library/")
    });
    let is_own = path
        .zip(OWN_SOURCES.get())
        .is_some_and(|(path, folder)| path.starts_with(&**folder));
    // What the compiler makes for C to call has no line. Where there are line tables only, the program's own has no path to its name.
    let is_cs_main = function == "main" && path.is_none();
    in_std
        || is_own
        || is_cs_main
        || INTERNAL_FUNCTIONS.contains(&function)
        || function.starts_with("__libc_start")
        || INTERNAL_CRATES.contains(&crate_of(function))
}

/// The crate in front of a path: `std` of `<std::sync::Mutex<T> as core::fmt::Debug>::fmt`.
fn crate_of(function: &str) -> &str {
    let path = function.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = ["mut ", "const ", "dyn "]
        .iter()
        .fold(path, |path, word| path.trim_start_matches(word));
    path.split("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_begins_at_the_line_of_the_access() {
        let frame = |function: &str, line: u32| Frame {
            function: function.to_owned(),
            site: Some(Site {
                file: "stats.rs".to_owned(),
                line,
                column: 1,
            }),
            offset: 0,
        };
        let all = [frame("get_reqs", 1), frame("count", 7), frame("main", 9)];
        let from = |line: u32, column: u32| {
            let site = Site {
                file: "stats.rs".to_owned(),
                line,
                column,
            };
            let mut frames = all.to_vec();
            begin_at(&site, &mut frames);
            frames
        };
        assert_eq!(from(7, 5), all[1..]);
        assert_eq!(from(1, 1), all);
        // Somewhere else, as far as the debug information tells: all of it stays.
        assert_eq!(from(2, 1), all);
    }

    #[test]
    fn the_crate_is_found_behind_type_syntax() {
        for (function, expected) in [
            ("bank::Account::deposit", "bank"),
            ("<std::sync::Mutex<T> as core::fmt::Debug>::fmt", "std"),
            ("<&mut bank::Account as core::fmt::Debug>::fmt", "bank"),
            ("<dyn core::any::Any>::type_id", "core"),
        ] {
            assert_eq!(crate_of(function), expected, "{function}");
        }
    }

    #[test]
    fn only_the_users_frames_are_kept() {
        assert!(is_internal("main", None) && !is_internal("main", Some("src/main.rs")));
        assert!(is_internal("core::ops::function::FnOnce::call_once", None));
        assert!(is_internal(
            "bank::main",
            Some("/rustc/0123/library/core/src/ops/function.rs")
        ));
        assert!(!is_internal(
            "bank::main",
            Some("/home/me/bank/src/main.rs")
        ));
        assert!(!is_internal("testing::main", None));
    }

    #[test]
    fn paths_come_out_the_same_however_they_were_given() {
        let shorten = |prefix: &str, path: &str| {
            let paths = Paths {
                prefix: prefix.to_owned(),
                workspace: Some(PathBuf::from("/home/me/bank")),
                frames: Frames::User,
            };
            paths.shorten(path)
        };
        for path in [
            "src/a.rs",
            "/home/me/bank/src/a.rs",
            "src/b/../a.rs",
            "./src/a.rs",
        ] {
            assert_eq!(shorten("", path), "src/a.rs");
            assert_eq!(shorten("src/", path), "a.rs");
            assert_eq!(shorten("/home/me/", path), "bank/src/a.rs");
        }
        assert_eq!(
            shorten("", "/registry/dashmap/lib.rs"),
            "/registry/dashmap/lib.rs"
        );
        assert_eq!(
            shorten("/registry/", "/registry/dashmap/lib.rs"),
            "dashmap/lib.rs"
        );
        assert_eq!(shorten("", "../../../../up.rs"), "/up.rs");
    }
}
