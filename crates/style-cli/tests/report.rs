//! The report of a run: its page and its JSON, and what a browser makes of it.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod browser;

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use browser::{Browser, look_at};
use serde_json::Value;

const HOSTILE: &str = "<img src=x onerror=alert(1)>.webp";

fn style(folder: &Path, arguments: &[&str]) -> Output {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/images");
    std::fs::copy(images.join("eilean_donan.webp"), folder.join("'\"&castle.webp")).unwrap();
    std::fs::copy(images.join("van_gogh_cafe_terrace.webp"), folder.join(HOSTILE)).unwrap();
    let program =
        Command::new(env!("CARGO_BIN_EXE_style")).current_dir(folder).args(arguments).output().unwrap();
    assert!(program.stdout.is_empty() || program.status.success());
    program
}

/// A run with all its files.
fn run(folder: &Path) -> (String, Value) {
    let arguments =
        ["'\"&castle.webp", HOSTILE, "-o", "a<b>&.png", "--size", "96", "--set", "smallest_scale=64"];
    let done =
        style(folder, &[&arguments[..], &["--steps", "12", "--report", "--tv-weight", "0.1"]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("a<b>&.report.html"), serde_json::from_str(&read("a<b>&.report.json")).unwrap())
}

/// Contents of all attributes of that name.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    page.split(&begin).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

/// The page without its elements of one kind, their contents included.
fn without(page: &str, element: &str) -> String {
    let begin = format!("<{element}");
    let mut parts = page.split(&begin);
    let mut rest = parts.next().unwrap().to_owned();
    let end = format!("</{element}>");
    parts.for_each(|part| rest += part.split_once(&end).unwrap().1);
    rest
}

/// What a reader sees of a piece of a page.
fn text(page: &str) -> String {
    let visible = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    visible.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_stands_by_itself_and_says_what_the_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let (page, json) = run(folder.path());

    // Nothing from elsewhere, nothing that acts.
    for name in ["src", "href", "srcset", "data", "action", "poster"] {
        assert!(
            attributes(&page, name).iter().all(|value| value.starts_with("data:image/jpeg;base64,")),
            "{name}"
        );
    }
    assert!(attributes(&page, "src").len() >= 7, "inputs, result, stages");
    for forbidden in ["<script", "<link", "<iframe", "url(", "@import", " onerror=", " onload=", "<img src=x"]
    {
        let inside = without(&page, "pre");
        assert!(!inside.replace("&lt;img src=x onerror=", "").contains(forbidden), "{forbidden}");
    }

    // Names as they are.
    for escaped in
        ["&lt;img src=x onerror=alert(1)&gt;.webp", "a&lt;b&gt;&amp;.png", "'&quot;&amp;castle.webp"]
    {
        assert!(page.contains(escaped), "{escaped}");
    }
    assert_eq!(json["inputs"]["styles"][0]["name"], HOSTILE);
    assert_eq!(json["output"], "a<b>&.png");

    // Every number of the page is the JSON's, at the place that it names, and shown to four digits.
    let mut numbers = 0;
    for part in page.split("<data ").skip(1) {
        let (head, rest) = part.split_once('>').unwrap();
        let shown: f64 = rest.split_once('<').unwrap().0.parse().unwrap();
        let place = attributes(&format!(" {head}"), "title")[0].to_owned();
        let value = &json.pointer(&place).unwrap_or_else(|| panic!("{place} is not in the JSON"));
        let value = value.as_f64().unwrap();
        let whole: f64 = attributes(&format!(" {head}"), "value")[0].parse().unwrap();
        // Reading JSON here may miss the last bit.
        assert!((whole - value).abs() <= f64::EPSILON * value.abs(), "{place}: {whole} for {value}");
        let is_memory = place.ends_with("memory");
        let expected = if is_memory { value / f64::from(1 << 20) } else { value };
        let error = if is_memory { 1.0 } else { 6e-4 * expected.abs() };
        assert!((shown - expected).abs() <= error, "{place}: {shown} for {expected}");
        numbers += 1;
    }
    assert!(numbers > 100, "{numbers}");
    // And there are no others, but in the drawings, commands and names.
    let rest = ["data", "style", "svg", "pre", "code", "title"]
        .iter()
        .fold(page.clone(), |page, element| without(&page, element));
    let rest = text(&rest);
    let stray: Vec<_> = rest
        .split_whitespace()
        .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'))
        .collect();
    let source = json["model"].to_string() + &json["hardware"].to_string();
    assert!(stray.iter().all(|word| source.contains(word)), "{stray:?}");
}

#[test]
fn the_json_has_all_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (_, json) = run(folder.path());
    let count = |place: &str| json.pointer(place).and_then(Value::as_array).map_or(0, Vec::len);
    assert_eq!((count("/losses"), count("/losses/0"), count("/terms")), (25, 7, 7));
    assert_eq!((count("/metrics/style_distance"), count("/metrics/content_distance")), (5, 1));
    assert!((0.0..=1.0).contains(&json["metrics"]["ssim"].as_f64().unwrap()));
    assert!(json["peak_memory"].as_u64().unwrap() > 1 << 20);
    assert_eq!(
        (&json["settings"]["tv_weight"], &json["preset"]["differs"]["tv_weight"]),
        (&0.1.into(), &0.3.into())
    );
    assert_eq!(json["recipe"]["settings"]["tv_weight"], 0.1);
    assert!(
        json["preset"]["differs"]
            .as_object()
            .unwrap()
            .keys()
            .all(|key| { ["size", "smallest_scale", "steps", "tv_weight"].contains(&key.as_str()) })
    );
    assert_eq!(json["hardware"]["name"], "flex");
    assert!(json["model"]["source_sha256"].as_str().unwrap().len() == 64);
    let stages: Vec<_> =
        json["stages"].as_array().unwrap().iter().map(|stage| stage["step"].as_u64().unwrap()).collect();
    assert!(stages.len() >= 5 && stages[0] == 1 && stages.is_sorted(), "{stages:?}");
    assert!(json["command"].as_array().unwrap().contains(&HOSTILE.into()));
}

