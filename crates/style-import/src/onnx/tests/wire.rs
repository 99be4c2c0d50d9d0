//! Damaged bytes.

use super::builder::{Model, bytes, integer, varint};
use super::{open, read_bytes};
use crate::ImportError;
use crate::onnx::External;

#[track_caller]
fn assert_damaged(words: &str, bytes: &[u8]) {
    let error = read_bytes(bytes).unwrap_err();
    assert!(matches!(error, ImportError::Damaged { .. }) && error.to_string().contains(words), "{error}");
}

#[test]
fn lengths_past_the_end_are_refused() {
    assert_damaged("34359738367 bytes at 6 reach past 6", b"\x3a\xff\xff\xff\xff\x7f");
    let [start, huge] = [integer(1, 8), varint(u64::MAX)];
    assert_damaged("reach past", &[start, vec![0x3a], huge].concat());
    // The graph is long enough for its node, the node is not for its name.
    let node = [varint(1 << 3 | 2), varint(3), varint(1 << 3 | 2), varint(9), vec![b'x']].concat();
    let model = [integer(1, 8), bytes(8, integer(2, 13)), bytes(7, node), bytes(2, "more than nine bytes")];
    assert_damaged("9 bytes at", &model.concat());
}

#[test]
fn integers_of_more_than_ten_bytes_are_refused() {
    assert_damaged("an integer of more than ten bytes", &[b"\x08".to_vec(), vec![0xff; 20]].concat());
    assert_damaged("reach past", b"\x08\xff\xff");
}

#[test]
fn groups_and_unknown_wire_types_are_refused() {
    assert_damaged("wire type 3", b"\x0b\x0c");
    assert_damaged("wire type 4", b"\x0c");
    assert_damaged("wire type 6", b"\x0e");
    assert_damaged("wire type 7", b"\x0f");
    assert_damaged("field number 0", b"\x00\x00");
}

#[test]
fn fields_of_another_wire_type_are_refused() {
    assert_damaged("should be an integer", &bytes(1, "8"));
    assert_damaged("should have a length", &integer(7, 1));
    let not_text =
        [integer(1, 8), bytes(8, integer(2, 13)), bytes(7, bytes(1, bytes(4, b"\xff\xfe")))].concat();
    assert_damaged("a name that is not UTF-8", &not_text);
}

#[test]
fn what_may_be_there_once_is_there_once() {
    let model = Model::vgg().build();
    let graph = bytes(7, bytes(2, "second"));
    assert_damaged("the graph is there twice", &[model.clone(), graph].concat());
    assert_damaged("the version of the format is there twice", &[model, integer(1, 8)].concat());
}

#[test]
fn a_model_cut_anywhere_is_refused() {
    let model = Model::vgg().build();
    for length in 0..model.len() {
        assert!(read_bytes(&model[..length]).is_err(), "{length}");
    }
    assert!(read_bytes(&model).is_ok());
}

#[test]
fn flipped_bits_are_refused_or_read_within_the_file() {
    let model = Model::vgg().build();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for place in 0..model.len() {
        // One bit of each byte, another one every time: all of them would take half a minute.
        let mut model = model.clone();
        model[place] ^= 1 << (place % 8);
        std::fs::write(&path, &model).unwrap();
        let Ok(found) = open(&path, External::InFolder) else { continue };
        for stage in found.stages {
            let _ = stage.weight.read_floats(); // may say that it is NaN
            assert!(stage.weight.len().unwrap() <= model.len() as u64);
        }
    }
}
