//! What happens to a convolution's sums before they are stored.

use crate::Pooling;
use crate::simd::{GROUP, Simd};

/// The last act of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish {
    /// Forward: add the bias, apply the ReLU if asked, store the map.
    Map {
        /// Whether to apply the ReLU.
        relu: bool,
    },
    /// Forward: add the bias, apply the ReLU, pool; the map itself is never stored.
    Pool {
        /// Which pooling.
        pooling: Pooling,
        /// Which of four inputs the gradient will go to, one byte a pooled value.
        routing: *mut u8,
    },
    /// Backward: add the derivatives that enter here, then let through what the ReLU let through.
    Gradient {
        /// Derivative of a feature map, laid out as the output; may be null.
        added: *const f32,
        /// The ReLU's output here, laid out as the output; null where no ReLU is (pooled maps).
        mask: *const f32,
    },
}

/// How and where a convolution's result is stored.
///
/// `bias` is null or valid for the output's channels; `out` and the pointers of `finish` are valid for the
/// whole output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogue {
    pub(crate) finish: Finish,
    /// Added to every position: the bias, or the derivative with respect to the mean.
    pub(crate) bias: *const f32,
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
            match self.finish {
                Finish::Map { relu: true } => value = s.relu(value),
                Finish::Gradient { added, mask } => {
                    if !added.is_null() {
                        value = s.add(value, s.load(added.add(offset)));
                    }
                    if !mask.is_null() {
                        value = s.passing(value, s.load(mask.add(offset)));
                    }
                }
                Finish::Map { relu: false } | Finish::Pool { .. } => {}
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
    pub(crate) unsafe fn store_pool<S: Simd>(
        &self,
        s: S,
        (pooling, routing): (Pooling, *mut u8),
        sums: [S::V; 4],
        bias: S::V,
        offset: usize,
    ) {
        let outputs = sums.map(|sum| s.relu(s.add(sum, bias)));
        // SAFETY: the caller's promise.
        unsafe {
            let routing = routing.add(offset);
            let pooled = match pooling {
                Pooling::Max => s.pool_max(outputs, routing),
                Pooling::Average => s.pool_average(outputs, routing),
            };
            s.store(self.out.add(offset), pooled);
        }
    }
}

/// Outputs from this size on are streamed: they would throw everything else out of the caches.
const STREAMED_BYTES: usize = 28 << 20;

/// Whether an output of so many floats should be streamed.
pub(crate) fn streams(floats: usize) -> bool {
    floats * size_of::<f32>() > STREAMED_BYTES
}

const _: () = assert!(GROUP == 16, "streamed stores are aligned because a group is a cache line");
