//! A file, and what the importer has to say about it.

use crate::process::Outcome;

/// What the importer has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It is a VGG network, and the native file gets written.
    Converted,
    /// Nothing is wrong with the file, but it holds no VGG network; the message must not call it damaged.
    NotVgg,
    /// It is refused, and the message has this text.
    Refused(&'static str),
    /// Either is right, as long as nothing happens; for what lies beside the network and is never read.
    Harmless,
}

/// One file of the corpus.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Expect,
    /// What it is.
    pub(crate) what: String,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        bytes: Vec<u8>,
        expect: Expect,
        what: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), bytes, expect, what: what.into() }
    }
}

impl Expect {
    /// What is wrong with the answer.
    pub(crate) fn judge(self, outcome: &Outcome) -> Result<(), String> {
        let right = match self {
            Self::Converted => outcome.kind == "Converted",
            Self::NotVgg => outcome.is_refusal() && !outcome.blames_the_file(),
            Self::Refused(text) => outcome.is_refusal() && outcome.message.contains(text),
            Self::Harmless => true,
        };
        if right { outcome.judge_words() } else { Err(format!("expected {self:?}")) }
    }
}

impl Outcome {
    pub(crate) fn is_refusal(&self) -> bool {
        self.kind != "Converted"
    }

    /// Whether the message says that the file is broken or of another kind, instead of naming its contents.
    fn blames_the_file(&self) -> bool {
        let kinds = ["Unreadable", "NotACheckpoint", "UnsupportedContainer", "Damaged", "Output"];
        kinds.contains(&self.kind.as_str())
    }

    /// A message is one short line, whatever the file's names have in them, and says what to do next.
    fn judge_words(&self) -> Result<(), String> {
        if let Some(strange) = self.message.chars().find(|letter| letter.is_control()) {
            return Err(format!("the message has the control character {strange:?}"));
        }
        if self.message.len() > 1000 {
            return Err(format!("the message has {} bytes", self.message.len()));
        }
        if self.is_refusal() && (self.message.is_empty() || self.help.is_empty()) {
            return Err("there is no message, or no help".into());
        }
        Ok(())
    }
}
