use super::{BadPicture, deflated, encoded, read, refused, warned};
use image::ImageFormat;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The checksum of the specification's annex D.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

pub(crate) fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [&name[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// A PNG of any size, bits and kind of pixels (0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA).
pub(crate) fn png((width, height): (u32, u32), bits: u8, kind: u8, extra: &[u8], data: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, kind, 0, 0, 0]].concat();
    let parts = [chunk(*b"IHDR", &header), extra.to_vec(), chunk(*b"IDAT", data), chunk(*b"IEND", b"")];
    [SIGNATURE, &parts.concat()].concat()
}

/// A small one whose rows are all the same.
fn small(bits: u8, kind: u8, extra: &[u8], row: &[u8]) -> Vec<u8> {
    png((8, 8), bits, kind, extra, &deflated(&[&[0], row].concat(), 8))
}

fn rgb(extra: &[u8]) -> Vec<u8> {
    small(8, 2, extra, &[90; 24])
}

pub(crate) fn pictures() -> Vec<BadPicture> {
    [sizes(), kinds(), broken(), metadata()].into_iter().flatten().collect()
}

fn sizes() -> Vec<BadPicture> {
    // 768 MB of black.
    let bomb = deflated(&vec![0; 1 + 3 * 16_000], 16_000);
    // Within the limits, and there is nothing behind it.
    let hollow = |bits, kind| png((8000, 8000), bits, kind, &[], &deflated(&[0; 64], 1));
    vec![
        refused("a header of 65535 x 65535 RGBA", png((65_535, 65_535), 8, 6, &[], &deflated(&[0; 64], 1))),
        refused(
            "a header of 2^31 - 1 squared",
            png((0x7fff_ffff, 0x7fff_ffff), 8, 6, &[], &deflated(&[0], 1)),
        ),
        refused("a header of 2^32 - 1 squared", png((u32::MAX, u32::MAX), 16, 6, &[], &deflated(&[0], 1))),
        refused("a row of 2^31 - 1 pixels", png((0x7fff_ffff, 1), 16, 6, &[], &deflated(&[0], 1))),
        refused("a header without width", png((0, 10), 8, 2, &[], &deflated(&[0], 10))),
        refused("a header without height", png((10, 0), 8, 2, &[], &deflated(&[0], 10))),
        refused("16000 x 16000 pixels in 750 kB", png((16_000, 16_000), 8, 2, &[], &bomb)),
        refused("8000 x 8000 pixels that are not there", hollow(8, 2)),
        refused("8000 x 8000 deep pixels that are not there", hollow(16, 6)),
        read("one pixel", png((1, 1), 8, 2, &[], &deflated(&[0, 1, 2, 3], 1))),
        read("a column", png((1, 512), 8, 2, &[], &deflated(&[0, 1, 2, 3], 512))),
        read("a row", png((4096, 1), 8, 2, &[], &deflated(&[0; 1 + 3 * 4096], 1))),
        refused("a row that is too long", png((16_385, 1), 8, 2, &[], &deflated(&[0; 1 + 3 * 16_385], 1))),
    ]
}

fn kinds() -> Vec<BadPicture> {
    let palette = chunk(*b"PLTE", &[200; 6]);
    vec![
        read("16 bits", small(16, 2, &[], &[90; 48])),
        read("grey of one bit", small(1, 0, &[], &[0b1010_1010])),
        read("deep grey with alpha", small(16, 4, &[], &[90; 32])),
        read("RGBA", small(8, 6, &[], &[90; 32])),
        read("a palette of one bit", small(1, 3, &palette, &[0b1010_1010])),
        warned("all of it transparent", small(8, 6, &[], &[16, 32, 48, 0].repeat(8))),
        warned("colours that its palette has not", small(8, 3, &palette, &[255; 8])),
        refused("no palette", small(8, 3, &[], &[0; 8])),
        refused("a palette that comes too late", {
            let file = small(8, 3, &[], &[0; 8]);
            [&file[..file.len() - 12], &palette, &file[file.len() - 12..]].concat()
        }),
        refused("a kind of pixel that is not", small(8, 5, &[], &[90; 24])),
        refused("three bits", small(3, 0, &[], &[90; 3])),
    ]
}

