//! The three 1-D transforms of F(4, 3).
//!
//! With the evaluation points 0, 1, -1, 2, -2 and infinity, four outputs of a three-tap filter are
//! `A^T [(G g) * (B^T d)]`: six products instead of twelve. In two dimensions every transform is applied to
//! the columns, then to the rows: 36 products instead of 144.
//!
//! # Reference
//!
//! Lavin & Gray 2016, section 4.3; Winograd 1980, chapter V.

use crate::simd::Simd;

/// Outputs of a tile, each way.
pub(crate) const TILE: usize = 4;
/// Inputs of a tile, each way: outputs and a border of one.
pub(crate) const PATCH: usize = TILE + 2;
/// Products of a tile.
pub(crate) const POINTS: usize = PATCH * PATCH;

/// `B^T d`: six inputs at the six points.
#[inline(always)]
pub(super) fn input<S: Simd>(s: S, d: [S::V; PATCH]) -> [S::V; PATCH] {
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

/// `A^T m`: six products to four outputs.
#[inline(always)]
pub(super) fn output<S: Simd>(s: S, m: [S::V; PATCH]) -> [S::V; TILE] {
    let (sum1, difference1) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (sum2, difference2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    [
        s.add(s.add(m[0], sum1), sum2),
        s.mul_add(s.splat(2.0), difference2, difference1),
        s.mul_add(s.splat(4.0), sum2, sum1),
        s.add(s.mul_add(s.splat(8.0), difference2, difference1), m[5]),
    ]
}

/// `G`: the weight of each of three filter taps at the six points.
const FILTER: [[f32; 3]; PATCH] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// `G g` at one point.
#[inline(always)]
pub(super) fn filter_at<S: Simd>(s: S, point: usize, g: [S::V; 3]) -> S::V {
    let [first, second, third] = FILTER[point].map(|weight| s.splat(weight));
    s.mul_add(third, g[2], s.mul_add(second, g[1], s.mul(first, g[0])))
}

/// `G g` at all six points.
#[inline(always)]
pub(super) fn filter<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; PATCH] {
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
