//! Many pictures in one style, by the program itself.
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use style_transfer::{Image, recipe_of};

/// A folder with photographs and a painting, in which the program runs.
struct Place(tempfile::TempDir);

/// Small and short: each picture takes a moment.
const QUICK: &[&str] = &["--size", "48", "--steps", "2", "--device", "cpu", "--progress", "none"];

impl Place {
    fn new(photographs: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (number, name) in photographs.iter().enumerate() {
            place.picture(name, number as f32 / 10.0);
        }
        place.picture("painting.png", 0.7);
        place
    }

    /// A picture of waves, another one for every phase.
    fn picture(&self, name: &str, phase: f32) {
        let value = |i: usize| {
            let (x, y, channel) = ((i / 3 % 64) as f32, (i / 192) as f32, (i % 3) as f32);
            0.5 + 0.4 * (x / (5.0 + channel) + y / 7.0 + 20.0 * phase).sin()
        };
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        Image::new(64, 48, (0..64 * 48 * 3).map(value).collect()).unwrap().save(path).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
        command.current_dir(self.0.path()).args(QUICK).args(words);
        command
    }

    fn style(&self, words: &[&str]) -> Answer {
        Answer::of(&self.command(words).output().unwrap())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Answer {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    fn is(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    fn says(&self, words: &str) -> &Self {
        assert!(self.err.contains(words), "no {words:?} in {self:?}");
        self
    }
}

#[test]
fn every_picture_is_made_as_if_it_were_the_only_one() {
    let place = Place::new(&["a.jpg", "b.png", "c.webp"]);
    let many = place.style(&["c.webp", "a.jpg", "b.png", "--with", "painting.png", "-o", "out"]);
    many.is(0).says("3 pictures to make: about").says("3 pictures: 3 made");
    assert_eq!(many.out, "out/a.png\nout/b.png\nout/c.png\n");
    assert_eq!(place.names("out"), ["a.png", "b.png", "c.png"]);
    place.style(&["b.png", "painting.png", "-o", "alone.png"]).is(0);
    assert_eq!(fs::read(place.path("out/b.png")).unwrap(), fs::read(place.path("alone.png")).unwrap());
}

#[test]
fn colours_of_each_photograph_are_kept_though_styles_then_differ() {
    let place = Place::new(&["a.png", "b.png"]);
    let keep = ["--preserve-colors", "cholesky"];
    let many = ["a.png", "b.png", "--with", "painting.png", "-o", "out"];
    place.style(&[&many[..], &keep].concat()).is(0);
    for name in ["a.png", "b.png"] {
        place.style(&[&[name, "painting.png", "-o", "alone.png", "--force"][..], &keep].concat()).is(0);
        let out = fs::read(place.path("out").join(name)).unwrap();
        assert_eq!(out, fs::read(place.path("alone.png")).unwrap(), "{name}");
    }
}

/// The weights that were packed for the painting belong to the forecast, and are not counted again as the program's own.
#[cfg(target_os = "linux")]
#[test]
fn many_pictures_take_as_much_memory_as_one_of_them() {
    let place = Place::new(&["a.png", "b.png"]);
    let expected = |words: &[&str]| -> f64 {
        let said = place.style(words).is(0).err.clone();
        let before = said.split_once(" MB of memory").unwrap().0;
        before.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let alone = expected(&["a.png", "painting.png", "-o", "alone.png"]);
    let many = expected(&["a.png", "b.png", "--with", "painting.png", "-o", "out"]);
    assert!((0.8..1.2).contains(&(many / alone)), "{many} MB for many, {alone} MB for one");
}

#[test]
fn what_is_finished_is_left_alone_and_what_was_made_otherwise_is_refused() {
    let place = Place::new(&["a.png", "b.png"]);
    let many = ["a.png", "b.png", "--with", "painting.png", "-o", "out"];
    place.style(&many).is(0);
    let when = || fs::metadata(place.path("out/a.png")).unwrap().modified().unwrap();
    let made = when();
    let again = place.style(&many);
    again.is(0).says("2 pictures: 0 made, 2 finished before");
    assert_eq!((again.out.as_str(), when()), ("", made));

    fs::remove_file(place.path("out/b.png")).unwrap();
    assert_eq!(place.style(&many).is(0).out, "out/b.png\n");
    assert_eq!(when(), made);

    let other = [&many[..], &["--seed", "3"]].concat();
    place.style(&other).is(5).says("settings.seed was 0, now 3").says("--force");
    assert_eq!(when(), made);
    place.style(&[&other[..], &["--force"]].concat()).is(0).says("2 pictures: 2 made");
    let recipe = recipe_of(&fs::read(place.path("out/a.png")).unwrap()).unwrap().unwrap();
    assert!(recipe.contains("\"seed\":3"), "{recipe}");
}

#[test]
fn what_was_made_of_another_file_is_refused_by_its_name_and_made_anew_on_request() {
    let place = Place::new(&["a.png", "b.png"]);
    let many = ["a.png", "b.png", "--with", "painting.png", "-o", "out"];
    let forced = [&many[..], &["--force"]].concat();
    place.style(&many).is(0);
    let made = || fs::read(place.path("out/a.png")).unwrap();
    let first = made();

    place.picture("a.png", 0.9);
    place.style(&many).is(5).says("out/a.png: it is there already, and a.png has changed").says("--force");
    assert_eq!(made(), first);
    let again = place.style(&forced);
    again.is(0).says("2 pictures: 1 made, 1 finished before");
    assert_eq!(again.out, "out/a.png\n");
    assert_ne!(made(), first);
    place.style(&forced).is(0).says("2 pictures: 0 made, 2 finished before");

    place.picture("painting.png", 0.2);
    place.style(&many).is(5).says("painting.png has changed since it was made");
    place.style(&forced).is(0).says("2 pictures: 2 made");
    place.style(&many).is(0).says("2 pictures: 0 made, 2 finished before");
}

#[test]
fn another_mask_or_first_picture_makes_what_was_made_with_it_out_of_date() {
    let place = Place::new(&["a.png"]);
    place.picture("mask.png", 0.4);
    place.picture("start.png", 0.5);
    let many = ["a.png", "--with", "painting.png", "--mask", "mask.png", "--init", "start.png", "-o", "out"];
    place.style(&many).is(0);
    place.style(&many).is(0).says("1 picture: 0 made, 1 finished before");
    let mut made = fs::read(place.path("out/a.png")).unwrap();
    for changed in ["mask.png", "start.png"] {
        place.picture(changed, 0.9);
        place.style(&many).is(5).says(&format!("{changed} has changed since it was made")).says("--force");
        place.style(&[&many[..], &["--force"]].concat()).is(0).says("1 picture: 1 made");
        place.style(&many).is(0).says("1 picture: 0 made, 1 finished before");
        let now = fs::read(place.path("out/a.png")).unwrap();
        assert_ne!(made, now, "{changed}");
        made = now;
    }
}

#[test]
fn a_picture_that_fails_does_not_stop_the_others_and_is_named_at_the_end() {
    let place = Place::new(&["a.png", "c.png"]);
    fs::write(place.path("b.png"), b"no picture").unwrap();
    let many =
        place.style(&["a.png", "b.png", "c.png", "missing.png", "--with", "painting.png", "-o", "out"]);
    many.is(3)
        .says("4 pictures: 2 made, 2 failed\nerror: 2 of 4 pictures failed:\n    b.png: ")
        .says("\n    missing.png: ");
    assert_eq!(place.names("out"), ["a.png", "c.png"]);
    place.picture("b.png", 0.9);
    place.picture("missing.png", 0.8);
    let again =
        place.style(&["a.png", "b.png", "c.png", "missing.png", "--with", "painting.png", "-o", "out"]);
    assert_eq!(again.is(0).out, "out/b.png\nout/missing.png\n");
}

#[test]
fn every_line_is_said_once_and_in_its_order() {
    let place = Place::new(&["a.png", "b.png"]);
    fs::write(place.path("c.png"), b"no picture").unwrap();
    let words = ["b.png", "a.png", "c.png", "./a.png", "--with", "painting.png", "-o", "out"];
    let run = place.style(&words);
    run.is(3);
    let begins = [
        "3 pictures to make: ",
        "1 of 3: a.png",
        "48 x 36 px ",
        "2 of 3: b.png",
        "48 x 36 px ",
        "3 of 3: c.png: not a picture",
        "3 pictures: 2 made, 1 failed",
        "error: 1 of 3 pictures failed:",
        "    c.png: not a picture",
        "  help: ",
    ];
    let said: Vec<&str> = run.err.lines().collect();
    assert_eq!(said.len(), begins.len(), "{}", run.err);
    for (line, begin) in said.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line:?} for {begin:?}: {}", run.err);
    }

    let share = place.style(&[&words[..], &["--shard", "9/9"]].concat());
    assert!(share.is(0).err.starts_with("this share has none of the 3 pictures"), "{}", share.err);
    assert_eq!(share.err.lines().count(), 1, "{}", share.err);
}

#[test]
fn shares_make_all_pictures_once() {
    let place = Place::new(&["a.png", "b.png", "c.png", "d.png", "e.png"]);
    let share = |shard| {
        let pictures = ["a.png", "b.png", "c.png", "d.png", "e.png"];
        let options = ["--with", "painting.png", "-o", "out", "--shard", shard];
        place.style(&[&pictures[..], &options].concat()).is(0).out.clone()
    };
    assert_eq!(share("1/3"), "out/a.png\nout/d.png\n");
    assert_eq!(share("3/3"), "out/c.png\n");
    assert_eq!(share("2/3"), "out/b.png\nout/e.png\n");
    place.style(&["a.png", "--with", "painting.png", "-o", "out", "--shard", "4/3"]).is(2).says("--shard");
}

#[test]
fn a_picture_that_another_run_is_making_is_left_to_it() {
    let place = Place::new(&["a.png", "b.png"]);
    fs::create_dir(place.path("out")).unwrap();
    let lock = fs::File::create(place.path("out/a.png.lock")).unwrap();
    lock.lock().unwrap();
    let many = ["a.png", "b.png", "--with", "painting.png", "-o", "out"];
    let answer = place.style(&many);
    answer.is(0).says("2 pictures: 1 made, 1 being made by another run");
    assert_eq!(answer.out, "out/b.png\n");
    drop(lock);
    assert_eq!(place.style(&many).is(0).out, "out/a.png\n");
}

#[test]
fn what_cannot_be_is_refused_before_any_work() {
    let place = Place::new(&["one/x.jpg", "two/x.jpg", "a.png"]);
    place
        .style(&["one/x.jpg", "two/x.jpg", "a.png", "--with", "painting.png", "-o", "out"])
        .is(2)
        .says("one/x.jpg and two/x.jpg would both become out/x.png");
    place.style(&["a.png", "--with", "painting.png"]).is(2).says("-o FOLDER");
    place.style(&["a.png", "--with", "painting.png", "-o", "-"]).is(2);
    place.style(&["a.png", "--with", "painting.png", "-o", "painting.png"]).is(5).says("needs a folder");
    place.style(&["a.png", "--with", "painting.png", "-o", "out", "--timelapse", "a.gif"]).is(2);
    place.style(&["a.png", "--with", "missing.png", "-o", "out"]).is(3).says("missing.png");
    place.style(&["-", "--with", "painting.png", "-o", "out"]).is(2);
    assert_eq!(place.names("out"), [""; 0]);
}

/// The signal is sent by the program `kill`: there is no other way without unsafe code.
#[cfg(unix)]
#[test]
fn a_signal_ends_the_picture_it_is_at_and_the_same_command_goes_on_to_the_same_bytes() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let place = Place::new(&["a.png", "b.png", "c.png"]);
    let long = ["--steps", "60", "--size", "64", "--set", "smallest_scale=64", "--with", "painting.png"];
    let many = |folder| [&["a.png", "b.png", "c.png"], &long[..], &["-o", folder]].concat();
    place.style(&many("whole")).is(0);

    let arguments = [&many("out")[..], &["--progress", "json"]].concat();
    let mut running =
        place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    // The second one is under way.
    assert!(lines.any(|line| line.contains(r#""number":2"#)));
    assert!(lines.any(|line| line.contains(r#""event":"step""#)));
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    let end = lines.last().unwrap();
    assert!(end.contains("left; b.png: ended by a signal after "), "{end}");
    assert!(end.contains("the picture so far is out/b.partial.png"), "{end}");
    assert!(end.contains("left") && end.contains("the same command goes on"), "{end}");
    let ended = running.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "out/a.png\n");

    assert_eq!(place.style(&many("out")).is(0).code, Some(0));
    assert_eq!(place.names("out"), ["a.png", "b.png", "c.png"]);
    for name in place.names("out") {
        let of = |folder| fs::read(place.path(folder).join(&name)).unwrap();
        assert_eq!(of("out"), of("whole"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_while_a_photograph_is_read_tells_what_is_left() {
    use std::process::Stdio;

    let place = Place::new(&["a.png"]);
    assert!(Command::new("mkfifo").arg(place.path("b.png")).status().unwrap().success());
    let mut command =
        place.command(&[&["a.png", "b.png"], QUICK, &["--with", "painting.png", "-o", "out"]].concat());
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !place.path("out/b.png.lock").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(50)); // now it reads
    assert!(Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap().success());
    let ended = Answer::of(&running.wait_with_output().unwrap());
    ended.is(143).says("2 pictures: 1 made, 1 left").says("ended by a signal, 1 of 2 pictures left");
    assert_eq!(place.names("out"), ["a.png"]);
}

/// The script of the documentation, with the variables that Slurm sets, and in place of `srun` a program that runs what
/// it is given.
#[cfg(unix)]
#[test]
fn an_array_job_of_slurm_makes_every_picture_once() {
    use std::os::unix::fs::PermissionsExt as _;

    let page = include_str!("../../../docs/many-pictures.md");
    let script = page.split("```bash\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(script.contains("#SBATCH --array=1-"), "an array that begins at 1: {script}");
    let place = Place::new(&["photos/a.jpg", "photos/b.jpg", "photos/c.jpg"]);
    place.picture("starry.jpg", 0.5);
    fs::write(place.path("restyle.sbatch"), script).unwrap();
    assert!(Command::new("bash").arg("-n").arg(place.path("restyle.sbatch")).status().unwrap().success());

    let program = |name: &str, body: String| {
        let path = place.path("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("srun", "exec \"$@\"".to_owned());
    program("style", format!("exec '{}' \"$@\" {}", env!("CARGO_BIN_EXE_style"), QUICK.join(" ")));
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let mut made: Vec<String> = Vec::new();
    for task in ["1", "2"] {
        let mut shell = Command::new("bash");
        shell.current_dir(place.0.path()).arg("restyle.sbatch").env("PATH", &path);
        shell.env("SLURM_ARRAY_TASK_ID", task).env("SLURM_ARRAY_TASK_COUNT", "2");
        let answer = Answer::of(&shell.output().unwrap());
        made.extend(answer.is(0).out.lines().map(ToOwned::to_owned));
    }
    made.sort();
    assert_eq!(made, ["out/a.png", "out/b.png", "out/c.png"]);
}
