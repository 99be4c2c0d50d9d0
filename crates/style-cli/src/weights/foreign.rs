//! Weights that other programs wrote, told by how their files begin.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What kind of file another program wrote, where it is one of those that `import` reads.
pub(crate) fn foreign(path: &Path) -> Option<&'static str> {
    let mut begin = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).ok()?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (begin, extension) {
        // A zip archive; a pickle of version 2, as it was before.
        ([b'P', b'K', 3, 4] | [0x80, 2, ..], _) | (_, "pth" | "pt") => Some("a PyTorch file"),
        (_, "onnx") => Some("an ONNX file"),
        _ => None,
    }
}
