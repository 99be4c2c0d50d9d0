//! Colours of other spaces into sRGB.

use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, ParsingOptions,
    ProfileText, RenderingIntent, ToneReprCurve, Transform16BitExecutor, TransformOptions,
};

use crate::metadata::Encoding;

/// What the numbers of a pixel mean, alpha left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inks {
    Grey,
    Rgb,
    /// 0 for no ink.
    Cmyk,
}

impl Inks {
    pub(crate) const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A way into sRGB, and the name of where it comes from.
pub(crate) struct Conversion {
    /// What people call the space.
    pub(crate) name: Option<String>,
    /// What the way wants to be given.
    pub(crate) takes: Inks,
    /// None where the numbers are sRGB already.
    way: Option<Arc<Transform16BitExecutor>>,
}

impl Conversion {
    /// By an ICC profile. The error is the reason why the profile cannot be used.
    pub(crate) fn by_profile(bytes: &[u8], inks: Inks) -> Result<Self, String> {
        let profile = parse(bytes)?;
        let takes = match (profile.color_space, inks) {
            (DataColorSpace::Gray, Inks::Grey) => Inks::Grey,
            // Grey pixels in a profile for colours are taken for colours of equal parts.
            (DataColorSpace::Rgb, Inks::Grey | Inks::Rgb) => Inks::Rgb,
            (DataColorSpace::Cmyk, Inks::Cmyk) => Inks::Cmyk,
            (space, _) => return Err(format!("it is for {space:?} pixels, and the picture has others")),
        };
        Self::new(&profile, takes)
    }

    /// By what a PNG says without a profile; `None` where that is sRGB.
    pub(crate) fn by_encoding(encoding: Encoding) -> Result<Option<Self>, String> {
        let profile = match encoding {
            Encoding::Srgb => return Ok(None),
            Encoding::Codes(codes) => by_codes(codes)?,
            Encoding::Gamma(gamma, places) => match by_gamma(gamma, places)? {
                Some(profile) => profile,
                None => return Ok(None),
            },
        };
        Self::new(&profile, Inks::Rgb).map(Some)
    }

    fn new(profile: &ColorProfile, takes: Inks) -> Result<Self, String> {
        let way = way(profile, takes)?;
        let way = if is_identity(way.as_ref(), takes)? { None } else { Some(way) };
        Ok(Self { name: name(profile), takes, way })
    }

    /// Whether the numbers stay as they are.
    pub(crate) const fn is_srgb(&self) -> bool {
        self.way.is_none()
    }

