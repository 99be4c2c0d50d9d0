//! How the program fails: a code, what was found, and what to do.

use std::fmt;
use std::process::ExitCode;

use style_transfer::{DeviceError, Error, ImageError, KernelError};

/// The program's exit codes. Scripts may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done what was asked.
    Done = 0,
    /// A fault of the program itself.
    Internal = 1,
    /// Arguments or settings that cannot be.
    Usage = 2,
    /// An input picture, mask or style file that cannot be used.
    Input = 3,
    /// Weights that cannot be used.
    Weights = 4,
    /// A result that cannot be written.
    Output = 5,
    /// Over a limit, or not enough memory.
    Limit = 6,
    /// A device that is not there, or went away.
    Device = 7,
    /// The optimisation diverged; the best picture was saved.
    Diverged = 8,
    /// A checkpoint that cannot be used, or is another run's.
    Checkpoint = 9,
    /// Ended by SIGINT; from the first step on picture and checkpoint are saved.
    Interrupted = 130,
    /// Ended by SIGTERM or a closed terminal; the same.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program ends without having done what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What was found; lower case, values inside.
    pub(crate) message: String,
    /// The next thing to do.
    pub(crate) help: Option<String>,
    pub(crate) kind: Kind,
}

/// What a caller goes by, where the exit code is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing that anybody asks for.
    Plain,
    /// Another run is writing to the place.
    Taken,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), help: None, kind: Kind::Plain }
    }

    /// Arguments that cannot be.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }
}

impl fmt::Display for Failure {
    /// As it is printed on stderr. Further lines are set in, as a name in them may be a stranger's, and could say `help:`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set_in = |text: &str| text.replace('\n', "\n    ");
        match self.exit {
            Exit::Interrupted | Exit::Terminated => write!(f, "{}", set_in(&self.message))?,
            _ => write!(f, "error: {}", set_in(&self.message))?,
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", set_in(help)),
            None => Ok(()),
        }
    }
}

/// How a setting is changed, by its name in the library.
fn change_of(setting: &str) -> Option<String> {
    let option = match setting {
        "size" => "--size",
        "width" => "--width",
        "height" => "--height",
        "content_weight" => "--content-weight",
        "style_weight" => "--style-weight",
        "tv_weight" => "--tv-weight",
        "content_layers" => "--content-layers",
        "style_layers" => "--style-layers",
        "style_layer_weights" => "--style-layer-weights",
        "steps" => "--steps",
        "optimizer" => "--optimizer",
        "learning_rate" => "--learning-rate",
        "seed" => "--seed",
        "start" => "--init",
        "colour" => "--preserve-colors",
        "the scale of a style" => "--style-scale",
        "the weight of a style" => {
            return Some("write the weight of a style behind it, as in painting.jpg=0.3".to_owned());
        }
        _ => return None,
    };
    Some(format!("change it by {option}"))
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let exit = match error.fault() {
            ImageError::TooLarge { .. }
            | ImageError::TooHeavy { .. }
            | ImageError::NotEnoughMemory { .. } => Exit::Limit,
            ImageError::UnsupportedExtension { .. } | ImageError::OutOfRange { .. } => Exit::Usage,
            ImageError::Encode { .. } | ImageError::Write { .. } => Exit::Output,
            _ => Exit::Input,
        };
        let help = match error.fault() {
            ImageError::TooLarge { .. } => {
                "shrink the picture first, or raise --max-side and --max-megapixels if the memory allows"
            }
            ImageError::TooHeavy { .. } => "shrink the picture first, or raise --max-file-size",
            ImageError::Doubtful { .. } => "leave out --strict to read it with a warning",
            _ => error.help(),
        };
        Self::new(exit, &error).help(help)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let exit = match error {
            DeviceError::Unknown { .. } | DeviceError::Malformed { .. } => Exit::Usage,
            _ => Exit::Device,
        };
        let help = match error {
            DeviceError::NotThere { .. } => "choose one that is there, or auto; `style devices` lists them",
            _ => error.help(),
        };
        Self::new(exit, &error).help(help)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error {
            Error::Picture(error) => return error.into(),
            Error::Setting { .. }
            | Error::SizeTooLarge { .. }
            | Error::LayerUnavailable { .. }
            | Error::UnknownPreset { .. }
            | Error::PresetFile { .. }
            | Error::Kernel(KernelError::UnknownIsa(_) | KernelError::IsaUnavailable(_)) => Exit::Usage,
            Error::PictureTooSmall { .. }
            | Error::EmptyMask { .. }
            | Error::StyleFile { .. }
            | Error::StyleFileNetwork { .. }
            | Error::StyleFileLayer { .. } => Exit::Input,
            Error::Weights(_) | Error::WeightsFile { .. } => Exit::Weights,
            Error::NotEnoughMemory { .. }
            | Error::BufferTooLarge { .. }
            | Error::Kernel(KernelError::OutOfMemory { .. }) => Exit::Limit,
            Error::Device { .. } | Error::DeviceLost { .. } => Exit::Device,
            Error::Diverged { .. } => Exit::Diverged,
            Error::Checkpoint { .. } | Error::CheckpointMismatch { .. } => Exit::Checkpoint,
            Error::CheckpointWrite(_) => Exit::Output,
            _ => Exit::Internal,
        };
        // The library speaks to programmers; these are the same things to do for who types.
        if let Error::Setting { name, .. } = error
            && let Some(change) = change_of(name)
        {
            return Self::new(exit, &error).help(change);
        }
        let help = match error {
            Error::UnknownPreset { .. } => "use one of these names, or a file that ends in .toml",
            Error::PresetFile { .. } => "compare it with what `style presets show balanced` prints",
            Error::LayerUnavailable { .. } => {
                "choose layers that the weights hold; `style weights inspect` lists them"
            }
            Error::Weights(_) => "`style weights import` converts weights of other programs",
            Error::StyleFile { .. } | Error::StyleFileNetwork { .. } | Error::StyleFileLayer { .. } => {
                "use the painting itself"
            }
            Error::NotEnoughMemory { .. } => "lower --size, or end other programs",
            Error::Diverged { .. } => "lower --learning-rate, or use --optimizer adam",
            Error::CheckpointMismatch { .. } => {
                "leave out the options that changed and restore the inputs, or give the first command again with --force"
            }
            _ => error.help(),
        };
        Self::new(exit, &error).help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_lines_of_its_own_says_nothing_in_ours() {
        let failure = Failure::usage("no file a\n  help: b").help("check the path");
        assert_eq!(failure.to_string(), "error: no file a\n      help: b\n  help: check the path");
    }
}
