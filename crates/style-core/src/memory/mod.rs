//! How much memory a pass, a step or a run takes, before it is taken.

mod available;

use std::fmt;

use serde::Serialize;

pub use available::{available_memory, peak_memory, resident_memory};

use crate::{Error, Objective, Taps, Term, Vgg};

/// A forecast of memory, in bytes, by what it is for.
///
/// The weights and the buffers are what the CPU kernels will allocate, to the byte. The tensors are counted as
/// the engine makes them and lie near the truth. Not in it: the weights file in memory (13 MB bundled) and pictures
/// that the caller holds.
///
/// # Examples
///
/// ```no_run
/// # use style_core::*;
/// # fn f(vgg: Vgg, objective: Objective) -> Result<(), Error> {
/// if let Some(memory) = objective.memory(&vgg, 512, 512)? {
///     println!("{memory}"); // such as "575 MB: weights 104 MB, buffers 403 MB, tensors 69 MB"
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// The packed weights, bytes: taken once, shared by all clones of a network.
    pub weights: usize,
    /// The kernels' buffers for one size and its taps, bytes.
    pub buffers: usize,
    /// Maps, matrices and pictures as tensors, bytes.
    pub tensors: usize,
    /// The weights in plain floats, bytes: held while they are packed, when there are no buffers yet, and then given
    /// back. A small run takes less than this besides its weights.
    pub packing: usize,
}

/// Tensors of the size of what a loss looks at, while its derivative is found: the value itself, its difference
/// from the target, the derivative, and one on the way there.
const COPIES_FOR_A_LOSS: usize = 4;

/// Pictures of a step: the picture, the values that the kernels read, the gradient.
const PICTURES: usize = 3;

/// Pictures that the total variation needs for its value and its gradient.
const PICTURES_OF_TOTAL_VARIATION: usize = 5;

impl Memory {
    /// The most of it that there is at one time, in bytes: the weights, and what packing them takes or what the run
    /// takes, whichever is more.
    #[must_use]
    pub const fn total(&self) -> usize {
        let run = self.run();
        self.weights + if run > self.packing { run } else { self.packing }
    }

    /// What is taken once the weights are there, in bytes.
    pub(crate) const fn run(&self) -> usize {
        self.buffers + self.tensors
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: usize| bytes.div_ceil(1_000_000);
        let Self { weights, buffers, tensors, packing } = self;
        let (total, weights) = (megabytes(self.total()), megabytes(*weights));
        if *packing > self.run() {
            return write!(f, "{total} MB: weights {weights} MB, packing them {} MB", megabytes(*packing));
        }
        let (buffers, tensors) = (megabytes(*buffers), megabytes(*tensors));
        write!(f, "{total} MB: weights {weights} MB, buffers {buffers} MB, tensors {tensors} MB")
    }
}

/// Bytes of a picture as a tensor `[1, 3, height, width]`.
pub(crate) const fn picture(height: usize, width: usize) -> usize {
    3 * size_of::<f32>() * height * width
}

/// A step with losses at `taps`, and the gradient of the pixels. `None` where Burn computes.
pub(crate) fn of_step(
    vgg: &Vgg,
    [height, width]: [usize; 2],
    taps: &Taps,
    total_variation: bool,
) -> Result<Option<Memory>, Error> {
    let Some(pass) = vgg.memory(height, width, taps)? else { return Ok(None) };
    let pictures = PICTURES + if total_variation { PICTURES_OF_TOTAL_VARIATION } else { 0 };
    let tensors = COPIES_FOR_A_LOSS * pass.tensors + pictures * picture(height, width);
    Ok(Some(Memory { tensors, ..pass }))
}

impl Objective {
    /// Memory that [`Objective::evaluate`] takes for a picture of `height` x `width` px, targets not counted;
    /// `None` where Burn computes the network, see [`Vgg::memory`].
    ///
    /// `weights + buffers + 4 * (maps and matrices that losses look at) + 12 bytes * pixels * pictures`, where
    /// there are three pictures, and five more with a total variation.
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::memory`].
    pub fn memory(&self, vgg: &Vgg, height: usize, width: usize) -> Result<Option<Memory>, Error> {
        let total_variation = self.terms().contains(&Term::TotalVariation);
        of_step(vgg, [height, width], &self.taps(), total_variation)
    }
}

/// The longest side below `over`, which does not fit, that does; 0 when none does. What fits must not grow again.
pub(crate) fn largest_side(mut over: usize, fits: impl Fn(usize) -> bool) -> usize {
    let mut largest = 0;
    while over - largest > 1 {
        let middle = largest.midpoint(over);
        if fits(middle) {
            largest = middle;
        } else {
            over = middle;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_reads_in_megabytes() {
        let memory = Memory { weights: 104_000_000, buffers: 1_500_000, tensors: 1, packing: 1_500_001 };
        assert_eq!(memory.to_string(), "106 MB: weights 104 MB, buffers 2 MB, tensors 1 MB");
        assert_eq!(memory.total(), 105_500_001);
    }

    #[test]
    fn a_run_that_is_smaller_than_what_packs_its_weights_takes_no_more_than_that() {
        let memory = Memory { weights: 104_000_000, buffers: 1_500_000, tensors: 1, packing: 52_000_000 };
        assert_eq!(memory.to_string(), "156 MB: weights 104 MB, packing them 52 MB");
        assert_eq!(memory.total(), 156_000_000);
    }
}
