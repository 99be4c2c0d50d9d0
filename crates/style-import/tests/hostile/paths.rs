//! Paths that are no plain file, and files that change while they are read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Outcome, Workplace};
use crate::pytorch_network::Checkpoint;

fn read(folder: &TempDir, task: &str, path: &Path) -> Outcome {
    Workplace::new(folder.path(), "child").read(task, path, 1 << 30).unwrap()
}

fn network(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("vgg.pth");
    fs::write(&path, Checkpoint::new().bytes()).unwrap();
    path
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success());
    let mut paths = vec![folder.path().to_owned(), "/dev/zero".into(), "/dev/null".into()];
    paths.extend(made.then_some(pipe));
    paths.push(folder.path().join("nothing"));
    let circle = folder.path().join("circle");
    symlink(&circle, &circle).unwrap();
    paths.push(circle);
    for path in paths {
        let outcome = read(&folder, "read", &path);
        assert_eq!(outcome.kind, "Unreadable", "{}: {}", path.display(), outcome.message);
    }
}

#[test]
fn a_link_to_a_file_is_followed() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("link.pth");
    symlink(network(&folder), &link).unwrap();
    assert_eq!(read(&folder, "read", &link).kind, "Converted");
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let folder = TempDir::new().unwrap();
    let path = network(&folder);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // root may read everything
    }
    let outcome = read(&folder, "read", &path);
    assert_eq!(outcome.kind, "Unreadable");
    assert!(outcome.message.contains("Permission denied"), "{}", outcome.message);
}

#[test]
fn a_file_that_becomes_shorter_after_it_was_opened_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = network(&folder);
    let outcome = read(&folder, "truncate", &path);
    assert_eq!(fs::metadata(&path).unwrap().len(), 100, "it was opened");
    assert_ne!(outcome.kind, "Converted", "{outcome:?}");
}

#[test]
fn a_file_that_is_replaced_after_it_was_opened_is_no_way_around_the_checks() {
    let folder = TempDir::new().unwrap();
    let path = network(&folder);
    // Of the same length and names, but with a weight that is not finite.
    let broken = Checkpoint::with(|checkpoint| {
        checkpoint.storages[0] = crate::network::floats_with(64 * 27, 5, f32::NAN);
    });
    fs::write(path.with_extension("other"), broken).unwrap();
    let outcome = read(&folder, "replace", &path);
    assert!(!path.with_extension("other").exists(), "it was replaced");
    assert!(outcome.kind == "Converted" || outcome.message.contains("NaN"), "{outcome:?}");
    if outcome.kind == "Converted" {
        let bytes = fs::read(folder.path().join("child/output/native.safetensors")).unwrap();
        let file = style_format::VggFile::parse(&bytes).unwrap();
        assert!(file.convolutions()[0].weight().to_f32().iter().all(|value| value.is_finite()));
    }
}
