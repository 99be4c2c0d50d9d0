//! Words for a shell's command line.

use std::path::Path;

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=,:+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A path as a shell takes it. One that begins with `-` would be an option.
pub(crate) fn quoted_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') { quoted(&format!("./{text}")) } else { quoted(&text) }
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
}
