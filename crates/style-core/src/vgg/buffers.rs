//! The largest buffer of a pass, before it is asked for.

use style_format::Layer;
use style_image::with_long_side;

use super::{Kernel, Vgg};
use crate::Error;
use crate::memory::largest_side;

impl Vgg {
    /// Bytes of the largest tensor that a pass over `batch` pictures of `height` x `width` px to `deepest` makes, its way
    /// back included: the largest map, `4 * C * height * width * batch` with the 64 channels of `conv1_1` in VGG-19.
    ///
    /// On a GPU nothing larger is made on the way: Burn's convolutions there work on the maps as they are, and so does
    /// the Gram matrix. (Where a graph of Burn's autodiff holds the picture, and autotune is on, tuning tries a
    /// convolution by columns, nine times a map.)
    #[must_use]
    pub fn largest_tensor(&self, [batch, height, width]: [usize; 3], deepest: Layer) -> u64 {
        let depth = self.weights.position(deepest).map_or(0, |last| last + 1);
        let map =
            |(poolings, channels): (usize, usize)| channels * (height >> poolings) * (width >> poolings);
        let convolutions = self.weights.convolutions().take(depth);
        let maps = convolutions.map(|at| map((at.relu_layer().position().0 - 1, at.outputs())));
        let values = maps.max().unwrap_or(0).max(map((0, 3)));
        (size_of::<f32>() * values * batch) as u64
    }

    /// Refuses pictures whose maps are larger than the device's largest buffer; `largest` in the error is for one of
    /// the same proportions.
    pub(crate) fn check_buffers(
        &self,
        batch: usize,
        (width, height): (usize, usize),
        deepest: Layer,
    ) -> Result<(), Error> {
        let Some(allowed) = self.buffer_limit() else { return Ok(()) };
        let needed = |(width, height)| self.largest_tensor([batch, height, width], deepest);
        if needed((width, height)) <= allowed {
            return Ok(());
        }
        let at = |side| with_long_side((width, height), side);
        let fits = largest_side(width.max(height), |side| needed(at(side)) <= allowed);
        let (fitting_width, fitting_height) = at(fits.max(1));
        let is_usable = fits > 0 && self.check_size(fitting_width, fitting_height, deepest).is_ok();
        let needed = needed((width, height));
        Err(Error::BufferTooLarge { width, height, needed, allowed, largest: is_usable.then_some(fits) })
    }

    /// Bytes of the largest buffer, where a pass has to keep to it.
    pub(crate) fn buffer_limit(&self) -> Option<u64> {
        self.largest_buffer.filter(|_| self.kernel == Kernel::Burn)
    }

    /// The same network, as if its device had this limit.
    #[cfg(test)]
    pub(crate) fn with_largest_buffer(self, bytes: u64) -> Self {
        Self { largest_buffer: Some(bytes), ..self }
    }
}

#[cfg(test)]
mod tests {
    use style_format::Layer::{Relu1_1, Relu2_1, Relu3_1};

    use crate::test_support::{tensor, vgg};
    use crate::{Error, Kernel, Taps};

    #[test]
    fn the_largest_tensor_is_the_first_map_or_of_shallow_passes_the_picture() {
        let vgg = vgg(Relu3_1);
        assert_eq!(vgg.largest_tensor([1, 10, 20], Relu1_1), 4 * 64 * 200);
        assert_eq!(vgg.largest_tensor([3, 10, 20], Relu3_1), 3 * 4 * 64 * 200);
    }

    #[test]
    fn a_picture_that_is_too_large_for_the_buffers_is_refused_with_the_size_that_fits() {
        let limited = vgg(Relu2_1).with_kernel(Kernel::Burn).with_largest_buffer(256 * 24 * 12);
        let taps = Taps::new().with_statistics([Relu2_1]);
        limited.forward(tensor([1, 3, 12, 24], 1), &taps).unwrap();
        limited.features(tensor([2, 3, 6, 24], 1), &[Relu2_1]).unwrap();
        let Error::BufferTooLarge { width: 50, height: 25, needed, allowed, largest: Some(24) } =
            limited.forward(tensor([1, 3, 25, 50], 1), &taps).unwrap_err()
        else {
            panic!("not refused")
        };
        assert_eq!((needed, allowed), (256 * 50 * 25, 256 * 24 * 12));
        let error = limited.features(tensor([200, 3, 12, 24], 1), &[Relu2_1]).unwrap_err();
        assert!(matches!(error, Error::BufferTooLarge { largest: None, .. }), "{error}");
        // The kernels need no buffer of the device.
        limited.with_kernel(Kernel::Winograd).forward(tensor([1, 3, 25, 50], 1), &taps).unwrap();
    }
}
