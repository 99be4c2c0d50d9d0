//! Checkpoints that are no good, and outputs that cannot be written: what is said about them.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod common;

use common::{Builder, archive_of, fixture, refusal, save, vgg19};
use style_format::{Encoding, Layer};
use style_import::{ImportError, WriteOptions, open};
use tempfile::TempDir;

#[test]
fn files_that_cannot_be_had_are_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("nowhere.pth");
    let text = open(&missing).unwrap_err().to_string();
    assert_eq!(text, format!("cannot read {}: No such file or directory (os error 2)", missing.display()));
    let text = open(folder.path()).unwrap_err().to_string();
    assert_eq!(text, format!("cannot read {}: it is a folder", folder.path().display()));
}

#[test]
fn files_of_another_kind_are_told_apart() {
    for (bytes, found) in [
        (&b""[..], "it is empty"),
        (b"<!DOCTYPE html><html>404</html>", "it is a web page (\"<!DOCTYPE html><html>404\")"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
            "it is a Git LFS pointer, not the file it points to (git lfs pull fetches that)",
        ),
        (b"\x89HDF\r\n\x1a\n....", "it is an HDF5 file, as Keras writes it"),
        (b"\x1b[2Jnonsense", "it starts with \"\u{FFFD}[2Jnonsense\""),
    ] {
        assert_eq!(refusal(bytes), format!("no weights: {found}"));
    }
    assert_eq!(refusal(&zip_without_pickle()), "no weights: it is a zip archive without data.pkl");
}

fn zip_without_pickle() -> Vec<u8> {
    // The archive's only entry, renamed in its header and in the directory.
    let mut bytes = archive_of(b"}.");
    for place in 0..bytes.len() - 8 {
        if &bytes[place..place + 8] == b"data.pkl" {
            bytes[place..place + 8].copy_from_slice(b"data.txt");
        }
    }
    bytes
}

#[test]
fn other_containers_are_named() {
    let mut tar = vec![0; 1024];
    tar[..7].copy_from_slice(b"pickle\0");
    tar[257..262].copy_from_slice(b"ustar");
    let only =
        "PyTorch state dicts (zip, or the legacy stream), ONNX models and safetensors files can be read";
    assert_eq!(refusal(&tar), format!("the file is a TAR checkpoint (PyTorch before 0.1.10); {only}"));
    assert_eq!(refusal(b"\x80\x02}."), format!("the file is a bare pickle; {only}"));
}