#[test]
fn a_report_replaces_nothing_and_needs_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("out.report.json");
    std::fs::write(&place, "old").unwrap();
    let refused =
        style(folder.path(), &["'\"&castle.webp", HOSTILE, "-o", "out.png", "--report", "--size", "64"]);
    assert_eq!(refused.status.code(), Some(5));
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "old");
    let refused = style(folder.path(), &["'\"&castle.webp", HOSTILE, "-o", "-", "--report", "--size", "64"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_browser_shows_it_wide_and_narrow_light_and_dark() {
    let Some(browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
    let path: PathBuf = folder.path().join("report.html");
    std::fs::rename(folder.path().join("a<b>&.report.html"), &path).unwrap();
    let url = format!("file://{}", path.display());
    browser.open(&url);
    assert_eq!(browser.evaluate("[...document.images].every((image) => image.naturalWidth > 0)"), true);
    assert_eq!(browser.evaluate("document.querySelectorAll('[onerror]').length"), 0);
    assert_eq!(browser.evaluate("document.querySelectorAll('.curve').length"), 8);
    look_at(&browser, "report");
    let colours = [false, true].map(|dark| {
        browser.look_as(1280, dark);
        browser.evaluate("getComputedStyle(document.body).backgroundColor")
    });
    assert_ne!(colours[0], colours[1]);
    assert!(browser.requests().is_empty(), "asked for by the page: {:?}", browser.requests());

    // Losses of a thousand million and more, two regions with terms of their own, and many scales.
    for name in ["sky.png", "land.png"] {
        let mask = format!("../../examples/images/eilean_donan_{name}");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(mask), folder.path().join(name)).unwrap();
    }
    let inputs = ["'\"&castle.webp", HOSTILE, HOSTILE, "--mask", "sky.png,land.png"];
    let large = ["--preset", "pytorch-tutorial", "--size", "120", "--steps", "2"];
    let ladder = ["--set", "smallest_scale=50", "--set", "scale_factor=1.2", "--report", "-o", "large.png"];
    let done = style(folder.path(), &[&inputs[..], &large, &ladder].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    browser.open(&format!("file://{}", folder.path().join("large.report.html").display()));
    assert_eq!(browser.evaluate("document.querySelectorAll('.names text').length > 4"), true);
    look_at(&browser, "report-large");
}

#[test]
fn the_report_tells_of_the_preset_that_was_read_though_its_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shown = style(folder.path(), &["presets", "show", "fast", "--toml"]);
    std::fs::write(at("own.toml"), &shown.stdout).unwrap();
    let arguments = ["'\"&castle.webp", HOSTILE, "--preset", "own.toml", "--size", "64", "--steps", "60"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_style"))
        .current_dir(folder.path())
        .args([&arguments[..], &["--progress", "json", "--report", "-o", "out.png"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"event\":\"begin\"") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it never began");
    }
    std::fs::remove_file(at("own.toml")).unwrap();
    said.read_to_string(&mut line).unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
    let report: Value = serde_json::from_slice(&std::fs::read(at("out.report.json")).unwrap()).unwrap();
    assert_eq!(report["preset"]["name"], "own.toml");
    assert_eq!(
        report["preset"]["differs"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["size", "steps"]
    );
}
