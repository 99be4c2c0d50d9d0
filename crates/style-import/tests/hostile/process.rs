//! This program run again, for one file, under limits.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use style_format::Encoding;
use style_import::{ImportError, WriteOptions, open};

/// Says what the child is to do; the other variables are its arguments.
const TASK: &str = "HOSTILE_TASK";
const FILE: &str = "HOSTILE_FILE";
const OUTPUT: &str = "HOSTILE_OUTPUT";
const ANSWER: &str = "HOSTILE_ANSWER";

/// What reading a file may take beside twice its length.
pub(crate) const SPARE: u64 = 64 << 20;

/// Longest time for one file.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a child said about a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `Converted`, or the name of the error.
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) help: String,
    /// Most memory that was in use, in bytes; 0 where the system does not tell.
    pub(crate) resident: u64,
    /// Most memory that was asked for, used or not.
    pub(crate) reserved: u64,
}

/// A folder for one child: its answer, its output, what it prints.
pub(crate) struct Workplace {
    folder: PathBuf,
}

/// The child's work. Not a test: started by the others with the variables above.
#[test]
#[ignore = "the other tests start it"]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    let path = |name: &str| PathBuf::from(env::var_os(name).unwrap_or_default());
    let result = match task.as_str() {
        "read" => convert(&path(FILE), &path(OUTPUT), |_| ()),
        "truncate" => convert(&path(FILE), &path(OUTPUT), |file| {
            File::options().write(true).open(file).unwrap().set_len(100).unwrap();
        }),
        "replace" => convert(&path(FILE), &path(OUTPUT), |file| {
            fs::rename(file.with_extension("other"), file).unwrap();
        }),
        "idle" => Ok(()),
        mutations => return crate::mutations::work(mutations, &path(OUTPUT)),
    };
    let (kind, message, help) = match result {
        Ok(()) => ("Converted".into(), String::new(), ""),
        Err(error) => (kind(&error), error.to_string(), error.help()),
    };
    let numbers = [memory("VmHWM"), memory("VmPeak")].map(|bytes| bytes.to_string());
    let answer = [&kind, &message, help, &numbers[0], &numbers[1]].join("\0");
    fs::write(path(ANSWER), answer).unwrap();
}

/// Opens and writes a file; `between` happens after it was found good.
pub(crate) fn convert(file: &Path, output: &Path, between: impl Fn(&Path)) -> Result<(), ImportError> {
    convert_to(Encoding::F32, file, output, between)
}

pub(crate) fn convert_to(
    encoding: Encoding,
    file: &Path,
    output: &Path,
    between: impl Fn(&Path),
) -> Result<(), ImportError> {
    let checkpoint = open(file)?;
    between(file);
    let options = WriteOptions { encoding, ..WriteOptions::default() };
    checkpoint.write(output.join("native.safetensors"), &options).map(drop)
}

/// The name of an error's variant.
pub(crate) fn kind(error: &ImportError) -> String {
    let text = format!("{error:?}");
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// A line of the process's status, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    number.unwrap_or_default() << 10
}

impl Workplace {
    /// A new folder within `parent`.
    pub(crate) fn new(parent: &Path, name: &str) -> Self {
        let folder = parent.join(name);
        fs::create_dir_all(folder.join("output")).unwrap();
        Self { folder }
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    /// Reads a file in a process that may ask for `memory` bytes altogether.
    pub(crate) fn read(&self, task: &str, file: &Path, memory: u64) -> Result<Outcome, String> {
        let answer = self.folder.join("answer");
        let _ = fs::remove_file(&answer);
        let output = self.output();
        let variables =
            [(FILE, file.as_os_str()), (OUTPUT, output.as_os_str()), (ANSWER, answer.as_os_str())];
        let printed = self.run(task, &variables, memory, PATIENCE)?;
        let text = fs::read_to_string(&answer).map_err(|_| format!("it gave no answer: {printed}"))?;
        let parts: Vec<_> = text.split('\0').collect();
        let [kind, message, help, resident, reserved] = parts[..] else { return Err(format!("{parts:?}")) };
        Ok(Outcome {
            kind: kind.into(),
            message: message.into(),
            help: help.into(),
            resident: resident.parse().unwrap_or_default(),
            reserved: reserved.parse().unwrap_or_default(),
        })
    }

    /// Starts this program again with a task, and waits for its end; what it printed.
    pub(crate) fn run(
        &self,
        task: &str,
        variables: &[(&str, &OsStr)],
        memory: u64,
        patience: Duration,
    ) -> Result<String, String> {
        let printed = self.folder.join("printed");
        let out = File::create(&printed).unwrap();
        // Where a system does not know this limit, the peak is still compared afterwards.
        let script = r#"ulimit -c 0; ulimit -v "$0" 2> /dev/null; exec "$@""#;
        let mut child = Command::new("sh")
            .args(["-c", script, &(memory >> 10).to_string()])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "process::child", "--ignored", "--nocapture", "--test-threads=1"])
            // glibc sets aside 64 MiB of addresses for every further thread.
            .env("MALLOC_ARENA_MAX", "1")
            .env("RUST_BACKTRACE", "0")
            .env(TASK, task)
            .envs(variables.iter().copied())
            .current_dir(&self.folder)
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let start = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                None if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(2)),
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break None;
                }
                status => break status,
            }
        };
        let text = String::from_utf8_lossy(&fs::read(&printed).unwrap()).into_owned();
        match ended {
            Some(status) if status.success() => Ok(text),
            Some(status) => Err(format!("it ended with {}: {text}", name(status))),
            None => Err(format!("it hung for {} s: {text}", patience.as_secs())),
        }
    }
}

fn name(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (_, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}
