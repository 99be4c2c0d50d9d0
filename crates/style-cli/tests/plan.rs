//! What is said before the first step, and whether it comes true.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod common;

use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{folder_with_pictures, picture, style};

/// Seconds in a text of the program, such as `about 2.5 s,` or `in 1 min 3 s`.
fn seconds_after(text: &str, word: &str) -> f64 {
    let rest = text.split_once(word).map(|(_, rest)| rest).unwrap_or_default();
    let mut seconds = 0.0;
    let words: Vec<&str> = rest.split([' ', ',', '\n']).collect();
    for pair in words.chunks(2) {
        let (Some(number), unit) = (pair[0].parse::<f64>().ok(), pair.get(1)) else { break };
        seconds += number * if unit == Some(&"min") { 60.0 } else { 1.0 };
    }
    seconds
}

#[test]
fn times_are_read() {
    assert_eq!(seconds_after("on flex: about 2.5 s, 3 MB", "about "), 2.5);
    assert_eq!(seconds_after("9 steps in 1 min 3 s, style", " in "), 63.0);
}

/// Of five tries, as other programs may take the processor from any of them.
#[test]
fn a_run_takes_about_the_time_that_was_expected() {
    let folder = folder_with_pictures();
    let mut ratios = Vec::new();
    for arguments in [
        "--size 224 --steps 6",
        "--size 224 --steps 6 --optimizer adam",
        "--size 256 --steps 4",
        "--size 224 --steps 9",
        "--size 160 --steps 12",
    ] {
        let mut command = style(folder.path(), &["photo.png", "painting.png", "-o", "out.png", "--force"]);
        let output = command.args(arguments.split(' ')).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let (expected, took) = (seconds_after(&said, ": about "), seconds_after(&said, "steps in "));
        println!("{arguments}: {expected} s expected, {took} s taken");
        ratios.push(took / expected);
        if (0.4..2.5).contains(&(took / expected)) {
            return;
        }
    }
    panic!("taken over expected: {ratios:?}");
}

/// Linux counts it; elsewhere nothing is forecast of the program itself.
#[cfg(target_os = "linux")]
#[test]
fn a_run_takes_about_the_memory_that_was_expected_at_small_sizes_too() {
    let folder = folder_with_pictures();
    // The small ones take no more than packing the weights does.
    for (size, least, most) in
        [("48", 0.85, 1.25), ("64", 0.85, 1.25), ("128", 0.85, 1.25), ("256", 0.7, 1.3)]
    {
        let arguments = [
            "photo.png",
            "painting.png",
            "--size",
            size,
            "--steps",
            "3",
            "--report",
            "--force",
            "-o",
            "o.png",
        ];
        let output = style(folder.path(), &arguments).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let before = said.split_once(" MB of memory").unwrap().0;
        let expected: f64 = before.rsplit(' ').next().unwrap().parse().unwrap();
        let report = std::fs::read_to_string(folder.path().join("o.report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let peak = report["peak_memory"].as_f64().unwrap() / 1e6;
        println!("{size} px: {expected} MB expected, {peak:.0} MB taken");
        assert!(
            (least..most).contains(&(expected / peak)),
            "{size} px: {expected} MB expected, {peak} MB taken"
        );
    }
}

/// A picture of one line has nothing to go by; that is the picture's fault, not the size's.
#[test]
fn a_line_of_pixels_is_no_picture_and_a_strip_is_one_where_the_size_leaves_something_of_it() {
    let folder = folder_with_pictures();
    for (name, width, height) in [("dot.png", 1, 1), ("line.png", 1, 512), ("strip.png", 2, 600)] {
        picture(width, height, 0).save(folder.path().join(name)).unwrap();
    }
    let refused = |arguments: &str, exit: i32, words: &str| {
        let mut command = style(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
        let output = command.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments}: {said}");
        assert!(said.contains(words), "{arguments}: {said}");
    };
    refused("dot.png painting.png", 3, "dot.png: 1 x 1 px is no picture to go by, at least 2 px");
    refused("photo.png dot.png", 3, "dot.png: 1 x 1 px is no picture");
    refused("line.png painting.png", 3, "line.png: 1 x 512 px is no picture");
    refused("strip.png painting.png", 3, "is too small for relu5_1");
    refused("photo.png painting.png --size 16", 2, "use --size 24 or more");
}

#[test]
fn a_size_that_nobody_has_memory_for_is_refused_at_once() {
    let folder = folder_with_pictures();
    let mut fastest = Duration::MAX;
    // The fastest try, as other programs may take the processor from any of them.
    for _ in 0..5 {
        let clock = Instant::now();
        let mut command = style(folder.path(), &["photo.png", "painting.png", "--size", "20000"]);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        fastest = fastest.min(clock.elapsed());
        assert_eq!(output.status.code(), Some(6));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("the largest that fits has a long side of"), "{said}");
    }
    // A step at that size, or its calibration, would take minutes.
    println!("refused after {fastest:?}");
    assert!(fastest < Duration::from_secs(5), "{fastest:?}");
}
