//! Every command of README.md and of the pages in docs/ is run, in the order of its page, in a folder with pictures of the
//! names that the pages use.
//!
//! * A block marked `sh` has to succeed.
//! * A block marked `console` has commands after `$ `, each with lines that it has to print, in their order, and the code
//!   that it ends with where that is not 0: `console exit=3`. Other lines may come between; `…` stands for anything.
//!
//! What a command means here, and which are not run and why, is in `documentation/prelude.sh`: runs are made small and
//! short, and what is not known fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use style_transfer::Image;
use tempfile::TempDir;

const STYLE: &str = env!("CARGO_BIN_EXE_style");
const PRELUDE: &str = include_str!("documentation/prelude.sh");

/// Pictures that the pages take for granted, and which of the bundled ones each is.
const PICTURES: [(&str, &str); 12] = [
    ("photo.jpg", "eilean_donan"),
    ("painting.jpg", "van_gogh_cafe_terrace"),
    ("second.jpg", "van_gogh_harvest_at_la_crau"),
    ("a.jpg", "van_gogh_cafe_terrace"),
    ("b.jpg", "van_gogh_harvest_at_la_crau"),
    ("starry.jpg", "van_gogh_church_at_auvers"),
    ("photos/one.jpg", "eilean_donan"),
    ("photos/two.jpg", "van_gogh_church_at_auvers"),
    ("photos/three.png", "van_gogh_harvest_at_la_crau"),
    ("paintings/one.jpg", "van_gogh_cafe_terrace"),
    ("sky.png", "eilean_donan_sky"),
    ("land.png", "eilean_donan_land"),
];

/// Weights files by the names of published ones; inside is the bundled network, for importers go by what a file holds.
const WEIGHTS: [&str; 4] =
    ["vgg19-dcbb9e9d.pth", "vgg16-397923af.pth", "vgg19-d01eb7cb.pth", "vgg16-00b39a1b.pth"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// README.md and the pages, with their names and texts.
fn pages() -> Vec<(String, String)> {
    let root = root();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    paths.sort();
    paths.insert(0, root.join("README.md"));
    let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// A fenced block of a page.
struct Block<'p> {
    /// Of its first line, from 1.
    line: usize,
    /// What stands behind the fence, in words.
    words: Vec<&'p str>,
    lines: Vec<&'p str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```"));
        blocks.push(Block {
            line: index + 2,
            words: info.split_whitespace().collect(),
            lines: inside.collect(),
        });
    }
    blocks
}

/// A folder as a reader has it: own pictures, and what the repository brings along.
fn folder() -> TempDir {
    let (folder, root) = (TempDir::new().unwrap(), root());
    for place in ["photos", "paintings"] {
        fs::create_dir(folder.path().join(place)).unwrap();
    }
    for (name, bundled) in PICTURES {
        let file = ["webp", "png"].map(|kind| root.join(format!("examples/images/{bundled}.{kind}")));
        let file = file.iter().find(|path| path.exists()).unwrap();
        // Small enough to be read at once, large enough for every layer.
        let picture = Image::open(file).unwrap().resized_to_long_side(160).unwrap();
        picture.save(folder.path().join(name)).unwrap();
    }
    for name in WEIGHTS {
        symlink(root.join("weights/vgg19.safetensors"), folder.path().join(name)).unwrap();
    }
    symlink(root.join("examples"), folder.path().join("examples")).unwrap();
    folder
}

/// What a script did.
struct Done {
    code: Option<i32>,
    /// stdout and stderr together, as they came.
    said: String,
}

/// Runs a script of a page with the prelude before it; `as_it_is` with the very arguments that the page has.
fn run(script: &str, as_it_is: bool, folder: &Path, log: &Path) -> Done {
    let script = format!("{PRELUDE}\n{script}").replace("\ntools/", "\ntool tools/");
    let output = log.with_extension("output");
    let said = fs::File::create(&output).unwrap();
    let code = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(folder)
        .env("STYLE", STYLE)
        .env("EXAMPLES", Path::new(STYLE).with_file_name("examples"))
        .env("ROOT", root())
        .env("LOG", log)
        .env("AS_IT_IS", if as_it_is { "yes" } else { "" })
        // The width at which a terminal would break lines, and its pictures, are nobody's business here.
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .status()
        .unwrap()
        .code();
    Done { code, said: String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned() }
}

