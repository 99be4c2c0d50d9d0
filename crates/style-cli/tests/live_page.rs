//! The live page: what it answers to whom, and in a real browser with real clicks.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers of tests are tests too

mod browser;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use browser::{Browser, look_at};

/// What a person with bad intentions would call a picture.
const HOSTILE: &str = "<img src=x onerror=alert(1)>.webp";

/// A run with its page.
struct Run {
    folder: tempfile::TempDir,
    program: Child,
    stdout: BufReader<ChildStdout>,
    /// `127.0.0.1:PORT`
    host: String,
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/images").join(name)
}

impl Run {
    fn start(command: &[&str], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(example("eilean_donan.webp"), folder.path().join("castle.webp")).unwrap();
        std::fs::copy(example("van_gogh_cafe_terrace.webp"), folder.path().join(HOSTILE)).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_style"))
            .current_dir(folder.path())
            .args(command)
            .args(["castle.webp", HOSTILE, "-o", "out.png", "--size", "64", "--set", "smallest_scale=45"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
        let url = lines
            .find_map(|line| Some(line.strip_prefix("live page: http://")?.trim_end_matches('/').to_owned()));
        let host = url.expect("the program says where its page is");
        std::thread::spawn(move || lines.for_each(drop));
        let stdout = BufReader::new(program.stdout.take().unwrap());
        Self { folder, program, stdout, host }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.host)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends what is given and reads until the server closes.
    fn ask(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}", self.host))
    }

    fn token(&self) -> String {
        let page = self.get("/");
        let (_, rest) = page.split_once("name=\"style-token\" content=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// Waits for the path of the result, which is said when it is written.
    fn result(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn code(&mut self) -> Option<i32> {
        self.program.wait().unwrap().code()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn only_this_machine_is_answered_and_only_the_page_gives_orders() {
    let mut run = Run::start(&[], &["--view", "--steps", "100000"]);
    let page = run.get("/");
    assert_eq!(status(&page), "200");
    for header in ["content-security-policy: default-src 'none';", "x-content-type-options: nosniff"] {
        assert!(page.contains(header), "{header} is missing in {page}");
    }
    for (what, head) in [
        ("another name for this address", "GET / HTTP/1.1\r\nHost: evil.example".to_owned()),
        ("another port", "GET / HTTP/1.1\r\nHost: 127.0.0.1:1".to_owned()),
        ("no name", "GET /events HTTP/1.0".to_owned()),
        (
            "an order without the token",
            format!("POST /stop HTTP/1.1\r\nHost: {}\r\nContent-Length: 0", run.host),
        ),
        (
            "an order with a wrong one",
            format!("POST /stop HTTP/1.1\r\nHost: {}\r\nX-Style-Token: 0\r\nContent-Length: 0", run.host),
        ),
    ] {
        let answer = run.ask(&head);
        assert_eq!(status(&answer), "403", "{what}: {answer}");
        assert!(!answer.contains("style-token\" content"), "{what}");
    }
    for path in [
        "/out.png",
        "/castle.webp",
        "/../castle.webp",
        "/%2e%2e/castle.webp",
        "/input/9",
        "/input/x",
        "/etc/passwd",
    ] {
        assert!(matches!(status(&run.get(path)), "404" | "400"), "{path}");
    }
    assert_eq!(status(&run.get("/stop")), "405", "orders are no links");
    assert!(run.program.try_wait().unwrap().is_none(), "the run goes on");

    let order = format!(
        "POST /stop HTTP/1.1\r\nHost: {}\r\nX-Style-Token: {}\r\nContent-Length: 0",
        run.host,
        run.token()
    );
    assert_eq!(status(&run.ask(&order)), "204");
    assert_eq!(run.result(), "out.png");
    assert_eq!(run.code(), Some(0));
    let recipe = style_transfer::recipe_of(&std::fs::read(run.path("out.png")).unwrap()).unwrap().unwrap();
    assert!(recipe.contains(r#""stopped_after":"#), "not the picture of the whole recipe: {recipe}");
}

#[test]
fn a_picture_that_the_page_saves_has_its_recipe_and_its_run() {
    let mut run = Run::start(&[], &["--view", "--steps", "100000"]);
    let order = format!(
        "POST /save HTTP/1.1\r\nHost: {}\r\nX-Style-Token: {}\r\nContent-Length: 0",
        run.host,
        run.token()
    );
    assert_eq!(status(&run.ask(&order)), "204");
    let step_of = |name: &str| name.strip_prefix("out.step-")?.strip_suffix(".png")?.parse::<usize>().ok();
    let (saved, step) = loop {
        let entries = std::fs::read_dir(run.folder.path()).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        if let Some(found) = names.find_map(|name| step_of(&name).map(|step| (name, step))) {
            break found;
        }
        assert!(run.program.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    interrupt(&run.program);
    assert_eq!(run.code(), Some(130));
    let recipe = style_transfer::recipe_of(&std::fs::read(run.path(&saved)).unwrap()).unwrap().unwrap();
    assert!(recipe.contains(&format!(r#""stopped_after":{step}"#)), "{recipe}");
    let said = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_style"));
        let output = command.current_dir(run.folder.path()).args(words).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let told = said(&["rerun", &saved, "--print"]);
    assert!(told.starts_with(&format!("{saved} was stopped after {step} step")), "{told}");
    // Its run is found, and refused before it goes on for hours.
    let told = said(&["resume", &saved, "--preset", "fast"]);
    assert!(
        told.starts_with("error: the checkpoint is of another run: the preset is balanced there"),
        "{told}"
    );
}

#[test]
fn nothing_on_the_page_comes_from_elsewhere() {
    let run = Run::start(&[], &["--view", "--steps", "100000"]);
    for path in ["/", "/live.js", "/live.css", "/icon.svg"] {
        let answer = run.get(path);
        assert_eq!(status(&answer), "200", "{path}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        // The names of two kinds of markup are no addresses.
        let body = body.replace("http://www.w3.org/2000/svg", "");
        assert!(!body.contains("http:") && !body.contains("https:") && !body.contains("url("), "{path}");
    }
}

#[test]
fn clients_that_read_nothing_do_not_hold_up_the_run() {
    let mut run = Run::start(&[], &["--view", "--steps", "30"]);
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = TcpStream::connect(&run.host).unwrap();
            write!(client, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", run.host).unwrap();
            client
        })
        .collect();
    // Who waited for them would wait for ever.
    assert_eq!(run.result(), "out.png");
    assert_eq!(run.code(), Some(0));
    drop(clients);
}

#[test]
fn a_port_that_is_taken_is_refused_with_its_number() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_style"))
        .current_dir(folder.path())
        .arg("demo")
        .arg(format!("--view={port}"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains(&format!("cannot serve the live page on 127.0.0.1:{port}: ")), "{words}");
}

#[test]
fn in_a_browser_the_picture_forms_and_the_buttons_do_what_they_say() {
    let Some(browser) = Browser::start() else { return };
    let mut run = Run::start(&["serve"], &["--steps", "25,100000"]);
    browser.open(&run.url());

    // The picture as it forms, and curves.
    browser.wait_for("document.querySelector('#picture').naturalWidth > 0", 60);
    browser.wait_for("document.querySelectorAll('#curves .curve').length === 8", 60);
    browser.wait_for(
        "document.querySelector('#curves .curve.total').getAttribute('d').split('L').length > 20",
        60,
    );
    let first = browser.evaluate("document.querySelector('#picture').src");
    browser.wait_for(&format!("document.querySelector('#picture').src !== {first}"), 60);
    browser.wait_for("/^\\d+ % · out\\.png$/.test(document.title)", 10);
    browser.wait_for("document.querySelectorAll('#layers .track').length === 5", 10);

    // However large losses are, the names of the grid fit beside it.
    assert_eq!(
        browser.evaluate("[1e11, 3.2e-4, 123456, 0.25].map(number)").to_string(),
        r#"["1e11","3.2e-4","1.23e5","0.25"]"#
    );

    // Names of the user's files are text.
    let names = browser.evaluate("document.querySelector('#inputs').innerText");
    assert!(names.as_str().unwrap().contains(HOSTILE), "{names}");
    assert_eq!(browser.evaluate("document.querySelectorAll('[onerror], [src=x]').length"), 0);
    browser.wait_for(
        "[...document.querySelectorAll('#inputs img')].every((image) => image.naturalWidth > 0)",
        10,
    );
    look_at(&browser, "live-running");

    // Save by the keyboard, stop by the mouse.
    browser.evaluate("document.querySelector('#stop').focus()");
    browser.press("\u{e004}");
    assert_eq!(browser.evaluate("document.activeElement.id"), "save");
    browser.press("\u{e007}");
    browser.wait_for("document.querySelector('#status').textContent.startsWith('saved ')", 30);
    let said = browser.evaluate("document.querySelector('#status').textContent");
    let saved = said.as_str().unwrap().strip_prefix("saved ").unwrap().to_owned();
    assert!(saved.starts_with("out.step-"), "{saved}");
    let recipe = style_transfer::recipe_of(&std::fs::read(run.path(&saved)).unwrap()).unwrap().unwrap();
    assert!(recipe.contains("stopped_after"), "{saved}: {recipe}");

    browser.click("#stop");
    assert_eq!(run.result(), "out.png");
    browser.wait_for("document.title === 'stopped · out.png'", 30);
    let picture = style_transfer::Image::open(run.path("out.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 43));
    browser.wait_for("document.querySelectorAll('#metrics dt').length >= 4", 10);
    // The page stays, also for who comes now.
    assert!(run.program.try_wait().unwrap().is_none());
    browser.open(&run.url());
    browser.wait_for("document.title === 'stopped · out.png'", 30);
    browser.wait_for("document.querySelector('#picture').naturalWidth > 0", 30);
    look_at(&browser, "live-ended");

    let requests = browser.requests();
    assert!(requests.contains(&run.url()));
    let elsewhere: Vec<_> = requests.iter().filter(|url| !url.starts_with(&run.url())).collect();
    assert!(elsewhere.is_empty(), "the page asked for {elsewhere:?}");
    interrupt(&run.program);
    assert_eq!(run.code(), Some(0));
}

/// Ctrl-C.
fn interrupt(program: &Child) {
    let done = Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap();
    assert!(done.success());
}
