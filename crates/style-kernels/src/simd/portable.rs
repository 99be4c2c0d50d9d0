//! Plain Rust: four floats at a time, which compilers turn into SSE2 or NEON registers.

use core::array::from_fn;

use super::Simd;

/// Needs nothing of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portable;

/// `a * b + c`, in one rounding only where that is one instruction: elsewhere it would be a function call.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

impl Simd for Portable {
    type V = [f32; 4];
    const LANES: usize = 4;
    const ROWS: usize = 6;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for four floats at `p`.
        unsafe { p.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller vouches for four floats at `p`.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn stream(self, p: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller vouches for four floats at `p`.
        unsafe { self.store(p, v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        from_fn(|i| fused(a[i], b[i], c[i]))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        from_fn(|i| fused(-a[i], b[i], c[i]))
    }
    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn sqrt(self, v: [f32; 4]) -> [f32; 4] {
        v.map(f32::sqrt)
    }
    #[inline(always)]
    fn relu(self, v: [f32; 4]) -> [f32; 4] {
        from_fn(|i| if v[i] <= 0.0 { 0.0 } else { v[i] })
    }
    #[inline(always)]
    fn passing(self, v: [f32; 4], y: [f32; 4]) -> [f32; 4] {
        from_fn(|i| if y[i] <= 0.0 { 0.0 } else { v[i] })
    }
    #[inline(always)]
    unsafe fn pool_max(self, v: [[f32; 4]; 4], routing: *mut u8) -> [f32; 4] {
        let (mut largest, mut bits) = (v[0], [1_u8; 4]);
        for (i, candidate) in v.iter().enumerate().skip(1) {
            for lane in 0..4 {
                if candidate[lane] > largest[lane] || candidate[lane].is_nan() {
                    largest[lane] = candidate[lane];
                    bits[lane] = 1 << i;
                }
            }
        }
        let bits: [u8; 4] = from_fn(|lane| if largest[lane] <= 0.0 { 0 } else { bits[lane] });
        // SAFETY: the caller vouches for four bytes at `routing`.
        unsafe { routing.cast::<[u8; 4]>().write_unaligned(bits) }
        largest
    }
    #[inline(always)]
    unsafe fn pool_average(self, v: [[f32; 4]; 4], routing: *mut u8) -> [f32; 4] {
        let passes = |i: usize, lane: usize| if v[i][lane] <= 0.0 { 0 } else { 1_u8 << i };
        let bits: [u8; 4] = from_fn(|lane| (0..4).map(|i| passes(i, lane)).sum());
        // SAFETY: the caller vouches for four bytes at `routing`.
        unsafe { routing.cast::<[u8; 4]>().write_unaligned(bits) }
        from_fn(|lane| ((v[0][lane] + v[1][lane]) + (v[2][lane] + v[3][lane])) * 0.25)
    }
    #[inline(always)]
    unsafe fn routed(self, v: [f32; 4], routing: *const u8, bit: u8) -> [f32; 4] {
        // SAFETY: the caller vouches for four bytes at `routing`.
        let bytes = unsafe { routing.cast::<[u8; 4]>().read_unaligned() };
        from_fn(|lane| if bytes[lane] & bit == 0 { 0.0 } else { v[lane] })
    }
    #[inline(always)]
    fn prefetch(self, _p: *const f32) {}
}
