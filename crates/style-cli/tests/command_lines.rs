//! Command lines with what they answer, as text files in `tests/command_lines`.
//!
//! ```text
//! # a comment
//! $ style photo.png painting.png --size 5
//! exit 2
//! ! error: size is 5 px, allowed is 16 to 16384 px      a line of stderr
//! > out.png                                             a line of stdout
//! ```
//!
//! `[..]` stands for anything within a line, a line `! [...]` for any number of lines. All commands of a file run one after
//! the other in one folder with some small pictures. With `UPDATE_SNAPSHOTS=1` answers that differ are written into
//! the files, to be read before they are committed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A command with its answer.
#[derive(Debug, PartialEq)]
struct Case {
    comments: String,
    command: String,
    exit: i32,
    /// Lines of stderr with `! ` and of stdout with `> ` before them.
    lines: Vec<String>,
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut comments = String::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let comments = std::mem::take(&mut comments);
            cases.push(Case { comments, command: command.to_owned(), exit: 0, lines: Vec::new() });
        } else if line.is_empty() || line.starts_with('#') {
            writeln!(comments, "{line}").unwrap();
        } else {
            let case = cases.last_mut().expect("a command comes before its answer");
            match line.strip_prefix("exit ") {
                Some(code) => case.exit = code.parse().expect("an exit code"),
                None => case.lines.push(line.to_owned()),
            }
        }
    }
    cases
}

fn show(cases: &[Case]) -> String {
    let mut text = String::new();
    for Case { comments, command, exit, lines } in cases {
        writeln!(text, "{comments}$ {command}\nexit {exit}").unwrap();
        for line in lines {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

/// Whether a line is as a pattern with `[..]` says.
fn is_like(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once("[..]") else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| is_like(after, &rest[at..]))
}

/// The same for all lines; one that ends in `[...]` stands for any number of lines of its stream.
fn are_like(patterns: &[String], lines: &[String]) -> bool {
    match (patterns, lines) {
        ([], []) => true,
        ([pattern, rest @ ..], lines) if pattern.ends_with(" [...]") => {
            let stream = &pattern[..2];
            let most = lines.iter().take_while(|line| line.starts_with(stream)).count();
            (0..=most).any(|count| are_like(rest, &lines[count..]))
        }
        ([pattern, more @ ..], [line, rest @ ..]) => is_like(pattern, line) && are_like(more, rest),
        _ => false,
    }
}

/// Runs a command; the answer as it would stand in a file.
fn answer(command: &str, folder: &Path) -> (i32, Vec<String>) {
    let program = Path::new(env!("CARGO_BIN_EXE_style")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let output =
        Command::new("sh").args(["-c", command]).current_dir(folder).env("PATH", path).output().unwrap();
    let lines = |mark: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().map(|line| format!("{mark} {line}").trim_end().to_owned()).collect::<Vec<_>>()
    };
    let lines = [lines("!", &output.stderr), lines(">", &output.stdout)].concat();
    (output.status.code().unwrap_or(-1), lines)
}

/// Runs all command lines of a file.
fn check(name: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/command_lines").join(name);
    let folder = common::folder_with_pictures();
    let mut cases = parse(&fs::read_to_string(&file).unwrap());
    let mut different = String::new();
    for case in &mut cases {
        let (exit, lines) = answer(&case.command, folder.path());
        if exit != case.exit || !are_like(&case.lines, &lines) {
            let expected = show(std::slice::from_ref(case));
            (case.exit, case.lines) = (exit, lines);
            let got = show(std::slice::from_ref(case));
            writeln!(different, "expected\n{expected}\nfound\n{got}").unwrap();
        }
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&file, show(&cases)).unwrap();
        return;
    }
    assert!(different.is_empty(), "{}:\n{different}", file.display());
}

macro_rules! files {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(concat!(stringify!($name), ".txt")); })*

        #[test]
        fn every_file_is_run() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/command_lines");
            let mut there: Vec<_> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            there.sort();
            assert_eq!(there, [$(stringify!($name)),*]);
        }
    };
}

files! { inputs limits outputs recipes resuming settings usage }

#[test]
fn patterns_match_what_they_say() {
    assert!(is_like("! took [..] s, [..]", "! took 3 s, well"));
    assert!(!is_like("! took [..] s", "! took 3 min"));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(are_like(&lines("! a\n! [...]\n> out"), &lines("! a\n! b\n! c\n> out")));
    assert!(!are_like(&lines("! [...]"), &lines("! a\n> out")));
    let text = "# why\n$ style\nexit 2\n! usage\n";
    assert_eq!(show(&parse(text)), text);
}
