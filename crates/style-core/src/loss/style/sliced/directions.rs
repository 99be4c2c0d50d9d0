//! Random directions.

use std::f32::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// `channels` unit vectors of as many numbers each, uniform on the sphere; every step has its own stream of numbers.
pub(super) fn directions(channels: usize, seed: u64, step: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(step);
    // 24 bits fill the significand of an f32; half a unit keeps the logarithm away from zero.
    let mut uniform = || ((random.next_u32() >> 8) as f32 + 0.5) / (1 << 24) as f32;
    // Normally distributed vectors prefer no direction. Box and Muller give two numbers at a time.
    let pairs = (channels * channels).div_ceil(2);
    let mut numbers: Vec<f32> = (0..pairs)
        .flat_map(|_| {
            let (radius, (sine, cosine)) = ((-2.0 * uniform().ln()).sqrt(), (TAU * uniform()).sin_cos());
            [radius * cosine, radius * sine]
        })
        .take(channels * channels)
        .collect();
    for vector in numbers.chunks_exact_mut(channels.max(1)) {
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        for x in vector {
            *x /= norm;
        }
    }
    numbers
}
