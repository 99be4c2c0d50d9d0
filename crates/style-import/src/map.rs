//! Feature maps of a small picture, one convolution after the other, for weights that are never all in memory.

use style_format::{PixelTransform, Pooling};
use style_kernels::{Algorithm, Convolution, Encoder, Options, Tap};

use crate::ImportError;

/// `[channels, height, width]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Map {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<f32>,
}

/// A real picture to try weights on: height, width and the planes of red, green and blue, 0 to 1.
///
/// Eilean Donan castle, a photograph by Guillaume Piolle (CC BY 4.0), scaled down.
pub(crate) fn picture() -> (usize, usize, Vec<f32>) {
    const BYTES: &[u8; 3 * 80 * 120] = include_bytes!("probe_picture.rgb");
    let plane = |colour: usize| BYTES.iter().skip(colour).step_by(3).map(|&value| f32::from(value) / 255.0);
    (80, 120, (0..3).flat_map(plane).collect())
}

impl Map {
    /// The built-in picture as a network of that transform reads it.
    pub(crate) fn picture(transform: PixelTransform) -> Self {
        Self::of_picture(picture(), transform)
    }

    /// The features, channel by channel.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// A picture as a network of that transform reads it; `rgb` as in [`picture`].
    pub(crate) fn of_picture(
        (height, width, rgb): (usize, usize, Vec<f32>),
        transform: PixelTransform,
    ) -> Self {
        let plane = height * width;
        let input = |channel: usize| {
            let (scale, shift) = (transform.scale()[channel], transform.shift()[channel]);
            let colour = &rgb[transform.order()[channel] * plane..][..plane];
            colour.iter().map(move |value| scale * value + shift)
        };
        Self { channels: 3, height, width, values: (0..3).flat_map(input).collect() }
    }

    /// The map shrunk 2 x 2; an odd row or column at the end is dropped.
    fn pooled(&self, pooling: Pooling) -> Self {
        let (height, width) = (self.height / 2, self.width / 2);
        let mut values = Vec::with_capacity(self.channels * height * width);
        for row in (0..self.channels).flat_map(|c| (0..height).map(move |y| c * self.height + 2 * y)) {
            let (above, below) = self.values[row * self.width..][..2 * self.width].split_at(self.width);
            let quads = above.chunks_exact(2).zip(below.chunks_exact(2));
            values.extend(quads.map(|(above, below)| match pooling {
                Pooling::Max => above[0].max(above[1]).max(below[0]).max(below[1]),
                Pooling::Average => (above[0] + above[1] + below[0] + below[1]) / 4.0,
                Pooling::L2 => [above, below].into_iter().flatten().map(|v| v * v).sum::<f32>().sqrt(),
            }));
        }
        Self { channels: self.channels, height, width, values }
    }

    fn rectified(mut self) -> Self {
        self.values.iter_mut().for_each(|value| *value = value.max(0.0));
        self
    }
}

/// The features after one convolution and its ReLU; a pooling stands before it where one is given.
///
/// `weight` is `[out, in, 3, 3]`, `bias` `[out]`; their lengths are checked.
pub(crate) fn convolve(
    map: &Map,
    weight: &[f32],
    bias: &[f32],
    pooling: Option<Pooling>,
) -> Result<Map, ImportError> {
    Ok(respond(map, weight, bias, pooling)?.rectified())
}

/// As [`convolve`], before the ReLU.
fn respond(map: &Map, weight: &[f32], bias: &[f32], pooling: Option<Pooling>) -> Result<Map, ImportError> {
    let pooled = pooling.map(|pooling| map.pooled(pooling));
    let &Map { channels, height, width, ref values } = pooled.as_ref().unwrap_or(map);
    let (inputs, outputs) = (channels, bias.len());
    let convolution = Convolution { inputs, outputs, weight, bias, pooled: false };
    let options = Options { algorithm: Algorithm::Direct, ..Options::default() };
    let mut plan =
        Encoder::new(&[convolution], &options)?.plan(1, height, width, &[Tap::pre_activation(0)])?;
    plan.forward(values)?;
    let mut values = vec![0.0; outputs * height * width];
    plan.pre_activation(0, &mut values)?;
    Ok(Map { channels: outputs, height, width, values })
}

/// As [`convolve`], and for every channel how much its response varies over the picture: the standard deviation.
pub(crate) fn convolve_and_measure(
    map: &Map,
    weight: &[f32],
    bias: &[f32],
    pooling: Option<Pooling>,
) -> Result<(Map, Vec<f64>), ImportError> {
    let response = respond(map, weight, bias, pooling)?;
    let planes = response.values.chunks_exact(response.height * response.width);
    let deviations = planes.map(standard_deviation).collect();
    Ok((response.rectified(), deviations))
}

fn standard_deviation(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let squares = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    (squares / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre(factor: f32) -> Vec<f32> {
        let mut weight = vec![0.0; 9];
        weight[4] = factor;
        weight
    }

    #[test]
    fn a_convolution_is_pooled_before_and_rectified_after() {
        let map = Map { channels: 1, height: 2, width: 5, values: (1..=10_u8).map(f32::from).collect() };
        let max = convolve(&map, &centre(1.0), &[-8.0], Some(Pooling::Max)).unwrap();
        assert_eq!((max.height, max.width, &max.values[..]), (1, 2, &[0.0, 1.0][..]));
        let average = convolve(&map, &centre(2.0), &[0.0], Some(Pooling::Average)).unwrap();
        assert_eq!(average.values, [8.0, 12.0]);
        let (_, deviations) =
            convolve_and_measure(&map, &centre(2.0), &[5.0], Some(Pooling::Average)).unwrap();
        assert_eq!(deviations, [2.0]);
    }

    #[test]
    fn weights_of_another_length_are_refused() {
        let map = Map { channels: 2, height: 2, width: 2, values: vec![0.0; 8] };
        assert!(convolve(&map, &centre(1.0), &[0.0], None).is_err());
        assert!(convolve(&map, &[], &[], None).is_err());
        let dot = Map { channels: 1, height: 1, width: 1, values: vec![0.0] };
        assert!(
            convolve(&dot, &centre(1.0), &[0.0], Some(Pooling::Max)).is_err(),
            "nothing is left to convolve"
        );
    }

    #[test]
    fn the_picture_is_a_landscape_under_a_bright_sky() {
        let (height, width, rgb) = picture();
        assert_eq!(rgb.len(), 3 * height * width);
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean(&rgb[..10 * width]) > mean(&rgb[40 * width..50 * width]), "sky above, mountains below");
        let map = Map::picture(PixelTransform::CaffeBgr255);
        assert!(
            (map.values[0] - (255.0 * rgb[2 * height * width] - 103.939)).abs() < 1e-3,
            "blue comes first"
        );
    }
}
