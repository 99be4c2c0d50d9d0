//! Contact sheets, by the program itself.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use style_transfer::Image;

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (name, phase) in [("photo.png", 0.0), ("painting.png", 3.0)] {
        let value = |i: usize| 0.5 + 0.4 * ((i / 3 % 64) as f32 / 5.0 + (i / 192) as f32 / 7.0 + phase).sin();
        let picture = Image::new(64, 48, (0..64 * 48 * 3).map(value).collect()).unwrap();
        picture.save(place.path().join(name)).unwrap();
    }
    place
}

fn compare(place: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
    command.current_dir(place).args(["compare", "photo.png", "painting.png", "--device", "cpu"]);
    command.args(["--size", "48", "--steps", "2"]).args(words).output().unwrap()
}

fn code(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn a_sheet_has_a_picture_for_every_pair_of_values_and_the_report_says_what_was_measured() {
    let place = place();
    let words =
        ["--vary", "content-weight=0,1", "--vary", "optimizer=adam,lbfgs", "-o", "sheet.png", "--report"];
    let output = compare(place.path(), &words);
    let said = code(&output, 0);
    assert_eq!(output.stdout, b"sheet.png\n");
    assert!(
        said.contains("4 pictures on ") && said.contains("4 of 4: content-weight 1, optimizer lbfgs"),
        "{said}"
    );

    let sheet = Image::open(place.path().join("sheet.png")).unwrap();
    assert!(sheet.width() >= 2 * 48 && sheet.height() >= 2 * 36, "{} x {}", sheet.width(), sheet.height());
    let report: Value =
        serde_json::from_slice(&fs::read(place.path().join("sheet.report.json")).unwrap()).unwrap();
    let pictures = report["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 4);
    let settings = |index: usize| &pictures[index]["recipe"]["settings"];
    assert_eq!(settings(1)["content_weight"], 1.0);
    assert_eq!(settings(1)["optimizer"]["name"], "adam");
    assert_eq!(settings(2)["optimizer"]["name"], "lbfgs");
    assert!(pictures.iter().all(|picture| picture["loss"].as_f64().unwrap().is_finite()), "{report}");
    assert_eq!(
        pictures[3]["terms"].as_array().unwrap().len(),
        pictures[3]["losses"].as_array().unwrap().len()
    );

    // It is not replaced unasked.
    let said = code(&compare(place.path(), &words), 5);
    assert!(said.contains("--force"), "{said}");
}

#[test]
fn what_one_of_the_runs_would_be_refused_for_is_refused_before_the_first() {
    let place = place();
    let refused = |vary: &[&str], exit| {
        let said = code(&compare(place.path(), &[vary, &["-o", "s.png"]].concat()), exit);
        assert!(!place.path().join("s.png").exists());
        said
    };
    assert!(refused(&["--vary", "content-weight=1,-1"], 2).contains("content_weight is -1"));
    assert!(refused(&["--vary", "size=32,20000"], 6).contains("size 20000: "));
    assert!(refused(&["--vary", "weight=1,2"], 2).contains("weight"));
    for what in ["device", "weights", "mask", "bits"] {
        let said = refused(&["--vary", &format!("{what}=cpu")], 2);
        assert!(said.contains(&format!("error: --vary {what}: it cannot vary\n")), "{said}");
        assert!(said.contains("may vary, and preset and style-scale"), "{said}");
    }
    assert!(
        refused(&["--vary", "size=1", "--vary", "seed=1", "--vary", "steps=1"], 2)
            .contains("rows and columns")
    );
    assert!(refused(&[], 2).contains("--vary"));
}

/// Statistics summed and weighted so that their loss is no number any more, at the first step.
#[test]
fn a_run_that_fails_leaves_its_place_empty_and_the_others_are_made() {
    let place = place();
    let words = [
        "--vary",
        "style-layer-weights=1e12,1e-12",
        "--style-layers",
        "relu2_1",
        "--style-weight",
        "1e12",
        "--tv-weight",
        "0",
        "--set",
        "style_loss={name=\"gram\",scale=\"sum\"}",
        "--set",
        "pooling_gain=100",
        "-o",
        "sheet.png",
        "--report",
    ];
    let output = compare(place.path(), &words);
    let said = code(&output, 8);
    assert!(said.contains("1 of 2: style-layer-weights 1e12: the loss is "), "{said}");
    assert!(said.contains("2 of 2: style-layer-weights 1e-12: style "), "{said}");
    assert!(said.contains("1 of 2 pictures failed, the first: the loss is "), "{said}");
    assert_eq!(output.stdout, b"sheet.png\n");
    assert!(place.path().join("sheet.png").exists());
    let report: Value =
        serde_json::from_slice(&fs::read(place.path().join("sheet.report.json")).unwrap()).unwrap();
    assert!(report["pictures"][0]["failed"].as_str().unwrap().starts_with("the loss is"), "{report}");
    assert!(report["pictures"][1]["loss"].is_number(), "{report}");
}

#[test]
fn a_sheet_that_no_picture_can_be_is_refused_before_the_first_run() {
    let place = place();
    let seeds: Vec<String> = (0..32).map(|seed| seed.to_string()).collect();
    let rows = format!("seed={}", seeds.join(","));
    let columns = format!("tv-weight={}", seeds.join(","));
    let words =
        ["--vary", &rows, "--vary", &columns, "--size", "1000", "--cell", "1000", "--max-memory", "9000"];
    let said = code(&compare(place.path(), &words), 6);
    assert!(said.contains("the sheet of 1024 pictures would have "), "{said}");
    assert!(said.contains("lower --cell"), "{said}");
    assert!(!said.contains("1 of 1024"), "{said}");
}

#[test]
fn where_runs_start_and_how_large_brushes_are_may_vary_over_pictures_that_are_opened_once() {
    let place = place();
    let words =
        ["--vary", "init=content,painting.png", "--vary", "style-scale=0.5,2", "-o", "s.png", "--report"];
    code(&compare(place.path(), &words), 0);
    let report: Value =
        serde_json::from_slice(&fs::read(place.path().join("s.report.json")).unwrap()).unwrap();
    let losses: Vec<_> = (0..4).map(|index| report["pictures"][index]["loss"].as_f64().unwrap()).collect();
    for (index, loss) in losses.iter().enumerate() {
        assert!(losses[..index].iter().all(|other| other != loss), "{losses:?}");
    }
    // As if each were the only one.
    let alone = ["--vary", "init=painting.png", "--style-scale", "2", "-o", "alone.png", "--report"];
    let said = code(&compare(place.path(), &alone), 0);
    assert!(said.starts_with("1 picture on "), "{said}");
    let alone: Value =
        serde_json::from_slice(&fs::read(place.path().join("alone.report.json")).unwrap()).unwrap();
    assert_eq!(alone["pictures"][0]["losses"], report["pictures"][3]["losses"]);
}

#[test]
fn options_that_a_sheet_has_no_use_for_are_refused_by_name() {
    let place = place();
    for option in ["--view", "--no-recipe", "--keep-checkpoints"] {
        let said = code(&compare(place.path(), &["--vary", "seed=1", option]), 2);
        assert!(said.contains(&format!("error: {option} is for one picture")), "{said}");
    }
}

/// A file takes the place of the sheet's folder, as a disk may become full.
#[test]
fn a_sheet_that_cannot_be_written_is_kept_among_the_temporary_files() {
    let place = place();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("temporary")).unwrap();
    let words = "compare photo.png painting.png --device cpu --size 48 --steps 20 -o made/sheet.jpg --vary seed=1,2,3,4,5,6";
    let mut command = common::style(place.path(), &words.split(' ').collect::<Vec<_>>());
    let mut child = command.env("TMPDIR", at("temporary")).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    said.find(|line| line.starts_with("1 of 6: ")).unwrap();
    fs::remove_dir_all(at("made")).unwrap();
    fs::write(at("made"), b"").unwrap();
    let said = said.collect::<Vec<_>>().join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(5), "{said}");
    assert!(said.contains("error: cannot write made/sheet.jpg: "), "{said}");
    assert!(said.contains(&format!("the sheet is {}", at("temporary/sheet.png").display())), "{said}");
    assert!(Image::open(at("temporary/sheet.png")).unwrap().width() >= 3 * 48);
}

