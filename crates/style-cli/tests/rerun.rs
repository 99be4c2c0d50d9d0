//! What a recipe inside a picture may ask for, by the program itself.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use style_transfer::VGG19;

/// Runs the program; what it says, and what it gives out.
fn run(folder: &Path, words: &[&OsStr], code: i32) -> (String, Vec<u8>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
    let output = command.args(words).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    (said, output.stdout)
}

fn style(folder: &Path, line: &str, code: i32) -> String {
    run(folder, &line.split(' ').map(OsStr::new).collect::<Vec<_>>(), code).0
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}

const SMALL: &str = "photo.png painting.png --size 32 --steps 1";

#[test]
fn the_weights_of_a_picture_are_opened_on_request_only() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    fs::write(folder.join("my weights.safetensors"), VGG19).unwrap();
    let words = ["photo.png", "painting.png", "--size", "32", "--steps", "1", "-o", "a.png", "--weights"];
    let words: Vec<&OsStr> = words.iter().chain(&["my weights.safetensors"]).map(OsStr::new).collect();
    run(folder, &words, 0);

    let said = style(folder, "rerun a.png -o b.png", 2);
    assert!(said.contains("the weights my weights.safetensors"), "{said}");
    assert!(said.contains("add --weights 'my weights.safetensors'"), "{said}");
    assert!(!folder.join("b.png").exists());

    let words = ["rerun", "a.png", "-o", "b.png", "--weights", "my weights.safetensors"];
    run(folder, &words.map(OsStr::new), 0);
    assert_eq!(bytes(folder, "a.png"), bytes(folder, "b.png"));
    let printed = run(folder, &["rerun", "a.png", "--print"].map(OsStr::new), 0).1;
    assert!(String::from_utf8(printed).unwrap().contains("weights = \"my weights.safetensors\""));
}

#[test]
fn the_device_of_a_picture_is_told_and_not_taken() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    style(folder, &format!("{SMALL} --device cpu -o a.png"), 0);
    let said = style(folder, "rerun a.png -o b.png", 0);
    assert!(said.contains("made on the device cpu, this run is on auto; --device"), "{said}");
    let said = style(folder, "rerun a.png -o c.png --device cpu", 0);
    assert!(!said.contains("made on the device"), "{said}");
    assert_eq!(bytes(folder, "a.png"), bytes(folder, "c.png"));
    let printed = run(folder, &["rerun", "a.png", "--print"].map(OsStr::new), 0).1;
    assert!(!String::from_utf8(printed).unwrap().contains("device"));
}

#[test]
fn an_input_that_is_not_what_it_was_is_told() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    style(folder, &format!("{SMALL} -o a.png"), 0);
    assert!(!style(folder, "rerun a.png -o b.png", 0).contains("warning"));
    fs::copy(folder.join("other.png"), folder.join("photo.png")).unwrap();
    let said = style(folder, "rerun a.png -o c.png", 0);
    assert!(said.contains("warning: photo.png is not the file that the recipe was made with"), "{said}");
    assert!(!said.contains("painting.png is not"), "{said}");
    // What was made of the new file says so, and agrees with itself.
    assert!(!style(folder, "rerun c.png -o d.png", 0).contains("warning"));
}

