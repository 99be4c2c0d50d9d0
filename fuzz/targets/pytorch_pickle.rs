//! The pickle of a zip checkpoint, behind the checksums: the archive around it is whole.

#![no_main]

use std::sync::LazyLock;

use style_import_fuzz::{archive, import};

/// The first convolution of a narrow VGG network, and its bias, in half precision.
static STORAGES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [4 * 27, 4].map(|count| [0, 0x3c].repeat(count)));

libfuzzer_sys::fuzz_target!(|pickle: &[u8]| {
    let [weight, bias] = &*STORAGES;
    import(&archive(&[
        ("archive/data.pkl", pickle),
        ("archive/data/0", weight),
        ("archive/data/1", bias),
        ("archive/version", b"3\n"),
    ]));
});
