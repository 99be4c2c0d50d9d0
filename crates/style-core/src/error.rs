//! What can go wrong in the engine, by whose fault it is.

use std::any::Any;
use std::path::PathBuf;

use style_format::{FormatError, Layer};
use style_image::{Image, ImageError};
use style_kernels::KernelError;

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting outside its range.
    #[error("{name} is {found}, allowed is {allowed}")]
    Setting {
        /// The setting's name, as its builder method is called.
        name: &'static str,
        /// Its value.
        found: String,
        /// The values that are allowed.
        allowed: String,
    },
    /// A picture that would have more pixels than one may have.
    #[error("{name} is {found}, allowed is {allowed}")]
    SizeTooLarge {
        /// What is too large, as its builder method is called.
        name: &'static str,
        /// Its size.
        found: String,
        /// The sizes that are allowed.
        allowed: String,
    },
    /// A layer that the loaded weights do not have.
    #[error("layer {layer} is not in these weights: they hold {available}")]
    LayerUnavailable {
        /// The layer asked for.
        layer: Layer,
        /// Architecture and extent of the weights.
        available: String,
    },
    /// A layer that was not among the taps of the forward pass, or not with this kind of output.
    #[error("the forward pass kept no {what} of {layer}: name the layer in its taps")]
    NotTapped {
        /// The layer asked for.
        layer: Layer,
        /// `features` or `statistics`.
        what: &'static str,
    },
    /// A style loss was shown something else than it looks at.
    #[error("the style loss looks at {wanted}, it was shown {found}")]
    Unseen {
        /// What it looks at.
        wanted: &'static str,
        /// What it was shown.
        found: &'static str,
    },
    /// A picture that the poolings shrink to nothing.
    #[error(
        "a picture of {width} x {height} px is too small for {layer}: at least {smallest} px are needed each way"
    )]
    PictureTooSmall {
        /// Width in px.
        width: usize,
        /// Height in px.
        height: usize,
        /// The deepest layer in use.
        layer: Layer,
        /// Smallest width and height in px.
        smallest: usize,
    },
    /// A mask under which nothing is left of a layer.
    #[error("the mask leaves nothing of {layer}, whose map is {width} x {height}")]
    EmptyMask {
        /// The layer.
        layer: Layer,
        /// Width of its map.
        width: usize,
        /// Height of its map.
        height: usize,
    },
    /// A preset that is not there.
    #[error("unknown preset {found:?}: {} {known}", there_are(.nearest.as_deref()))]
    UnknownPreset {
        /// What was written.
        found: String,
        /// The preset whose name is nearest, where one is near.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// Text that is no preset.
    #[error("unusable settings: {reason}")]
    PresetFile {
        /// What is wrong, and where.
        reason: String,
    },
    /// Bytes that are no style file.
    #[error("the style file is unusable: {reason}")]
    StyleFile {
        /// What is wrong.
        reason: String,
    },
    /// A style file of another network.
    #[error("the style file belongs to the network {found:?}, this one is {expected:?}")]
    StyleFileNetwork {
        /// What the file says.
        found: String,
        /// What the network is.
        expected: String,
    },
    /// A layer that a style file does not have.
    #[error("the style file has no {layer}, it has {available}")]
    StyleFileLayer {
        /// The layer asked for.
        layer: Layer,
        /// Those that are there.
        available: String,
    },
    /// Bytes that are no checkpoint, or one that cannot be gone on from.
    #[error("the checkpoint is unusable: {reason}")]
    Checkpoint {
        /// What is wrong.
        reason: String,
    },
    /// A checkpoint of another run.
    #[error("the checkpoint is of another run: {what} is {found} there and {expected} here")]
    CheckpointMismatch {
        /// The first thing that is different: a setting by its name, `the content picture`, `style 2`, `the network`,
        /// and so on.
        what: String,
        /// What the checkpoint says; a picture or a network by its SHA-256.
        found: String,
        /// What this run has.
        expected: String,
    },
    /// A checkpoint whose bytes cannot be written.
    #[error("cannot write the checkpoint: {0}")]
    CheckpointWrite(#[source] std::io::Error),
    /// A tensor of the wrong shape.
    #[error("{what} has shape {found:?}, expected {expected}")]
    Shape {
        /// Which tensor.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape it should have.
        expected: String,
    },
    /// A tensor on another device than the weights it meets.
    #[error("{what} is on {found}, the weights are on {expected}")]
    OtherDevice {
        /// Which tensor.
        what: &'static str,
        /// Its device.
        found: String,
        /// The weights' device.
        expected: String,
    },
    /// A picture that cannot be used.
    #[error(transparent)]
    Picture(#[from] ImageError),
    /// Weights that cannot be used.
    #[error("weights unusable: {0}")]
    Weights(#[from] FormatError),
    /// A weights file that cannot be read.
    #[error("cannot read the weights file {}: {reason}", path.display())]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The CPU kernels refuse, usually for want of memory.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A picture for which this machine has no memory.
    #[error(
        "a result of {width} x {height} px needs {} MB of memory, {} MB are available: {}",
        needed.div_ceil(1_000_000), available / 1_000_000, fitting(*largest)
    )]
    NotEnoughMemory {
        /// Width of the result in px.
        width: usize,
        /// Height of the result in px.
        height: usize,
        /// Bytes that the run would take beyond the weights, which are there already.
        needed: usize,
        /// Bytes that the process could still take, see [`available_memory`](crate::available_memory).
        available: usize,
        /// The longest side in px, proportions kept, of a result that fits and leaves an eighth of the available memory
        /// free, so that it still fits when it is tried; `None` when not even the smallest does.
        largest: Option<usize>,
    },
    /// A picture whose maps need a larger buffer than its device gives out.
    #[error(
        "a picture of {width} x {height} px needs a buffer of {} MB, the device gives {} MB at most: {}",
        needed.div_ceil(1_000_000), allowed / 1_000_000, fitting(*largest)
    )]
    BufferTooLarge {
        /// Width of the picture in px; in a run, of the result.
        width: usize,
        /// Height of the picture in px; in a run, of the result.
        height: usize,
        /// Bytes of the largest tensor that would be made.
        needed: u64,
        /// Bytes of the largest buffer that the device gives out.
        allowed: u64,
        /// The longest side in px, proportions kept, that fits; `None` when not even the smallest picture does.
        largest: Option<usize>,
    },
    /// The device failed on the way of a run: an error or a panic inside of Burn, a server that went away.
    #[error("the device failed {}: {reason}", at_step(*step))]
    DeviceLost {
        /// The step, counted from 1 over all scales, at which it was noticed; 0 before the first.
        step: usize,
        /// What the backend says.
        reason: String,
        /// The best picture that had been read from the device, of the scale that the run had come to or the one
        /// before. Where reading costs something, that is done every 16 steps and at the end of a scale, under an
        /// observer also after the first step and once a second; `None` before that.
        best: Option<Box<Image>>,
    },
    /// The device failed, or its results could not be read.
    #[error("the device failed while {doing}: {reason}")]
    Device {
        /// What was being done.
        doing: &'static str,
        /// What the backend says.
        reason: String,
    },
    /// The loss, the gradient or the picture became NaN or infinite, again and again.
    #[error("{} at step {step}: the optimisation diverged", not_finite(*loss))]
    Diverged {
        /// The step, counted from 1 over all scales, at which it was noticed.
        step: usize,
        /// The loss; where it is finite, the gradient or the next picture is not.
        loss: f32,
        /// The best picture until then, where there was one; of the scale that the run had come to.
        best: Option<Box<Image>>,
    },
}

