//! What the fuzz targets have in common: bytes in, importer over them.

use std::path::PathBuf;
use std::sync::LazyLock;

use style_format::{Encoding, VggFile};
use style_import::WriteOptions;

/// A file in memory, one per process: the importer reads paths.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    folder.join(format!("style-import-fuzz-{}", std::process::id()))
});

/// Opens and converts a file of these bytes. What comes out of it must be a file that can be read again.
pub fn import(bytes: &[u8]) {
    if std::fs::write(&*PATH, bytes).is_err() {
        return;
    }
    let Ok(checkpoint) = style_import::open(&*PATH) else { return };
    // Conversion runs a picture through the network, a thousand times as slow as everything before: a quarter of
    // the files have to do, and the engine is free in the length it gives them.
    if bytes.len() % 4 != 0 {
        return;
    }
    let encoding = Encoding::ALL[bytes.len() / 4 % Encoding::ALL.len()];
    let options = WriteOptions { encoding, ..WriteOptions::default() };
    let Ok(file) = checkpoint.to_vgg_file(&options) else { return };
    let written = file.to_bytes().expect("a converted network can be written");
    assert_eq!(VggFile::parse(&written).expect("a written network can be read"), file);
}

/// A zip archive of stored entries with right checksums (APPNOTE.TXT, section 4.3).
pub fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut header = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0].to_vec();
        for number in [crc32(data), data.len() as u32, data.len() as u32] {
            header.extend(number.to_le_bytes());
        }
        header.extend((name.len() as u16).to_le_bytes());
        header.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&header);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([entries.len() as u16; 2].iter().flat_map(|count| count.to_le_bytes()));
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |value: u32| if value & 1 == 0 { value >> 1 } else { 0xedb8_8320 ^ (value >> 1) };
    let table: [u32; 256] = std::array::from_fn(|byte| (0..8).fold(byte as u32, |value, _| step(value)));
    let next = |state: u32, byte: &u8| table[usize::from(state as u8 ^ byte)] ^ (state >> 8);
    !bytes.iter().fold(u32::MAX, next)
}
