use image::ImageFormat;

use super::png::png;
use super::{BadPicture, deflated, encoded, read, refused, warned};

pub(crate) fn pictures() -> Vec<BadPicture> {
    [no_pictures(), jpeg(), webp(), gif(), bmp(), tiff()].into_iter().flatten().collect()
}

/// What is no picture, and pictures that are not read.
fn no_pictures() -> Vec<BadPicture> {
    let inside = png((65_535, 65_535), 8, 6, &[], &deflated(&[0], 1));
    let icon = [&b"\0\0\x01\0\x01\0\0\0\0\0\x01\0\x20\0\xc8\0\0\0\x16\0\0\0"[..], &inside].concat();
    vec![
        refused("nothing", *b""),
        refused("a web page", *b"<html>404 Not Found</html>"),
        refused("plain text", *b"not an image"),
        refused("zeros", vec![0; 1 << 20]),
        refused("a PPM of 100000 x 100000", *b"P6 100000 100000 255\n"),
        refused("a PPM wider than 64 bits", *b"P6 99999999999999999999 1 255\n"),
        refused("a PGM of 16 bits", *b"P5 65535 65535 65535\n"),
        refused(
            "a Radiance HDR of 100000 x 100000",
            *b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n",
        ),
        refused("a QOI of 65535 x 65535", *b"qoif\0\0\xff\xff\0\0\xff\xff\x04\0"),
        refused("a farbfeld of 65535 x 65535", *b"farbfeld\0\0\xff\xff\0\0\xff\xff"),
        refused(
            "a Targa of 65535 x 65535",
            [&[0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 32, 8][..], &[0xff; 500]].concat(),
        ),
        refused("an ICO with a large PNG inside", icon),
        refused("an AVIF", *b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
        refused("a HEIC", *b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        refused("a JPEG XL", *b"\xff\x0a\xfa\x1f"),
        refused("an SVG", *b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    ]
}

/// One segment of a JPEG.
fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), &data].concat()
}

fn jpeg() -> Vec<BadPicture> {
    let good = encoded(ImageFormat::Jpeg);
    let with = |segments: &[u8]| [&good[..2], segments, &good[2..]].concat();
    let exif = |orientation: u8| {
        let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
        segment(0xe1, &[b"Exif\0\0MM\0*\0\0\0\x08\0\x01", &entry, &[0; 4]])
    };
    let sized = |size: [u8; 4]| {
        let mut bytes = good.clone();
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&size);
        bytes
    };
    let recipe = |heading: &[u8]| segment(0xfe, &[b"style-transfer ", heading, b"\n{}"]);
    let mut pictures: Vec<_> = (1..=8).map(|n| read(&format!("orientation {n}"), with(&exif(n)))).collect();
    pictures.extend([
        read("a good JPEG", good.clone()),
        warned("orientation 0", with(&exif(0))),
        warned("orientation 9", with(&exif(9))),
        read("Exif of 65535 entries, cut off", with(&segment(0xe1, &[b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]))),
        refused("a JPEG of 65500 x 65500", sized([0xff, 0xdc, 0xff, 0xdc])),
        refused("a JPEG of 8000 x 8000 that is not there", sized([0x1f, 0x40, 0x1f, 0x40])),
        refused("a JPEG without width", sized([0, 9, 0, 0])),
        refused("a JPEG in its header", &good[..200]),
        refused("a JPEG in half", &good[..good.len() / 2]),
        refused("two bytes of a JPEG", *b"\xff\xd8"),
        refused("a JPEG of two markers", *b"\xff\xd8\xff\xd9"),
        refused("a segment that is too short", with(&[0xff, 0xe0, 0, 0])),
        read("bytes behind the end", [&good[..], &[0x5a; 4096]].concat()),
        warned("a profile without its parts", with(&segment(0xe2, &[b"ICC_PROFILE\0\x02\x09half"]))),
        warned("a profile of noise", with(&segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &[0x5a; 5000]]))),
        warned(
            "a profile of 6 MB",
            with(&{
                let part = |n: u8| segment(0xe2, &[b"ICC_PROFILE\0", &[n, 100], &vec![0; 60_000]]);
                (1..=100).flat_map(part).collect::<Vec<_>>()
            }),
        ),
        read(
            "40 MB for a gain map",
            with(&segment(0xe2, &[b"urn:iso:std:iso:ts:21496:-1\0", &vec![0; 65_000]]).repeat(600)),
        ),
        read(
            "40 MB for Photoshop, and 40 MB of Exif",
            with(&{
                let photoshop =
                    segment(0xed, &[b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\xf0\0", &vec![0; 61_440]]);
                [photoshop, segment(0xe1, &[b"Exif\0\0MM\0*", &vec![0; 65_000]])].concat().repeat(600)
            }),
        ),
        warned("a recipe without its parts", with(&recipe(b"1/2"))),
        warned("a recipe of 2^64 - 1 parts", with(&recipe(b"1/18446744073709551615"))),
        read("a recipe of no parts", with(&recipe(b"0/0"))),
        warned(
            "a recipe of 20 parts",
            with(&{
                let part = |n: usize| {
                    segment(0xfe, &[format!("style-transfer {n}/20\n").as_bytes(), &vec![b'x'; 65_000]])
                };
                (1..=20).flat_map(part).collect::<Vec<_>>()
            }),
        ),
    ]);
    pictures
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", chunks].concat()
}

