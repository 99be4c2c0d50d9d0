//! The 1-D transforms of minimal filtering with a three-tap filter.
//!
//! Of `PATCH` neighbouring inputs `d`, `TILE = PATCH - 2` outputs are `A^T [(G g) * (B^T d)]`: as many products
//! as inputs, instead of three an output. The transforms evaluate polynomials at `PATCH - 1` points and at
//! infinity. In two dimensions every transform is applied to the columns, then to the rows.
//!
//! | | points | products of an output, 2-D | of direct convolution |
//! |---|---|---|---|
//! | [`F43`] | 0, 1, -1, 2, -2 | 36 / 16 | 1/4 |
//! | [`F63`] | 0, 1, -1, 2, -2, 1/2, -1/2 | 64 / 36 | 1/5.06 |
//!
//! # Reference
//!
//! Lavin & Gray 2016, section 4; Winograd 1980, chapter V. Matrices follow from the points by the Cook-Toom
//! construction: row `p` of `B^T` has the coefficients of the product of `x - q` over the other points `q`,
//! row `p` of `G` is `[1, p, p^2]` over the value of that product at `p`, row `i` of `A^T` the powers `p^i`.

use crate::simd::Simd;

/// A minimal filtering algorithm: `TILE` outputs of a three-tap filter from `PATCH` inputs.
pub(super) trait Minimal<const TILE: usize, const PATCH: usize>: Copy + Send + Sync {
    /// `G`: the weight of each of three filter taps at the points.
    const FILTER: [[f32; 3]; PATCH];

    /// `B^T d`: inputs at the points.
    fn input<S: Simd>(s: S, d: [S::V; PATCH]) -> [S::V; PATCH];

    /// `A^T m`: products to outputs.
    fn output<S: Simd>(s: S, m: [S::V; PATCH]) -> [S::V; TILE];

    /// `G g`: three filter taps at all points.
    fn filter<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; PATCH];

    /// `G g` at one point.
    #[inline(always)]
    fn filter_at<S: Simd>(s: S, point: usize, g: [S::V; 3]) -> S::V {
        let [first, second, third] = Self::FILTER[point].map(|weight| s.splat(weight));
        s.mul_add(third, g[2], s.mul_add(second, g[1], s.mul(first, g[0])))
    }
}

/// F(4, 3): six points.
#[derive(Debug, Clone, Copy)]
pub(super) struct F43;

