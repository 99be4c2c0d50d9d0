//! Tensors in other files.

use std::fs;
use std::path::Path;

use super::builder::{Model, external, raw_floats};
use super::open;
use crate::ImportError;
use crate::onnx::External;

/// The first bias lies in another file, where these entries say.
fn model(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut model = Model::vgg();
    model.tensors[1] = external("b0", &[2], entries);
    model.build()
}

fn bias(folder: &Path, entries: &[(&str, &str)], asked: External) -> Result<Vec<f32>, ImportError> {
    let path = folder.join("model.onnx");
    fs::write(&path, model(entries)).unwrap();
    open(&path, asked)?.stages.remove(0).bias.unwrap().read_floats()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["side.bin", "sub/side.bin"] {
        fs::write(folder.path().join(name), raw_floats(&[0.0, 1.5, -2.0])).unwrap();
    }
    folder
}

#[test]
fn other_files_are_refused_unless_they_were_asked_for() {
    let folder = folder();
    let entries = [("location", "side.bin"), ("offset", "4"), ("length", "8")];
    let error = bias(folder.path(), &entries, External::Refused).unwrap_err();
    assert!(matches!(&error, ImportError::ExternalData { tensor, .. } if tensor == "b0"), "{error}");
    assert!(error.help().contains("one file"));
    assert_eq!(bias(folder.path(), &entries, External::InFolder).unwrap(), [1.5, -2.0]);
}

#[test]
fn a_tensor_that_nothing_uses_is_refused_as_well() {
    let folder = folder();
    let mut model = Model::vgg();
    model.tensors.push(external("unused", &[2], &[("location", "side.bin")]));
    let path = folder.path().join("model.onnx");
    fs::write(&path, model.build()).unwrap();
    assert!(matches!(open(&path, External::Refused), Err(ImportError::ExternalData { .. })));
    assert!(open(&path, External::InFolder).is_ok());
}

#[test]
fn places_are_counted_from_the_start_unless_said() {
    let folder = folder();
    let found = bias(folder.path(), &[("location", "sub/side.bin")], External::InFolder).unwrap();
    assert_eq!(found, [0.0, 1.5]);
    let odd = [("location", "side.bin"), ("checksum", "unread")];
    assert_eq!(bias(folder.path(), &odd, External::InFolder).unwrap(), [0.0, 1.5]);
}

#[test]
fn locations_outside_of_the_folder_are_refused() {
    let folder = folder();
    let odd = [
        "",
        ".",
        "..",
        "/etc/passwd",
        "/dev/zero",
        "../side.bin",
        "junk/../../secret",
        "sub/../side.bin",
        "./side.bin",
        "sub//side.bin",
        "side.bin/",
        "a\0b",
        "..\\..\\secret",
        "C:side.bin",
    ];
    for location in odd {
        for asked in [External::Refused, External::InFolder] {
            let error = bias(folder.path(), &[("location", location)], asked).unwrap_err();
            let said = error.to_string();
            assert!(said.contains("it is no plain relative path"), "{location:?}: {said}");
        }
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = folder();
    let refused = |location: &str| {
        bias(folder.path(), &[("location", location)], External::InFolder).unwrap_err().to_string()
    };
    assert!(refused("sub").contains("it is no regular file"));
    assert!(refused("missing.bin").contains("lies in another file, \"missing.bin\": "));
    assert!(refused("side.bin/more").contains("lies in another file"));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    let folder = folder();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("side.bin"), [0; 8]).unwrap();
    std::os::unix::fs::symlink(outside.path().join("side.bin"), folder.path().join("link.bin")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    for location in ["link.bin", "link/side.bin"] {
        let error = bias(folder.path(), &[("location", location)], External::InFolder).unwrap_err();
        assert!(error.to_string().contains("a symbolic link leads there"), "{error}");
    }
}

#[test]
fn places_must_lie_in_the_other_file() {
    let folder = folder();
    let refused = |key: &str, value: &str| {
        let entries = [("location", "side.bin"), (key, value)];
        bias(folder.path(), &entries, External::InFolder).unwrap_err().to_string()
    };
    assert!(refused("offset", "5").contains("8 bytes at 5 are wanted, the file has 12"));
    assert!(refused("offset", "-1").contains("its offset is \"-1\""));
    assert!(refused("offset", "+1").contains("its offset is \"+1\""));
    assert!(refused("offset", "").contains("its offset is \"\""));
    assert!(refused("offset", "18446744073709551616").contains("its offset is"));
    assert!(refused("offset", "18446744073709551615").contains("its end overflows"));
    assert!(refused("length", "18446744073709551615").contains("is not the 8 bytes that the shape wants"));
    assert!(refused("length", "4").contains("is not the 8 bytes"));
    assert!(refused("location", "other.bin").contains("it is described twice"));
}

#[test]
fn a_tensor_lies_in_one_place() {
    use super::assert_refused;
    use super::builder::{bytes, integer, tensor};
    let entry = || bytes(13, [bytes(1, "location"), bytes(2, "side.bin")].concat());
    assert_refused("names another file, and says to lie in this one", |model| {
        model.tensors[1] = tensor("b0", &[2], 1, [bytes(9, [0; 8]), entry()].concat());
    });
    assert_refused("in this file and in another one", |model| {
        model.tensors[1] = tensor("b0", &[2], 1, [bytes(9, [0; 8]), entry(), integer(14, 1)].concat());
    });
    assert_refused("its location is number 2", |model| {
        model.tensors[1] = tensor("b0", &[2], 1, [bytes(9, [0; 8]), integer(14, 2)].concat());
    });
}
