//! What a file's first bytes say it is. The extension has no say.

use image::ImageFormat;

use crate::ImageError;

/// The formats that are read.
pub(crate) const READ: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::Tiff,
];

/// The format of a picture that can be read, or what the bytes look like instead.
pub(crate) fn picture_format(bytes: &[u8]) -> Result<ImageFormat, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    if let Some(found) = foreign_picture(bytes) {
        return Err(ImageError::UnsupportedFormat { found });
    }
    match image::guess_format(bytes) {
        Ok(format) if READ.contains(&format) => Ok(format),
        Ok(other) => Err(ImageError::UnsupportedFormat { found: name(other) }),
        Err(_) => Err(ImageError::NotAPicture { seen: no_picture(bytes) }),
    }
}

/// A format's name as people write it.
pub(crate) const fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Pnm => "PNM (PPM, PGM, PBM)",
        ImageFormat::Ico => "ICO",
        ImageFormat::Hdr => "Radiance HDR",
        ImageFormat::OpenExr => "OpenEXR",
        ImageFormat::Dds => "DDS",
        ImageFormat::Qoi => "QOI",
        ImageFormat::Farbfeld => "farbfeld",
        ImageFormat::Avif => "AVIF",
        _ => "such",
    }
}

/// Formats that people have on their disks but the decoders here do not know.
fn foreign_picture(bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12) {
            Some(b"avif" | b"avis") => Some("AVIF"),
            Some(b"heic" | b"heix" | b"heim" | b"hevc" | b"hevx" | b"mif1" | b"msf1") => Some("HEIC"),
            _ => None,
        };
    }
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL ") {
        Some("JPEG XL")
    } else if starts(b"8BPS") {
        Some("Photoshop")
    } else if starts(b"\0\0\0\x0cjP  ") {
        Some("JPEG 2000")
    } else if beginning(bytes).contains("<svg") {
        Some("SVG")
    } else {
        None
    }
}

/// The first bytes as lower-case text, blanks and byte order mark taken off; empty for binary data.
fn beginning(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = &bytes[..bytes.len().min(512)];
    if head.iter().any(|&byte| byte < b' ' && !byte.is_ascii_whitespace()) {
        return String::new();
    }
    String::from_utf8_lossy(head).trim_start().to_ascii_lowercase()
}

/// What bytes that are no picture look like.
fn no_picture(bytes: &[u8]) -> String {
    let text = beginning(bytes);
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    let seen = if text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<head")
    {
        "a web page"
    } else if text.starts_with("<?xml") {
        "an XML file"
    } else if text.starts_with("version https://git-lfs") {
        "a Git LFS pointer, the file itself was not fetched"
    } else if starts(b"%PDF") {
        "a PDF document"
    } else if starts(b"PK\x03\x04") {
        "a ZIP archive"
    } else if starts(b"\x1f\x8b") {
        "a gzip archive"
    } else if bytes.get(4..8) == Some(b"ftyp") {
        "a video"
    } else if bytes.iter().take(4096).all(|&byte| byte == 0) {
        "zeros"
    } else if !text.is_empty() && text.is_ascii() {
        "plain text"
    } else {
        let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return format!("unknown data ({} bytes, beginning {})", bytes.len(), head.join(" "));
    };
    seen.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        picture_format(bytes).unwrap_err().to_string()
    }

    #[test]
    fn other_files_are_named() {
        for (bytes, seen) in [
            (&b"<!DOCTYPE html><title>404</title>"[..], "a web page"),
            (b"\xef\xbb\xbf\n <HTML>", "a web page"),
            (b"<?xml version=\"1.0\"?><a/>", "an XML file"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a Git LFS pointer, the file itself was not fetched",
            ),
            (b"%PDF-1.7", "a PDF document"),
            (b"PK\x03\x04....", "a ZIP archive"),
            (b"\x1f\x8b\x08", "a gzip archive"),
            (b"\0\0\0\x18ftypmp42", "a video"),
            (&[0; 64], "zeros"),
            (b"dear diary", "plain text"),
            (b"\x89", "unknown data (1 bytes, beginning 89)"),
            (b"\x89PNG\r\n\x1a\r\n", "unknown data (9 bytes, beginning 89 50 4e 47 0d 0a 1a 0d)"),
        ] {
            assert_eq!(message(bytes), format!("not a picture: it looks like {seen}"));
        }
        assert_eq!(message(b""), "the file is empty, expected a picture");
    }

    #[test]
    fn pictures_of_other_formats_are_named() {
        for (bytes, found) in [
            (&b"\0\0\0\x1cftypavif\0\0\0\0"[..], "AVIF"),
            (b"\0\0\0\x18ftypheic", "HEIC"),
            (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"<?xml version=\"1.0\"?>\n<svg>", "SVG"),
            (b"P6 2 2 255\n", "PNM (PPM, PGM, PBM)"),
            (b"qoif\0\0", "QOI"),
            (b"#?RADIANCE\n", "Radiance HDR"),
            (b"\0\0\x01\0\x01\0", "ICO"),
        ] {
            let text = format!("{found} pictures are not supported, only PNG, JPEG, WebP, GIF, BMP and TIFF");
            assert_eq!(message(bytes), text);
        }
    }
}