impl Minimal<4, 6> for F43 {
    const FILTER: [[f32; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
        let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(5.0));
        let even = s.neg_mul_add(four, d[2], d[4]);
        let odd = s.neg_mul_add(four, d[1], d[3]);
        let near = s.sub(d[4], d[2]);
        let far = s.sub(d[3], d[1]);
        [
            s.mul_add(four, d[0], s.neg_mul_add(five, d[2], d[4])),
            s.add(even, odd),
            s.sub(even, odd),
            s.mul_add(two, far, near),
            s.neg_mul_add(two, far, near),
            s.mul_add(four, d[1], s.neg_mul_add(five, d[3], d[5])),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
        let (sum1, difference1) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (sum2, difference2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        [
            s.add(s.add(m[0], sum1), sum2),
            s.mul_add(s.splat(2.0), difference2, difference1),
            s.mul_add(s.splat(4.0), sum2, sum1),
            s.add(s.mul_add(s.splat(8.0), difference2, difference1), m[5]),
        ]
    }

    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; 6] {
        let sixth = s.splat(-1.0 / 6.0);
        let outer = s.add(g[0], g[2]);
        let wide = s.mul_add(s.splat(1.0 / 24.0), g[0], s.mul(s.splat(1.0 / 6.0), g[2]));
        let twelfth = s.splat(1.0 / 12.0);
        [
            s.mul(s.splat(0.25), g[0]),
            s.mul(sixth, s.add(outer, g[1])),
            s.mul(sixth, s.sub(outer, g[1])),
            s.mul_add(twelfth, g[1], wide),
            s.neg_mul_add(twelfth, g[1], wide),
            g[2],
        ]
    }
}

/// F(6, 3): eight points.
#[derive(Debug, Clone, Copy)]
pub(super) struct F63;

impl Minimal<6, 8> for F63 {
    const FILTER: [[f32; 3]; 8] = [
        [1.0, 0.0, 0.0],
        [-2.0 / 9.0, -2.0 / 9.0, -2.0 / 9.0],
        [-2.0 / 9.0, 2.0 / 9.0, -2.0 / 9.0],
        [1.0 / 90.0, 2.0 / 90.0, 4.0 / 90.0],
        [1.0 / 90.0, -2.0 / 90.0, 4.0 / 90.0],
        [32.0 / 45.0, 16.0 / 45.0, 8.0 / 45.0],
        [32.0 / 45.0, -16.0 / 45.0, 8.0 / 45.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input<S: Simd>(s: S, d: [S::V; 8]) -> [S::V; 8] {
        let (half, two, quarter) = (s.splat(0.5), s.splat(2.0), s.splat(0.25));
        let (a, b, c) = (s.splat(4.25), s.splat(5.25), s.splat(1.25));
        let (four, five) = (s.splat(4.0), s.splat(5.0));
        let even1 = s.neg_mul_add(a, d[4], s.add(d[2], d[6]));
        let odd1 = s.neg_mul_add(a, d[3], s.add(d[1], d[5]));
        let even2 = s.neg_mul_add(c, d[4], s.mul_add(quarter, d[2], d[6]));
        let odd2 = s.neg_mul_add(c, d[3], s.mul_add(quarter, d[1], d[5]));
        let even3 = s.neg_mul_add(five, d[4], s.mul_add(four, d[2], d[6]));
        let odd3 = s.neg_mul_add(five, d[3], s.mul_add(four, d[1], d[5]));
        [
            s.mul_add(b, s.sub(d[4], d[2]), s.sub(d[0], d[6])),
            s.add(even1, odd1),
            s.sub(even1, odd1),
            s.mul_add(two, odd2, even2),
            s.neg_mul_add(two, odd2, even2),
            s.mul_add(half, odd3, even3),
            s.neg_mul_add(half, odd3, even3),
            s.mul_add(b, s.sub(d[3], d[5]), s.sub(d[7], d[1])),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::V; 8]) -> [S::V; 6] {
        let (sum1, difference1) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (sum2, difference2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        let (sum3, difference3) = (s.add(m[5], m[6]), s.sub(m[5], m[6]));
        // `one` + 2^n `two` + 2^-n `half`
        let at = |n: u8, one: S::V, two: S::V, half: S::V| {
            let power = f32::from(1_u8 << n);
            s.mul_add(s.splat(power), two, s.mul_add(s.splat(1.0 / power), half, one))
        };
        [
            s.add(s.add(m[0], sum1), s.add(sum2, sum3)),
            at(1, difference1, difference2, difference3),
            at(2, sum1, sum2, sum3),
            at(3, difference1, difference2, difference3),
            at(4, sum1, sum2, sum3),
            at(5, s.add(difference1, m[7]), difference2, difference3),
        ]
    }

    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; 8] {
        let ninth = s.splat(-2.0 / 9.0);
        let outer = s.add(g[0], g[2]);
        let at2 = s.mul_add(s.splat(1.0 / 90.0), g[0], s.mul(s.splat(4.0 / 90.0), g[2]));
        let at_half = s.mul_add(s.splat(32.0 / 45.0), g[0], s.mul(s.splat(8.0 / 45.0), g[2]));
        let (odd2, odd_half) = (s.splat(2.0 / 90.0), s.splat(16.0 / 45.0));
        [
            g[0],
            s.mul(ninth, s.add(outer, g[1])),
            s.mul(ninth, s.sub(outer, g[1])),
            s.mul_add(odd2, g[1], at2),
            s.neg_mul_add(odd2, g[1], at2),
            s.mul_add(odd_half, g[1], at_half),
            s.neg_mul_add(odd_half, g[1], at_half),
            g[2],
        ]
    }
}
