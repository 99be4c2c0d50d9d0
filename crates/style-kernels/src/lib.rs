//! A fused VGG encoder for frozen weights on the CPU, in plain Rust on slices.
//!
//! Forward gives statistics (mean and Gram matrix) and, where asked, feature maps; backward takes the
//! derivatives of a loss with respect to these and gives the gradient of the picture. In between the
//! encoder keeps its own layout, and no tape is recorded.
//!
//! ```text
//!  image ──> conv, ReLU ──> conv, ReLU, pool ──> ... ──> conv, ReLU      maps: [channel / 16][y][x][16]
//!  planes        │ tap            (fused)                    │ tap
//!                v                                           v
//!          mean, Gram, maps                            mean, Gram, maps  planes
//!                │ derivatives of a loss                     │
//!  gradient <────┴────────────────── ... <───────────────────┘
//! ```
//!
//! Convolutions after the first are computed by Winograd's minimal filtering (Lavin & Gray 2016, "Fast
//! Algorithms for Convolutional Neural Networks"), with AVX-512, AVX2, NEON or plain Rust, whichever the
//! machine has. Work is divided among the threads of the rayon pool in which a method is called; results
//! have the same bytes for any number of them. `docs/cpu-kernel.md` in the repository tells how it works.
//!
//! ```
//! use style_kernels::{Convolution, Derivative, Encoder, Options, Tap};
//!
//! let (weight, bias) = (vec![0.1; 4 * 3 * 9], vec![0.0; 4]);
//! let network = [Convolution { inputs: 3, outputs: 4, weight: &weight, bias: &bias, pooled: false }];
//! let encoder = Encoder::new(&network, &Options::default())?;
//! let mut plan = encoder.plan(1, 8, 8, &[Tap::statistics(0)])?;
//! plan.forward(&[0.5; 3 * 8 * 8])?;
//! let derivative: Vec<f32> = plan.gram(0)?.iter().map(|g| 2.0 * g).collect(); // of the sum of squares
//! let mut gradient = [0.0; 3 * 8 * 8];
//! plan.backward(&[Derivative::Gram { convolution: 0, values: &derivative }], &mut gradient)?;
//! assert!(gradient.iter().all(|g| *g > 0.0));
//! # Ok::<(), style_kernels::KernelError>(())
//! ```

mod conv3x3;
mod convolution;
mod direct;
mod encoder;
mod epilogue;
mod error;
mod filters;
mod first;
mod gemm;
mod gram;
mod grid;
mod layout;
mod memory;
mod network;
mod parallel;
mod plan;
mod pool;
mod simd;
mod tap;
mod winograd;

pub use conv3x3::Conv3x3;
pub use encoder::Encoder;
pub use error::KernelError;
pub use network::{Algorithm, Convolution, Isa, Options, Padding, Pooling};
pub use parallel::{start_threads, threads, wait_for_threads};
pub use plan::Plan;
pub use tap::{Derivative, Output, Tap};
