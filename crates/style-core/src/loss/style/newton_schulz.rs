//! Square roots of symmetric positive definite matrices from matrix products alone.

use burn::tensor::Tensor;

/// Steps of the iteration: the ten that bring every eigenvalue above `SMALLEST^2` of the norm to its root, and two
/// that polish. More would let rounding errors grow.
const STEPS: usize = 12;

/// The smallest root, relative to the largest, that the first steps are made for. In `f32` the product of two
/// covariances is not known any better: its rounding errors are about `1e-7`.
const SMALLEST: f64 = 1e-3;

/// The scaled coupled Newton-Schulz iteration: `Y <- Y T`, `Z <- T Z` with `T = s (3 I - s^2 Z Y) / 2`, from
/// `Y = M / n` and `Z = I`, where `n = |M|`, Frobenius. `sqrt(n) Y` goes to the root of `M`, and `Z / sqrt(n)` to its
/// inverse.
///
/// With `s = 1` a small eigenvalue's root grows by 1.5 a step, and twelve steps leave all those under a hundredth
/// of the largest too small: on feature maps the distance then comes out up to 12 % too large, its gradient up to 32 %
/// off, and near the target nothing else is left of it. The scales make that up to 2.5 a step, for the same number of
/// products: 0.1 % and 2 %. Eigenvalues that are smaller still, or that rounding made negative, get roots near zero.
///
/// # Reference
///
/// N. J. Higham, *Functions of Matrices: Theory and Computation*, SIAM 2008, equation 6.35; the scales: J. Chen and
/// E. Chow, *A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian matrix*,
/// 2014.
#[derive(Debug)]
pub(super) struct Roots {
    y: Tensor<3>,
    z: Tensor<3>,
    /// `sqrt(n)`, `[batch, 1, 1]`.
    scale: Tensor<3>,
}

impl Roots {
    /// The iteration on a symmetric `matrix` `[batch, C, C]`; differentiable on tracked tensors.
    pub(super) fn new(matrix: Tensor<3>) -> Self {
        let norm = matrix.clone().square().sum_dim(2).sum_dim(1).sqrt();
        let identity = identity(&matrix);
        // s (3 I - s^2 Z Y) / 2
        let factor = |s: f32, product: Tensor<3>| {
            identity.clone().mul_scalar(1.5 * s) - product.mul_scalar(0.5 * s.powi(3))
        };
        let (mut y, mut z) = (matrix / norm.clone(), identity.clone());
        for (step, s) in scales().into_iter().enumerate() {
            // Z begins as the identity, so the first step needs one product of the three.
            let product = if step == 0 { y.clone() } else { z.clone().matmul(y.clone()) };
            let t = factor(s, product);
            y = symmetric(y.matmul(t.clone()));
            z = if step == 0 { t } else { symmetric(t.matmul(z)) };
        }
        Self { y, z, scale: norm.sqrt() }
    }

    /// The root.
    pub(super) fn root(self) -> Tensor<3> {
        self.y * self.scale
    }

    /// The root's diagonal, `[batch, C, 1]`.
    pub(super) fn diagonal_of_root(&self) -> Tensor<3> {
        diagonal(self.y.clone()) * self.scale.clone()
    }

    /// The inverse of the root.
    pub(super) fn inverse(self) -> Tensor<3> {
        self.z / self.scale
    }
}

/// The scales of the steps: the best for roots in `[l, 1]`, but never above the bound that keeps the iteration stable.
fn scales() -> [f32; STEPS] {
    let mut smallest = SMALLEST;
    std::array::from_fn(|_| {
        let scale = (3.0 / (1.0 + smallest + smallest * smallest)).sqrt().min(1.6977);
        let after = |root: f64| 0.5 * scale * root * (3.0 - (scale * root).powi(2));
        smallest = after(smallest).min(after(1.0));
        scale as f32
    })
}

/// Without the part that rounding errors add to a symmetric matrix.
fn symmetric(matrix: Tensor<3>) -> Tensor<3> {
    (matrix.clone() + matrix.transpose()).mul_scalar(0.5)
}

/// `[1, C, C]` like `matrix`, on its device without autodiff.
pub(super) fn identity(matrix: &Tensor<3>) -> Tensor<3> {
    let device = matrix.device().without_autodiff();
    Tensor::<2>::eye(matrix.dims()[1], &device).unsqueeze()
}

/// The entries of the diagonal of `[batch, C, C]`, as `[batch, C, 1]`.
pub(super) fn diagonal(matrix: Tensor<3>) -> Tensor<3> {
    let identity = identity(&matrix);
    (matrix * identity).sum_dim(2)
}
