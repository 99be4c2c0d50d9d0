//! An ONNX model.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| style_import_fuzz::import(bytes));
