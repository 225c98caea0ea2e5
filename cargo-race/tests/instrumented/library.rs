//! The std that programs are linked with: what of it announces its accesses.

use std::fs;
use std::path::PathBuf;

use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

use super::{Zoo, cache};

/// The instrumented std, the last one made: another may be there, of another version of this repository.
fn library() -> PathBuf {
    let within = |of: PathBuf, start: &str| {
        let files = fs::read_dir(&of).unwrap().map(|file| file.unwrap().path());
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(start) && path.extension().is_none_or(|e| e != "lock")
        };
        let made = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        files.filter(named).max_by_key(made).unwrap()
    };
    let sysroot = within(cache(), "std-");
    let libraries = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/lib");
    within(libraries, "libstd-")
}

/// How the functions that are called for plain accesses begin. Calls and atomic operations are announced everywhere.
const ACCESSES: [&str; 3] = ["__tsan_read", "__tsan_write", "__tsan_unaligned_"];

#[test]
fn what_prints_backtraces_is_plain_and_nothing_else() {
    Zoo::new().run("build --lib").assert(0);
    let rlib = fs::read(library()).unwrap();
    let archive = ArchiveFile::parse(&*rlib).unwrap();
    let (mut announce, mut plain) = (0, 0);
    for member in archive.members() {
        let Ok(object) = File::parse(member.unwrap().data(&*rlib).unwrap()) else {
            continue;
        };
        for symbol in object.symbols() {
            let is_function = symbol.kind() == SymbolKind::Text && symbol.size() > 0;
            let Some(section) = symbol.section_index().filter(|_| is_function) else {
                continue;
            };
            let section = object.section_by_index(section).unwrap();
            let code = symbol.address()..symbol.address() + symbol.size();
            let announces = section.relocations().any(|(at, relocation)| {
                let RelocationTarget::Symbol(target) = relocation.target() else {
                    return false;
                };
                let target = object.symbol_by_index(target).unwrap();
                let called = target.name().unwrap();
                code.contains(&at) && ACCESSES.iter().any(|a| called.starts_with(a))
            });
            let name = symbol.name().unwrap();
            if name.contains("_9addr2line") || name.contains("9symbolize5gimli") {
                assert!(!announces, "{name}");
                plain += 1;
            } else if announces {
                announce += 1;
            }
        }
    }
    assert!(plain > 20, "{plain}");
    assert!(announce > 500, "{announce}");
}
