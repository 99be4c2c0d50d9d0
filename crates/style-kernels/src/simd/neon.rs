//! NEON of 64-bit ARM: a group of channels is four registers.

use core::arch::aarch64::{
    float32x4_t, uint32x4_t, vaddq_f32, vandq_u32, vbicq_u32, vbslq_f32, vbslq_u32, vceqq_f32, vcgtq_f32,
    vclezq_f32, vcombine_u16, vcreate_u8, vdivq_f32, vdupq_n_f32, vdupq_n_u32, vfmaq_f32, vfmsq_f32,
    vget_lane_u32, vget_low_u16, vld1q_f32, vmaxq_f32, vmovl_u8, vmovl_u16, vmovn_u16, vmovn_u32, vmulq_f32,
    vornq_u32, vorrq_u32, vreinterpret_u32_u8, vreinterpretq_f32_u32, vreinterpretq_u32_f32, vsqrtq_f32,
    vst1q_f32, vsubq_f32, vtstq_u32,
};

use super::{Kernel, Simd};

/// Proof that NEON is there, and that numbers start with their lowest byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        // Bytes for four lanes are read and written as one number.
        (cfg!(target_endian = "little") && std::arch::is_aarch64_feature_detected!("neon"))
            .then_some(Self(()))
    }

    /// Narrows four small integers to bytes and stores them.
    ///
    /// # Safety
    /// `p` is valid for writing 4 bytes.
    #[inline(always)]
    #[allow(clippy::cast_ptr_alignment, clippy::unused_self)] // unaligned store; the token is the proof
    unsafe fn store_bytes(self, p: *mut u8, v: uint32x4_t) {
        // SAFETY: the token proves NEON; the caller vouches for `p`.
        unsafe {
            let words = vmovn_u32(v);
            let bytes = vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words)));
            p.cast::<u32>().write_unaligned(vget_lane_u32::<0>(bytes));
        }
    }
}

/// Compiles `kernel` with NEON.
///
/// # Safety
/// As [`Kernel::run`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn run<K: Kernel>(token: Neon, kernel: K) {
    // SAFETY: the caller's promise.
    unsafe { kernel.run(token) }
}

// SAFETY of every block below: `self` was made by `detect`, so the instructions exist; memory is touched
// only as far as the trait's contract allows.
#[allow(clippy::cast_ptr_alignment)] // bytes are read and written unaligned
impl Simd for Neon {
    type V = float32x4_t;
    const LANES: usize = 4;
    const ROWS: usize = 10;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: float32x4_t) {
        // SAFETY: see above the impl.
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    unsafe fn stream(self, p: *mut f32, v: float32x4_t) {
        // SAFETY: see above the impl.
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn neg_mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vfmsq_f32(c, a, b) }
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, v: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vsqrtq_f32(v) }
    }
    #[inline(always)]
    fn relu(self, v: float32x4_t) -> float32x4_t {
        // `max` returns NaN when either operand is one.
        // SAFETY: see above the impl.
        unsafe { vmaxq_f32(v, vdupq_n_f32(0.0)) }
    }
    #[inline(always)]
    fn passing(self, v: float32x4_t, y: float32x4_t) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe { vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vclezq_f32(y))) }
    }
    #[inline(always)]
    unsafe fn pool_max(self, v: [float32x4_t; 4], routing: *mut u8) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe {
            let (mut largest, mut bits) = (v[0], vdupq_n_u32(1));
            for (i, &candidate) in v.iter().enumerate().skip(1) {
                // Greater, or not equal to itself.
                let wins = vornq_u32(vcgtq_f32(candidate, largest), vceqq_f32(candidate, candidate));
                largest = vbslq_f32(wins, candidate, largest);
                bits = vbslq_u32(wins, vdupq_n_u32(1 << i), bits);
            }
            self.store_bytes(routing, vbicq_u32(bits, vclezq_f32(largest)));
            largest
        }
    }
    #[inline(always)]
    unsafe fn pool_average(self, v: [float32x4_t; 4], routing: *mut u8) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe {
            let mut bits = vdupq_n_u32(0);
            for (i, &y) in v.iter().enumerate() {
                bits = vorrq_u32(bits, vbicq_u32(vdupq_n_u32(1 << i), vclezq_f32(y)));
            }
            self.store_bytes(routing, bits);
            let sum = self.add(self.add(v[0], v[1]), self.add(v[2], v[3]));
            self.mul(sum, self.splat(0.25))
        }
    }
    #[inline(always)]
    unsafe fn routed(self, v: float32x4_t, routing: *const u8, bit: u8) -> float32x4_t {
        // SAFETY: see above the impl.
        unsafe {
            let bytes = vcreate_u8(u64::from(routing.cast::<u32>().read_unaligned()));
            let bytes = vmovl_u16(vget_low_u16(vmovl_u8(bytes)));
            let selected = vtstq_u32(bytes, vdupq_n_u32(u32::from(bit)));
            vreinterpretq_f32_u32(vandq_u32(selected, vreinterpretq_u32_f32(v)))
        }
    }
    #[inline(always)]
    fn prefetch(self, _p: *const f32) {
        // The intrinsic is not stable, and inline assembly keeps the compiler from pairing loads: the matrix
        // kernel would take a fifth more instructions.
    }
}
