//! What happens to a convolution's sums before they are stored.

use crate::Pooling;
use crate::pool::Pool;
use crate::simd::{GROUP, Simd};

/// What is done to a convolution's sums, and where they are stored.
///
/// `bias` is null or valid for the output's channels; `out` and the other pointers are null or valid for the
/// whole output. Plain fields, all of them always set, because kernels test them ahead of their loops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogue {
    /// Added to every position: the bias, or the derivative with respect to the mean; may be null.
    pub(crate) bias: *const f32,
    /// Forward: whether to apply the ReLU.
    pub(crate) relu: bool,
    /// Forward: how to pool; the map itself is then never stored.
    pub(crate) pool: Pool,
    /// Forward: which of four inputs the gradient will go to, a byte for a pooled value; null for no pooling.
    pub(crate) routing: *mut u8,
    /// Backward: the derivative of a feature map, which is added; may be null.
    pub(crate) added: *const f32,
    /// Backward: the ReLU's output, which masks the gradient; null where no ReLU is (pooled maps).
    pub(crate) mask: *const f32,
    /// `[group][height][width][16]`, or half that size each way when pooled.
    pub(crate) out: *mut f32,
    /// Whether to write past the caches; for outputs that would not stay there anyway.
    pub(crate) stream: bool,
}

// SAFETY: the pointers go to buffers that outlive the call; threads write disjoint tiles of them.
unsafe impl Send for Epilogue {}
// SAFETY: as above.
unsafe impl Sync for Epilogue {}

impl Epilogue {
    /// Stores `floats` sums as they are.
    pub(crate) fn plain(out: *mut f32, floats: usize) -> Self {
        Self {
            bias: std::ptr::null(),
            relu: false,
            pool: Pool { pooling: Pooling::Max, gain: 1.0 },
            routing: std::ptr::null_mut(),
            added: std::ptr::null(),
            mask: std::ptr::null(),
            out,
            stream: streams(floats),
        }
    }

    /// The bias of the lanes from channel `channel` on.
    ///
    /// # Safety
    /// `channel` is a lane of the output.
    #[inline(always)]
    pub(crate) unsafe fn bias<S: Simd>(&self, s: S, channel: usize) -> S::V {
        if self.bias.is_null() {
            s.splat(0.0)
        } else {
            // SAFETY: the bias covers the channels.
            unsafe { s.load(self.bias.add(channel)) }
        }
    }

    /// Finishes and stores one position of a map.
    ///
    /// # Safety
    /// `offset` is the place of `S::LANES` floats of the output.
    #[inline(always)]
    pub(crate) unsafe fn store<S: Simd>(&self, s: S, sum: S::V, bias: S::V, offset: usize) {
        let mut value = s.add(sum, bias);
        // SAFETY: the caller's promise about `offset`, which all these share.
        unsafe {
            if self.relu {
                value = s.relu(value);
            }
            if !self.added.is_null() {
                value = s.add(value, s.load(self.added.add(offset)));
            }
            if !self.mask.is_null() {
                value = s.passing(value, s.load(self.mask.add(offset)));
            }
            if self.stream && S::LANES == GROUP {
                s.stream(self.out.add(offset), value);
            } else {
                s.store(self.out.add(offset), value);
            }
        }
    }

    /// Finishes four neighbours (row by row) and stores their pool.
    ///
    /// # Safety
    /// `offset` is the place of `S::LANES` floats of the pooled output, and of bytes of `routing`.
    #[inline(always)]
    pub(crate) unsafe fn store_pool<S: Simd>(&self, s: S, sums: [S::V; 4], bias: S::V, offset: usize) {
        let outputs = sums.map(|sum| s.relu(s.add(sum, bias)));
        // SAFETY: the caller's promise.
        unsafe {
            let pooled = self.pool.four(s, outputs, self.routing.add(offset));
            s.store(self.out.add(offset), pooled);
        }
    }
}

/// Outputs from this size on are streamed: they would throw everything else out of the caches.
const STREAMED_BYTES: usize = 28 << 20;

/// Whether an output of so many floats should be streamed.
fn streams(floats: usize) -> bool {
    floats * size_of::<f32>() > STREAMED_BYTES
}

const _: () = assert!(GROUP == 16, "streamed stores are aligned because a group is a cache line");
