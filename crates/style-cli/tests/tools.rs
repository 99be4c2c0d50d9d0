//! Devices, doctor, presets, completions and manual, by the program itself.
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What the program prints on stdout and stderr, where it ends with that code.
fn style(place: &Path, words: &[&str], code: i32) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_style")).current_dir(place).args(words).output().unwrap();
    let [out, said] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(code), "{out}{said}");
    (out, said)
}

#[test]
fn the_processor_is_listed_and_a_device_that_is_not_there_has_its_exit_code() {
    let place = tempfile::tempdir().unwrap();
    let (out, _) = style(place.path(), &["devices", "--json"], 0);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list[0]["class"], "cpu");
    let (out, said) = style(place.path(), &["devices", "--device", "cuda:90"], 7);
    assert!(out.contains("CPU") && said.contains("cuda:90 does not open"), "{out}{said}");
}

#[test]
fn the_doctor_calls_a_device_that_is_not_there_unhealthy_and_writes_it_down() {
    let place = tempfile::tempdir().unwrap();
    let words = ["doctor", "--device", "cuda:90", "--json", "report.json"];
    let (out, said) = style(place.path(), &words, 7);
    assert!(out.contains("cuda:90") && out.contains("could not be examined"), "{out}");
    assert!(said.contains("not healthy: cuda:90"), "{said}");
    let report = fs::read(place.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["devices"][0]["device"]["name"], "cuda:90");
    // It is not replaced unasked.
    style(place.path(), &words, 5);
    // What is wrong with the examination is not the device's fault.
    style(place.path(), &["doctor", "--device", "cpu", "--size", "1"], 3);
}

#[test]
fn presets_are_shown_as_files_that_runs_take() {
    let place = tempfile::tempdir().unwrap();
    assert!(style(place.path(), &["presets", "list"], 0).0.contains("gatys-notebook"));
    let (toml, _) = style(place.path(), &["presets", "show", "fine", "--toml"], 0);
    assert_eq!(style_transfer::Preset::parse(&toml).unwrap(), style_transfer::Preset::named("fine").unwrap());
    let (_, said) = style(place.path(), &["presets", "show", "fien"], 2);
    assert!(said.contains("did you mean fine"), "{said}");
}

#[test]
fn every_command_has_a_page_in_the_manual_and_is_completed() {
    let place = tempfile::tempdir().unwrap();
    let (written, _) = style(place.path(), &["man", "--output", "man1"], 0);
    for page in ["style.1", "style-compare.1", "style-weights-get.1"] {
        assert!(written.contains(page), "{written}");
        let page = fs::read_to_string(place.path().join("man1").join(page)).unwrap();
        assert!(page.contains(".SH OPTIONS"), "{page}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(style(place.path(), &["completions", shell], 0).0.contains("content-weight"), "{shell}");
    }
    style(place.path(), &["completions", "tcsh"], 2);
}
