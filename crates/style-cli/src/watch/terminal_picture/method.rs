//! How a terminal shows pictures, by what its environment says.

/// How a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// The graphics protocol of kitty, which Ghostty, `WezTerm` and Konsole know too.
    Kitty,
    /// Inline images as iTerm2 has them.
    Iterm,
    /// Half blocks, two pixels a character, in any colour.
    Blocks,
    /// The same in the 256 colours of xterm.
    Blocks256,
}

/// The variables that say what a terminal can do; empty where they are not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    term: String,
    program: String,
    terminal: String,
    colours: String,
    kitty: bool,
    /// Inside of tmux or screen, which pass text through and nothing else.
    multiplexed: bool,
    no_colour: bool,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        Self::new(|name| std::env::var(name).unwrap_or_default())
    }

    fn new(variable: impl Fn(&str) -> String) -> Self {
        let is_set = |name: &str| !variable(name).is_empty();
        let term = variable("TERM");
        Self {
            multiplexed: is_set("TMUX")
                || is_set("STY")
                || term.starts_with("screen")
                || term.starts_with("tmux"),
            program: variable("TERM_PROGRAM"),
            terminal: variable("LC_TERMINAL"),
            colours: variable("COLORTERM"),
            kitty: is_set("KITTY_WINDOW_ID") || is_set("KONSOLE_VERSION") || is_set("GHOSTTY_RESOURCES_DIR"),
            no_colour: is_set("NO_COLOR"),
            term,
        }
    }

    /// Half blocks, in as many colours as there are; `None` where there are none.
    pub(crate) fn blocks(&self) -> Option<Method> {
        let all = matches!(self.colours.as_str(), "truecolor" | "24bit") || self.term.ends_with("-direct");
        let some = self.term.contains("256color") || self.multiplexed || self.kitty;
        match (all, some) {
            _ if self.no_colour || matches!(self.term.as_str(), "" | "dumb" | "linux") => None,
            (true, _) => Some(Method::Blocks),
            (false, true) => Some(Method::Blocks256),
            (false, false) => None,
        }
    }

    /// The best that this terminal can; `None` for one that shows no pictures.
    pub(crate) fn best(&self) -> Option<Method> {
        let blocks = self.blocks();
        if self.multiplexed || self.no_colour || self.term == "dumb" {
            return blocks;
        }
        let knows_kitty = self.kitty || self.term.contains("kitty") || self.term.contains("ghostty");
        match self.program.as_str() {
            _ if knows_kitty => Some(Method::Kitty),
            "ghostty" | "WezTerm" => Some(Method::Kitty),
            "iTerm.app" => Some(Method::Iterm),
            _ if self.terminal == "iTerm2" => Some(Method::Iterm),
            _ => blocks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(variables: &[(&str, &str)]) -> Option<Method> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        Environment::new(|name| find(name).to_owned()).best()
    }

    #[test]
    fn each_terminal_gets_what_it_knows() {
        let xterm = ("TERM", "xterm-256color");
        for (variables, expected) in [
            (&[xterm, ("COLORTERM", "truecolor")][..], Some(Method::Blocks)),
            (&[xterm], Some(Method::Blocks256)),
            (&[("TERM", "xterm-kitty"), ("COLORTERM", "truecolor")], Some(Method::Kitty)),
            (&[xterm, ("TERM_PROGRAM", "WezTerm")], Some(Method::Kitty)),
            (&[xterm, ("TERM_PROGRAM", "iTerm.app")], Some(Method::Iterm)),
            (&[xterm, ("LC_TERMINAL", "iTerm2")], Some(Method::Iterm)),
            (&[("TERM", "xterm")], None),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], None),
            (&[("TERM", "linux")], None),
            (&[], None),
        ] {
            assert_eq!(best(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn tmux_gets_half_blocks_whatever_runs_outside() {
        let outside =
            [("KITTY_WINDOW_ID", "1"), ("TERM_PROGRAM", "tmux"), ("TMUX", "/tmp/tmux-0/default,1,0")];
        let with = |term, colours| best(&[&outside[..], &[("TERM", term), ("COLORTERM", colours)]].concat());
        assert_eq!(with("tmux-256color", "truecolor"), Some(Method::Blocks));
        assert_eq!(with("screen", ""), Some(Method::Blocks256));
    }

    #[test]
    fn who_wants_no_colours_gets_no_picture() {
        assert_eq!(best(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]), None);
    }
}