#[test]
fn files_that_are_no_state_dict_say_how_to_make_one() {
    let error = open(fixture("whole_model.pth")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file is a whole pickled model (of the Python class \"torch.nn.modules.container.Sequential\"), \
         not a state dict"
    );
    assert!(error.help().contains("torch.save(model.state_dict(), OUT)"));
    let error = open(fixture("torchscript.pt")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file is a TorchScript archive (it holds \
         \"archive/code/__torch__/torch/nn/modules/container.py\"), not a state dict"
    );
    assert!(error.help().contains("torch.jit.load(IN).state_dict()"));
}

#[test]
fn an_attack_is_refused_by_name() {
    let error = open(fixture("attack.pth")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file asks Python to load \"posix.system\", which has no place in a state dict; it was not run"
    );
    assert!(error.help().contains("do not load this file in Python"));
    // What PyTorch's own safe loader does not read either.
    let text = open(fixture("protocol4.pth")).unwrap_err().to_string();
    assert_eq!(text, "the file uses pickle instruction 0x95, which PyTorch does not allow in a state dict");
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = vgg19(1).bytes();
    for length in (1..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let text = refusal(&bytes[..length]);
        let known = ["the checkpoint is damaged or cut off: ", "no weights: "];
        assert!(known.iter().any(|start| text.starts_with(start)), "{length}: {text}");
    }
}

#[test]
fn a_flipped_byte_in_a_tensor_is_noticed() {
    let folder = TempDir::new().unwrap();
    let mut bytes = vgg19(1).bytes();
    let middle = bytes.windows(4).position(|window| window == common::value(100).to_le_bytes()).unwrap();
    bytes[middle] ^= 1;
    let checkpoint = open(save(&folder, &bytes)).unwrap();
    let text = checkpoint.to_vgg_file(&WriteOptions::default()).unwrap_err().to_string();
    assert!(text.starts_with("the checkpoint is damaged or cut off: tensor 'features.0.weight'"), "{text}");
}

#[test]
fn changed_bytes_never_panic() {
    let folder = TempDir::new().unwrap();
    let bytes = vgg19(1).bytes();
    let mut state = 1_u32;
    for _ in 0..400 {
        let mut changed = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // The first half kilobyte and the last: the pickle and the directory.
            let place = state as usize >> 8 & 0x1ff;
            let place = if state >> 31 == 0 { place } else { changed.len() - 1 - place };
            changed[place] = (state >> 20) as u8;
        }
        if let Ok(checkpoint) = open(save(&folder, &changed)) {
            let _ = checkpoint.to_vgg_file(&WriteOptions::default());
        }
    }
}

#[test]
fn compressed_entries_are_refused() {
    let folder = TempDir::new().unwrap();
    // The method's number in the archive's directory, without compressing anything.
    let mut bytes = vgg19(1).bytes();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[directory + 10] = 8;
    let error = open(save(&folder, &bytes)).unwrap_err();
    assert_eq!(error, ImportError::Compressed { entry: "archive/data.pkl".into() }, "{error}");
}

#[test]
fn a_pickle_too_long_for_a_state_dict_is_refused() {
    let text = refusal(&archive_of(&vec![b'N'; (256 << 10) + 1]));
    assert_eq!(text, "the length of data.pkl in bytes is 262145, at most 262144 is allowed");
}

#[test]
fn broken_values_are_named() {
    let folder = TempDir::new().unwrap();
    let refuse = |builder: Builder, encoding| {
        let options = WriteOptions { encoding, ..WriteOptions::default() };
        open(builder.save(&folder)).unwrap().to_vgg_file(&options).unwrap_err().to_string()
    };
    let mut builder = vgg19(1);
    builder.entry("features.0.weight").bytes[400..404].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(refuse(builder, Encoding::F32), "\"features.0.weight\" holds values that are NaN or infinite");
    let mut builder = vgg19(1);
    builder.entry("features.0.bias").bytes[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_eq!(refuse(builder, Encoding::F32), "\"features.0.bias\" holds values that are NaN or infinite");
    let mut builder = vgg19(1);
    builder.entry("features.0.weight").bytes[..4].copy_from_slice(&1e6_f32.to_le_bytes());
    assert_eq!(refuse(builder, Encoding::F16), "\"features.0.weight\" holds values too large for f16");
}

#[test]
fn a_cut_beyond_the_weights_is_refused() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(vgg19(1).save(&folder)).unwrap();
    let options = WriteOptions { cut: Some(Layer::Relu5_1), ..WriteOptions::default() };
    let error = checkpoint.write(folder.path().join("out"), &options).unwrap_err();
    assert_eq!(error.to_string(), "cannot cut the weights at relu5_1: they hold conv1_1 to conv1_1");
    assert_eq!(error.help(), "cut at a layer that the weights hold");
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let folder = TempDir::new().unwrap();
    let input = vgg19(1).save(&folder);
    let checkpoint = open(&input).unwrap();
    let refuse = |path: &std::path::Path| {
        let error = checkpoint.write(path, &WriteOptions::default()).unwrap_err();
        assert!(matches!(error, ImportError::Output { .. }));
        error.to_string()
    };
    let nowhere = folder.path().join("no/folder");
    let parent = folder.path().join("no");
    let expected = format!("cannot write {}: there is no folder {}", nowhere.display(), parent.display());
    assert_eq!(refuse(&nowhere), expected);
    let expected = format!("cannot write {}: it is a folder", folder.path().display());
    assert_eq!(refuse(folder.path()), expected);
    let before = std::fs::read(&input).unwrap();
    assert_eq!(refuse(&input), format!("cannot write {}: it is the checkpoint itself", input.display()));
    assert_eq!(std::fs::read(&input).unwrap(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_named() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(vgg19(1).save(&folder)).unwrap();
    // Nobody can make files there, not even root.
    let error = checkpoint.write("/proc/weights.safetensors", &WriteOptions::default()).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot write /proc/weights.safetensors: cannot create '"),
        "{error}"
    );
    assert_eq!(error.help(), "choose an output file in a folder that exists and may be written to");
}
