//! The run as an animated picture.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::path::Path;
use std::process::{Command, Output};

fn style(folder: &Path, arguments: &[&str]) -> Output {
    let options = ["demo", "--size", "64", "--set", "smallest_scale=45", "-o", "out.png"];
    Command::new(env!("CARGO_BIN_EXE_style"))
        .current_dir(folder)
        .args(options)
        .args(arguments)
        .output()
        .unwrap()
}

/// Number of frames, and the milliseconds of each, as an APNG says them.
fn frames(bytes: &[u8]) -> (u32, Vec<u16>) {
    let after = |name: &'static [u8]| {
        bytes.windows(4).enumerate().filter(move |(_, four)| *four == name).map(|(at, _)| &bytes[at + 4..])
    };
    let count = after(b"acTL").next().unwrap()[..4].try_into().unwrap();
    // Number, width, height, place: 20 bytes.
    let delays = after(b"fcTL").map(|data| u16::from_be_bytes(data[20..22].try_into().unwrap()));
    (u32::from_be_bytes(count), delays.collect())
}

#[test]
fn every_step_of_a_short_run_is_a_frame_and_the_result_stays_longer() {
    let folder = tempfile::tempdir().unwrap();
    let done = style(folder.path(), &["--steps", "5", "--timelapse", "new/run.png"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let path = folder.path().join("new/run.png");
    let (count, delays) = frames(&std::fs::read(&path).unwrap());
    assert_eq!((count, delays.len()), (10, 10), "five steps at two scales");
    assert!(delays[9] > 10 * delays[8], "{delays:?}");
    let first = style_transfer::ReadOptions::default().open(&path).unwrap();
    assert_eq!(
        (first.image.width(), first.image.height()),
        (64, 43),
        "the result's size from the first scale on"
    );
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no scraps");
}

#[test]
fn a_gif_is_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let done = style(folder.path(), &["--steps", "3", "--timelapse", "run.gif"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(std::fs::read(folder.path().join("run.gif")).unwrap().starts_with(b"GIF89a"));
}

#[test]
fn a_place_that_cannot_be_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there.png"), "old").unwrap();
    std::fs::create_dir(folder.path().join("new")).unwrap();
    let long = format!("{}.gif", "a".repeat(240));
    let own = ["out.png", "./out.png", "new/../out.png", "out.partial.png", "out.best.png", "out.0100.png"];
    let others = [
        ("there.png", 5),
        ("there.png/run.gif", 5),
        ("/proc/run.gif", 5),
        (long.as_str(), 5),
        ("new", 2),
        ("run.avi", 2),
    ];
    for (path, code) in own.map(|path| (path, 5)).into_iter().chain(others) {
        let force: &[&str] = if own.contains(&path) { &["--force"] } else { &[] };
        // The start would be refused, too, when it is opened.
        let options = ["--init", "missing.png", "--timelapse", path];
        let refused = style(folder.path(), &[&options, force].concat());
        let words = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{path}: {words}");
        assert!(words.contains(path) && !words.contains("missing.png"), "{path}: {words}");
        assert!(!words.contains("steps of"), "no plan before: {words}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("there.png")).unwrap(), "old");
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new", "there.png"]);
}

#[test]
fn a_report_or_page_that_cannot_be_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out.report.html"), "old").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let view = format!("--view={}", taken.local_addr().unwrap().port());
    for (options, code, refusal) in [
        (&["--report"][..], 5, "cannot write out.report.html: it is there already"),
        (&["-o", "-", "--report"], 2, "--report needs a file"),
        (&["-o", "-", "--save-every", "3"], 2, "--save-every needs a file"),
        (&[&view], 2, "cannot serve the live page on 127.0.0.1:"),
    ] {
        let refused = style(folder.path(), &[&["--init", "missing.png"], options].concat());
        let words = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{options:?}: {words}");
        assert!(words.contains(&format!("error: {refusal}")), "{options:?}: {words}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
