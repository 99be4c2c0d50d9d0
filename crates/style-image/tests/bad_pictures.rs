//! No picture file makes the library panic, hang or take memory that it does not need.
//!
//! One test, for it looks at the memory of the whole process.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too
#![cfg(feature = "files")]

#[path = "bad_pictures/mod.rs"]
mod files;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use files::{Outcome, all, good};
use style_image::{ImageError, ReadOptions};

const MIB: usize = 1 << 20;

/// A line of the system's account of this process, in bytes. Without one (other systems) the memory is not looked at.
fn account(line: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|found| found.strip_prefix(line))?;
    Some(value.trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok()? << 10)
}

/// Runs something, and says by how much the memory of the process rose at its highest.
fn peak<T>(run: impl FnOnce() -> T) -> (T, Option<usize>) {
    // Sets the highest to what it is now.
    let is_known = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = account("VmRSS:");
    let result = run();
    let after = account("VmHWM:");
    (result, is_known.then(|| Some(after?.saturating_sub(before?))).flatten())
}

#[test]
fn bad_pictures_are_read_or_refused_as_expected_in_little_memory_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let (mut table, mut faults, mut highest) = ([[0; 3]; 3], Vec::new(), 0);
    for (index, file) in all().into_iter().enumerate() {
        let path = folder.path().join(format!("{index}"));
        fs::write(&path, &file.bytes).unwrap();
        let (start, length) = (Instant::now(), file.bytes.len());
        let expected = file.expected;
        drop(file.bytes);
        let (found, peak) = peak(|| look(&path));
        let allowed = 2 * length + 64 * MIB + found.1;
        table[expected as usize][found.0 as usize] += 1;
        if found.0 != expected {
            faults.push(format!("{}: {:?}, expected {expected:?}: {}", file.name, found.0, found.2));
        }
        if peak.is_some_and(|peak| peak > allowed) {
            faults.push(format!("{}: {} MiB of memory", file.name, peak.unwrap_or_default() / MIB));
        }
        if start.elapsed() > Duration::from_mins(1) {
            faults.push(format!("{}: took {:?}", file.name, start.elapsed()));
        }
        highest = highest.max(peak.unwrap_or_default());
        fs::remove_file(&path).unwrap();
    }
    println!("expected (read, warned, refused) by found: {table:?}; at most {} MiB", highest / MIB);
    assert!(faults.is_empty(), "{faults:#?}");
    flipped_bits();
}

/// What came of it, the bytes of its pixels, and the words.
fn look(path: &Path) -> (Outcome, usize, String) {
    match ReadOptions::default().open(path) {
        Ok(picture) => {
            let outcome = if picture.info.warnings.is_empty() { Outcome::Read } else { Outcome::Warned };
            // As they stand in the file, twice, and as floats with alpha.
            let pixels = picture.info.width * picture.info.height * (2 * 8 + 4 * 4);
            (outcome, pixels, picture.info.warnings.join("; "))
        }
        Err(error) => {
            assert!(!error.to_string().contains("a decoder gave up"), "{error}");
            assert!(!error.help().is_empty(), "{error}");
            (Outcome::Refused, 0, error.to_string())
        }
    }
}

/// Good files of every format with a bit the other way round: any outcome, but an outcome.
fn flipped_bits() {
    for (name, bytes) in good() {
        assert_eq!(
            ReadOptions::default().decode(&bytes).map(|picture| picture.info.warnings),
            Ok(vec![]),
            "{name}"
        );
        // Every bit of the first bytes, where the structure is, and then here and there.
        let bits = (0..8 * bytes.len().min(100)).chain((800..8 * bytes.len()).step_by(97));
        for bit in bits {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Err(error) = ReadOptions::default().decode(&bytes) {
                assert!(!matches!(error, ImageError::NotEnoughMemory { .. }), "{name}, bit {bit}: {error}");
                assert!(!error.to_string().contains("a decoder gave up"), "{name}, bit {bit}: {error}");
            }
        }
    }
}