    /// Pixels of [`takes`](Self::takes) into as many of RGB.
    pub(crate) fn convert(&self, from: &[u16], to: &mut [u16]) -> Result<(), String> {
        match &self.way {
            Some(way) => way.transform(from, to).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<ColorProfile, String> {
    // moxcms reads 10 MB tables by default; here the file's own limit is smaller.
    let options = ParsingOptions { max_profile_size: bytes.len() + 1, ..ParsingOptions::default() };
    ColorProfile::new_from_slice_with_options(bytes, options).map_err(|error| error.to_string())
}

/// The transform of 16-bit samples. Profiles with tables may lack one for the wish of the first intent.
fn way(profile: &ColorProfile, takes: Inks) -> Result<Arc<Transform16BitExecutor>, String> {
    let layout = match takes {
        Inks::Grey => Layout::Gray,
        Inks::Rgb => Layout::Rgb,
        // Four channels: moxcms takes CMYK in the layout of RGBA.
        Inks::Cmyk => Layout::Rgba,
    };
    let srgb = ColorProfile::new_srgb();
    let mut fault = String::new();
    for rendering_intent in [RenderingIntent::Perceptual, RenderingIntent::RelativeColorimetric] {
        let options = TransformOptions {
            rendering_intent,
            allow_use_cicp_transfer: false,
            // Its 13 bits would cost a fifth of 1/255 in the shadows.
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        match profile.create_transform_16bit(layout, &srgb, Layout::Rgb, options) {
            Ok(way) => return Ok(way),
            Err(error) => fault = error.to_string(),
        }
    }
    Err(fault)
}

/// Whether every colour comes out as it went in, to half of 1/255: most profiles in files say sRGB in other words, and
/// numbers that mean sRGB should stay what they are, to the bit.
fn is_identity(way: &Transform16BitExecutor, takes: Inks) -> Result<bool, String> {
    let steps = || (0..=u16::from(u8::MAX)).map(|value| value * 257);
    let samples: Vec<u16> = match takes {
        Inks::Cmyk => return Ok(false),
        Inks::Grey => steps().collect(),
        Inks::Rgb => {
            let greys = steps().flat_map(|value| [value; 3]);
            let sides = || (0..=5u16).map(|step| step * 13_107);
            let cube = sides().flat_map(|r| sides().flat_map(move |g| sides().flat_map(move |b| [r, g, b])));
            greys.chain(cube).collect()
        }
    };
    let mut found = vec![0; samples.len() / takes.channels() * 3];
    way.transform(&samples, &mut found).map_err(|error| error.to_string())?;
    let per_sample = found.len() / samples.len();
    let wanted = samples.iter().flat_map(|&value| std::iter::repeat_n(value, per_sample));
    Ok(found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= 128))
}

fn name(profile: &ColorProfile) -> Option<String> {
    let text = match profile.description.as_ref()? {
        ProfileText::PlainString(text) => text.clone(),
        ProfileText::Localizable(texts) => {
            let english = texts.iter().find(|text| text.language == "en");
            english.or_else(|| texts.first())?.value.clone()
        }
        ProfileText::Description(text) if text.ascii_string.is_empty() => text.unicode_string.clone(),
        ProfileText::Description(text) => text.ascii_string.clone(),
    };
    // Whoever made the file chose the text: it goes into messages, on one line.
    let text: String = text.chars().filter(|character| !character.is_control()).take(80).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Primaries and transfer curves by the numbers of ITU-T H.273.
fn by_codes([primaries, transfer, matrix, range]: [u8; 4]) -> Result<ColorProfile, String> {
    if matrix != 0 || range != 1 {
        return Err(format!("matrix {matrix} and range {range} are not for RGB pixels"));
    }
    // 16 and 18 are PQ and HLG, which go beyond the white of sRGB.
    if matches!(transfer, 16 | 18) {
        return Err("its curve is one of high dynamic range".into());
    }
    let codes = (primaries.try_into(), transfer.try_into());
    let (Ok(color_primaries), Ok(transfer_characteristics)) = codes else {
        return Err(format!("primaries {primaries} and curve {transfer} are not known"));
    };
    let matrix_coefficients = moxcms::MatrixCoefficients::Identity;
    let codes =
        CicpProfile { color_primaries, transfer_characteristics, matrix_coefficients, full_range: true };
    let mut profile = ColorProfile::new_from_cicp(codes);
    if !profile.is_matrix_shaper() {
        return Err(format!("primaries {primaries} and curve {transfer} are not known"));
    }
    profile.description = match (primaries, transfer) {
        (1, 13) => Some(ProfileText::PlainString("sRGB".into())),
        (12, 13) => Some(ProfileText::PlainString("Display P3".into())),
        _ => None,
    };
    Ok(profile)
}

/// A plain exponent and the places of white and the primaries; nothing where these say sRGB.
fn by_gamma(gamma: u32, places: Option<[u32; 8]>) -> Result<Option<ColorProfile>, String> {
    // The numbers that the PNG specification gives for sRGB (section 11.3.2.5), and their roundings.
    const SRGB: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let near = |a: u32, b: u32| a.abs_diff(b) <= 100;
    let is_srgb_gamma = near(gamma, 45_455);
    let places = places.filter(|places| !places.iter().zip(SRGB).all(|(&a, b)| near(a, b)));
    if is_srgb_gamma && places.is_none() {
        return Ok(None);
    }
    let exponent = 100_000.0 / gamma as f32;
    if !(0.2..=5.0).contains(&exponent) {
        return Err(format!("its gamma is {exponent}"));
    }
    let mut profile = ColorProfile::new_srgb();
    profile.description = None;
    if let Some(places) = places {
        let [white, red, green, blue] = [0, 2, 4, 6]
            .map(|at| Chromaticity::new(places[at] as f32 / 100_000.0, places[at + 1] as f32 / 100_000.0));
        if [white, red, green, blue].iter().any(|place| place.y <= 0.0 || place.x + place.y > 1.0) {
            return Err("its primaries are no colours".into());
        }
        profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
    }
    if !is_srgb_gamma {
        let curve = ToneReprCurve::Parametric(vec![exponent]);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    Ok(Some(profile))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
