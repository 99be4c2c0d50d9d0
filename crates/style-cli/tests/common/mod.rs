//! Small pictures, made when they are needed.
#![allow(clippy::unwrap_used)]
#![allow(dead_code)] // every test compiles this for itself and uses a part of it

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use style_transfer::{Image, Mask, PictureFormat, WriteOptions};
use tempfile::TempDir;

/// Smooth colours with some structure, another for every seed.
pub(crate) fn picture(width: usize, height: usize, seed: usize) -> Image {
    let wave = |x: usize, y: usize, channel: usize| {
        let phase = (x * (3 + seed) + y * (5 + 2 * seed) + channel * 40) as f32 * 0.07;
        0.5 + 0.45 * phase.sin() * (0.11 * (x + seed * y) as f32).cos()
    };
    let pixels = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |channel| wave(x, y, channel))));
    Image::new(width, height, pixels.collect()).unwrap()
}

/// A folder with `photo.png`, `painting.png`, `other.png`, `mask.png`, `glass.png` (transparent on its left) and
/// some files that are no pictures.
pub(crate) fn folder_with_pictures() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    picture(48, 32, 1).save(at("photo.png")).unwrap();
    picture(40, 40, 2).save(at("painting.png")).unwrap();
    picture(32, 48, 3).save(at("other.png")).unwrap();
    let sides = |left: f32| (0..48 * 32).map(|at| if at % 48 < 24 { left } else { 1.0 }).collect::<Vec<_>>();
    let mask = sides(0.0).iter().flat_map(|&value| [value; 3]).collect();
    Image::new(48, 32, mask).unwrap().save(at("mask.png")).unwrap();
    let alpha = Mask::new(48, 32, sides(0.0)).unwrap();
    let glass =
        picture(48, 32, 4).encode_with(PictureFormat::Png, &WriteOptions::default().alpha(&alpha)).unwrap();
    std::fs::write(at("glass.png"), &glass).unwrap();
    std::fs::write(at("cut.png"), &glass[..glass.len() / 2]).unwrap();
    std::fs::write(at("empty.png"), b"").unwrap();
    std::fs::write(at("page.jpg"), b"<!DOCTYPE html><html>not found</html>").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    folder
}

/// The program, silent, in a folder.
pub(crate) fn style(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A pipe with a name, which somebody reads for ever as long as nobody writes.
pub(crate) fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Waits until a program has opened a pipe to read it; it waits then as long as the answer lives.
pub(crate) fn wait_for_reader(program: &mut Child, pipe: &Path) -> File {
    let (opened, file) = channel();
    let pipe = pipe.to_owned();
    std::thread::spawn(move || opened.send(File::options().write(true).open(pipe).unwrap()));
    loop {
        if let Ok(file) = file.recv_timeout(Duration::from_millis(10)) {
            return file;
        }
        assert!(program.try_wait().unwrap().is_none(), "it has ended without reading");
    }
}

/// Sends a signal to a program that a test started.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a file is there.
pub(crate) fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_mins(10), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Every file in a folder and those below.
pub(crate) fn all_names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { all_names(&path) } else { vec![path] }).collect();
    names.sort();
    names
}
