//! Samples as they stand in a file into sRGB as floats, with their alpha beside them.

use image::DynamicImage;

use crate::profile::{Conversion, Inks};

/// How many pixels go through a conversion at a time.
const BLOCK: usize = 4096;

/// RGB as floats, and alpha if any pixel is not opaque.
pub(crate) type Colours = (Vec<f32>, Option<Vec<f32>>);

/// A sample of any type.
trait Sample: Copy {
    fn float(self) -> f32;
    fn word(self) -> u16;
}

impl Sample for u8 {
    fn float(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn word(self) -> u16 {
        u16::from(self) * 257
    }
}

impl Sample for u16 {
    fn float(self) -> f32 {
        f32::from(self) / 65_535.0
    }

    fn word(self) -> u16 {
        self
    }
}

impl Sample for f32 {
    fn float(self) -> f32 {
        self
    }

    fn word(self) -> u16 {
        (self.clamp(0.0, 1.0) * 65_535.0).round() as u16
    }
}

/// The colours of a picture, laid over white, and its alpha. CMYK comes in the clothes of RGBA.
pub(crate) fn colours(
    picture: &DynamicImage,
    inks: Inks,
    conversion: Option<&Conversion>,
) -> Result<Colours, String> {
    let conversion = conversion.filter(|conversion| !conversion.is_srgb());
    match picture {
        DynamicImage::ImageRgba8(p) if inks == Inks::Cmyk => match conversion {
            Some(conversion) => converted(p, 4, false, conversion),
            None => Ok((without_profile(p), None)),
        },
        DynamicImage::ImageLuma8(p) => either(p, 1, conversion),
        DynamicImage::ImageLumaA8(p) => either(p, 2, conversion),
        DynamicImage::ImageRgb8(p) => either(p, 3, conversion),
        DynamicImage::ImageRgba8(p) => either(p, 4, conversion),
        DynamicImage::ImageLuma16(p) => either(p, 1, conversion),
        DynamicImage::ImageLumaA16(p) => either(p, 2, conversion),
        DynamicImage::ImageRgb16(p) => either(p, 3, conversion),
        DynamicImage::ImageRgba16(p) => either(p, 4, conversion),
        DynamicImage::ImageRgb32F(p) => either(p, 3, conversion),
        DynamicImage::ImageRgba32F(p) => either(p, 4, conversion),
        // A kind of pixel that a later version of the decoders may know.
        other => either(other.to_rgba32f().as_raw(), 4, conversion),
    }
}

fn either<T: Sample>(
    samples: &[T],
    channels: usize,
    conversion: Option<&Conversion>,
) -> Result<Colours, String> {
    match conversion {
        Some(conversion) => converted(samples, channels, channels.is_multiple_of(2), conversion),
        None => Ok(as_they_are(samples, channels)),
    }
}

/// Interleaved samples of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels that are sRGB.
fn as_they_are<T: Sample>(samples: &[T], channels: usize) -> Colours {
    let mut pixels = Vec::with_capacity(samples.len() / channels * 3);
    for pixel in samples.chunks_exact(channels) {
        match *pixel {
            [grey] | [grey, _] => pixels.extend([grey.float(); 3]),
            [red, green, blue] | [red, green, blue, _] => {
                pixels.extend([red.float(), green.float(), blue.float()]);
            }
            _ => pixels.extend([1.0; 3]),
        }
    }
    let alpha = if channels.is_multiple_of(2) { alpha_of(samples, channels) } else { None };
    over_white(&mut pixels, alpha.as_deref());
    (pixels, alpha)
}

/// The same for samples of another space.
fn converted<T: Sample>(
    samples: &[T],
    channels: usize,
    has_alpha: bool,
    conversion: &Conversion,
) -> Result<Colours, String> {
    let colours = channels - usize::from(has_alpha);
    // Grey pixels, and a profile for colours.
    let repeat = conversion.takes.channels() / colours;
    let mut pixels = Vec::with_capacity(samples.len() / channels * 3);
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for block in samples.chunks(BLOCK * channels) {
        from.clear();
        for pixel in block.chunks_exact(channels) {
            let words =
                pixel.iter().take(colours).flat_map(|&sample| std::iter::repeat_n(sample.word(), repeat));
            from.extend(words);
        }
        to.resize(block.len() / channels * 3, 0);
        conversion.convert(&from, &mut to)?;
        pixels.extend(to.iter().map(|&word| word.float()));
    }
    let alpha = if has_alpha { alpha_of(samples, channels) } else { None };
    over_white(&mut pixels, alpha.as_deref());
    Ok((pixels, alpha))
}

fn alpha_of<T: Sample>(samples: &[T], channels: usize) -> Option<Vec<f32>> {
    let alpha = || samples.iter().skip(channels - 1).step_by(channels).map(|sample| sample.float());
    alpha().any(|value| value != 1.0).then(|| alpha().collect())
}

/// Lays colours over white, in sRGB, as browsers do.
fn over_white(pixels: &mut [f32], alpha: Option<&[f32]>) {
    for (pixel, &alpha) in pixels.chunks_exact_mut(3).zip(alpha.unwrap_or_default()) {
        // Without this test an opaque 0.1 would come back as 0.1 + rounding.
        if alpha != 1.0 {
            for value in pixel {
                *value = *value * alpha + (1.0 - alpha);
            }
        }
    }
}

/// CMYK of no known inks: each takes its own share of the light, and black of all.
fn without_profile(samples: &[u8]) -> Vec<f32> {
    let mut pixels = Vec::with_capacity(samples.len() / 4 * 3);
    for pixel in samples.as_chunks::<4>().0 {
        let [cyan, magenta, yellow, black] = pixel.map(Sample::float);
        pixels.extend([cyan, magenta, yellow].map(|ink| (1.0 - ink) * (1.0 - black)));
    }
    pixels
}
