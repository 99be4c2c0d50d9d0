use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use clap::Parser;
use style_transfer::import::{self, WriteOptions};

use super::*;
use crate::failure::Exit;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(words: &[&str]) -> Arguments {
    Program::parse_from(["get"].iter().chain(words)).arguments
}

/// The first layers of the bundled network, as somebody might publish them.
fn published() -> (KnownFile, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let [whole, small] = ["whole", "small"].map(|name| folder.path().join(name));
    fs::write(&whole, style_transfer::VGG19).unwrap();
    let options = WriteOptions { cut: Some(style_transfer::Layer::Relu2_1), ..WriteOptions::default() };
    import::open(&whole).unwrap().write(&small, &options).unwrap();
    let digest = digest::of_file(&small).unwrap();
    let bytes = fs::read(&small).unwrap();
    let known = KnownFile {
        name: "small",
        file: "small-00000000.pth",
        bytes: Some(bytes.len() as u64),
        sha256: digest.leak(),
        ..FILES[0]
    };
    (known, bytes)
}

/// How a server behaves.
#[derive(Clone, Default)]
struct Manners {
    /// It knows no ranges.
    whole_only: bool,
    /// It closes its first connections after so many bytes each.
    cuts: Vec<usize>,
    /// It answers with this status.
    status: Option<u16>,
    /// It does not say how long the file is: chunks, as long as the connection is open.
    no_length: bool,
}

/// A server on 127.0.0.1 with one file; it remembers where each request began.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<u64>>>,
}

impl Server {
    fn new(bytes: &[u8], manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (bytes, seen) = (bytes.to_vec(), Arc::clone(&asked));
        std::thread::spawn(move || {
            let mut cuts = manners.cuts.clone().into_iter();
            for stream in listener.incoming() {
                // A client that goes away is none of the server's business.
                let _ = answer(stream.unwrap(), &bytes, &manners, cuts.next(), &seen);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    bytes: &[u8],
    manners: &Manners,
    cut: Option<usize>,
    asked: &Mutex<Vec<u64>>,
) -> std::io::Result<()> {
    let mut from = 0;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    asked.lock().unwrap().push(from as u64);
    if let Some(status) = manners.status {
        return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if from >= bytes.len() && !manners.whole_only {
        return write!(
            stream,
            "HTTP/1.1 416 Range\r\nContent-Range: bytes */{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            bytes.len()
        );
    }
    let body = if manners.whole_only { bytes } else { &bytes[from..] };
    let status = if from > 0 && !manners.whole_only { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    if from > 0 && !manners.whole_only {
        write!(stream, "Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
    }
    if !manners.no_length {
        write!(stream, "Content-Length: {}\r\n", body.len())?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])?;
    stream.flush()?;
    // Half closed, then read to the end: nothing that was sent is thrown away.
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// A cache folder, and what it holds.
struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn get(&self, known: &KnownFile, words: &[&str]) -> Result<()> {
        arguments(&[&["small"], words].concat()).get(known, || Ok(self.0.path().to_owned()))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }
}

#[test]
fn what_is_fetched_becomes_a_native_file_and_nothing_else_is_left() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners::default());
    let cache = Cache::new();
    cache.get(&known, &["--from", &server.url, "--encoding", "f16", "--no-card"]).unwrap();
    assert_eq!(cache.names(), ["small.safetensors"]);
    let there = import::open(cache.0.path().join("small.safetensors")).unwrap();
    assert_eq!(there.layers().len(), 3);
    assert_eq!(there.layers()[0].dtype, "f16");

    // Once more: it is there, and nobody is asked.
    cache.get(&known, &["--from", &server.url]).unwrap();
    assert_eq!(server.asked(), [0]);
}

#[test]
fn a_part_of_an_earlier_attempt_is_gone_on_with() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners::default());
    let cache = Cache::new();
    fs::write(cache.0.path().join("small-00000000.pth.part"), &bytes[..1000]).unwrap();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    assert_eq!(server.asked(), [1000]);
    assert_eq!(cache.names(), ["small-00000000.pth"]);
    assert_eq!(cache.read("small-00000000.pth"), bytes);
}

#[test]
fn a_cut_connection_is_taken_up_again() {
    let (known, bytes) = published();
    let cuts = vec![100, 50_000];
    let server = Server::new(&bytes, Manners { cuts, ..Manners::default() });
    let cache = Cache::new();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    assert_eq!(server.asked(), [0, 100, 50_100]);
    assert_eq!(cache.read("small-00000000.pth"), bytes);
}

#[test]
fn a_connection_that_brings_nothing_is_a_failure_that_leaves_the_part() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners { cuts: vec![70, 0], ..Manners::default() });
    let cache = Cache::new();
    let failure = cache.get(&known, &["--from", &server.url, "--raw"]).unwrap_err();
    assert_eq!(failure.exit, Exit::Weights);
    assert!(failure.message.contains("was cut"), "{failure}");
    assert!(failure.help.unwrap().contains("goes on"));
    assert_eq!(cache.read("small-00000000.pth.part"), &bytes[..70]);
}

#[test]
fn a_server_without_ranges_gives_the_whole_file_again() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners { whole_only: true, ..Manners::default() });
    let cache = Cache::new();
    fs::write(cache.0.path().join("small-00000000.pth.part"), b"something else").unwrap();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    assert_eq!(server.asked(), [14, 0]);
    assert_eq!(cache.read("small-00000000.pth"), bytes);
}