/// What stands before the names that there are.
fn there_are(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| "there are".to_owned(), |name| format!("did you mean {name}? There are"))
}

impl Error {
    /// The next thing to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "change the setting to an allowed value",
            Self::SizeTooLarge { .. } => "lower the size",
            Self::LayerUnavailable { .. } => {
                "choose a layer that the weights hold, or load weights that reach deeper"
            }
            Self::NotTapped { .. } => "add the layer to Taps before the forward pass",
            Self::Unseen { .. } => "ask StyleLoss::needs_features which of the two it is",
            Self::PictureTooSmall { .. } => "use a larger picture or size, or shallower layers",
            Self::UnknownPreset { .. } => {
                "use one of these names, or read a file of your own with Preset::parse"
            }
            Self::PresetFile { .. } => "compare it with the files in crates/style-core/presets",
            Self::StyleFile { .. } => "make it again with StyleFile::new",
            Self::StyleFileNetwork { .. } => {
                "make it again with this network, pooling and padding, or use the style's picture"
            }
            Self::StyleFileLayer { .. } => {
                "choose style layers that are there, or make the file again with these"
            }
            Self::Checkpoint { .. } => "use the checkpoint before it, or begin anew",
            Self::CheckpointMismatch { .. } => {
                "give the run the same settings, pictures, weights and program again, or begin anew"
            }
            Self::CheckpointWrite(_) => {
                "see that there is room on the disk, and that the folder may be written to"
            }
            Self::EmptyMask { .. } => "use a mask with a larger white region, or a larger picture",
            Self::Shape { .. } => {
                "give the tensor the expected shape; pictures are [batch, 3, height, width], one picture per run"
            }
            Self::OtherDevice { .. } => "move the tensor with Tensor::to_device",
            Self::Picture(error) => error.help(),
            Self::Weights(error) => error.help(),
            Self::WeightsFile { .. } => "check the path and the permissions",
            Self::Kernel(KernelError::UnknownIsa(_) | KernelError::IsaUnavailable(_)) => {
                "correct the variable STYLE_KERNELS_ISA, or unset it"
            }
            Self::Kernel(_) | Self::Device { .. } => "try a smaller picture, or another device",
            Self::NotEnoughMemory { .. } => "lower the size, or end other programs",
            Self::BufferTooLarge { .. } => "lower the size, or use another device, such as cpu",
            Self::DeviceLost { .. } => {
                "see that the device, or the server that lends it, is there, and run again; or use a smaller size, or cpu"
            }
            Self::Diverged { .. } => "lower the learning rate, or use Adam",
        }
    }

    /// The best picture of a run that failed on its way, where one is known.
    #[must_use]
    pub fn best(&self) -> Option<&Image> {
        match self {
            Self::Diverged { best, .. } | Self::DeviceLost { best, .. } => best.as_deref(),
            _ => None,
        }
    }

    /// A setting outside its range.
    pub(crate) fn setting(name: &'static str, found: impl ToString, allowed: impl Into<String>) -> Self {
        Self::Setting { name, found: found.to_string(), allowed: allowed.into() }
    }
}

