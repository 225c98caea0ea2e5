//! Which global an address is in, by the symbol tables of the program and its libraries.
//!
//! Reads files: called only for a report, and where names may be looked up at all.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::slice;

use object::{Object, ObjectSymbol, ReadCache, SymbolKind};

use super::symbols;

/// A global variable.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) address: usize,
    pub(crate) size: usize,
}

/// The global that an address is in, if a symbol table tells.
pub(crate) fn around(address: usize) -> Option<Global> {
    symbols::looking_up(move |named| named.then(|| find(address)).flatten())
}

/// A file that the program was loaded from, or a library of it.
struct Module {
    /// What its symbols' addresses are relative to.
    base: usize,
    path: PathBuf,
}

fn find(address: usize) -> Option<Global> {
    let module = module_of(address)?;
    let cache = ReadCache::new(File::open(&module.path).ok()?);
    let file = object::File::parse(&cache).ok()?;
    let wanted = address.checked_sub(module.base)? as u64;
    // A stripped file has only those that the loader needs.
    let symbol =
        smallest(file.symbols(), wanted).or_else(|| smallest(file.dynamic_symbols(), wanted))?;
    Some(Global {
        name: format!(
            "{:#}",
            backtrace::SymbolName::new(symbol.name_bytes().ok()?)
        ),
        address: module.base + usize::try_from(symbol.address()).ok()?,
        size: usize::try_from(symbol.size()).ok()?,
    })
}

/// The symbol of the variable that is there; the innermost, if there are several.
fn smallest<'data, S: ObjectSymbol<'data>>(
    symbols: impl Iterator<Item = S>,
    address: u64,
) -> Option<S> {
    symbols
        .filter(|symbol| symbol.kind() == SymbolKind::Data && symbol.is_definition())
        .filter(|symbol| address.wrapping_sub(symbol.address()) < symbol.size())
        .min_by_key(ObjectSymbol::size)
}

fn module_of(address: usize) -> Option<Module> {
    struct Search {
        address: usize,
        found: Option<Module>,
    }

    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: what the loader gives is valid for this call, and `search` is the one below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        let base = info.dlpi_addr as usize;
        // SAFETY: so many headers are there.
        let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let is_there = headers.iter().any(|header| {
            let start = base.wrapping_add(header.p_vaddr as usize);
            header.p_type == libc::PT_LOAD
                && search.address.wrapping_sub(start) < header.p_memsz as usize
        });
        if !is_there {
            return 0;
        }
        // SAFETY: a NUL-terminated name, empty for the program.
        let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
        let path = if name.is_empty() {
            Path::new("/proc/self/exe")
        } else {
            Path::new(OsStr::from_bytes(name))
        };
        search.found = Some(Module {
            base,
            path: path.to_owned(),
        });
        1
    }

    let mut search = Search {
        address,
        found: None,
    };
    // SAFETY: `visit` is given `search`, and nobody keeps it.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    static TABLE: [u64; 4] = [1, 2, 3, 4];

    #[test]
    fn a_static_is_known_by_its_name() {
        let address = (&raw const TABLE).addr();
        let global = around(address + 9).unwrap();
        assert_eq!(global.name, "race_core::stack::globals::tests::TABLE");
        assert_eq!((global.address, global.size), (address, 32));
    }

    #[test]
    fn what_is_no_global_has_no_name() {
        let local = 0u64;
        assert!(around((&raw const local).addr()).is_none());
        assert!(around(8).is_none());
        // Code has a symbol, but isn't data.
        assert!(around(find as *const () as usize).is_none());
    }
}