/// Whether a line is as a page shows it, where `…` stands for anything.
fn is_like(line: &str, shown: &str) -> bool {
    let mut parts = shown.trim_end().split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.trim_end().strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// The first line that a page shows and the program did not say, in the order of the page.
fn missing<'p>(said: &str, shown: &[&'p str]) -> Option<&'p str> {
    let mut said = said.lines();
    shown
        .iter()
        .filter(|line| !line.trim().is_empty())
        .find(|shown| !said.any(|line| is_like(line, shown)))
        .copied()
}

/// The commands of a `console` block, each with what it has to print.
fn transcripts<'p>(lines: &[&'p str]) -> Vec<(&'p str, Vec<&'p str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for &line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("a console block begins with a command after `$ `, found {line:?}"),
        }
    }
    commands
}

/// What is wrong with a block, if anything.
fn check(block: &Block<'_>, folder: &Path, log: &Path) -> Vec<String> {
    match block.words.first() {
        Some(&"sh") => {
            let done = run(&block.lines.join("\n"), false, folder, log);
            if done.code == Some(0) {
                Vec::new()
            } else {
                vec![format!("ended with {:?}:\n{}", done.code, done.said)]
            }
        }
        Some(&"console") => {
            let exit = block.words.iter().find_map(|word| word.strip_prefix("exit="));
            let exit: i32 = exit.map_or(0, |code| code.parse().unwrap());
            let faults = transcripts(&block.lines).into_iter().filter_map(|(command, shown)| {
                let done = run(command, true, folder, log);
                if done.code != Some(exit) {
                    return Some(format!(
                        "{command}\nended with {:?}, not {exit}:\n{}",
                        done.code, done.said
                    ));
                }
                let line = missing(&done.said, &shown)?;
                Some(format!("{command}\ndid not say {line:?} (in this place), but:\n{}", done.said))
            });
            faults.collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_command_of_the_documentation_does_what_its_page_says() {
    let logs = TempDir::new().unwrap();
    let log = logs.path().join("log");
    fs::write(&log, "").unwrap();
    let mut faults = Vec::new();
    for (name, text) in pages() {
        let folder = folder();
        for block in blocks(&text) {
            for fault in check(&block, folder.path(), &log) {
                faults.push(format!("{name}:{}: {fault}", block.line));
            }
        }
    }
    let log = fs::read_to_string(&log).unwrap();
    let (ran, others): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.starts_with("ran\t"));
    println!("{} commands of the documentation were run; {} were not:", ran.len(), others.len());
    for line in &others {
        println!("  {line}");
    }
    assert!(faults.is_empty(), "{} faults:\n\n{}", faults.len(), faults.join("\n\n"));
    assert!(ran.len() >= 40, "only {} commands were found: are the blocks still marked as sh?", ran.len());
}

/// What the program's help calls an option.
fn options_of(help: &str) -> Vec<String> {
    let words =
        help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let names = words.filter_map(|word| word.strip_prefix("--"));
    let name =
        |word: &str| word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap().to_owned();
    let mut names: Vec<String> = names.map(name).filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn every_option_of_the_program_is_in_the_page_of_options() {
    let page = fs::read_to_string(root().join("docs/options.md")).unwrap();
    let help = Command::new(STYLE).arg("--help").output().unwrap();
    let options = options_of(&String::from_utf8(help.stdout).unwrap());
    assert!(options.len() > 30, "found only {options:?}");
    let absent: Vec<&String> = options.iter().filter(|name| !page.contains(&format!("--{name}"))).collect();
    assert!(absent.is_empty(), "docs/options.md does not tell of {absent:?}");
}

/// Each option of a help text that has a default, with it.
fn defaults_of(help: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut name = None;
    let mut text = String::new();
    for line in help.lines().chain(["      --end"]) {
        let begin = line.trim_start();
        let starts = begin.starts_with('-') && line.len() - begin.len() < 8;
        if starts || begin.is_empty() {
            let default = text.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
            found.extend(name.take().zip(default).map(|(name, (default, _))| (name, default.to_owned())));
            text.clear();
        }
        if let Some((_, option)) = begin.split_once("--").filter(|_| starts) {
            let end = option.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(option.len());
            name = Some(option[..end].to_owned());
        }
        text += " ";
        text += begin;
    }
    found
}

#[test]
fn the_page_of_options_has_the_defaults_of_the_program() {
    let page = fs::read_to_string(root().join("docs/options.md")).unwrap();
    let help = Command::new(STYLE).arg("--help").output().unwrap();
    let defaults = defaults_of(&String::from_utf8(help.stdout).unwrap());
    assert!(defaults.len() > 20, "found only {defaults:?}");
    for (name, default) in defaults {
        let is_row = |line: &&str| {
            line.split(" | ").next().is_some_and(|cell| {
                cell.starts_with("| `") && cell.split([' ', '`']).any(|word| word == format!("--{name}"))
            })
        };
        let row = page.lines().find(is_row).unwrap_or_else(|| panic!("--{name} has no row"));
        let shown = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let rest = shown.strip_prefix(&*default);
        assert!(
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')),
            "--{name}: {shown:?}, not {default:?}"
        );
    }
}

/// Every page of Markdown in the repository, from its root.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // What git keeps, what was built, and what is not the repository's own.
        let is_foreign = name.starts_with('.') || ["target", "shared"].contains(&&*name);
        if is_foreign || entry.file_type().unwrap().is_symlink() {
            continue;
        }
        if path.is_dir() {
            markdown(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
}

/// A page without its fenced blocks.
fn prose(page: &str) -> Vec<&str> {
    let mut is_inside = false;
    let kept = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_inside && !is_fence
    });
    kept.collect()
}

/// The targets of a page's links and pictures, without those on other sites.
fn links<'p>(prose: &[&'p str]) -> Vec<&'p str> {
    let inline = prose.iter().flat_map(|line| line.split("](").skip(1));
    let inline = inline.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let named = prose.iter().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    let targets = inline.chain(named.map(|(_, target)| target.trim()));
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace)).collect()
}