fn broken() -> Vec<BadPicture> {
    let good = rgb(&[]);
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    let long = [SIGNATURE, &0x7fff_ffffu32.to_be_bytes(), b"IHDR", &[0; 40]].concat();
    vec![
        read("a good one", good.clone()),
        refused("the signature alone", SIGNATURE),
        refused("its first byte alone", &SIGNATURE[..1]),
        refused("a chunk of 2 GiB", long),
        refused("a wrong bit in the size", flipped(19)),
        refused("a wrong bit in the pixels", flipped(45)),
        refused("a wrong bit in a checksum", flipped(30)),
        refused("pixels that are no zlib stream", png((8, 8), 8, 2, &[], b"no zlib stream")),
        refused("a filter that is not", png((8, 8), 8, 2, &[], &deflated(&[9; 25], 8))),
        refused("an unknown chunk that must be known", rgb(&chunk(*b"MUST", b"what"))),
        refused("without the pixels' chunk", [&good[..33], &good[good.len() - 12..]].concat()),
        read("a megabyte of something behind its end", [&good[..], &vec![0xab; 1 << 20]].concat()),
        read("a hundred thousand empty chunks", rgb(&chunk(*b"teSt", b"").repeat(100_000))),
    ]
}

/// Chunks whose data a decoder would inflate or believe.
fn metadata() -> Vec<BadPicture> {
    // 300 MB.
    let bomb = deflated(&vec![0; 1 << 20], 300);
    let with = |name: [u8; 4], parts: &[&[u8]]| rgb(&chunk(name, &parts.concat()));
    let frames = chunk(*b"fcTL", &[0; 26]).repeat(2);
    let text = b"style-transfer\0";
    vec![
        warned("a profile that inflates to 300 MB", with(*b"iCCP", &[b"x\0\0", &bomb])),
        warned("a profile of noise", with(*b"iCCP", &[b"x\0\0", &deflated(b"noise", 30)])),
        warned("a profile that is no zlib stream", with(*b"iCCP", &[b"x\0\0\xff\xff\xff"])),
        warned("a profile without a name", with(*b"iCCP", &[b"x"])),
        warned("curves of high dynamic range", with(*b"cICP", &[&[9, 16, 0, 1]])),
        warned("a gamma that nobody has", with(*b"gAMA", &[&[0, 0, 0, 1]])),
        warned(
            "an orientation of 77",
            with(*b"eXIf", &[b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x4d\0\0\0\0\0\0"]),
        ),
        read("an orientation that is cut off", with(*b"eXIf", &[b"MM\0*\0\0\0\x08\xff\xff"])),
        read("an orientation that is a long way off", with(*b"eXIf", &[b"II*\0\xff\xff\xff\x7f"])),
        read("a text that inflates to 300 MB", with(*b"zTXt", &[b"Comment\0\0", &bomb])),
        warned("a recipe that inflates to 300 MB", with(*b"iTXt", &[text, &[1, 0, 0, 0], &bomb])),
        warned("a recipe of two megabytes", with(*b"iTXt", &[text, &[0, 0, 0, 0], &vec![b'x'; 2 << 20]])),
        warned("a recipe that is no UTF-8", with(*b"iTXt", &[text, &[0, 0, 0, 0], &[0xff, 0xfe]])),
        warned("a recipe that is no zlib stream", with(*b"iTXt", &[text, &[1, 0, 0, 0], b"plain"])),
        read("a recipe without its fields", with(*b"iTXt", &[text])),
        read(
            "2^32 - 1 frames that are not there",
            rgb(&chunk(*b"acTL", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
        ),
        warned("two frames", rgb(&frames)),
        read("the name of another format", encoded(ImageFormat::Png)),
    ]
}
