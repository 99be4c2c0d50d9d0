//! AVX-512: a group of channels is one register.

use core::arch::x86_64::{
    __m128i, __m512, _CMP_GT_OQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _MM_HINT_T0, _mm_loadu_si128, _mm_mask_mov_epi8,
    _mm_maskz_mov_epi8, _mm_prefetch, _mm_set1_epi8, _mm_setzero_si128, _mm_storeu_si128, _mm_test_epi8_mask,
    _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps,
    _mm512_mask_mov_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_sqrt_ps, _mm512_storeu_ps, _mm512_stream_ps, _mm512_sub_ps,
};

use super::{Kernel, Simd};

/// Proof that AVX-512 F, VL, BW and DQ are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }
}

/// Compiles `kernel` with AVX-512.
///
/// # Safety
/// As [`Kernel::run`].
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(token: Avx512, kernel: K) {
    // SAFETY: the caller's promise.
    unsafe { kernel.run(token) }
}

// SAFETY of every block below: `self` was made by `detect`, so the instructions exist; memory is touched
// only as far as the trait's contract allows.
#[allow(clippy::cast_ptr_alignment)] // loads and stores of bytes are unaligned ones
impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 14;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m512) {
        // SAFETY: see above the impl.
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn stream(self, p: *mut f32, v: __m512) {
        // SAFETY: see above the impl.
        unsafe { _mm512_stream_ps(p, v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, v: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_sqrt_ps(v) }
    }
    #[inline(always)]
    fn relu(self, v: __m512) -> __m512 {
        // `max` returns its second operand when one is NaN.
        // SAFETY: see above the impl.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), v) }
    }
    #[inline(always)]
    fn passing(self, v: __m512, y: __m512) -> __m512 {
        // SAFETY: see above the impl.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(y, _mm512_setzero_ps()), v) }
    }
    #[inline(always)]
    unsafe fn pool_max(self, v: [__m512; 4], routing: *mut u8) -> __m512 {
        // SAFETY: see above the impl.
        unsafe {
            let (mut largest, mut bits) = (v[0], _mm_set1_epi8(1));
            for (i, &candidate) in v.iter().enumerate().skip(1) {
                let wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(candidate, largest)
                    | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(candidate, candidate);
                largest = _mm512_mask_mov_ps(largest, wins, candidate);
                bits = _mm_mask_mov_epi8(bits, wins, _mm_set1_epi8(1 << i));
            }
            let positive = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(largest, _mm512_setzero_ps());
            _mm_storeu_si128(routing.cast::<__m128i>(), _mm_maskz_mov_epi8(positive, bits));
            largest
        }
    }
    #[inline(always)]
    unsafe fn pool_average(self, v: [__m512; 4], routing: *mut u8) -> __m512 {
        // SAFETY: see above the impl.
        unsafe {
            let mut bits = _mm_setzero_si128();
            for (i, &y) in v.iter().enumerate() {
                let passes = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(y, _mm512_setzero_ps());
                let with = core::arch::x86_64::_mm_or_si128(bits, _mm_set1_epi8(1 << i));
                bits = _mm_mask_mov_epi8(bits, passes, with);
            }
            _mm_storeu_si128(routing.cast::<__m128i>(), bits);
            let sum = self.add(self.add(v[0], v[1]), self.add(v[2], v[3]));
            self.mul(sum, self.splat(0.25))
        }
    }
    #[inline(always)]
    unsafe fn routed(self, v: __m512, routing: *const u8, bit: u8) -> __m512 {
        // SAFETY: see above the impl.
        unsafe {
            let bytes = _mm_loadu_si128(routing.cast::<__m128i>());
            _mm512_maskz_mov_ps(_mm_test_epi8_mask(bytes, _mm_set1_epi8(bit as i8)), v)
        }
    }
    #[inline(always)]
    fn prefetch(self, p: *const f32) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast::<i8>()) }
    }
}