#[test]
fn a_mask_and_a_first_picture_that_are_not_what_they_were_are_told() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    fs::copy(folder.join("other.png"), folder.join("start.png")).unwrap();
    style(folder, &format!("{SMALL} --mask mask.png --init start.png -o a.png"), 0);
    assert!(!style(folder, "rerun a.png -o b.png", 0).contains("warning"));
    assert_eq!(bytes(folder, "a.png"), bytes(folder, "b.png"));
    let printed = run(folder, &["rerun", "a.png", "--print"].map(OsStr::new), 0).1;
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("region = \"mask.png\"") && !printed.contains("sha256"), "{printed}");

    for (changed, other) in [("mask.png", "start.png"), ("start.png", "mask.png")] {
        let before = bytes(folder, changed);
        fs::copy(folder.join("painting.png"), folder.join(changed)).unwrap();
        let said = style(folder, "rerun a.png --force -o b.png", 0);
        assert!(said.contains(&format!("warning: {changed} is not the file that the recipe")), "{said}");
        assert!(!said.contains(&format!("{other} is not")), "{said}");
        // Of a file that is named now nobody expects anything.
        let anew = if changed == "mask.png" { "--mask mask.png" } else { "--init start.png" };
        let said = style(folder, &format!("rerun a.png --force -o b.png {anew}"), 0);
        assert!(!said.contains("warning"), "{said}");
        fs::write(folder.join(changed), before).unwrap();
    }
}

#[test]
fn a_preset_that_was_a_file_is_not_opened_again() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    let words = ["presets", "show", "neural-style-pt", "--toml"].map(OsStr::new);
    fs::write(folder.join("mine.toml"), run(folder, &words, 0).1).unwrap();
    style(folder, &format!("{SMALL} --preset mine.toml -o a.png"), 0);
    fs::remove_file(folder.join("mine.toml")).unwrap();
    style(folder, "rerun a.png -o b.png", 0);
    assert_eq!(bytes(folder, "a.png"), bytes(folder, "b.png"));
}

/// File systems that take Unicode only, as those of macOS, cannot have such files.
#[cfg(target_os = "linux")]
#[test]
fn files_whose_names_are_no_unicode_are_found_again() {
    let folder = common::folder_with_pictures();
    let place = folder.path().join(OsStr::from_bytes(b"at\xff"));
    fs::create_dir(&place).unwrap();
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let (photo, painting, out) = (name(b"photo\xfe.png"), name(b"painting\xfd.png"), name(b"out\xfc.png"));
    fs::copy(folder.path().join("photo.png"), place.join(photo)).unwrap();
    fs::copy(folder.path().join("painting.png"), place.join(painting)).unwrap();
    let rest = "--size 64 --set smallest_scale=32 --steps 2 --keep-checkpoints -o";
    let mut words = vec![photo, painting];
    words.extend(rest.split(' ').map(OsStr::new));
    words.push(out);
    let (_, path) = run(&place, &words, 0);
    assert_eq!(path, [out.as_bytes(), b"\n"].concat(), "a script finds it");
    let made = fs::read(place.join(out)).unwrap();

    run(&place, &["rerun".as_ref(), out, "-o".as_ref(), "again.png".as_ref()], 0);
    assert_eq!(fs::read(place.join("again.png")).unwrap(), made);

    // From elsewhere, by the name of the checkpoint.
    let checkpoint = Path::new("at").with_file_name(OsStr::from_bytes(b"at\xff")).join(out);
    let checkpoint = [checkpoint.as_os_str().as_bytes(), b".checkpoint.previous"].concat();
    fs::remove_file(place.join(out)).unwrap();
    run(folder.path(), &["resume".as_ref(), OsStr::from_bytes(&checkpoint)], 0);
    assert_eq!(fs::read(place.join(out)).unwrap(), made);
}

#[test]
fn what_never_ends_is_read_no_further_than_its_limit() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    for (line, code) in [
        ("--recipe /dev/zero", 2),
        ("photo.png painting.png --preset /dev/zero.toml", 2),
        ("photo.png zero.style --max-file-size 1", 6),
        ("rerun /dev/zero", 3),
    ] {
        std::os::unix::fs::symlink("/dev/zero", folder.join("zero.style")).ok();
        style(folder, line, code);
    }
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.toml")).unwrap();
    let said = style(folder, "photo.png painting.png --preset zero.toml", 2);
    assert!(said.contains("it has more than the 1 MiB that are read"), "{said}");
    fs::create_dir(folder.join("out")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("out/photo.png")).unwrap();
    let said = style(folder, "photo.png --with painting.png -o out", 5);
    assert!(said.contains("it is no regular file"), "{said}");
}

