//! A real browser, told what to do through chromedriver (W3C `WebDriver` over HTTP), with nothing but the standard library.

// Each test uses its part.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers of tests are tests too

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// Where CI must have a browser, this variable is set, and a test without one fails.
const REQUIRED: &str = "STYLE_TEST_BROWSER";

/// What is wrong with a page as it is seen just now: a list of sentences.
const FAULTS: &str = include_str!("faults.js");

/// A browser that closes when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

impl Browser {
    /// A fresh one; `None`, with a printed line, where none is installed.
    pub(crate) fn start() -> Option<Self> {
        if !is_installed("chromium") || !is_installed("chromedriver") {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "{REQUIRED} is set, and there is no chromium with chromedriver"
            );
            println!("skipped: chromium and chromedriver are not installed");
            return None;
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            line.unwrap()
                .strip_suffix('.')?
                .strip_prefix("ChromeDriver was started successfully on port ")?
                .parse()
                .ok()
        });
        let port = port.expect("chromedriver says its port");
        // It must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1280,1000",
            &folder,
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": { "performance": "ALL" } });
        let session =
            browser.send("POST", "/session", &json!({ "capabilities": { "alwaysMatch": options } }));
        session["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        Some(browser)
    }

    /// One request to the driver; its answer's `value`.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut stream = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    fn ask(&self, path: &str, body: Value) -> Value {
        self.send("POST", &format!("/session/{}/{path}", self.session), &body)
    }

    pub(crate) fn open(&self, url: &str) {
        self.ask("url", json!({ "url": url }));
    }

    /// What an expression in the page is.
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        self.ask("execute/sync", json!({ "script": format!("return {expression}"), "args": [] }))
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&self, expression: &str, seconds: u64) {
        let begin = Instant::now();
        while self.evaluate(expression) != json!(true) {
            let page = || self.evaluate("document.body.innerText");
            assert!(
                begin.elapsed() < Duration::from_secs(seconds),
                "waited for {expression}, and the page is {}",
                page()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks, with the mouse, on what a CSS selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let found = self.ask("element", json!({ "using": "css selector", "value": selector }));
        let element =
            found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str).unwrap();
        self.ask(&format!("element/{element}/click"), json!({}));
    }

    /// Presses keys as a person would; `\u{e004}` is the tabulator, `\u{e007}` enter.
    pub(crate) fn press(&self, keys: &str) {
        let presses: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        self.ask("actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": presses }] }));
    }

    /// A command of Chromium's own protocol.
    fn command(&self, name: &str, parameters: &Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": name, "params": parameters }))
    }

    /// The page as it is then seen: width in px, and whether dark. Nothing moves, for motion is asked not to.
    pub(crate) fn look_as(&self, width: usize, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.command("Emulation.setEmulatedMedia", &features);
        // Two frames, so that everything is drawn anew.
        self.ask("execute/async", json!({ "script": "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))", "args": [] }));
    }

    /// Writes the whole page as a PNG.
    pub(crate) fn screenshot(&self, path: &Path) {
        let size =
            self.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.command("Page.captureScreenshot", &parameters);
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Every URL of the network that was asked for since the start; `data:` and the browser's own pages are none.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.ask("se/log", json!({ "type": "performance" }));
        let message = |entry: &Value| serde_json::from_str::<Value>(entry["message"].as_str()?).ok();
        let url = |message: Value| {
            let message = &message["message"];
            let url = message["params"]["request"]["url"]
                .as_str()
                .filter(|url| url.starts_with("http") || url.starts_with("ws"));
            url.filter(|_| message["method"] == "Network.requestWillBeSent").map(str::to_owned)
        };
        log.as_array().unwrap().iter().filter_map(message).filter_map(url).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Looks at the page on telephones and screens, light and dark, and writes what is seen where the environment says.
pub(crate) fn look_at(browser: &Browser, name: &str) {
    for width in [360, 400, 800, 1400] {
        for (dark, scheme) in [(false, "light"), (true, "dark")] {
            browser.look_as(width, dark);
            if let Some(folder) = std::env::var_os("STYLE_SCREENSHOTS") {
                browser.screenshot(&Path::new(&folder).join(format!("{name}-{width}-{scheme}.png")));
            }
            let faults = browser.evaluate(FAULTS);
            assert_eq!(faults, json!([]), "{name}, {scheme}, {width} px wide");
        }
    }
    browser.look_as(1280, false);
}
