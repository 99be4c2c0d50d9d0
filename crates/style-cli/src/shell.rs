//! Words for a shell's command line.

use std::fmt::Write as _;
use std::path::Path;

use crate::terminal::harms;

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    quoted_bytes(word.as_bytes())
}

/// A path as a shell takes it. One that begins with `-` would be an option.
pub(crate) fn quoted_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.starts_with(b"-") { quoted_bytes(&[b"./", bytes].concat()) } else { quoted_bytes(bytes) }
}

/// Plain, in quotes, or, with what a terminal would not show as it is, as `$'a\rb'`, which bash, zsh and ksh read, and
/// every shell by POSIX 2024, section 2.2.4.
fn quoted_bytes(word: &[u8]) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=,:+@%".contains(letter);
    match std::str::from_utf8(word) {
        Ok(text) if text.contains(harms) || text.contains(['\n', '\t']) => escaped(word),
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Ok(text) => format!("'{}'", text.replace('\'', r"'\''")),
        Err(_) => escaped(word),
    }
}

/// `$'…'`, in which every byte that is not a printed letter of ASCII stands as its number, in octal digits, as there are
/// always three of those.
fn escaped(word: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for &byte in word {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => _ = write!(text, "\\{byte:03o}"),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gets_back_the_words_that_it_gave() {
        assert_eq!(quoted("--size=256"), "--size=256");
        assert_eq!(quoted("<img src=x onerror=alert(1)>.png"), "'<img src=x onerror=alert(1)>.png'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_path_is_one_word_and_no_option() {
        for (path, word) in [
            ("out/castle_2.v1.png", "out/castle_2.v1.png"),
            ("my castle.png", "'my castle.png'"),
            ("-o.png", "./-o.png"),
            ("- o.png", "'./- o.png'"),
            ("~me/a.png", "'~me/a.png'"),
            ("Schlo\u{df}.png", "Schlo\u{df}.png"),
        ] {
            assert_eq!(quoted_path(Path::new(path)), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_gets_back_bytes_that_no_terminal_shows() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        use std::process::Command;

        for name in
            [&b"a\rb.png"[..], b"\xff\xfe.png", b"two\nlines", "it's\u{202e}\\7".as_bytes(), b"\x1b[2J1"]
        {
            let word = quoted_path(Path::new(OsStr::from_bytes(name)));
            assert!(
                word.starts_with("$'") && word.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{word}"
            );
            let told = Command::new("bash").args(["-c", &format!("printf %s {word}")]).output().unwrap();
            assert_eq!(told.stdout, name, "{word}");
        }
    }
}
