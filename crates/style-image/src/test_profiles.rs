//! Colour spaces by their published numbers, and ICC profiles for the tests, put together byte by byte (ICC.1:2022).

/// A matrix of 3 x 3.
pub(crate) type Matrix = [[f64; 3]; 3];

/// A colour space: the places of white, red, green and blue, and the way from a value to light.
#[derive(Clone, Copy)]
pub(crate) struct Space {
    pub(crate) white: (f64, f64),
    pub(crate) primaries: [(f64, f64); 3],
    pub(crate) curve: Curve,
}

#[derive(Clone, Copy)]
pub(crate) enum Curve {
    /// IEC 61966-2-1.
    Srgb,
    Gamma(f64),
}

const D65: (f64, f64) = (0.3127, 0.3290);

/// IEC 61966-2-1.
pub(crate) const SRGB: Space =
    Space { white: D65, primaries: [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], curve: Curve::Srgb };

/// SMPTE EG 432-1 with the white and the curve of sRGB, as Apple's "Display P3" and CSS Color 4 have it.
pub(crate) const DISPLAY_P3: Space =
    Space { white: D65, primaries: [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)], curve: Curve::Srgb };

/// Adobe RGB (1998) Color Image Encoding, section 4.3: the exponent is 2 + 51/256.
pub(crate) const ADOBE_RGB: Space = Space {
    white: D65,
    primaries: [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)],
    curve: Curve::Gamma(563.0 / 256.0),
};

impl Curve {
    pub(crate) fn light(self, value: f64) -> f64 {
        match self {
            Self::Srgb if value <= 0.040_45 => value / 12.92,
            Self::Srgb => ((value + 0.055) / 1.055).powf(2.4),
            Self::Gamma(exponent) => value.powf(exponent),
        }
    }
}

fn srgb_value(light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    let mut product = [[0.0; 3]; 3];
    for (row, of_a) in product.iter_mut().zip(a) {
        for (column, value) in row.iter_mut().enumerate() {
            *value = (0..3).map(|k| of_a[k] * b[k][column]).sum();
        }
    }
    product
}

pub(crate) fn apply(a: &Matrix, v: [f64; 3]) -> [f64; 3] {
    a.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn inverse(a: &Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let at = |i: usize, j: usize| a[(r + i) % 3][(c + j) % 3];
        at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)
    };
    let determinant: f64 = (0..3).map(|c| a[0][c] * minor(0, c)).sum();
    std::array::from_fn(|r| std::array::from_fn(|c| minor(c, r) / determinant))
}

fn xyz((x, y): (f64, f64)) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// The white of the profile connection space (ICC.1, section 7.2.16).
pub(crate) const D50: [f64; 3] = [0.9642, 1.0, 0.8249];

/// Light seen under one white as it is seen under another (Bradford, ICC.1, annex E).
fn adaptation(from: [f64; 3], to: [f64; 3]) -> Matrix {
    const CONES: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
    let (from, to) = (apply(&CONES, from), apply(&CONES, to));
    let mut scaled = CONES;
    for (row, (from, to)) in scaled.iter_mut().zip(from.iter().zip(to)) {
        *row = row.map(|value| value * to / from);
    }
    times(&inverse(&CONES), &scaled)
}

impl Space {
    /// Light of red, green and blue into XYZ.
    fn to_xyz(self) -> Matrix {
        let columns = self.primaries.map(xyz);
        let plain: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| columns[c][r]));
        let parts = apply(&inverse(&plain), xyz(self.white));
        plain.map(|row| std::array::from_fn(|c| row[c] * parts[c]))
    }

    /// The same under the white of profiles.
    pub(crate) fn to_d50(self) -> Matrix {
        times(&adaptation(xyz(self.white), D50), &self.to_xyz())
    }

    /// A colour of this space as sRGB, by the published numbers alone: no profile is involved.
    pub(crate) fn in_srgb(self, colour: [f64; 3]) -> [f64; 3] {
        let light = colour.map(|value| self.curve.light(value));
        apply(&times(&inverse(&SRGB.to_xyz()), &self.to_xyz()), light).map(srgb_value)
    }

    /// The profile of this space.
    pub(crate) fn profile(self, name: &str) -> Vec<u8> {
        let columns = self.to_d50();
        let xyz_tag = |c: usize| [&b"XYZ \0\0\0\0"[..], &columns.map(|row| fixed(row[c])).concat()].concat();
        let curve = match self.curve {
            // Function type 3: the exponent, a, b, c and d of section 10.18.
            Curve::Srgb => {
                let numbers = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];
                [&b"para\0\0\0\0\0\x03\0\0"[..], &numbers.map(fixed).concat()].concat()
            }
            Curve::Gamma(_) => self.curve.tag(),
        };
        profile(
            *b"RGB ",
            *b"XYZ ",
            name,
            &[
                (*b"rXYZ", xyz_tag(0)),
                (*b"gXYZ", xyz_tag(1)),
                (*b"bXYZ", xyz_tag(2)),
                (*b"rTRC", curve.clone()),
                (*b"gTRC", curve.clone()),
                (*b"bTRC", curve),
            ],
        )
    }
}

