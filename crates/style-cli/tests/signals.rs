//! Signals while there is nothing to save, whatever the command.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // in functions that tests share

mod common;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use common::{all_names, folder_with_pictures, pipe, signal, style, wait_for, wait_for_reader};

#[test]
fn a_signal_before_there_is_anything_to_save_ends_every_command_at_once() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let place = folder.join("pipe.png");
    pipe(&place);
    let before = all_names(folder);
    let first_step = "interrupted before the first step; nothing was written\n";
    for (command, words) in [
        ("pipe.png painting.png --timelapse run.png --report -o out.png", first_step),
        ("photo.png painting.png --recipe pipe.png -o out.png", first_step),
        ("photos/*.png --with pipe.png -o folder/", first_step),
        (
            "compare pipe.png painting.png --vary steps=1,2",
            "interrupted before the first picture; nothing was written\n",
        ),
        ("save-style pipe.png", "interrupted; nothing was written\n"),
        (
            "doctor --content pipe.png --json out.json",
            "interrupted before the end of the examination; nothing was written\n",
        ),
    ] {
        for (name, code) in [("INT", 130), ("TERM", 143)] {
            let arguments: Vec<_> = command.split(' ').collect();
            let mut child = style(folder, &arguments).stderr(Stdio::piped()).spawn().unwrap();
            // Who waited for the pipe's end would wait for ever, as nobody writes.
            let _writer = wait_for_reader(&mut child, &place);
            signal(&child, name);
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), &*said), (Some(code), words), "{command}");
            assert_eq!(all_names(folder), before, "{command}");
        }
    }
}

#[test]
fn a_signal_while_standard_input_is_read_ends_the_program_with_its_end_told() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let before = all_names(folder);
    let arguments = ["-", "painting.png", "--timelapse", "run.png", "--progress", "json", "-o", "out.png"];
    let mut child = style(folder, &arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let writer = child.stdin.take();
    wait_for(&folder.join("out.png.lock"));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    drop(writer);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    let end = r#"{"event":"end","status":"failed","exit":130,"error":"interrupted before the first step; nothing was written","help":null}"#;
    assert_eq!(said, format!("{end}\n"));
    assert_eq!(all_names(folder), before);
}

/// Whether a process has begun another.
#[cfg(target_os = "linux")]
fn has_child(process: u32) -> bool {
    let parent = |path: std::path::PathBuf| -> Option<String> {
        let status = fs::read_to_string(path.join("status")).ok()?;
        Some(status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned())
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter_map(parent).any(|parent| parent == process.to_string())
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_the_processes_of_an_examination_too() {
    let folder = folder_with_pictures();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = style(folder.path(), &["doctor", "--device", "cpu", "--size", "512"]);
    let mut child = command.env("TMPDIR", &temporary).stderr(Stdio::piped()).spawn().unwrap();
    while !has_child(child.id()) {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal(&child, "TERM"); // and not the other, which takes minutes
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap(); // to the end of all who might say something
    assert_eq!(child.wait().unwrap().code(), Some(143), "{said}");
    assert_eq!(said, "interrupted before the end of the examination; nothing was written\n");
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
}
