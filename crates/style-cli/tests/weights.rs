//! Weights, by the program itself. Nothing here leaves 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use style_transfer::VGG19;

/// The program, with a cache folder of its own.
fn command(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
    command.current_dir(place).env("XDG_CACHE_HOME", place.join("cache"));
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.arg("weights");
    command
}

fn weights(place: &Path, words: &[&str]) -> Output {
    command(place).args(words).output().unwrap()
}

fn code(output: &Output, code: i32) -> (String, String) {
    let [out, said] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(code), "{out}{said}");
    (out, said)
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("vgg.safetensors"), VGG19).unwrap();
    place
}

#[test]
fn weights_are_converted_and_shown() {
    let place = place();
    let import =
        ["import", "vgg.safetensors", "-o", "small.safetensors", "--encoding", "f16", "--cut", "relu2_1"];
    let (out, said) = code(&weights(place.path(), &import), 0);
    assert_eq!(out, "small.safetensors\n");
    assert!(said.contains("conv1_1 to conv2_1") && place.path().join("small.card.json").exists(), "{said}");
    let (_, said) = code(&weights(place.path(), &import), 5);
    // Nor is a model card replaced, which stands beside it.
    fs::rename(place.path().join("small.safetensors"), place.path().join("kept.safetensors")).unwrap();
    fs::write(place.path().join("small.card.md"), "mine").unwrap();
    assert!(
        code(&weights(place.path(), &import), 5)
            .1
            .contains("cannot write small.card.md: it is there already")
    );
    assert_eq!(fs::read_to_string(place.path().join("small.card.md")).unwrap(), "mine");
    fs::rename(place.path().join("kept.safetensors"), place.path().join("small.safetensors")).unwrap();
    assert!(said.contains("--force"), "{said}");
    code(&weights(place.path(), &[&import[..], &["--force", "--no-card"]].concat()), 0);

    let (out, _) = code(&weights(place.path(), &["inspect", "small.safetensors", "--json"]), 0);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["architecture"], "vgg19");
    assert_eq!(shown["pixels"], "caffe-bgr-255");
    assert_eq!(shown["layers"].as_array().unwrap().len(), 3);
    assert_eq!(shown["layers"][2]["shape"], serde_json::json!([128, 64, 3, 3]));
    assert!(shown["licence"].as_str().unwrap().contains("CC BY 4.0"), "{shown}");
    let (out, _) = code(&weights(place.path(), &["inspect", "vgg.safetensors"]), 0);
    assert!(out.contains("conv5_1") && out.contains("ae22c21d6fbf69c0"), "{out}");
}

#[test]
fn what_is_no_weights_file_has_its_own_exit_code() {
    let place = place();
    fs::write(place.path().join("bad.pth"), b"<html>").unwrap();
    code(&weights(place.path(), &["inspect", "bad.pth"]), 4);
    code(&weights(place.path(), &["inspect", "missing.pth"]), 4);
    let (_, said) = code(&weights(place.path(), &["inspect", "vgg91"]), 4);
    assert!(said.contains("vgg19"), "{said}");
    let (_, said) = code(&weights(place.path(), &["inspect", "vgg16"]), 4);
    assert!(said.contains("style weights get vgg16"), "{said}");
    code(&weights(place.path(), &["import", "bad.pth", "-o", "out.safetensors"]), 4);
    code(&weights(place.path(), &["import", "vgg.safetensors", "-o", "no/folder/out.safetensors"]), 5);
}

#[test]
fn names_that_can_be_fetched_are_listed() {
    let place = place();
    let (out, _) = code(&weights(place.path(), &["list"]), 0);
    assert!(out.contains("vgg19-caffe") && out.contains("vgg16-397923af.pth"), "{out}");
    assert_eq!(code(&weights(place.path(), &["get", "list"]), 0).0, out);
    let (out, _) = code(&weights(place.path(), &["list", "--json"]), 0);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert!(list.as_array().unwrap().iter().all(|known| known["fetched"].is_null()));
    let (_, said) = code(&weights(place.path(), &["get", "vgg20"]), 2);
    assert!(said.contains("did you mean vgg"), "{said}");
}

