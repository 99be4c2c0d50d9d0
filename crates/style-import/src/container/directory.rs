//! The directory at the end of a zip archive, as far as PyTorch writes one: whole, stored, unencrypted.
//!
//! Strict where readers of zip archives differ, so that no other reader sees another file: the archive
//! begins at the file's first byte, its end record is the file's last, and every entry has the same name in
//! the directory and before its bytes.
//!
//! # Reference
//!
//! PKWARE, *APPNOTE.TXT - .ZIP File Format Specification*, version 6.3.10, sections 4.3.7, 4.3.12, 4.3.14,
//! 4.3.15, 4.3.16 and 4.5.3.

use std::sync::Arc;

use crate::ImportError;
use crate::error::printable;
use crate::source::SourceFile;
use crate::storage::Storage;

/// A VGG checkpoint has about 40 entries, a training checkpoint some hundred.
const MOST_ENTRIES: u64 = 4096;

/// The directory of so many entries with names of usual length is a third of it.
const LARGEST_DIRECTORY: u64 = 1 << 20;

const END_LENGTH: u64 = 22;
const LOCATOR_LENGTH: u64 = 20;
const END64_LENGTH: u64 = 56;
const LOCAL_LENGTH: u64 = 30;

/// What 32-bit fields hold whose value stands elsewhere, in 64 bits.
const ELSEWHERE: u64 = 0xffff_ffff;

/// One file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Bytes.
    pub(super) length: u64,
    crc32: u32,
    /// Where the header before its bytes begins.
    header: u64,
}

impl Entry {
    /// Where its bytes lie. PyTorch writes a checksum of 0 where it was told to compute none.
    pub(super) fn storage(&self, file: &Arc<SourceFile>) -> Result<Storage, ImportError> {
        let header = file.read(self.header, LOCAL_LENGTH)?;
        let name_length = u64::from(short(&header, 26));
        let name_start = self.header + LOCAL_LENGTH;
        let name = file.read(name_start, name_length)?;
        if !header.starts_with(b"PK\x03\x04") || String::from_utf8_lossy(&name) != self.name {
            let name = printable(&self.name, 80);
            return Err(ImportError::damaged(format!("entry {name:?} is not where the directory says")));
        }
        let start = name_start + name_length + u64::from(short(&header, 28));
        Storage::new(file, start, self.length, Some(self.crc32).filter(|&crc32| crc32 != 0))
    }
}

/// All entries, in the directory's order; names differ.
pub(super) fn read(file: &SourceFile) -> Result<Vec<Entry>, ImportError> {
    let (count, bytes) = find(file)?;
    let mut rest = &bytes[..];
    let mut entries: Vec<Entry> = Vec::new();
    while !rest.is_empty() {
        entries.push(entry(&mut rest)?);
    }
    if entries.len() as u64 != count {
        let found = entries.len();
        return Err(ImportError::damaged(format!("it has {found} entries, its end record says {count}")));
    }
    let mut names: Vec<_> = entries.iter().map(|entry| &entry.name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ImportError::damaged("two entries of the archive have the same name"));
    }
    Ok(entries)
}

