//! The native weights file, as the program reads it.

#![no_main]

use style_format::VggFile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = VggFile::parse(bytes) {
        let written = file.to_bytes().expect("what was read can be written");
        assert_eq!(VggFile::parse(&written).expect("what was written can be read"), file);
    }
});