#[test]
fn another_file_under_a_known_name_is_refused() {
    let place = place();
    let (_, said) = code(&weights(place.path(), &["get", "vgg19", "--from", "vgg.safetensors"]), 4);
    assert!(said.contains("expected dcbb9e9d") && said.contains("ae22c21d6fbf69c0"), "{said}");
    let (_, said) = code(&weights(place.path(), &["get", "vgg11", "--from", "vgg.safetensors", "--raw"]), 4);
    assert!(said.contains("begins with 8a719046"), "{said}");
    code(&weights(place.path(), &["get", "vgg19", "--from", "missing.pth"]), 4);
    code(&weights(place.path(), &["get", "vgg19", "--from", "ftp://127.0.0.1/"]), 2);
    let left = fs::read_dir(place.path().join("cache/style-transfer/weights")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn an_interrupted_file_is_gone_on_with_from_a_mirror() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let request: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-7/8\r\nContent-Length: 3";
        write!(stream, "{head}\r\nConnection: close\r\n\r\nfgh").unwrap();
        request
    });
    let place = place();
    let folder = place.path().join("cache/style-transfer/weights/fetched");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("vgg19-dcbb9e9d.pth.part"), b"abcde").unwrap();
    // The sha256 of `abcdefgh`, which shows that both parts came together.
    let whole = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";
    let (_, said) = code(&weights(place.path(), &["get", "vgg19", "--from", &mirror]), 4);
    assert!(said.contains(whole), "{said}");
    let request = server.join().unwrap();
    assert!(request[0].starts_with("GET /vgg19-dcbb9e9d.pth "), "{request:?}");
    assert!(request.iter().any(|line| line.eq_ignore_ascii_case("range: bytes=5-")), "{request:?}");
}

/// Starts the program, and sends it a signal when `is_due`; its exit code, and what it said.
#[cfg(unix)]
fn interrupted(place: &Path, words: &[&str], is_due: impl Fn(u32) -> bool) -> (Option<i32>, String) {
    let mut command = command(place);
    let mut child = command.args(words).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while !is_due(child.id()) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).output();
    let output = child.wait_with_output().unwrap();
    assert!(signal.is_ok());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
#[cfg(unix)]
fn a_signal_leaves_what_was_fetched_to_the_next_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/", listener.local_addr().unwrap());
    let (begun, done) = std::sync::mpsc::channel::<()>();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        lines.map(Result::unwrap).take_while(|line| !line.is_empty()).for_each(drop);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").unwrap();
        stream.write_all(&vec![7; 70_000]).unwrap(); // more than curl keeps back
        done.recv().unwrap_err(); // the rest never comes
    });
    let place = place();
    let part = place.path().join("cache/style-transfer/weights/fetched/vgg19-dcbb9e9d.pth.part");
    let words = ["get", "vgg19", "--from", &mirror];
    let has_come = |_| fs::metadata(&part).is_ok_and(|found| found.len() > 0);
    let (code, said) = interrupted(place.path(), &words, has_come);
    drop(begun);
    server.join().unwrap();
    assert_eq!(code, Some(130), "{said}");
    let kept = format!("interrupted; what was fetched stays in {}\n", part.display());
    assert_eq!(said, format!("{kept}  help: the same command goes on there\n"));
    let came = fs::read(&part).unwrap();
    assert!((1..=70_000).contains(&came.len()) && came.iter().all(|&byte| byte == 7));
}

#[test]
#[cfg(unix)]
fn a_signal_leaves_nothing_of_a_file_that_is_being_converted() {
    let words = ["import", "vgg.safetensors", "-o", "new.safetensors", "--encoding", "f16"];
    // On a busy machine the file may be whole before the signal comes.
    let is_caught = || {
        let place = place();
        let before = fs::read_dir(place.path()).unwrap().count();
        let is_due = |id| place.path().join(format!("new.safetensors.{id}-0.tmp")).exists();
        let (code, said) = interrupted(place.path(), &words, is_due);
        if place.path().join("new.safetensors").exists() {
            return false;
        }
        assert_eq!((code, &*said), (Some(130), "interrupted; nothing was written\n"));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), before);
        true
    };
    assert!((0..20).any(|_| is_caught()));
}

/// A search path without the program.
#[test]
fn without_curl_the_way_by_hand_is_told() {
    let place = place();
    let output = Command::new(env!("CARGO_BIN_EXE_style"))
        .current_dir(place.path())
        .env("XDG_CACHE_HOME", place.path().join("cache"))
        .env("PATH", place.path())
        .args(["weights", "get", "vgg19"])
        .output()
        .unwrap();
    let (_, said) = code(&output, 4);
    assert!(said.contains("curl") && said.contains("not installed"), "{said}");
    assert!(
        said.contains("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth")
            && said.contains("--from FILE")
    );
}

#[test]
fn a_fetched_name_stands_for_its_file() {
    let place = place();
    let folder = place.path().join("cache/style-transfer/weights");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("vgg19-caffe.safetensors"), VGG19).unwrap();
    let (out, _) = code(&weights(place.path(), &["inspect", "vgg19-caffe"]), 0);
    assert!(out.contains("conv5_1"), "{out}");
    let (out, _) = code(&weights(place.path(), &["get", "vgg19-caffe"]), 0);
    assert!(out.trim().ends_with("vgg19-caffe.safetensors"), "there already, and nobody was asked: {out}");
}
