//! The sizes that a run goes through, from coarse to fine.

use style_image::with_long_side;

use super::Settings;
use crate::Vgg;

/// Width and height in px.
pub(super) type Extent = (usize, usize);

/// The long sides of all scales, px, from the smallest to `settings.size`: `round(size / factor^i)` as long as that is
/// at least `settings.smallest_scale`.
pub(super) fn long_sides(settings: &Settings) -> Vec<usize> {
    let factor = f64::from(settings.scale_factor);
    let at = |i: i32| (settings.size as f64 / factor.powi(i)).round() as usize;
    // A factor of 1.05 takes 128 scales from the largest size to the smallest.
    let coarse =
        (1..=128).map(at).take_while(|&px| px >= settings.smallest_scale.max(*Settings::SIZES.start()));
    let mut sides: Vec<usize> = coarse.collect();
    sides.dedup();
    sides.reverse();
    sides.push(settings.size);
    sides
}

/// The share of the full size that each scale has, and its extent, for a result of `extent`: without the coarse ones
/// at which a picture of `extents` (result and styles, at full size) would be too small for the deepest layer.
pub(super) fn scales(settings: &Settings, extent: Extent, styles: &[Extent], vgg: &Vgg) -> Vec<Scale> {
    let deepest = settings.deepest_layer();
    let mut scales: Vec<Scale> = long_sides(settings)
        .into_iter()
        .map(|side| Scale::new(side as f64 / settings.size as f64, extent))
        .collect();
    let fits = |scale: &Scale| {
        let mut extents = styles.iter().map(|&style| scale.shrink(style)).chain([scale.extent]);
        deepest
            .is_none_or(|layer| extents.all(|(width, height)| vgg.check_size(width, height, layer).is_ok()))
    };
    let last = scales.pop();
    scales.retain(fits);
    scales.extend(last);
    scales
}

/// One size of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Long side over the full long side.
    pub(super) share: f64,
    /// Of the picture.
    pub(super) extent: Extent,
}

impl Scale {
    fn new(share: f64, full: Extent) -> Self {
        let scale = Self { share, extent: full };
        Self { extent: scale.shrink(full), ..scale }
    }

    /// An extent of the full size at this scale.
    pub(super) fn shrink(&self, full: Extent) -> Extent {
        if self.share >= 1.0 {
            return full;
        }
        let side = (full.0.max(full.1) as f64 * self.share).round().max(1.0);
        with_long_side(full, side as usize)
    }
}
