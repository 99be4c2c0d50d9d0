//! Changes good files into bad ones; the same number always makes the same file.

use crate::pytorch_network::Checkpoint;
use crate::seeds::Format;
use crate::zip::{Entry, archive};

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 33,
    1 << 62,
    i64::MAX.cast_unsigned(),
    1 << 63,
    u64::MAX,
];

const ZIP: &[&[u8]] =
    &[b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"];

const PICKLE: &[&[u8]] = &[
    b"(",
    b")",
    b"t",
    b"R",
    b"Q",
    b"}",
    b"]",
    b"u",
    b"e",
    b"s",
    b"a",
    b".",
    b"N",
    b"0",
    b"2",
    b"b",
    b"d",
    b"l",
    b"\x81",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x89",
    b"\x93",
    b"\x94",
    b"h\0",
    b"q\0",
    b"K\0",
    b"J\xff\xff\xff\x7f",
    b"J\0\0\0\x80",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8b\xff\xff\xff\x7f",
    b"X\xff\xff\xff\xff",
    b"G\x7f\xf8\0\0\0\0\0\0",
    b"\x80\x04",
    b"\x95\0\0\0\0\0\0\0\0",
    b"cos\nsystem\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ctorch\nDoubleStorage\n",
    b"ctorch\nByteStorage\n",
    b"ctorch.storage\nUntypedStorage\n",
    b"X\x11\0\0\0features.0.weight",
    b"X\x0f\0\0\0features.0.bias",
];

const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"-1",
    b"1e9",
    b"0.5",
    b"null",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"[0,0]",
    b"[]",
    b"\"F64\"",
    b"\"U8\"",
    b"\"F8_E4M3\"",
    b"\"dtype\"",
    b"\"shape\"",
    b"\"data_offsets\"",
    b"\"__metadata__\":{},",
    b"\"features.0.bias\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},",
    b" ",
    b"\n",
    b"\xff",
];

const PROTOBUF: &[&[u8]] = &[
    b"\x08\x01",
    b"\x0a\0",
    b"\x12\0",
    b"\x1a\0",
    b"\x22\0",
    b"\x2a\0",
    b"\x3a\0",
    b"\x42\0",
    b"\x4a\0",
    b"\x6a\0",
    b"\x70\x01",
    b"\x0b",
    b"\x0c",
    b"\x0d",
    b"\x09",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\x0a\x04Conv",
    b"\x22\x04Relu",
    b"\x22\x07MaxPool",
    b"\x22\x02If",
    b"\x22\x08Constant",
    b"\x42\x11features.0.weight",
    b"\x6a\x19\x0a\x08location\x12\x0b/etc/passwd",
];

/// The generator `SplitMix64`: G. Steele et al., *Fast Splittable Pseudorandom Number Generators*, 2014.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`; 0 where that is 0.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A place in a file: mostly near its start or its end, where the structure is.
    fn place(&mut self, length: usize) -> usize {
        let near = self.below(length.min(512));
        match self.below(6) {
            0..=2 => near,
            3..=4 => length.saturating_sub(1 + near),
            _ => self.below(length),
        }
    }

    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.place(length);
        start..(start + 1 + self.below(longest)).min(length)
    }
}

/// Makes bad files of one format.
pub(crate) struct Mutator {
    format: Format,
    seeds: Vec<Vec<u8>>,
    tokens: Vec<&'static [u8]>,
}

impl Mutator {
    pub(crate) fn new(format: Format) -> Self {
        let tokens = match format {
            Format::PytorchZip => [ZIP, PICKLE].concat(),
            Format::PytorchLegacy => PICKLE.to_vec(),
            Format::Safetensors | Format::Native => JSON.to_vec(),
            Format::Onnx => PROTOBUF.to_vec(),
        };
        Self { format, seeds: format.seeds(), tokens }
    }

    /// The bad file of that number.
    pub(crate) fn make(&self, number: u64) -> Vec<u8> {
        let mut random = Random(number << 8 | self.format as u64);
        // Checksums keep most changes of an archive from getting any further than its directory.
        if self.format == Format::PytorchZip && number % 2 == 1 {
            return self.rewrapped(&mut random);
        }
        let mut bytes = self.seeds[random.below(self.seeds.len())].clone();
        self.change(&mut bytes, &mut random);
        bytes
    }

    /// A changed pickle in a whole archive.
    fn rewrapped(&self, random: &mut Random) -> Vec<u8> {
        let checkpoint = Checkpoint::narrow();
        let mut pickle = checkpoint.pickle();
        self.change(&mut pickle, random);
        let mut entries = checkpoint.entries();
        entries[0] = Entry::stored("archive/data.pkl", pickle);
        archive(&entries)
    }

    fn change(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        // One change half of the time, two a quarter of it: most files get past the first checks.
        for _ in 0..=random.next().trailing_ones().min(4) {
            self.edit(bytes, random);
        }
    }

    fn edit(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        let place = random.place(bytes.len());
        match random.below(13) {
            0 => bytes.truncate(place),
            1..=2 => {
                let byte = bytes.get(place).map_or(0, |byte| byte ^ 1 << random.below(8));
                overwrite(bytes, place, &[byte]);
            }
            3 => overwrite(bytes, place, &[random.next() as u8]),
            4..=5 => {
                let number = random.pick(&NUMBERS).wrapping_add(random.pick(&[0, 0, 0, 1, u64::MAX]));
                overwrite(bytes, place, &number.to_le_bytes()[..random.pick(&[1, 2, 4, 8])]);
            }
            6 => insert(bytes, place, random.pick(&self.tokens)),
            7 => overwrite(bytes, place, random.pick(&self.tokens)),
            8 => drop(bytes.drain(random.range(bytes.len(), 64))),
            9 => {
                let copied = bytes[random.range(bytes.len(), 64)].to_vec();
                insert(bytes, place, &copied);
            }
            10 => {
                let other = &self.seeds[random.below(self.seeds.len())];
                let copied = &other[random.range(other.len(), 256)];
                if random.below(2) == 0 {
                    insert(bytes, place, copied);
                } else {
                    overwrite(bytes, place, copied);
                }
            }
            11 => replace_decimal(bytes, place, random.pick(&NUMBERS)),
            _ => {
                let repeated = bytes[random.range(bytes.len(), 4)].repeat(1 + random.below(4096));
                insert(bytes, place, &repeated);
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], place: usize, with: &[u8]) {
    for (old, new) in bytes.iter_mut().skip(place).zip(with) {
        *old = *new;
    }
}

fn insert(bytes: &mut Vec<u8>, place: usize, new: &[u8]) {
    bytes.splice(place..place, new.iter().copied());
}

/// The first number in decimal digits at or behind `place`.
fn replace_decimal(bytes: &mut Vec<u8>, place: usize, number: u64) {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = bytes.iter().skip(place).position(u8::is_ascii_digit).map(|ahead| place + ahead);
    if let Some(start) = start {
        let end = start + digits(&bytes[start..]);
        bytes.splice(start..end, number.to_string().into_bytes());
    }
}

#[test]
fn a_number_always_makes_the_same_file() {
    for format in Format::ALL {
        let (first, second) = (Mutator::new(format), Mutator::new(format));
        for number in 0..100 {
            assert_eq!(first.make(number), second.make(number));
        }
        assert_ne!(first.make(2), first.make(4));
    }
}
