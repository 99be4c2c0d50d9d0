//! AVX2 with FMA: a group of channels is two registers.

use core::arch::x86_64::{
    __m128i, __m256, _CMP_GT_OQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _MM_HINT_T0, _mm_loadl_epi64, _mm_packus_epi16,
    _mm_packus_epi32, _mm_prefetch, _mm_storel_epi64, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256,
    _mm256_andnot_ps, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_cmp_ps, _mm256_cmpeq_epi32, _mm256_cvtepu8_epi32, _mm256_div_ps, _mm256_extracti128_si256,
    _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_or_ps,
    _mm256_or_si256, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_stream_ps, _mm256_sub_ps,
};

use super::{Kernel, Simd};

/// Proof that AVX2 and FMA are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Narrows eight small integers to bytes and stores them.
    ///
    /// # Safety
    /// `p` is valid for writing 8 bytes.
    #[inline(always)]
    #[allow(clippy::cast_ptr_alignment, clippy::unused_self)] // unaligned store; the token is the proof
    unsafe fn store_bytes(self, p: *mut u8, v: core::arch::x86_64::__m256i) {
        // SAFETY: the token proves AVX2; the caller vouches for `p`.
        unsafe {
            let words = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(p.cast::<__m128i>(), _mm_packus_epi16(words, words));
        }
    }
}

/// Compiles `kernel` with AVX2 and FMA.
///
/// # Safety
/// As [`Kernel::run`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(token: Avx2, kernel: K) {
    // SAFETY: the caller's promise.
    unsafe { kernel.run(token) }
}

// SAFETY of every block below: `self` was made by `detect`, so the instructions exist; memory is touched
// only as far as the trait's contract allows.
#[allow(clippy::cast_ptr_alignment)] // loads and stores of bytes are unaligned ones
impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m256) {
        // SAFETY: see above the impl.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn stream(self, p: *mut f32, v: __m256) {
        // SAFETY: see above the impl.
        unsafe { _mm256_stream_ps(p, v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, v: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_sqrt_ps(v) }
    }
    #[inline(always)]
    fn relu(self, v: __m256) -> __m256 {
        // `max` returns its second operand when one is NaN.
        // SAFETY: see above the impl.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), v) }
    }
    #[inline(always)]
    fn passing(self, v: __m256, y: __m256) -> __m256 {
        // SAFETY: see above the impl.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(y, _mm256_setzero_ps()), v) }
    }
    #[inline(always)]
    unsafe fn pool_max(self, v: [__m256; 4], routing: *mut u8) -> __m256 {
        // SAFETY: see above the impl.
        unsafe {
            let (mut largest, mut bits) = (v[0], _mm256_castsi256_ps(_mm256_set1_epi32(1)));
            for (i, &candidate) in v.iter().enumerate().skip(1) {
                let wins = _mm256_or_ps(
                    _mm256_cmp_ps::<_CMP_GT_OQ>(candidate, largest),
                    _mm256_cmp_ps::<_CMP_UNORD_Q>(candidate, candidate),
                );
                largest = _mm256_blendv_ps(largest, candidate, wins);
                bits = _mm256_blendv_ps(bits, _mm256_castsi256_ps(_mm256_set1_epi32(1 << i)), wins);
            }
            let positive = _mm256_cmp_ps::<_CMP_NLE_UQ>(largest, _mm256_setzero_ps());
            self.store_bytes(routing, _mm256_castps_si256(_mm256_and_ps(positive, bits)));
            largest
        }
    }
    #[inline(always)]
    unsafe fn pool_average(self, v: [__m256; 4], routing: *mut u8) -> __m256 {
        // SAFETY: see above the impl.
        unsafe {
            let mut bits = _mm256_setzero_si256();
            for (i, &y) in v.iter().enumerate() {
                let passes = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_NLE_UQ>(y, _mm256_setzero_ps()));
                bits = _mm256_or_si256(bits, _mm256_and_si256(passes, _mm256_set1_epi32(1 << i)));
            }
            self.store_bytes(routing, bits);
            let sum = self.add(self.add(v[0], v[1]), self.add(v[2], v[3]));
            self.mul(sum, self.splat(0.25))
        }
    }
    #[inline(always)]
    unsafe fn routed(self, v: __m256, routing: *const u8, bit: u8) -> __m256 {
        // SAFETY: see above the impl.
        unsafe {
            let bit = _mm256_set1_epi32(i32::from(bit));
            let bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(routing.cast::<__m128i>()));
            let others = _mm256_cmpeq_epi32(_mm256_and_si256(bytes, bit), _mm256_setzero_si256());
            _mm256_andnot_ps(_mm256_castsi256_ps(others), v)
        }
    }
    #[inline(always)]
    fn prefetch(self, p: *const f32) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast::<i8>()) }
    }
}