/// The anchors that a page's headings get on a forge: a heading that comes again has its number behind it.
fn anchors(prose: &[&str]) -> Vec<String> {
    let mut seen = Vec::new();
    let headings = prose.iter().filter(|line| line.starts_with('#'));
    let each = headings.map(|heading| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        let name: String = kept.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect();
        seen.push(name.clone());
        match seen.iter().filter(|other| **other == name).count() - 1 {
            0 => name,
            times => format!("{name}-{times}"),
        }
    });
    each.collect()
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let (root, mut paths) = (root(), Vec::new());
    markdown(&root, &mut paths);
    let (mut dead, mut count) = (Vec::new(), 0);
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        for link in links(&prose(&text)) {
            count += 1;
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let is_there = target.exists()
                && (fragment.is_empty()
                    || fs::read_to_string(&target)
                        .is_ok_and(|page| anchors(&prose(&page)).iter().any(|anchor| anchor == fragment)));
            if !is_there {
                dead.push(format!("{}: {link}", path.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
    assert!(paths.len() >= 20 && count >= 100, "only {count} links in {} pages", paths.len());
}

#[test]
fn links_and_anchors_are_those_that_a_reader_sees() {
    let page = "# The `one` way\n[a](b.md#c), ![d](e.png) [f](https://g)\n```sh\n# no heading [h](i)\n```\n[j]: k.md\n## The one way\n";
    assert_eq!(links(&prose(page)), ["b.md#c", "e.png", "k.md"]);
    assert_eq!(anchors(&prose(page)), ["the-one-way", "the-one-way-1"]);
}

#[test]
fn a_line_is_compared_with_what_a_page_shows_of_it() {
    assert!(is_like("error: cannot read a.jpg: none", "error: cannot read …"));
    assert!(is_like("512 x 341 px, 14 s", "… x … px, … s"));
    assert!(!is_like("512 x 341 px, 14 min", "… x … px, … s"));
    assert!(!is_like("error: more", "error:"));
    assert_eq!(missing("one\ntwo\nthree", &["one", "", "three"]), None);
    assert_eq!(missing("one\ntwo\nthree", &["three", "one"]), Some("one"));
}

#[test]
fn options_are_found_in_a_help_text() {
    let help = "  -o, --output <PICTURE>  Where; see --force\n      --view[=<PORT>]\n          Show it, not --no-view\n";
    assert_eq!(options_of(help), ["force", "output", "view"]);
    let help = "  -o, --output <PICTURE>  Where; see --size [default:\n    `a` in b]\n      --force  Replace\n      --size <PX>  Long\n      side [default: 320]\n";
    let found = defaults_of(help);
    assert_eq!(found, [("output", "`a` in b"), ("size", "320")].map(|(a, b)| (a.to_owned(), b.to_owned())));
}
