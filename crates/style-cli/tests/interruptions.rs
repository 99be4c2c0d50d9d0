//! Runs that end before their time, and what is left of them: everything.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{all_names, folder_with_pictures, pipe, signal, style, wait_for, wait_for_reader};
use style_transfer::Checkpoint;

/// Two scales, so that moments before, at and after the border are met, and a checkpoint at every step.
fn run(optimizer: &str, output: &str) -> Vec<String> {
    let words = format!(
        "photo.png painting.png --size 36 --set smallest_scale=24 --style-layers relu1_1,relu2_1,relu3_1 --content-layers relu3_1 --steps 20 --optimizer {optimizer} --set averaging=0.5 \
         --checkpoint-every 0 -o {output}"
    );
    words.split_whitespace().map(str::to_owned).collect()
}

fn start(folder: &Path, arguments: &[String]) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    style(folder, &arguments).spawn().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("out"));
    names.sort();
    names
}

/// A small generator of moments, the same on every machine; xorshift, Marsaglia 2003.
fn random(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

/// Kills a run at ten random moments, going on each time it is left with something to go on with.
fn killed_and_resumed(optimizer: &str) {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let clock = Instant::now();
    let child = style(folder, &[]).args(run(optimizer, "whole.png")).stderr(Stdio::piped()).spawn().unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.contains("36 x 24 px in 2 scales (25, 36), 40 steps"), "{said}");
    let whole = fs::read(folder.join("whole.png")).unwrap();
    let takes = clock.elapsed().as_secs_f64();
    let has_checkpoint = || {
        ["out.png.checkpoint", "out.png.checkpoint.previous"].iter().any(|name| folder.join(name).exists())
    };

    let mut state = 88_172_645_463_325_252;
    let (mut kills, mut went_on) = (0, 0);
    while kills < 10 {
        let mut child = start(folder, &run(optimizer, "out.png"));
        // Every other time while there is something to go on with, else at any moment at all.
        if kills % 2 == 0 {
            while !has_checkpoint() && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // Twice within one run, sometimes: the second time it has been gone on with.
        for _ in 0..2 {
            std::thread::sleep(Duration::from_secs_f64(takes * 0.8 * random(&mut state)));
            let over = child.try_wait().unwrap().is_some();
            child.kill().unwrap();
            child.wait().unwrap();
            kills += usize::from(!over);
            if over || !has_checkpoint() {
                break;
            }
            went_on += 1;
            child = style(folder, &["resume", "out.png"]).spawn().unwrap();
        }
        let status = child.wait().unwrap();
        if !folder.join("out.png").exists() {
            assert!(!status.success());
            if has_checkpoint() {
                assert!(style(folder, &["resume", "out.png"]).status().unwrap().success());
                went_on += 1;
            } else {
                // Killed before the first checkpoint: it begins anew.
                assert!(start(folder, &run(optimizer, "out.png")).wait().unwrap().success());
            }
        }
        assert_eq!(fs::read(folder.join("out.png")).unwrap(), whole, "after {kills} kills");
        for name in names(folder) {
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
    println!("{optimizer}: {kills} kills, {went_on} times gone on");
    assert!(went_on >= 4, "only {went_on} of {kills} killed runs had a checkpoint");
}

#[test]
fn a_run_with_lbfgs_that_is_killed_at_any_moment_goes_on_to_the_same_bytes() {
    killed_and_resumed("lbfgs");
}

#[test]
fn a_run_with_adam_that_is_killed_at_any_moment_goes_on_to_the_same_bytes() {
    killed_and_resumed("adam");
}

#[test]
fn a_signal_ends_a_run_after_its_step_and_the_run_can_go_on() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    assert!(start(folder, &run("lbfgs", "whole.png")).wait().unwrap().success());
    // Who runs the tests may have been started to outlive a terminal, and what it starts is then, too.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("1");
    let hangs_up = u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 0;
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        if name == "HUP" && !hangs_up {
            continue;
        }
        let arguments = run("lbfgs", "out.png");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = style(folder, &arguments).stderr(Stdio::piped()).spawn().unwrap();
        // The second checkpoint, so that there is one before it whenever the signal comes.
        wait_for(&folder.join("out.png.checkpoint.previous"));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("the picture so far is out.partial.png"), "{said}");
        assert!(said.ends_with("  help: `style resume out.png` goes on from there\n"), "{said}");
        assert!(!folder.join("out.png").exists());
        let read = |name: &str| Checkpoint::parse(&fs::read(folder.join(name)).unwrap()).unwrap().step();
        let step = read("out.png.checkpoint");
        assert_eq!(read("out.png.checkpoint.previous") + 1, step, "one step is not written twice");
        let rerun = style(folder, &["rerun", "out.partial.png", "--print"]).stderr(Stdio::piped()).output();
        let told = String::from_utf8(rerun.unwrap().stderr).unwrap();
        let steps = if step == 1 { "1 step".to_owned() } else { format!("{step} steps") };
        assert_eq!(told, format!("out.partial.png was stopped after {steps}; this run is the whole one\n"));

        assert!(style(folder, &["resume", "out.partial.png"]).status().unwrap().success());
        assert_eq!(fs::read(folder.join("out.png")).unwrap(), fs::read(folder.join("whole.png")).unwrap());
        assert_eq!(names(folder), ["out.png"], "nothing else is left");
        fs::remove_file(folder.join("out.png")).unwrap();
    }
}