#[test]
fn names_of_files_move_no_cursor() {
    let folder = common::folder_with_pictures();
    let said = run(folder.path(), &["a\u{1b}[2J.png".as_ref(), "painting.png".as_ref()], 3).0;
    assert!(said.contains("no file a\\u001b[2J.png"), "{said}");
}

/// What a report's JSON says in one place.
fn told(folder: &Path, report: &str, place: &str) -> serde_json::Value {
    let report: serde_json::Value = serde_json::from_slice(&bytes(folder, report)).unwrap();
    report.pointer(place).unwrap().clone()
}

#[test]
fn the_report_of_a_run_done_again_is_of_the_same_preset() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    style(folder, &format!("{SMALL} --preset crowsonkb-w2 --report -o a.png"), 0);
    style(folder, "rerun a.png --report -o b.png", 0);
    let preset = told(folder, "a.report.json", "/preset");
    assert!(preset["about"].is_string() && preset["differs"].is_object(), "{preset}");
    assert_eq!(told(folder, "b.report.json", "/preset"), preset);
}

#[test]
fn a_preset_file_may_go_when_a_run_has_its_settings() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    let (_, toml) = self::run(folder, &["presets", "show", "fast", "--toml"].map(OsStr::new), 0);
    fs::write(folder.join("own.toml"), toml).unwrap();
    let run = "photo.png painting.png --size 32 --steps 3 --preset own.toml";
    style(folder, &format!("{run} -o a.png --keep-checkpoints --checkpoint-every 0"), 0);
    style(folder, "resume a.png -o b.png --report", 0);
    let there = told(folder, "b.report.json", "/preset");
    assert!(there["differs"].is_object(), "{there}");
    assert_eq!(bytes(folder, "a.png"), bytes(folder, "b.png"));

    fs::remove_file(folder.join("own.toml")).unwrap();
    for (again, picture) in [("resume", "c"), ("rerun", "d")] {
        style(folder, &format!("{again} a.png -o {picture}.png --report"), 0);
        assert_eq!(bytes(folder, "a.png"), bytes(folder, &format!("{picture}.png")), "{again}");
        let gone = told(folder, &format!("{picture}.report.json"), "/preset");
        assert_eq!((&gone["name"], &gone["differs"]), (&"own.toml".into(), &serde_json::Value::Null));
        let page = fs::read_to_string(folder.join(format!("{picture}.report.html"))).unwrap();
        assert!(page.contains("<b>own.toml</b>, a file that was not read"), "{again}");
    }
}

#[test]
fn the_stages_of_a_run_that_goes_on_are_those_that_were_left() {
    let folder = common::folder_with_pictures();
    let folder = folder.path();
    let run = "photo.png painting.png --size 32 --set smallest_scale=32 --steps 30 --report";
    style(folder, &format!("{run} -o a.png --keep-checkpoints --checkpoint-every 0"), 0);
    let steps = |report: &str| {
        let stages = told(folder, report, "/stages");
        let steps: Vec<_> = stages.as_array().unwrap().iter().map(|stage| stage["step"].as_u64()).collect();
        steps.into_iter().map(Option::unwrap).collect::<Vec<_>>()
    };
    let whole = steps("a.report.json");
    fs::remove_file(folder.join("a.png.checkpoint")).unwrap();
    style(folder, "resume a.png -o b.png --report", 0);
    let done = told(folder, "b.report.json", "/resumed_after").as_u64().unwrap();
    let left: Vec<_> = whole.iter().copied().filter(|&step| step > done).collect();
    let now = steps("b.report.json");
    // The last of those that were due before is taken at the first step.
    assert!(now == left || now[0] == done + 1 && now[1..] == left, "{whole:?}, after {done}: {now:?}");
}