/// The number of entries, and the directory's bytes.
fn find(file: &SourceFile) -> Result<(u64, Vec<u8>), ImportError> {
    let missing = || ImportError::damaged("the archive has no end");
    let end_at = file.length().checked_sub(END_LENGTH).ok_or_else(missing)?;
    let end = file.read(end_at, END_LENGTH)?;
    // An archive may end with a comment. No PyTorch writes one, and it is where archives are hidden.
    if !end.starts_with(b"PK\x05\x06") || short(&end, 20) != 0 {
        return Err(missing());
    }
    let brief = [u64::from(short(&end, 10)), word(&end, 12), word(&end, 16)];
    // PyTorch writes the 64-bit record whether or not a number needs it.
    let (ends, [count, length, start]) = match wide_end(file, end_at)? {
        Some((at, wide)) => {
            let agrees = |at: usize| brief[at] == wide[at] || brief[at] == [0xffff, ELSEWHERE, ELSEWHERE][at];
            if ![0, 1, 2].into_iter().all(agrees) {
                return Err(ImportError::damaged("the archive has two ends that contradict each other"));
            }
            (at, wide)
        }
        None => (end_at, brief),
    };
    for (what, found, limit) in [
        ("the number of entries in the archive", count, MOST_ENTRIES),
        ("the length of the archive's directory in bytes", length, LARGEST_DIRECTORY),
    ] {
        if found > limit {
            return Err(ImportError::TooLarge { what, found, limit });
        }
    }
    if start.checked_add(length) != Some(ends) {
        return Err(ImportError::damaged("the archive's directory is not where its end says"));
    }
    Ok((count, file.read(start, length)?))
}

/// The 64-bit end record: where it begins, and number of entries, length and start of the directory.
fn wide_end(file: &SourceFile, end_at: u64) -> Result<Option<(u64, [u64; 3])>, ImportError> {
    let Some(ends) = end_at.checked_sub(LOCATOR_LENGTH + END64_LENGTH) else { return Ok(None) };
    let bytes = file.read(ends, END64_LENGTH + LOCATOR_LENGTH)?;
    let (end64, locator) = bytes.split_at(END64_LENGTH as usize);
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    if long(locator, 8) != ends || !end64.starts_with(b"PK\x06\x06") {
        return Err(ImportError::damaged("the archive's end is not where it says"));
    }
    Ok(Some((ends, [32, 40, 48].map(|at| long(end64, at)))))
}

/// Takes an entry off the front of the directory.
fn entry(rest: &mut &[u8]) -> Result<Entry, ImportError> {
    let damaged = || ImportError::damaged("the archive's directory is no list of entries");
    let (fixed, after) = rest.split_at_checked(46).ok_or_else(damaged)?;
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(short(fixed, at)));
    let (name, after) = after.split_at_checked(name).ok_or_else(damaged)?;
    let (extra, after) = after.split_at_checked(extra).ok_or_else(damaged)?;
    let (_, after) = after.split_at_checked(comment).ok_or_else(damaged)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(damaged());
    }
    *rest = after;
    let name = String::from_utf8_lossy(name).into_owned();
    let [mut stored, mut length, mut header] = [20, 24, 42].map(|at| word(fixed, at));
    // The order of the 64-bit fields is fixed, and only those are there that do not fit.
    let mut wide = wide_fields(extra);
    for field in [&mut length, &mut stored, &mut header] {
        if *field == ELSEWHERE {
            let (value, after) = wide.split_at_checked(8).ok_or_else(damaged)?;
            (*field, wide) = (long(value, 0), after);
        }
    }
    let (flags, method) = (short(fixed, 8), short(fixed, 10));
    if flags & 1 != 0 {
        return Err(ImportError::damaged(format!("entry {:?} is encrypted", printable(&name, 80))));
    }
    if method != 0 || stored != length {
        return Err(ImportError::Compressed { entry: printable(&name, 80) });
    }
    Ok(Entry { name, length, crc32: word(fixed, 16) as u32, header })
}

/// The contents of the extra field with number 1.
fn wide_fields(mut extra: &[u8]) -> &[u8] {
    while let Some((head, after)) = extra.split_at_checked(4) {
        let Some((field, after)) = after.split_at_checked(short(head, 2).into()) else { break };
        if short(head, 0) == 1 {
            return field;
        }
        extra = after;
    }
    &[]
}

/// Little-endian numbers at places that the caller knows to be there.
fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from(bytes[at]) | u16::from(bytes[at + 1]) << 8
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from(short(bytes, at)) | u64::from(short(bytes, at + 2)) << 16
}

fn long(bytes: &[u8], at: usize) -> u64 {
    word(bytes, at) | word(bytes, at + 4) << 32
}