impl Curve {
    /// A table of one number is an exponent, in 1/256.
    fn tag(self) -> Vec<u8> {
        let Self::Gamma(exponent) = self else { unimplemented!("only exponents") };
        [&b"curv\0\0\0\0\0\0\0\x01"[..], &((exponent * 256.0).round() as u16).to_be_bytes()].concat()
    }
}

/// A profile for grey pixels.
pub(crate) fn grey_profile(gamma: f64) -> Vec<u8> {
    profile(*b"GRAY", *b"XYZ ", "a grey", &[(*b"kTRC", Curve::Gamma(gamma).tag())])
}

/// A colour of CIE L*a*b* under the white of profiles as sRGB.
pub(crate) fn lab_in_srgb([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let middle = (lightness + 16.0) / 116.0;
    let light = |value: f64| {
        let cube = value.powi(3);
        if cube > 216.0 / 24_389.0 { cube } else { (116.0 * value - 16.0) * 27.0 / 24_389.0 }
    };
    let xyz = [middle + a / 500.0, middle, middle - b / 200.0].map(light);
    let xyz = [xyz[0] * D50[0], xyz[1] * D50[1], xyz[2] * D50[2]];
    apply(&inverse(&SRGB.to_d50()), xyz).map(srgb_value)
}

/// A profile for CMYK that says with a table of two points an ink which L*a*b* each mixture has (`lut8Type`, section 10.11).
pub(crate) fn cmyk_profile(lab: impl Fn([f64; 4]) -> [f64; 3]) -> Vec<u8> {
    let mut table = [&b"mft1\0\0\0\0\x04\x03\x02\0"[..], &[0; 36]].concat();
    for diagonal in [12, 28, 44] {
        table[diagonal..diagonal + 4].copy_from_slice(&fixed(1.0));
    }
    let straight: Vec<u8> = (0..=255).collect();
    table.extend(straight.repeat(4));
    // The last ink changes fastest.
    for corner in 0..16u8 {
        let [lightness, a, b] = lab([3, 2, 1, 0].map(|bit| f64::from(corner >> bit & 1)));
        table.extend([lightness * 2.55, a + 128.0, b + 128.0].map(|value| value.round() as u8));
    }
    table.extend(straight.repeat(3));
    profile(*b"CMYK", *b"Lab ", "some inks", &[(*b"A2B0", table)])
}

/// A number with 16 bits behind the point.
fn fixed(value: f64) -> [u8; 4] {
    ((value * 65_536.0).round() as i32).to_be_bytes()
}

/// Header, table of tags, tags (section 7); a name, and the white as it must be.
fn profile(colours: [u8; 4], connection: [u8; 4], name: &str, tags: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let length = (units.len() as u32).to_be_bytes();
    let name = [&b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS"[..], &length, &[0, 0, 0, 28], &units].concat();
    let white = [&b"XYZ \0\0\0\0"[..], &D50.map(fixed).concat()].concat();
    let tags = [&[(*b"desc", name), (*b"wtpt", white)], tags].concat();
    // Version 2.4: tables of L*a*b* in 8 bits mean the same in all versions.
    let class = if &colours == b"CMYK" { b"prtr" } else { b"mntr" };
    let mut header =
        [&[0; 8][..], &[2, 0x40, 0, 0], class, &colours, &connection, &[0; 12], b"acsp"].concat();
    header.resize(68, 0);
    header.extend(D50.map(fixed).concat());
    header.resize(128, 0);
    let mut place = 132 + 12 * tags.len();
    let (mut table, mut data) = ((tags.len() as u32).to_be_bytes().to_vec(), Vec::new());
    for (name, tag) in &tags {
        table.extend([&name[..], &(place as u32).to_be_bytes(), &(tag.len() as u32).to_be_bytes()].concat());
        let padded = tag.len().next_multiple_of(4);
        data.extend_from_slice(tag);
        data.resize(data.len() + padded - tag.len(), 0);
        place += padded;
    }
    header[..4].copy_from_slice(&(place as u32).to_be_bytes());
    [header, table, data].concat()
}
