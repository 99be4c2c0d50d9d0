//! Text of strangers, for a terminal.

use std::fmt::{self, Display, Write as _};

/// A text without what would move the cursor, change colours or turn the direction of writing: names of files and
/// words in them are a stranger's. Written as in JSON, as some lines are JSON.
pub(super) struct Harmless<'a>(pub(super) &'a str);

/// Whether a terminal would do something else than to show a letter.
pub(crate) fn harms(letter: char) -> bool {
    letter.is_control() && letter != '\n' && letter != '\t'
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter)
}

impl Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
}
