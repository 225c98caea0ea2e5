//! Rust libraries as archives: which of their objects hold bitcode, and the same library with other objects.
//!
//! An object's bitcode is in its section `.llvmbc`. Nothing here runs a program or touches a file.

use std::io::Cursor;

use anyhow::Context;
use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection};

/// Where rustc puts bitcode, with `-C embed-bitcode`.
const BITCODE: &str = ".llvmbc";

/// The library `rlib` with every object that holds bitcode replaced by what `lower` makes of that; `None` if none does.
pub(crate) fn lowered(
    rlib: &[u8],
    mut lower: impl FnMut(&[u8]) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut any = false;
    let mut members = Vec::new();
    for (name, bytes) in members_of(rlib)? {
        let new = match bitcode(bytes) {
            Some(bitcode) => {
                any = true;
                lower(bitcode).with_context(|| name.clone())?
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
    Ok(members.iter().any(|(_, bytes)| bitcode(bytes).is_some()))
}

fn members_of(rlib: &[u8]) -> anyhow::Result<Vec<(String, &[u8])>> {
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

/// What is no object has none.
fn bitcode(member: &[u8]) -> Option<&[u8]> {
    let object = File::parse(member).ok()?;
    let section = object.section_by_name(BITCODE)?;
    section.data().ok().filter(|bitcode| !bitcode.is_empty())
}
