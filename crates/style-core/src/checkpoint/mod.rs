//! A run in the middle, to be kept in a file and taken up again.

mod file;
mod identity;
mod kept;
mod position;

use std::sync::Arc;

pub(crate) use identity::{Identity, Mark, fingerprint, of_picture};
pub(crate) use kept::{Kept, count};
pub(crate) use position::{HISTORY, Position};

use crate::{Losses, Settings};

/// Everything that the rest of a run depends on, after one of its steps: the picture, the average, what the optimiser
/// remembers, the best picture, all losses, and where the run has come to.
///
/// [`Step::checkpoint`](crate::Step::checkpoint) makes one, [`StyleTransfer::resume_from`](crate::StyleTransfer::resume_from)
/// goes on from it. On the CPU the outcome is that of a run that never stopped, to the bit: picture, history and metrics, on
/// the same machine. On a GPU it is as near as two runs are there.
///
/// It belongs to one run. It holds the settings, and fingerprints of the network, the pictures and this library's
/// version; with others it is refused, and the first difference named.
///
/// # Size
///
/// 12 bytes a pixel of its scale for every picture: 4 or 5 with Adam, `2 * history + 5` with L-BFGS, 7 more in a line search.
/// One that a step gave shares its tensors with the run, and takes memory of its own as soon as the run goes on.
///
/// # File format
///
/// safetensors: the state as `F64 [n]` (numbers) and `F32` of four dimensions (pictures, losses); last a tensor `sha256` `U8
/// [32]` over every byte before it. Metadata: `format = "style-transfer.checkpoint"`, `version = "1"`, `settings` and `marks`
/// (TOML), `about` (the caller's own words). Numbers keep every bit. A file is of use to the version that wrote it.
///
/// # Examples
///
/// ```no_run
/// # fn f(vgg: style_core::Vgg, photo: style_image::Image, painting: style_image::Image) -> Result<(), Box<dyn std::error::Error>> {
/// use std::ops::ControlFlow;
/// use style_core::{Checkpoint, StyleTransfer};
///
/// let mut bytes = Vec::new();
/// StyleTransfer::new(&vgg)
///     .style(&painting)
///     .on_step(|step| {
///         // Here the run is stopped at once; a program writes a file now and then.
///         let written = step.checkpoint().write_to(&mut bytes);
///         if written.is_ok() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     })
///     .run(&photo)?;
/// let checkpoint = Checkpoint::parse(&bytes)?;
/// let outcome = StyleTransfer::new(&vgg).style(&painting).resume_from(&checkpoint).run(&photo)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoint {
    identity: Arc<Identity>,
    about: String,
    position: Position,
    kept: Kept,
}

impl Checkpoint {
    pub(crate) fn new(identity: Arc<Identity>, position: Position, kept: Kept) -> Self {
        Self { identity, about: String::new(), position, kept }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) const fn position(&self) -> &Position {
        &self.position
    }

    pub(crate) const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The same with words of the caller's own, such as how to begin the run again.
    #[must_use]
    pub fn with_about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// The caller's own words.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The settings in force in the run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.identity.settings()
    }

    /// Number of the scale that the run has come to, from 1.
    #[must_use]
    pub const fn scale(&self) -> usize {
        self.position.scale + 1
    }

    /// Number of the step that was finished last, from 1, over all scales.
    #[must_use]
    pub const fn step(&self) -> usize {
        self.position.step
    }

    /// Number of steps in the run.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.position.steps
    }

    /// Width and height of the picture at its scale, px.
    #[must_use]
    pub const fn size(&self) -> (usize, usize) {
        self.position.size
    }

    /// The losses before the step that was finished last.
    #[must_use]
    pub const fn losses(&self) -> &Losses {
        &self.position.losses
    }
}

#[cfg(test)]
mod tests;