#[test]
fn a_whole_part_of_unknown_length_needs_no_more() {
    let (known, bytes) = published();
    let known = KnownFile { bytes: None, ..known };
    let server = Server::new(&bytes, Manners { no_length: true, ..Manners::default() });
    let cache = Cache::new();
    fs::write(cache.0.path().join("small-00000000.pth.part"), &bytes).unwrap();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    assert_eq!(cache.read("small-00000000.pth"), bytes);

    // More than the whole, of a file that is none: begun anew.
    let cache = Cache::new();
    fs::write(cache.0.path().join("small-00000000.pth.part"), vec![7; bytes.len() + 1]).unwrap();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    assert_eq!(cache.read("small-00000000.pth"), bytes);
}

#[test]
fn another_file_is_refused_and_does_not_stay() {
    let (known, mut bytes) = published();
    bytes[5000] ^= 1;
    let server = Server::new(&bytes, Manners::default());
    let cache = Cache::new();
    let failure = cache.get(&known, &["--from", &server.url]).unwrap_err();
    assert_eq!(failure.exit, Exit::Weights);
    assert!(failure.message.contains(known.sha256), "{failure}");
    assert_eq!(cache.names(), [""; 0]);

    bytes.extend([0; 100]);
    let server = Server::new(&bytes, Manners::default());
    let failure = cache.get(&known, &["--from", &server.url]).unwrap_err();
    assert!(failure.message.contains("longer"), "{failure}");
}

#[test]
fn a_refusal_of_the_server_names_its_status_and_the_way_by_hand() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners { status: Some(404), ..Manners::default() });
    let failure = Cache::new().get(&known, &["--from", &server.url]).unwrap_err();
    assert_eq!(failure.exit, Exit::Weights);
    assert!(failure.message.contains("404") && failure.message.contains(&server.url), "{failure}");
    assert!(failure.help.unwrap().contains("--from"));
}

#[test]
fn a_local_file_is_checked_and_converted_where_it_lies() {
    let (known, bytes) = published();
    let (cache, there) = (Cache::new(), tempfile::tempdir().unwrap());
    let file = there.path().join(known.file);
    fs::write(&file, &bytes).unwrap();
    let folder = there.path().to_str().unwrap();
    cache.get(&known, &["--from", folder]).unwrap();
    assert_eq!(cache.names(), ["small.card.json", "small.card.md", "small.safetensors"]);
    assert!(file.is_file());
    cache.get(&known, &["--from", folder, "--raw"]).unwrap();
    assert_eq!(cache.read(known.file), bytes);

    fs::write(&file, &bytes[1..]).unwrap();
    let failure = cache.get(&known, &["--from", folder, "--force"]).unwrap_err();
    assert_eq!(failure.exit, Exit::Weights);
    assert!(file.is_file());
}

#[test]
fn a_raw_file_that_somebody_keeps_is_converted_and_stays() {
    let (known, bytes) = published();
    let server = Server::new(&bytes, Manners::default());
    let cache = Cache::new();
    cache.get(&known, &["--from", &server.url, "--raw"]).unwrap();
    cache.get(&known, &["--from", &server.url]).unwrap();
    assert_eq!(server.asked(), [0], "fetched once");
    assert_eq!(
        cache.names(),
        ["small-00000000.pth", "small.card.json", "small.card.md", "small.safetensors"]
    );
}

#[test]
fn a_file_to_copy_that_cannot_be_read_is_told_by_its_name() {
    let (known, _) = published();
    let there = tempfile::tempdir().unwrap();
    let file = there.path().join("gone.pth");
    let failure = Cache::new().get(&known, &["--from", file.to_str().unwrap(), "--raw"]).unwrap_err();
    assert_eq!(failure.exit, Exit::Weights);
    assert!(failure.message.contains("gone.pth") && !failure.message.contains("cannot write"), "{failure}");
}

#[test]
fn a_file_that_is_there_is_not_replaced_without_force() {
    let (known, bytes) = published();
    let (cache, there) = (Cache::new(), tempfile::tempdir().unwrap());
    let [file, output] = ["in.pth", "out.safetensors"].map(|name| there.path().join(name));
    fs::write(&file, &bytes).unwrap();
    fs::write(&output, b"mine").unwrap();
    let words = ["--from", file.to_str().unwrap(), "-o", output.to_str().unwrap()];
    let failure = cache.get(&known, &words).unwrap_err();
    assert_eq!(failure.exit, Exit::Output);
    assert_eq!(fs::read(&output).unwrap(), b"mine");
    cache.get(&known, &[&words[..], &["--force"]].concat()).unwrap();
    assert_ne!(fs::read(&output).unwrap(), b"mine");
}

#[test]
fn only_the_start_of_a_digest_may_be_known() {
    let (known, bytes) = published();
    let start: &'static str = known.sha256[..8].to_owned().leak();
    let there = tempfile::tempdir().unwrap();
    let file = there.path().join("any.pth");
    fs::write(&file, &bytes).unwrap();
    let from = file.to_str().unwrap();
    Cache::new().get(&KnownFile { sha256: start, ..known }, &["--from", from]).unwrap();
    let failure =
        Cache::new().get(&KnownFile { sha256: "00000000", ..known }, &["--from", from]).unwrap_err();
    assert!(failure.message.contains("begins with 00000000"), "{failure}");
}