/// Waits until a program says a line on stderr that has these words.
fn wait_for_words(stderr: &mut impl BufRead, words: &str) {
    let mut said = String::new();
    while !said.lines().last().unwrap_or_default().contains(words) {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "never said {words:?}:\n{said}");
    }
}

/// A run at one scale whose steps take seconds.
const SLOW: [&str; 10] = [
    "photo.png",
    "painting.png",
    "--size",
    "1200",
    "--set",
    "smallest_scale=1200",
    "--progress",
    "json",
    "-o",
    "out.png",
];

/// Ends a slow run by two signals; whether the second found it within a step.
fn ended_within_a_step() -> bool {
    let folder = folder_with_pictures();
    let mut child = style(folder.path(), &SLOW).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for_words(&mut stderr, r#""event":"step""#);
    signal(&child, "INT");
    // The step after the first takes seconds, and the signal waits for its end.
    std::thread::sleep(Duration::from_millis(150));
    signal(&child, "INT");
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let checkpoint = folder.path().join("out.png.checkpoint");
    if checkpoint.exists() {
        // On a busy machine the first signal may still find the first step's end, where the run is saved.
        assert_eq!(Checkpoint::parse(&fs::read(checkpoint).unwrap()).unwrap().step(), 1);
        return false;
    }
    // Only who does not wait for the step's end says so, and the first signal alone would not.
    let end = r#"{"event":"end","status":"failed","exit":130,"error":"ended at once by a second signal","help":null}"#;
    assert!(said.ends_with(&format!("{end}\n")), "{said}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    true
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    assert!((0..5).any(|_| ended_within_a_step()));
}

#[test]
fn a_signal_while_the_first_step_is_made_leaves_no_scraps() {
    let folder = folder_with_pictures();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let mut command = style(folder.path(), &SLOW);
    let mut child = command.args(["--timelapse", "run.png"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for_words(&mut stderr, r#""event":"begin""#);
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
}

/// A run that is interrupted after its first checkpoint or step, with a folder of its own for temporary files.
fn interrupted(folder: &Path, output: &str, before: impl Fn()) -> (Option<i32>, String) {
    let temporary = folder.join("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let mut arguments = run("adam", output);
    arguments.extend(["--progress", "json"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = style(folder, &arguments);
    let mut child = command.env("TMPDIR", temporary).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for_words(&mut stderr, r#""event":"step""#);
    before();
    signal(&child, "INT");
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_picture_without_a_place_is_kept_among_the_temporary_files_and_the_exit_code_stays() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let temporary = || -> Vec<_> {
        let entries = fs::read_dir(folder.join("temporary")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let (code, said) = interrupted(folder, "-", || {});
    assert_eq!(code, Some(130), "{said}");
    let name = temporary().pop().unwrap();
    let number = name.strip_prefix("style-").and_then(|rest| rest.strip_suffix(".png")).unwrap();
    assert!(number.parse::<u32>().is_ok(), "{name}");
    assert!(said.contains(&format!("temporary/{name}")), "{said}");
    fs::remove_file(folder.join("temporary").join(&name)).unwrap();

    // A folder takes the place of the picture so far.
    fs::write(folder.join("temporary/out.png"), "another's").unwrap();
    let (code, said) = interrupted(folder, "out.jpg", || {
        let place = folder.join("out.partial.jpg");
        let _ = fs::remove_file(&place);
        fs::create_dir(place).unwrap();
    });
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("ended by a signal after") && said.contains("out.partial.jpg"), "{said}");
    assert!(said.contains("the picture so far is ") && said.contains("temporary/out-1.png"), "{said}");
    assert!(said.contains("`style resume out.jpg` goes on from there"), "{said}");
    assert_eq!(fs::read(folder.join("temporary/out.png")).unwrap(), b"another's");
    let picture = fs::read(folder.join("temporary/out-1.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
}

#[test]
fn a_limit_of_the_size_of_files_is_a_write_that_fails() {
    let folder = folder_with_pictures();
    let program = env!("CARGO_BIN_EXE_style");
    let limited = format!("ulimit -f 1; exec {program} {}", run("adam", "out.png").join(" "));
    let mut command = Command::new("sh");
    command.args(["-c", &limited]).current_dir(folder.path()).env("TMPDIR", folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("error: cannot write out.png: File too large"), "{said}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn two_runs_to_one_output_do_not_mix() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let mut first = start(folder, &run("lbfgs", "out.png"));
    wait_for(&folder.join("out.png.checkpoint"));
    let second = start(folder, &run("adam", "out.png")).wait().unwrap();
    assert_eq!(second.code(), Some(5));
    let third = style(folder, &["resume", "out.png"]).status().unwrap();
    assert_eq!(third.code(), Some(5));
    assert!(first.wait().unwrap().success());
    assert_eq!(names(folder), ["out.png"]);
}

#[test]
fn two_runs_share_no_report_no_animation_and_no_picture_on_its_way() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    pipe(&folder.join("pipe.png"));
    let before = all_names(folder);
    let first = "pipe.png painting.png -o out.png --report --timelapse run.gif";
    let mut first = style(folder, &first.split(' ').collect::<Vec<_>>()).spawn().unwrap();
    let writer = wait_for_reader(&mut first, &folder.join("pipe.png"));
    for (options, refusal) in [
        ("-o out.webp --report", "cannot write out.report.json: another run is writing it"),
        ("-o new.png --timelapse run.gif", "cannot write run.gif: another run is writing it"),
        (
            "-o out.partial.png",
            "cannot write out.partial.png: the run to out.png writes its picture so far there",
        ),
    ] {
        for command in ["photo.png painting.png", "compare photo.png painting.png --vary steps=1,2"] {
            if command.starts_with("compare") && options.contains("timelapse") {
                continue;
            }
            let words = format!("{command} --size 32 --steps 1 --force {options}");
            let mut command = style(folder, &words.split(' ').collect::<Vec<_>>());
            let refused = command.stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(5), "{words}: {said}");
            assert!(said.starts_with(&format!("error: {refusal}\n")), "{words}: {said}");
        }
    }
    signal(&first, "TERM");
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(143));
    drop(writer);
    assert_eq!(all_names(folder), before);
    let second = "photo.png painting.png --size 32 --steps 1 -o out.webp --report";
    assert!(style(folder, &second.split(' ').collect::<Vec<_>>()).status().unwrap().success());
    assert_eq!(names(folder), ["out.report.html", "out.report.json", "out.webp"]);
}

#[test]
fn a_run_goes_on_from_another_folder_with_the_pictures_of_its_own() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    assert!(start(folder, &run("adam", "whole.png")).wait().unwrap().success());
    let mut child = start(folder, &run("adam", "out.png"));
    wait_for(&folder.join("out.png.checkpoint"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        style(folder, &["resume", "../out.png"])
            .current_dir(folder.join("folder"))
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(fs::read(folder.join("out.png")).unwrap(), fs::read(folder.join("whole.png")).unwrap());
}

#[test]
fn what_is_named_when_a_run_goes_on_counts_from_where_that_is_said() {
    let folder = folder_with_pictures();
    let folder = folder.path();
    let init = ["--init", "other.png", "--timelapse", "run.png", "--save-every", "15"].map(str::to_owned);
    assert!(start(folder, &[&run("adam", "whole.png")[..], &init].concat()).wait().unwrap().success());
    fs::remove_file(folder.join("run.png")).unwrap();
    let mut child = start(folder, &[&run("adam", "out.png")[..], &init].concat());
    wait_for(&folder.join("out.png.checkpoint"));
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(folder.join("run.png").exists());
    let elsewhere = folder.join("folder");
    let resume = ["resume", "../out.png", "--init", "../other.png"];
    let resumed = style(&elsewhere, &resume).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(resumed.stderr).unwrap();
    assert!(resumed.status.success(), "{said}");
    assert!(said.contains("the animation begins anew in run-1.png"), "{said}");
    assert!(folder.join("run-1.png").exists(), "the first part was not replaced");
    // Not the files, as the recipe inside has another path now.
    let picture = |name: &str| style_transfer::Image::open(folder.join(name)).unwrap();
    for end in ["png", "0015.png", "0030.png"] {
        assert!(picture(&format!("out.{end}")) == picture(&format!("whole.{end}")), "{end}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
#[cfg(target_os = "linux")] // where names are bytes
fn a_run_among_names_that_are_no_text_goes_on() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let there = folder_with_pictures();
    let folder = there.path().join(OsStr::from_bytes(b"f\xfflder"));
    let photo = OsStr::from_bytes(b"ph\xffto.png");
    fs::create_dir(&folder).unwrap();
    fs::copy(there.path().join("photo.png"), folder.join(photo)).unwrap();
    fs::copy(there.path().join("painting.png"), folder.join("painting.png")).unwrap();
    let arguments = run("adam", "out.png");
    let arguments: Vec<&OsStr> =
        [photo].into_iter().chain(arguments[1..].iter().map(|word| OsStr::new(word.as_str()))).collect();
    let whole = style(&folder, &[]).args(&arguments).args(["-o", "whole.png", "--report"]).output().unwrap();
    assert_eq!(whole.status.code(), Some(0));
    let mut child = style(&folder, &[]).args(&arguments).spawn().unwrap();
    wait_for(&folder.join("out.png.checkpoint"));
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = ["resume", "folder/../out.png"];
    fs::create_dir(folder.join("folder")).unwrap();
    assert!(style(&folder, &resume).status().unwrap().success());
    assert_eq!(fs::read(folder.join("out.png")).unwrap(), fs::read(folder.join("whole.png")).unwrap());
}

/// A run that somebody puts a file in the way of, after its first step; how it ends, and what it says.
fn with_a_file_that_comes(folder: &Path, more: &[&str], name: &str) -> (Option<i32>, String) {
    let mut arguments = run("adam", "out.png");
    arguments.extend(more.iter().chain(&["--progress", "json"]).map(|&word| word.to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = style(folder, &arguments);
    let mut child = command.env("TMPDIR", folder).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for_words(&mut stderr, r#""event":"step""#);
    fs::write(folder.join(name), "precious").unwrap();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "precious", "{name}");
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_file_that_comes_while_a_run_goes_on_is_not_replaced() {
    for (more, name, code, told) in [
        (&[][..], "out.png", 5, "cannot write out.png: it is there already; the picture is "),
        (
            &["--report"],
            "out.report.json",
            5,
            "cannot write out.report.json: it is there already; the picture",
        ),
        (
            &["--report"],
            "out.report.html",
            5,
            "cannot write out.report.html: it is there already; the picture",
        ),
        (&["--timelapse", "out.gif"], "out.gif", 5, "cannot write out.gif: it is there already; the picture"),
        (&["--save-every", "30"], "out.0030.png", 0, "it is there already; the run goes on without"),
    ] {
        let folder = folder_with_pictures();
        let (found, said) = with_a_file_that_comes(folder.path(), more, name);
        assert_eq!(found, Some(code), "{name}: {said}");
        assert!(said.contains(told), "{name}: {said}");
        let kept = if name == "out.png" { "out-1.png" } else { "out.png" };
        assert!(fs::read(folder.path().join(kept)).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
}
