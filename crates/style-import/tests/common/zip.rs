//! Zip archives with every field at will, as no library would write them.

#![allow(dead_code)] // not every test file uses all of it

/// One entry, as the archive states it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// 0 is stored, 8 is deflated.
    pub(crate) method: u16,
    pub(crate) crc: u32,
    /// Length after decompression.
    pub(crate) length: u32,
    pub(crate) data: Vec<u8>,
}

impl Entry {
    pub(crate) fn stored(name: &str, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        Self { name: name.into(), method: 0, crc: crc32(&data), length: data.len() as u32, data }
    }

    /// `pattern` (one or two bytes) repeated to a length, deflated to a twentieth of a per cent of it.
    pub(crate) fn bomb(name: &str, start: &[u8], pattern: &[u8], repeats: u32) -> Self {
        let mut bits = Bits::default();
        // One last block with the fixed code: the pattern as literals, then copies of 258 bytes at its
        // distance (RFC 1951, section 3.2.6).
        bits.push(0b011, 3);
        for &byte in start.iter().chain(pattern) {
            bits.push_code(0x30 + u32::from(byte), 8);
        }
        for _ in 0..repeats {
            bits.push_code(0b1100_0101, 8);
            bits.push_code(pattern.len() as u32 - 1, 5);
        }
        bits.push_code(0, 7);
        let length = (start.len() + pattern.len()) as u32 + 258 * repeats;
        let mut crc = Crc::default();
        crc.add(start);
        // Whole patterns, since 258 is even.
        let chunk = pattern.repeat(258 / pattern.len());
        crc.add(pattern);
        (0..repeats).for_each(|_| crc.add(&chunk));
        Self { name: name.into(), method: 8, crc: crc.finish(), length, data: bits.finish() }
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = [20, 0, 0, 0].to_vec();
        bytes.extend(self.method.to_le_bytes());
        bytes.extend([0, 0, 0x21, 0]); // midnight, 1 January 1980
        for number in [self.crc, self.data.len() as u32, self.length] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

/// The archive's bytes: entries, directory, end (APPNOTE.TXT, section 4.3).
pub(crate) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(entry.header());
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(entry.name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(entry.header());
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.data);
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

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::default();
    crc.add(bytes);
    crc.finish()
}

/// CRC-32 as PNG's specification writes it down (annex D).
struct Crc {
    table: [u32; 256],
    state: u32,
}

impl Default for Crc {
    fn default() -> Self {
        let step = |value: u32| if value & 1 == 0 { value >> 1 } else { 0xedb8_8320 ^ (value >> 1) };
        let table = std::array::from_fn(|byte| (0..8).fold(byte as u32, |value, _| step(value)));
        Self { table, state: u32::MAX }
    }
}

impl Crc {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = self.table[usize::from(self.state as u8 ^ byte)] ^ (self.state >> 8);
        }
    }

    fn finish(&self) -> u32 {
        !self.state
    }
}

/// Bits as deflate packs them: from the lowest of each byte on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// A Huffman code, whose highest bit comes first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}
