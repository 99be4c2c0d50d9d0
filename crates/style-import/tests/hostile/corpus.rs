//! The whole corpus, one process per file.

use std::fs;
use std::path::Path;

use style_format::VggFile;
use tempfile::TempDir;

use crate::case::Case;
use crate::process::{Outcome, SPARE, Workplace};
use crate::{legacy, onnx, pytorch, safetensors};

#[test]
fn pytorch_files_do_no_harm() {
    read_all("PyTorch", pytorch::cases());
}

#[test]
fn legacy_pytorch_files_do_no_harm() {
    read_all("PyTorch, legacy", legacy::cases());
}

#[test]
fn safetensors_files_do_no_harm() {
    read_all("safetensors", safetensors::cases());
}

#[test]
fn onnx_files_do_no_harm() {
    read_all("ONNX", onnx::cases());
}

/// Writes all files into the folder that a variable names; for `tools/check_no_side_effects` and for fuzzing.
#[test]
#[ignore = "a tool, not a test"]
fn write_corpus() {
    let Some(folder) = std::env::var_os("HOSTILE_CORPUS") else { return };
    let folder = Path::new(&folder);
    onnx::put_beside(folder);
    for cases in [pytorch::cases(), legacy::cases(), safetensors::cases(), onnx::cases()] {
        for case in cases {
            fs::write(folder.join(case.name), case.bytes).unwrap();
        }
    }
}

/// Reads the files of a folder one after the other in this process; every one is announced by a look for a
/// file that is not there, which a trace of the system calls shows.
#[test]
#[ignore = "a tool, not a test"]
fn read_corpus() {
    let Some(folder) = std::env::var_os("HOSTILE_CORPUS") else { return };
    let folder = Path::new(&folder);
    let output = folder.join("output");
    fs::create_dir_all(&output).unwrap();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let endings = ["pth", "safetensors", "onnx"];
    files.retain(|path| path.extension().is_some_and(|end| endings.iter().any(|known| end == *known)));
    files.sort();
    for file in files {
        let name = file.file_name().unwrap();
        drop(fs::File::open(Path::new("/begin").join(name)));
        drop(crate::process::convert(&file, &output, |_| ()));
        drop(fs::File::open(Path::new("/end").join(name)));
    }
}

/// Reads every file in a process of its own and judges the answers.
fn read_all(format: &str, cases: Vec<Case>) {
    let folder = TempDir::new().unwrap();
    onnx::put_beside(folder.path());
    let mut reader = Reader::new(folder.path());
    let count = cases.len();
    let failures: Vec<_> = cases.into_iter().filter_map(|case| reader.read(&case).err()).collect();
    let escaped = ["PWNED", "child/PWNED"].iter().find(|name| folder.path().join(name).exists());
    assert_eq!(escaped, None, "a file of the corpus ran a command");
    let Reader { converted, worst: (ratio, name), .. } = reader;
    println!(
        "{format}: {count} files, {converted} converted, {} refused; at most {:.0} % of the allowed memory ({name})",
        count - converted,
        ratio * 100.0,
    );
    assert!(failures.is_empty(), "{format}, {} of {count}:\n{}", failures.len(), failures.join("\n"));
}

struct Reader<'a> {
    folder: &'a Path,
    workplace: Workplace,
    /// What a process needs that reads nothing.
    idle: u64,
    converted: usize,
    /// The largest part of the allowed memory that a file took, and its name.
    worst: (f64, String),
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Path) -> Self {
        let workplace = Workplace::new(folder, "child");
        let idle = workplace.read("idle", Path::new(""), 1 << 30).unwrap().reserved;
        Self { folder, workplace, idle, converted: 0, worst: (0.0, String::new()) }
    }

    fn read(&mut self, case: &Case) -> Result<(), String> {
        let path = self.folder.join(&case.name);
        fs::write(&path, &case.bytes).unwrap();
        let allowed = 2 * case.bytes.len() as u64 + SPARE;
        let outcome = self.workplace.read("read", &path, allowed + self.idle);
        fs::remove_file(&path).unwrap();
        let left = left_over(&self.workplace);
        let judged = outcome.and_then(|outcome| {
            println!("{:<28} {:<20} {}", case.name, outcome.kind, outcome.message);
            self.converted += usize::from(!outcome.is_refusal());
            let ratio = outcome.resident as f64 / allowed as f64;
            if ratio > self.worst.0 {
                self.worst = (ratio, case.name.clone());
            }
            if ratio > 1.0 {
                return Err(format!("it took {} of {allowed} bytes", outcome.resident));
            }
            let judged = case.expect.judge(&outcome).and_then(|()| whole(&left, &outcome));
            judged.map_err(|reason| format!("{reason}, got {}: {}", outcome.kind, outcome.message))
        });
        judged.map_err(|reason| format!("{} ({}): {reason}", case.name, case.what))
    }
}

/// Takes the files out of the output folder.
fn left_over(workplace: &Workplace) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(workplace.output()).unwrap().map(|entry| entry.unwrap().path());
    let take = |path| {
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(path).unwrap();
        bytes
    };
    paths.map(take).collect()
}

/// A converted file must be whole, a refused one must leave nothing.
fn whole(left: &[Vec<u8>], outcome: &Outcome) -> Result<(), String> {
    match (left, outcome.is_refusal()) {
        ([], true) => Ok(()),
        ([bytes], false) => VggFile::parse(bytes).map(drop).map_err(|error| error.to_string()),
        _ => Err(format!("{} files were left behind", left.len())),
    }
}
