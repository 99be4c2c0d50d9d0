//! The first picture.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use style_image::Image;

use crate::Error;

/// Grey noise, uniform in `[0.3, 0.7]`: within reach of every colour, far from both ends.
///
/// The numbers come from `ChaCha8` on the host, so the same seed gives the same noise on every device.
pub(super) fn noise(width: usize, height: usize, seed: u64) -> Result<Image, Error> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // 24 bits fill the significand of an f32.
    let mut uniform = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let pixels = (0..width * height * 3).map(|_| 0.3 + 0.4 * uniform()).collect();
    Ok(Image::new(width, height, pixels)?)
}