fn webp() -> Vec<BadPicture> {
    let good = encoded(ImageFormat::WebP);
    let size = |flags: u8, sides: [u8; 6]| [&b"VP8X\x0a\0\0\0"[..], &[flags, 0, 0, 0], &sides].concat();
    // 31 x 13 px, as the good one.
    let extended = |chunk: &[u8]| riff(&[&size(0, [30, 0, 0, 12, 0, 0])[..], &good[12..], chunk].concat());
    let chunk = |name: [u8; 4], data: &[u8]| {
        let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
        [&name[..], &(data.len() as u32).to_le_bytes(), data, padding].concat()
    };
    vec![
        read("a good WebP", good.clone()),
        read("a good WebP of more chunks", extended(&chunk(*b"what", b"ever"))),
        refused("a WebP of 16777216 x 16777216", riff(&size(0x10, [0xff; 6]))),
        refused("a WebP of 8000 x 8000 that is not there", riff(&size(0x10, [0x3f, 0x1f, 0, 0x3f, 0x1f, 0]))),
        refused("a lossless WebP of 16384 x 16384", riff(&chunk(*b"VP8L", b"\x2f\xff\xff\xff\x0f\0\0\0"))),
        refused(
            "a lossless WebP of 8000 x 8000 that is not there",
            riff(&chunk(*b"VP8L", b"\x2f\x3f\xdf\xcf\x07\0\0\0")),
        ),
        refused("a chunk of 2 GiB", riff(b"VP8L\xff\xff\xff\x7f")),
        refused("nothing inside", riff(b"")),
        warned("a profile of noise", extended(&chunk(*b"ICCP", &[0x5a; 333]))),
        warned(
            "an orientation of 9",
            extended(&chunk(*b"EXIF", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0")),
        ),
        warned(
            "a recipe of unknown letters",
            extended(&chunk(*b"XMP ", b"<style:recipe>&what;</style:recipe>")),
        ),
        warned("a recipe that is no UTF-8", extended(&chunk(*b"XMP ", b"<style:recipe>\xff</style:recipe>"))),
        read("a recipe without end", extended(&chunk(*b"XMP ", b"<style:recipe>half"))),
        read("a recipe inside out", extended(&chunk(*b"XMP ", b"</style:recipe><style:recipe>"))),
        warned(
            "a recipe of eight megabytes",
            extended(&chunk(
                *b"XMP ",
                &[b"<style:recipe>", &vec![b'x'; 8 << 20][..], b"</style:recipe>"].concat(),
            )),
        ),
    ]
}

fn gif() -> Vec<BadPicture> {
    let screen = |sides: [u8; 4]| [&b"GIF89a"[..], &sides, &[0x80, 0, 0, 0, 0, 0, 255, 255, 255]].concat();
    let frame = |sides: [u8; 4]| [&b"\x2c\0\0\0\0"[..], &sides, &[0, 2, 2, 0x44, 1, 0]].concat();
    let one = [1, 0, 1, 0];
    vec![
        read("a good GIF", encoded(ImageFormat::Gif)),
        read("a GIF of one pixel", [screen(one), frame(one), vec![0x3b]].concat()),
        warned("an animated GIF", [screen(one), frame(one).repeat(3), vec![0x3b]].concat()),
        refused("a GIF of 65535 x 65535", [screen([255; 4]), frame([255; 4]), vec![0x3b]].concat()),
        refused(
            "a GIF of 8000 x 8000 that is not there",
            [screen([0x40, 0x1f, 0x40, 0x1f]), frame([0x40, 0x1f, 0x40, 0x1f]), vec![0x3b]].concat(),
        ),
        refused("a GIF without a frame", [screen([8, 0, 8, 0]), vec![0x3b]].concat()),
        refused("a frame beyond its screen", [screen(one), frame([255; 4]), vec![0x3b]].concat()),
    ]
}

fn bmp() -> Vec<BadPicture> {
    let bmp = |(width, height): (i32, i32), bits: u8, data: &[u8]| {
        let header = [
            &40u32.to_le_bytes()[..],
            &width.to_le_bytes(),
            &height.to_le_bytes(),
            &[1, 0, bits, 0],
            &[0; 24],
        ];
        let length = (54 + data.len() as u32).to_le_bytes();
        [b"BM", &length[..], &[0; 4], &54u32.to_le_bytes(), &header.concat(), data].concat()
    };
    vec![
        read("a good BMP", encoded(ImageFormat::Bmp)),
        read("a BMP", bmp((4, 4), 24, &[0x7f; 48])),
        read("a BMP upside down", bmp((4, -4), 24, &[0x7f; 48])),
        refused("a BMP of 65535 x 65535", bmp((65_535, 65_535), 24, &[0; 10])),
        refused("a BMP of 8000 x 8000 that is not there", bmp((8000, 8000), 24, &[0; 10])),
        refused("a BMP of negative width", bmp((-5, 5), 24, &[0x7f; 80])),
        refused("a BMP of the most negative height", bmp((4, i32::MIN), 24, &[0x7f; 48])),
        refused("a BMP of 7 bits", bmp((4, 4), 7, &[0x7f; 48])),
    ]
}

/// A TIFF in little endian with one directory: tag, type, count, value.
fn directory(entries: &[(u16, u16, u32, u32)], next: u32, after: &[u8]) -> Vec<u8> {
    let entry = |&(tag, kind, count, value): &(u16, u16, u32, u32)| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries: Vec<u8> = [(entries.len() as u16).to_le_bytes().to_vec()]
        .into_iter()
        .chain(entries.iter().map(entry))
        .flatten()
        .collect();
    [&b"II*\0\x08\0\0\0"[..], &entries, &next.to_le_bytes(), after].concat()
}

fn tiff() -> Vec<BadPicture> {
    // Grey of 8 bits in one strip, without compression (1) or with deflate (8).
    let grey = |width, height, compression, place, length| {
        vec![
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, compression),
            (262, 3, 1, 1),
            (273, 4, 1, place),
            (277, 3, 1, 1),
            (278, 4, 1, height),
            (279, 4, 1, length),
        ]
    };
    let bomb = deflated(&vec![0; 1 << 20], 300);
    let more = |extra: &[(u16, u16, u32, u32)], after: &[u8]| {
        directory(&[grey(2, 2, 1, 8, 4), extra.to_vec()].concat(), 0, after)
    };
    // The profile stands behind eleven entries.
    let behind = 8 + 2 + 10 * 12 + 4;
    vec![
        read("a good TIFF", encoded(ImageFormat::Tiff)),
        refused("a TIFF of 65535 x 65535", directory(&grey(65_535, 65_535, 1, 8, 8), 0, &[])),
        refused(
            "a TIFF of 8000 x 8000 that is not there",
            directory(&grey(8000, 8000, 1, 8, 64_000_000), 0, &[]),
        ),
        read("a directory that points at itself", directory(&grey(2, 2, 1, 8, 4), 8, &[0; 8])),
        warned("a second page", directory(&grey(2, 2, 1, 8, 4), 122, &[0; 8])),
        read("a second page that is not there", directory(&grey(2, 2, 1, 8, 4), 0x7fff_ffff, &[0; 8])),
        refused(
            "a tag of 2^32 - 1 values",
            directory(
                &[(256, 4, 1, 2), (257, 4, 1, 2), (258, 3, u32::MAX, 8), (273, 4, u32::MAX, 8)],
                0,
                &[],
            ),
        ),
        refused("a strip that is a long way off", directory(&grey(2, 2, 1, 0x7fff_ffff, 4), 0, &[])),
        read(
            "2 x 2 pixels that inflate to 300 MB",
            directory(&grey(2, 2, 8, 122, bomb.len() as u32), 0, &bomb),
        ),
        warned("an orientation of 2^32 - 1", more(&[(274, 4, 1, u32::MAX)], &[])),
        warned("a profile of noise", more(&[(0x8773, 7, 200, behind)], &[0x5a; 200])),
        read("a profile of 2^32 - 1 bytes", more(&[(0x8773, 7, u32::MAX, behind)], &[0x5a; 200])),
        warned("a profile of 6 MB", more(&[(0x8773, 7, 6_000_000, behind)], &vec![0x5a; 6_000_000])),
        refused("BigTIFF that ends", *b"II\x2b\0\x08\0\0\0"),
        refused("a TIFF without directory", *b"II*\0\0\0\0\0"),
    ]
}