#[test]
fn the_place_of_a_style_file_is_tried_before_the_work_and_one_that_fails_after_it_is_kept_elsewhere() {
    let place = place();
    fs::create_dir(place.path().join("temporary")).unwrap();
    let save = |words: &[&str]| {
        let mut command = common::style(place.path(), &[&["save-style", "painting.png"], words].concat());
        command.env("TMPDIR", place.path().join("temporary")).stderr(Stdio::piped()).output().unwrap()
    };
    let said = code(&save(&["-o", "photo.png/a.style", "--weights", "missing.safetensors"]), 5);
    assert!(said.contains("cannot write photo.png/a.style: "), "{said}");

    // There is room for this name and for nothing that is written beside it.
    let name = format!("{}.style", "a".repeat(243));
    let said = code(&save(&["--size", "48", "-o", &name]), 5);
    let kept = place.path().join("temporary").join(&name);
    assert!(said.contains(&format!("the style file is {}", kept.display())), "{said}");
    assert!(fs::metadata(kept).unwrap().len() > 1000);
    let left = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.filter(|name| name.to_string_lossy().starts_with('a')).count() == 0);
}

#[test]
fn a_signal_loses_no_picture_that_was_made() {
    let place = place();
    let words = "compare photo.png painting.png --device cpu --size 48 --steps 60 -o sheet.png --vary seed=1,2,3,4,5,6,7,8";
    let mut command = common::style(place.path(), &words.split(' ').collect::<Vec<_>>());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    said.find(|line| line.starts_with("2 of 8: ")).unwrap();
    common::signal(&child, "INT");
    let last: Vec<String> = said.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{last:?}");
    let last = last.last().unwrap();
    assert!(last.starts_with("ended by a signal after ") && last.ends_with("sheet.png has those"), "{last}");
    assert!(Image::open(place.path().join("sheet.png")).is_ok());
}
