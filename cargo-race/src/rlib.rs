//! Rust libraries as archives: which of their objects hold bitcode, and the same library with other objects.
//!
//! An object's bitcode is in its section `.llvmbc`, beside what the compiler has made of it. Nothing here runs a program or touches a file.

use std::io::Cursor;

use anyhow::Context;
use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Where rustc puts bitcode, with `-C embed-bitcode`.
const BITCODE: &str = ".llvmbc";

/// An object that holds bitcode.
pub(crate) struct Module<'a> {
    pub(crate) bitcode: &'a [u8],
    /// The mangled names of the functions in it.
    pub(crate) functions: Vec<&'a str>,
}

/// The library `rlib` with every object that holds bitcode replaced by what `lower` makes of that; `None` if none does.
pub(crate) fn lowered(
    rlib: &[u8],
    mut lower: impl FnMut(Module<'_>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut any = false;
    let mut members = Vec::new();
    for (name, bytes) in members_of(rlib)? {
        let new = match module(bytes) {
            Some(module) => {
                any = true;
                lower(module).with_context(|| name.clone())?
            }
            None => bytes.to_vec(),
        };
        members.push(NewArchiveMember::new(new, &DEFAULT_OBJECT_READER, name));
    }
    if !any {
        return Ok(None);
    }
    let mut written = Cursor::new(Vec::new());
    write_archive_to_stream(&mut written, &members, ArchiveKind::Gnu, false, None)
        .context("writing the archive")?;
    Ok(Some(written.into_inner()))
}

pub(crate) fn has_bitcode(rlib: &[u8]) -> anyhow::Result<bool> {
    let members = members_of(rlib)?;
    Ok(members.iter().any(|(_, bytes)| module(bytes).is_some()))
}

pub(crate) fn members_of(rlib: &[u8]) -> anyhow::Result<Vec<(String, &[u8])>> {
    let archive = ArchiveFile::parse(rlib).context("no archive")?;
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.context("a bad archive")?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let bytes = member.data(rlib).with_context(|| name.clone())?;
        members.push((name, bytes));
    }
    Ok(members)
}

/// What is no object holds none.
fn module(member: &[u8]) -> Option<Module<'_>> {
    let object = File::parse(member).ok()?;
    let bitcode = object.section_by_name(BITCODE)?.data().ok()?;
    let functions = object
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| symbol.name_bytes().ok())
        .filter_map(|name| str::from_utf8(name).ok());
    let functions = functions.collect();
    (!bitcode.is_empty()).then_some(Module { bitcode, functions })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// One of the toolchain's own, small.
    #[test]
    fn only_what_holds_bitcode_is_replaced() {
        let output = Command::new("rustc")
            .args(["--print", "target-libdir"])
            .output()
            .unwrap();
        let folder = String::from_utf8(output.stdout).unwrap();
        let mut files = fs::read_dir(folder.trim_end()).unwrap().flatten();
        let library = files.find(|file| {
            let name = file.file_name().into_string().unwrap();
            name.starts_with("libcfg_if-") && name.ends_with(".rlib")
        });
        let old = fs::read(library.unwrap().path()).unwrap();
        assert!(has_bitcode(&old).unwrap());
        let new = lowered(&old, |module| {
            assert!(module.bitcode.starts_with(b"BC\xc0\xde"));
            Ok(b"lowered".to_vec())
        });
        let new = new.unwrap().unwrap();
        let (old, new) = (members_of(&old).unwrap(), members_of(&new).unwrap());
        assert_eq!(old.len(), new.len());
        for (old, new) in old.iter().zip(new) {
            assert_eq!(old.0, new.0);
            let expected = module(old.1).map_or(old.1, |_| b"lowered");
            assert_eq!(new.1, expected, "{}", old.0);
        }
        let plain = b"!<arch>\n".to_vec();
        assert!(!has_bitcode(&plain).unwrap());
        assert!(lowered(&plain, |_| unreachable!()).unwrap().is_none());
        assert!(has_bitcode(b"no archive").is_err());
    }
}
