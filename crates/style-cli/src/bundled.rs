//! Pictures inside the program, which are read wherever a picture is.

use std::path::Path;

/// The name of a photograph of a castle.
pub(crate) const CASTLE: &str = "demo:eilean_donan.webp";
/// The name of a painting by van Gogh.
pub(crate) const PAINTING: &str = "demo:van_gogh_cafe_terrace.webp";

/// The bytes of a picture inside the program, by its name.
pub(crate) fn picture(path: &Path) -> Option<&'static [u8]> {
    match path.to_str()? {
        CASTLE => Some(include_bytes!("../../../examples/images/eilean_donan.webp")),
        PAINTING => Some(include_bytes!("../../../examples/images/van_gogh_cafe_terrace.webp")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_bundled_picture_is_its_bytes() {
        for name in [CASTLE, PAINTING] {
            assert!(picture(Path::new(name)).unwrap().starts_with(b"RIFF"), "{name}");
        }
        assert!(picture(Path::new("demo:other.webp")).is_none());
        assert!(picture(Path::new("eilean_donan.webp")).is_none());
    }
}
