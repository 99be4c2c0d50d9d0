//! Values that shells complete, where others are allowed too: a preset may be a file, a device has a number.

use std::ffi::OsStr;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser};
use style_transfer::Preset;

/// Takes any text, and names some.
#[derive(Debug, Clone)]
pub(crate) struct Suggested(Vec<&'static str>);

/// The names of all presets.
pub(crate) fn presets() -> Suggested {
    Suggested(Preset::names().collect())
}

/// The kinds of devices that a build may have; `style devices` lists those of this one.
pub(crate) fn devices() -> Suggested {
    Suggested(vec!["auto", "cpu", "gpu", "vulkan", "metal", "cuda", "rocm", "wgpu", "flex", "ndarray"])
}

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        NonEmptyStringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};
    use clap_complete::Shell;

    use crate::arguments::Arguments;

    #[test]
    fn any_preset_and_device_is_taken_and_those_with_a_name_are_completed() {
        let words = ["style", "a", "b", "--preset", "mine.toml", "--device", "vulkan:1"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        assert_eq!(arguments.transfer.run.sources.preset.as_deref(), Some("mine.toml"));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "style", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("gatys-notebook") && text.contains("vulkan"), "{shell}");
        }
        let help = Arguments::command().render_long_help().to_string();
        assert!(!help.contains("possible values: fast"), "they have their own command");
    }
}
