//! Ten thousand changed files per format: no panic, no abort, no hang, no memory beyond the limit.
//!
//! `HOSTILE_MUTATIONS=1000000` makes another number of them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use style_format::{Encoding, VggFile};
use tempfile::TempDir;

use crate::mutator::Mutator;
use crate::process::{SPARE, Workplace, convert_to, kind};
use crate::seeds::Format;

/// Longest that one file may keep processors busy; a machine that has other things to do does not count.
const BUSY: Duration = Duration::from_secs(2);

/// Longest time for one file on the clock: nothing here may wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Beside the importer the child holds the seeds and the changed file.
const CHILD: u64 = 16 << 20;

#[test]
fn changed_zip_checkpoints_do_no_harm() {
    start(Format::PytorchZip);
}

#[test]
fn changed_legacy_checkpoints_do_no_harm() {
    start(Format::PytorchLegacy);
}

#[test]
fn changed_safetensors_files_do_no_harm() {
    start(Format::Safetensors);
}

#[test]
fn changed_onnx_models_do_no_harm() {
    start(Format::Onnx);
}

#[test]
fn changed_native_files_do_no_harm() {
    start(Format::Native);
}

fn count() -> u64 {
    let number = env::var("HOSTILE_MUTATIONS").ok().and_then(|text| text.parse().ok());
    number.unwrap_or(if cfg!(debug_assertions) { 500 } else { 10_000 })
}

/// Memory, where the system keeps files there: thirty thousand files are no work for a disk.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn start(format: Format) {
    let folder = folder();
    let workplace = Workplace::new(folder.path(), "child");
    let idle = workplace.read("idle", Path::new(""), 1 << 30).unwrap();
    let output = workplace.output();
    let variables = [("HOSTILE_OUTPUT", output.as_os_str())];
    let patience = Duration::from_millis(count() * 100) + PATIENCE;
    let begin = Instant::now();
    let result = workplace.run(format.name(), &variables, idle.reserved + SPARE + CHILD, patience);
    let at = fs::read_to_string(output.join("number")).unwrap_or_default();
    match result {
        Ok(printed) => {
            let summary = printed.lines().find_map(|line| line.split_once("mutations: "));
            let summary = summary.map_or("", |(_, summary)| summary);
            println!("{}: {summary} in {:.1} s", format.name(), begin.elapsed().as_secs_f64());
            assert!(summary.contains(&format!("{} files", count())), "{printed}");
        }
        Err(reason) => panic!(
            "{} number {at}: {reason}\nalone: HOSTILE_MUTATION={}:{at} cargo test --release -p style-import \
             --test hostile one_mutation -- --ignored --nocapture",
            format.name(),
            format.name()
        ),
    }
}

/// One changed file by its number, in this process; the file stays in the temporary folder.
#[test]
#[ignore = "a tool, not a test"]
fn one_mutation() {
    let Ok(wanted) = env::var("HOSTILE_MUTATION") else { return };
    let (name, number) = wanted.split_once(':').unwrap();
    let format = Format::from_name(name).unwrap();
    let output = env::temp_dir();
    let path = output.join(format!("{name}_{number}"));
    let number = number.parse().unwrap();
    fs::write(&path, Mutator::new(format).make(number)).unwrap();
    println!("{}", path.display());
    println!("{}", import(format, number, &path, &output));
}

/// The child's work: all changed files of one format, one after the other.
pub(crate) fn work(format: &str, output: &Path) {
    let format = Format::from_name(format).unwrap();
    let mutator = Mutator::new(format);
    let now = Mutex::new(Some(Since::now()));
    let mut kinds = BTreeMap::<String, u64>::new();
    std::thread::scope(|scope| {
        scope.spawn(|| watch(&now));
        let file = output.join("changed");
        for number in 0..count() {
            fs::write(output.join("number"), number.to_string()).unwrap();
            fs::write(&file, mutator.make(number)).unwrap();
            *now.lock().unwrap() = Some(Since::now());
            match catch_unwind(AssertUnwindSafe(|| import(format, number, &file, output))) {
                Ok(kind) => *kinds.entry(kind).or_default() += 1,
                Err(_) => exit(101), // the panic has said why
            }
        }
        *now.lock().unwrap() = None;
    });
    println!("mutations: {} files, {kinds:?}", count());
}

/// When a file was begun.
#[derive(Clone, Copy)]
struct Since {
    clock: Instant,
    busy: Duration,
}

impl Since {
    fn now() -> Self {
        Self { clock: Instant::now(), busy: busy() }
    }
}

/// How long this process has kept processors busy, in user and in system mode; nothing where the system does not
/// tell. Linux counts hundredths of a second (`man 5 proc_pid_stat`, fields 14 and 15).
fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name, which may have spaces, in brackets.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    Duration::from_millis(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// Ends the process when a file takes too long.
fn watch(now: &Mutex<Option<Since>>) {
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let Some(since) = *now.lock().unwrap() else { return };
        let (clock, busy) = (since.clock.elapsed(), busy().saturating_sub(since.busy));
        if clock > PATIENCE || busy > BUSY {
            println!("it takes longer than {clock:?} on the clock, {busy:?} at work");
            exit(3);
        }
    }
}

/// Reads a file in every way there is for it; what came of it. The number settles the encoding.
fn import(format: Format, number: u64, path: &Path, output: &Path) -> String {
    // A table of the best values takes a hundred times as long as everything else.
    let encoding = match number / 2 % 32 {
        0 => Encoding::Codebook,
        1..=8 => Encoding::F16,
        9..=16 => Encoding::Bf16,
        _ => Encoding::F32,
    };
    let result = convert_to(encoding, path, output, |_| ());
    if format == Format::Native {
        let bytes = fs::read(path).unwrap();
        return VggFile::parse(&bytes).map_or("Refused".into(), |file| {
            file.to_bytes().unwrap();
            "Parsed".into()
        });
    }
    match result {
        Ok(()) => {
            let bytes = fs::read(written(output)).unwrap();
            VggFile::parse(&bytes).unwrap();
            "Converted".into()
        }
        Err(error) => kind(&error),
    }
}

fn written(output: &Path) -> PathBuf {
    output.join("native.safetensors")
}
