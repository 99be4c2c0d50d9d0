//! What programs read with `--progress json`: an object a line on stderr and nothing else, however the run ends.
#![allow(clippy::unwrap_used, clippy::panic)] // in functions that tests share

mod common;

use std::path::Path;
use std::process::Stdio;

use common::{folder_with_pictures, signal, style};
use serde_json::{Value, json};

const SMALL: [&str; 6] = ["--size", "32", "--steps", "2", "--progress", "json"];

/// Every line as an object, and the exit code; the last line tells the same code.
fn told(folder: &Path, arguments: &[&str]) -> (Vec<Value>, i32) {
    let output = style(folder, arguments).stderr(Stdio::piped()).output().unwrap();
    parsed(&output.stderr, output.status.code().unwrap())
}

fn parsed(stderr: &[u8], code: i32) -> (Vec<Value>, i32) {
    let text = std::str::from_utf8(stderr).unwrap();
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}\nin {text}"));
    let lines: Vec<Value> = text.lines().map(parse).collect();
    assert!(lines.iter().all(Value::is_object), "{text}");
    assert_eq!(lines.iter().filter(|line| line["event"] == "end").count(), 1, "{text}");
    let end = lines.last().unwrap();
    assert_eq!((&end["event"], &end["exit"]), (&"end".into(), &code.into()), "{text}");
    assert_eq!(end["status"], if code == 0 { "done" } else { "failed" });
    (lines, code)
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn a_run_that_is_done_tells_what_it_saved() {
    let folder = folder_with_pictures();
    let arguments =
        [&["photo.png", "painting.png", "--report", "--view", "-o", "out.png"], &SMALL[..]].concat();
    let (lines, code) = told(folder.path(), &arguments);
    assert_eq!(code, 0);
    let expected = ["plan", "page", "begin", "scale", "step", "step", "saved", "report", "end"];
    assert_eq!(events(&lines), expected);
    assert!(lines[0]["text"].as_str().unwrap().starts_with("32 x 21 px") && lines[0]["seconds"].is_f64());
    assert!(lines[1]["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(lines[6]["picture"], "out.png");
    assert!(lines[6]["metrics"]["ssim"].is_f64());
    assert_eq!(lines[7]["page"], "out.report.html");
}

#[test]
fn the_memory_of_a_plan_is_the_same_in_words_and_numbers() {
    let folder = folder_with_pictures();
    let arguments = [&["photo.png", "painting.png", "-o", "out.png"], &SMALL[..]].concat();
    let (lines, _) = told(folder.path(), &arguments);
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).unwrap();
    let memory = &of("begin")["plan"]["memory"];
    let bytes = |name: &str| memory[name].as_u64().unwrap();
    let run = (bytes("buffers") + bytes("tensors")).max(bytes("packing"));
    assert_eq!(bytes("total"), bytes("program") + bytes("weights") + run, "{memory}");
    let text = of("plan")["text"].as_str().unwrap();
    let megabytes = format!(" {:.0} MB of memory", bytes("total") as f64 / 1e6);
    assert!(text.contains(&megabytes), "{text} has not{megabytes}");
}

#[test]
fn of_a_sheet_each_picture_is_told_and_then_the_sheet() {
    let folder = folder_with_pictures();
    let sheet = ["compare", "photo.png", "painting.png", "--vary", "seed=1,2", "-o", "s.png", "--force"];
    let (lines, code) = told(folder.path(), &[&sheet[..], &SMALL].concat());
    assert_eq!(code, 0);
    let run = ["begin", "scale", "step", "step", "made"];
    let expected = [&["plan", "cell"], &run[..], &["cell"], &run[..], &["sheet", "end"]].concat();
    assert_eq!(events(&lines), expected);
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert!(lines[0]["text"].as_str().unwrap().starts_with("2 pictures on ") && lines[0]["seconds"].is_f64());
    assert_eq!(*of("cell")[1], json!({ "event": "cell", "number": 2, "of": 2, "labels": ["seed 2"] }));
    assert_eq!((&of("begin")[0]["output"], &of("begin")[0]["steps"]), (&Value::Null, &2.into()));
    assert_eq!((&of("made")[1]["labels"][0], &of("made")[1]["diverged"]), (&"seed 2".into(), &false.into()));
    assert!(of("made")[0]["metrics"]["ssim"].is_f64());
    assert_eq!(*of("sheet")[0], json!({ "event": "sheet", "picture": "s.png", "data": null }));

    let (lines, _) = told(folder.path(), &[&sheet[..], &SMALL, &["--report", "--quiet"]].concat());
    assert_eq!(events(&lines), [&run[..], &run, &["sheet", "end"]].concat());
    assert_eq!(lines[10]["data"], "s.report.json");
}

#[test]
fn a_picture_that_a_sheet_has_no_place_for_is_told_by_what_varies() {
    let folder = folder_with_pictures();
    // Its loss is no number at the first step.
    let far = ["--vary", "style-layer-weights=1e12,1e-12", "--style-layers", "relu2_1", "--style-weight"];
    let far = [&far[..], &["1e12", "--tv-weight", "0", "--set", "pooling_gain=100"]].concat();
    let far = [&far[..], &["--set", "style_loss={name=\"gram\",scale=\"sum\"}", "-o", "s.png"]].concat();
    let (lines, code) =
        told(folder.path(), &[&["compare", "photo.png", "painting.png"], &far[..], &SMALL].concat());
    assert_eq!(code, 8);
    let failed = lines.iter().find(|line| line["event"] == "failed").unwrap();
    assert_eq!((&failed["labels"][0], &failed["exit"]), (&"style-layer-weights 1e12".into(), &8.into()));
    assert!(events(&lines).contains(&"sheet"));
}

#[test]
fn what_fails_early_has_its_end_too() {
    let folder = folder_with_pictures();
    for (first, expected, says) in [
        (&["phto.png", "painting.png"][..], 3, "no file phto.png"),
        (&["photo.png"], 2, "there is no painting"),
        (&["photo.png", "painting.png", "--sise", "3"], 2, "there is no option --sise"),
        (&["photo.png", "painting.png", "--weights", "page.jpg"], 4, "page.jpg"),
        (&["photo.png", "painting.png", "-o", "other.png"], 5, "it is there already"),
        (&["photo.png", "painting.png", "--max-memory", "1"], 6, "--max-memory allows"),
        (&["resume", "photo.png"], 9, "there is no checkpoint of photo.png"),
    ] {
        // The size of SMALL would be among the settings that a resumed run has.
        let arguments =
            if first[0] == "resume" { [first, &SMALL[4..]] } else { [first, &SMALL[..]] }.concat();
        let (lines, code) = told(folder.path(), &arguments);
        assert_eq!((code, lines.len()), (expected, 1), "{lines:?}");
        assert!(lines[0]["error"].as_str().unwrap().contains(says), "{lines:?}");
        assert!(lines[0]["help"].is_string());
    }
}

#[test]
fn a_warning_is_an_event() {
    let folder = folder_with_pictures();
    let at = |name: &str| folder.path().join(name);
    // A PNG whose colour profile is none.
    let png = std::fs::read(at("photo.png")).unwrap();
    let chunk = iccp(b"no profile at all");
    std::fs::write(at("odd.png"), [&png[..33], &chunk, &png[33..]].concat()).unwrap();
    let (lines, code) =
        told(folder.path(), &[&["odd.png", "painting.png", "-o", "out.png"], &SMALL[..]].concat());
    assert_eq!((code, &lines[0]["event"]), (0, &"warning".into()), "{lines:?}");
    assert!(lines[0]["message"].as_str().unwrap().starts_with("odd.png: "));
}

/// An iCCP chunk with bytes that are not even compressed.
fn iccp(profile: &[u8]) -> Vec<u8> {
    let data = [b"iCCPx\0\0", profile].concat();
    let mut crc = u32::MAX;
    for byte in &data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let length = (data.len() as u32 - 4).to_be_bytes();
    [&length[..], &data, &(!crc).to_be_bytes()].concat()
}

#[test]
fn of_many_pictures_each_is_told() {
    let folder = folder_with_pictures();
    let many = ["photo.png", "cut.png", "other.png", "--with", "painting.png", "-o", "made"];
    let (lines, code) = told(folder.path(), &[&many, &SMALL[..]].concat());
    assert_eq!(code, 3);
    let seen = events(&lines);
    let counted = |event| seen.iter().filter(|seen| **seen == event).count();
    // One that cannot be opened is not begun, and its turn comes all the same.
    assert_eq!([counted("picture"), counted("begin"), counted("saved"), counted("failed")], [3, 2, 2, 1]);
    let turns: Vec<_> = lines.iter().filter(|line| line["event"] == "picture").collect();
    let of = |turn: &Value| (turn["number"].as_u64(), turn["of"].as_u64());
    assert_eq!(turns.iter().map(|turn| of(turn)).collect::<Vec<_>>(), [1, 2, 3].map(|n| (Some(n), Some(3))));
    let at = lines.iter().position(|line| line["event"] == "failed").unwrap();
    assert_eq!((&lines[at]["content"], &lines[at]["exit"]), (&"cut.png".into(), &3.into()));
    let turn = &lines[at - 1];
    assert_eq!((&turn["event"], &turn["content"]), (&"picture".into(), &"cut.png".into()));

    // What is finished has no turn, and who asked for quiet hears of failures alone.
    let (lines, _) = told(folder.path(), &[&many, &SMALL[..], &["--quiet"]].concat());
    assert_eq!(events(&lines), ["failed", "end"]);
    let (lines, _) = told(folder.path(), &[&many, &SMALL[..]].concat());
    assert_eq!(events(&lines), ["picture", "failed", "note", "end"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_a_signal_ends_before_its_first_step_has_its_end_too() {
    let folder = folder_with_pictures();
    // Its first step takes seconds.
    let slow =
        ["photo.png", "painting.png", "--size", "1500", "--set", "smallest_scale=1500", "-o", "out.png"];
    let child =
        style(folder.path(), &[&slow[..], &SMALL[4..]].concat()).stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path().join("out.png.lock").exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let (lines, code) = parsed(&output.stderr, output.status.code().unwrap());
    assert_eq!(code, 143);
    assert_eq!(lines.last().unwrap()["error"], "interrupted before the first step; nothing was written");
}

#[cfg(unix)]
#[test]
fn a_run_that_a_signal_ends_says_how_to_go_on() {
    let folder = folder_with_pictures();
    let arguments = ["photo.png", "painting.png", "--size", "48", "--steps", "5000", "--progress", "json"];
    let mut child = style(folder.path(), &[&arguments[..], &["-o", "out.png"]].concat())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut read = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut before = String::new();
    while !before.ends_with('\n') || !before.contains("\"event\":\"step\"") {
        assert!(std::io::BufRead::read_line(&mut read, &mut before).unwrap() > 0, "{before}");
    }
    signal(&child, "INT");
    std::io::Read::read_to_string(&mut read, &mut before).unwrap();
    let (lines, code) = parsed(before.as_bytes(), child.wait().unwrap().code().unwrap());
    assert_eq!(code, 130);
    assert_eq!(lines.last().unwrap()["help"], "`style resume out.png` goes on from there");
}
