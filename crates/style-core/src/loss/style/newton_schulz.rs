//! Square roots of symmetric positive definite matrices from matrix products alone.

use burn::tensor::Tensor;

/// Steps of third degree, then of fifth. An eigenvalue that rounding made negative grows by 6.5 in each of the former and
/// must stay above -1, relative to the norm: with four steps that is right down to -5e-4. They are cheaper, and faster.
const CUBIC: usize = 4;
/// As many as bring every root above [`SMALLEST`] to one within `1e-9`, which makes the derivative right as well.
const QUINTIC: usize = 11;

/// The smallest root, relative to the largest, that the steps are made for. In `f32` the product of two covariances is
/// not known any better: its rounding errors are about `1e-7`.
const SMALLEST: f64 = 3e-4;

/// The scaled coupled Newton-Schulz iteration: `Y <- Y T`, `Z <- T Z`, from `Y = M / n` and `Z = I`, where `n = |M|`,
/// Frobenius. With `P = Z Y`, whose eigenvalues go to one,
///
/// `T = s (3 I - s^2 P) / 2`, and from the fifth step on `T = s (5 I - s^4 P^2) / 4`.
///
/// `sqrt(n) Y` goes to the root of `M`, and `Z / sqrt(n)` to its inverse.
///
/// The scales `s` make small roots grow by up to 2.5 a step, and by 1.8 later. With `s = 1` it is 1.5, and twelve steps
/// leave all roots under a hundredth of the largest too small: on feature maps the distance then comes out up to 12 % too
/// large, its gradient up to 32 % off.
///
/// Covariances that were taken as a difference have negative eigenvalues where rounding errors are larger than what
/// they should be. Third degree lets these grow beyond bounds, sooner or later. The fifth, Newton's step for `x^-4 = 1`,
/// cannot tell -1 from 1, and stays there: the root of a negative eigenvalue comes out as `-sqrt(|x|)`, its inverse as
/// `1 / sqrt(|x|)`, as small and as large as that of a positive one.
///
/// # Reference
///
/// N. J. Higham, *Functions of Matrices: Theory and Computation*, SIAM 2008, equation 6.35; the scales of the third
/// degree: J. Chen and E. Chow, *A stable scaling of Newton-Schulz for improving the sign function computation of a
/// Hermitian matrix*, 2014. The second half is ours.
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
        let norm = norm(matrix.clone());
        let identity = identity(&matrix);
        let (mut y, mut z) = (matrix / norm.clone(), identity.clone());
        for (index, Step { of_identity, of_power, squared }) in steps().into_iter().enumerate() {
            // Z begins as the identity, so the first step needs one product of the three.
            let product = if index == 0 { y.clone() } else { z.clone().matmul(y.clone()) };
            let power = if squared { product.clone().matmul(product) } else { product };
            let t = identity.clone().mul_scalar(of_identity) - power.mul_scalar(of_power);
            y = symmetric(y.matmul(t.clone()));
            z = if index == 0 { t } else { symmetric(t.matmul(z)) };
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

/// `T = of_identity I - of_power P`, or `P^2` instead of `P`.
#[derive(Debug, Clone, Copy)]
struct Step {
    of_identity: f32,
    of_power: f32,
    squared: bool,
}

/// The steps with the best scales for roots in `[l, 1]`, those that take `l` and 1 to the same root, but never above the
/// bound that keeps the iteration stable.
fn steps() -> [Step; CUBIC + QUINTIC] {
    let mut smallest = SMALLEST;
    std::array::from_fn(|index| {
        let squared = index >= CUBIC;
        // x (d - x^(d - 1)) / (d - 1), of degree d.
        let (degree, most) = if squared { (5, 1.45) } else { (3, 1.6977) };
        let (d, less) = (f64::from(degree), f64::from(degree - 1));
        let sum: f64 = (0..degree).map(|power| smallest.powi(power)).sum();
        let scale = (d / sum).powf(less.recip()).min(most);
        let after = |root: f64| scale * root * (d - (scale * root).powi(degree - 1)) / less;
        smallest = after(smallest).min(after(1.0));
        Step { of_identity: (scale * d / less) as f32, of_power: (scale.powi(degree) / less) as f32, squared }
    })
}

/// Without the part that rounding errors add to a symmetric matrix.
fn symmetric(matrix: Tensor<3>) -> Tensor<3> {
    (matrix.clone() + matrix.transpose()).mul_scalar(0.5)
}

/// The Frobenius norm, `[batch, 1, 1]`.
pub(super) fn norm(matrix: Tensor<3>) -> Tensor<3> {
    matrix.square().sum_dim(2).sum_dim(1).sqrt()
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::test_support::{relative_error, tensor, values};

    /// `Q diag(eigenvalues) Q`, with the reflection `Q = I - 2 v v^T / |v|^2`.
    fn with_eigenvalues(eigenvalues: &[f32]) -> Tensor<3> {
        let count = eigenvalues.len();
        let v = tensor::<3>([1, count, 1], 1) - 0.5;
        let outer = v.clone().matmul(v.clone().transpose()) / v.square().sum_dim(1).mul_scalar(0.5);
        let diagonal = Tensor::<1>::from_floats(eigenvalues, &Device::flex()).reshape([1, count, 1]);
        let reflection = identity(&outer) - outer;
        symmetric(reflection.clone().matmul(identity(&reflection) * diagonal).matmul(reflection))
    }

    #[test]
    fn the_root_of_a_matrix_has_the_roots_of_its_eigenvalues() {
        let eigenvalues = [9.0, 4.0, 1.0, 0.25, 1e-2, 1e-4, 1e-5];
        let roots = Roots::new(with_eigenvalues(&eigenvalues));
        let root = with_eigenvalues(&eigenvalues.map(f32::sqrt));
        assert!(relative_error(&values(roots.root()), &values(root)) < 1e-5);
        let roots = Roots::new(with_eigenvalues(&eigenvalues[..5]));
        let inverse = eigenvalues.map(|x| x.sqrt().recip());
        assert!(relative_error(&values(roots.inverse()), &values(with_eigenvalues(&inverse[..5]))) < 1e-4);
    }

    #[test]
    fn eigenvalues_that_rounding_made_negative_do_no_harm() {
        for negative in [-1e-9, -1e-7, -1e-6, -1e-5, -1e-4, -2e-4] {
            let (found, expected) = ([negative, 0.5, 0.25, 1e-3], [0.0, 0.5, 0.25, 1e-3_f32]);
            let roots = Roots::new(with_eigenvalues(&found));
            let trace = values(roots.diagonal_of_root()).iter().sum::<f32>();
            let wanted: f32 = expected.map(f32::sqrt).iter().sum();
            let slack = 1.1 * f32::sqrt(-negative) + 1e-4;
            assert!((trace - wanted).abs() < slack, "{negative}: {trace} {wanted}");
            let largest = values(roots.inverse()).into_iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            assert!(largest < 1e5, "{negative}: {largest}");
        }
    }
}
