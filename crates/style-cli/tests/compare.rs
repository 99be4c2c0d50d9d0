//! Contact sheets, by the program itself.
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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
    assert!(refused(&["--vary", "device=cpu"], 2).contains("device"));
    assert!(
        refused(&["--vary", "size=1", "--vary", "seed=1", "--vary", "steps=1"], 2)
            .contains("rows and columns")
    );
    assert!(refused(&[], 2).contains("--vary"));
}
