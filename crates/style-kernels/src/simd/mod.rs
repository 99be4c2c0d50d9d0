//! One abstraction over the instruction sets.
//!
//! Maps are stored in groups of 16 channels, so that every operation works on 16 neighbouring floats: one
//! AVX-512 register, two of AVX2, four of NEON or SSE. A kernel is written once against [`Simd`], whose
//! vectors have [`Simd::LANES`] floats, and repeats itself for the 16 / `LANES` parts of a group.
//!
//! The crate `pulp` has the same shape (a token that proves the instruction set, a generic body) but not
//! the operations this kernel lives on: selecting lanes by a byte per channel, streaming stores, prefetch.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;

use crate::{Isa, KernelError};

/// Channels that lie side by side in memory.
pub(crate) const GROUP: usize = 16;

/// A token for an instruction set. It exists only where the instructions do, which is what makes the
/// arithmetic below safe to call.
pub(crate) trait Simd: Copy {
    /// A register of floats.
    type V: Copy;
    /// Floats in a register; divides [`GROUP`].
    const LANES: usize;
    /// Most rows of the matrix kernel, such that rows x 2 accumulators stay in registers.
    const ROWS: usize;
    /// Registers that a group of channels takes.
    const PARTS: usize = GROUP / Self::LANES;

    /// Reads `LANES` floats.
    ///
    /// # Safety
    /// `p` is valid for reading `LANES` floats; no alignment is needed.
    unsafe fn load(self, p: *const f32) -> Self::V;
    /// Writes `LANES` floats.
    ///
    /// # Safety
    /// `p` is valid for writing `LANES` floats; no alignment is needed.
    unsafe fn store(self, p: *mut f32, v: Self::V);
    /// Writes `LANES` floats past the caches, where the machine can.
    ///
    /// # Safety
    /// As [`Simd::store`], and `p` is aligned to the register. [`fence`] must run on the same thread before
    /// others read.
    unsafe fn stream(self, p: *mut f32, v: Self::V);
    /// The same value in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root, NaN of negative numbers.
    fn sqrt(self, v: Self::V) -> Self::V;
    /// `max(v, 0)`, and NaN where `v` is NaN.
    fn relu(self, v: Self::V) -> Self::V;
    /// `v` where the ReLU output `y` passes a gradient (not `y <= 0`, so NaN passes), 0 elsewhere.
    fn passing(self, v: Self::V, y: Self::V) -> Self::V;
    /// The largest of four ReLU outputs (NaN counts as largest), and per lane a byte with bit `i` set where
    /// the gradient goes to input `i`: the first largest if it is positive, else none.
    ///
    /// # Safety
    /// `routing` is valid for writing `LANES` bytes.
    unsafe fn pool_max(self, v: [Self::V; 4], routing: *mut u8) -> Self::V;
    /// The mean of four ReLU outputs, and per lane a byte with bit `i` set where input `i` passes.
    ///
    /// # Safety
    /// `routing` is valid for writing `LANES` bytes.
    unsafe fn pool_average(self, v: [Self::V; 4], routing: *mut u8) -> Self::V;
    /// `v` in the lanes whose byte has a bit of `bit` set, 0 elsewhere.
    ///
    /// # Safety
    /// `routing` is valid for reading `LANES` bytes.
    unsafe fn routed(self, v: Self::V, routing: *const u8, bit: u8) -> Self::V;
    /// Asks for the cache line at `p`, which may be any address.
    fn prefetch(self, p: *const f32);
}

/// Work that is written once and compiled for every instruction set.
///
/// Implementations are `#[inline(always)]`, so that they become part of the function that enables the
/// instructions.
pub(crate) trait Kernel {
    /// Does the work.
    ///
    /// # Safety
    /// The pointers and sizes in `self` keep what its documentation promises.
    unsafe fn run<S: Simd>(self, simd: S);
}

/// An instruction set that this machine was found to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    Portable(portable::Portable),
}

impl Level {
    /// The instruction set asked for, if this machine has it.
    pub(crate) fn detect(isa: Isa) -> Result<Self, KernelError> {
        let isa = isa.or_environment()?;
        #[cfg(target_arch = "x86_64")]
        {
            if matches!(isa, Isa::Auto | Isa::Avx512)
                && let Some(token) = avx512::Avx512::detect()
            {
                return Ok(Self::Avx512(token));
            }
            if matches!(isa, Isa::Auto | Isa::Avx2)
                && let Some(token) = avx2::Avx2::detect()
            {
                return Ok(Self::Avx2(token));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if matches!(isa, Isa::Auto | Isa::Neon)
            && let Some(token) = neon::Neon::detect()
        {
            return Ok(Self::Neon(token));
        }
        match isa {
            Isa::Auto | Isa::Portable => Ok(Self::Portable(portable::Portable)),
            Isa::Avx512 | Isa::Avx2 | Isa::Neon => Err(KernelError::IsaUnavailable(isa)),
        }
    }

    /// Its public name.
    pub(crate) fn isa(self) -> Isa {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Isa::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Isa::Avx2,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Isa::Neon,
            Self::Portable(_) => Isa::Portable,
        }
    }

    /// Most rows of the matrix kernel.
    pub(crate) fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => avx512::Avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => avx2::Avx2::ROWS,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => neon::Neon::ROWS,
            Self::Portable(_) => portable::Portable::ROWS,
        }
    }

    /// Runs a kernel with these instructions.
    ///
    /// # Safety
    /// As [`Kernel::run`].
    pub(crate) unsafe fn run(self, kernel: impl Kernel) {
        // SAFETY: the tokens prove the instruction sets; the rest is the caller's promise.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512(token) => avx512::run(token, kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2(token) => avx2::run(token, kernel),
                #[cfg(target_arch = "aarch64")]
                Self::Neon(token) => neon::run(token, kernel),
                Self::Portable(token) => kernel.run(token),
            }
        }
    }
}

/// Makes streamed stores of this thread visible to others.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}