/// What a backend says, in one line and without an end that is only a backtrace.
pub(crate) fn in_one_line(said: &str) -> String {
    const LONGEST: usize = 400;
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// What a panic says, where it says something.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

/// The step in words.
fn at_step(step: usize) -> String {
    if step == 0 { "before the first step".into() } else { format!("at step {step}") }
}

/// What diverged, in words.
fn not_finite(loss: f32) -> String {
    if loss.is_finite() {
        return format!("the gradient or the next picture is not finite, the loss {loss},");
    }
    format!("the loss is {loss}")
}

/// What would fit, in words.
fn fitting(largest: Option<usize>) -> String {
    match largest {
        Some(px) => format!("the largest that fits has a long side of {px} px"),
        None => "not even the smallest picture fits".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_backend_says_fits_into_a_line() {
        assert_eq!(in_one_line("lost\nCaused by:\n  the cable\n"), "lost Caused by: the cable");
        let long = in_one_line(&"\u{e9} ".repeat(1000));
        assert_eq!((long.chars().count(), long.ends_with(" ...")), (404, true));
    }

    #[test]
    fn a_device_can_be_lost_before_the_first_step() {
        let lost = |step| Error::DeviceLost { step, reason: "gone".into(), best: None }.to_string();
        assert_eq!(lost(0), "the device failed before the first step: gone");
        assert_eq!(lost(7), "the device failed at step 7: gone");
    }
}
