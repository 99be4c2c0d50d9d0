//! What is said, and to whom: results on stdout, everything else on stderr.

use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use crate::failure::{Exit, Failure, Result};

/// Says a line on stderr. Nobody who closed it is bothered.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", Harmless(&line.to_string()));
}

/// A text without what would move the cursor, change colours or turn the direction of writing: names of files and
/// words in them are a stranger's. Written as in JSON, as some lines are JSON.
struct Harmless<'a>(&'a str);

impl Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harms = |letter: char| {
            letter.is_control() && letter != '\n' && letter != '\t'
                || ('\u{202a}'..='\u{202e}').contains(&letter)
                || ('\u{2066}'..='\u{2069}').contains(&letter)
        };
        for letter in self.0.chars() {
            if harms(letter) {
                write!(f, "\\u{:04x}", u32::from(letter))?;
            } else {
                f.write_char(letter)?;
            }
        }
        Ok(())
    }
}

/// A path as it is typed into a shell.
pub(crate) fn in_shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Gives out the path of a result: to a program byte for byte, to a terminal without what would harm it.
pub(crate) fn give_path(path: &Path) -> Result<()> {
    if io::stdout().is_terminal() {
        return give(Harmless(&path.to_string_lossy()));
    }
    give_bytes(&[path.as_os_str().as_encoded_bytes(), b"\n"].concat())
}

/// Gives out a line of result. A reader that has read enough, as `head` does, is no failure.
pub(crate) fn give(line: impl Display) -> Result<()> {
    give_bytes(format!("{line}\n").as_bytes())
}

/// Gives out bytes of a result.
pub(crate) fn give_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Output, format!("cannot write to stdout: {error}"))
                .help("see where stdout goes: a full disk, a closed terminal"))
        }
        _ => Ok(()),
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn steps(count: usize) -> String {
    if count == 1 { "1 step".to_owned() } else { format!("{count} steps") }
}

/// Bytes for people, in powers of ten as the library's messages have them.
pub(crate) fn bytes(bytes: usize) -> String {
    let mega = bytes as f64 / 1e6;
    match mega {
        _ if mega < 999.5 => format!("{mega:.0} MB"),
        _ => format!("{:.1} GB", mega / 1e3),
    }
}

/// A time for people: `14 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round().min(1e9) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) if seconds < 9.5 => format!("{seconds:.1} s"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_moves_no_cursor() {
        assert_eq!(
            Harmless("a\u{1b}[2J\r\u{9b}\u{202e}ü\n\tb").to_string(),
            "a\\u001b[2J\\u000d\\u009b\\u202eü\n\tb"
        );
        let json = serde_json::to_string("a\u{9b}").unwrap();
        let read: String = serde_json::from_str(&Harmless(&json).to_string()).unwrap();
        assert_eq!(read, "a\u{9b}", "a line of JSON still says the same");
    }

    #[test]
    fn a_path_is_quoted_where_a_shell_would_take_it_apart() {
        let of = |path: &str| in_shell(Path::new(path));
        assert_eq!(of("out/a_b-1.png"), "out/a_b-1.png");
        assert_eq!(of("my $pic's.png"), r"'my $pic'\''s.png'");
        assert_eq!(of(""), "''");
    }

    #[test]
    fn times_and_bytes_have_the_unit_that_fits() {
        assert_eq!(
            [0.04, 9.4, 14.4, 200.0, 7500.0].map(duration),
            ["0.0 s", "9.4 s", "14 s", "3 min 20 s", "2 h 5 min"]
        );
        assert_eq!([190_000_000, 21_300_000_000].map(bytes), ["190 MB", "21.3 GB"]);
    }
}
